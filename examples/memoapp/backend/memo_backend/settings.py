"""What the environment says, checked once at start."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

_PORTS = range(1, 65536)
_NUMBERED = re.compile(r"(crash-after|errors|slow|slow-query)-([0-9]{1,6})(s|%|ms)")
_UNITS = {"crash-after": "s", "errors": "%", "slow": "ms", "slow-query": "ms"}
_MOST = {"crash-after": 999_999, "errors": 100, "slow": 60_000, "slow-query": 4000}
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,62}")


class Fault(StrEnum):
    """A way in which this version is bad, for tests and demonstrations of releases."""

    NONE = ""
    NEVER_HEALTHY = "never-healthy"  # the health path answers 503 for ever
    ERRORS = "errors"  # some percent of the calls of the memo API answer 500: errors-10%
    SLOW = "slow"  # every call of the memo API takes some milliseconds longer: slow-1500ms
    SLOW_QUERY = "slow-query"  # every reading takes some milliseconds longer in the database: slow-query-1500ms
    MIGRATION_FAILS = "migration-fails"  # the migration ends in error once its work is done
    MIGRATION_HANGS = "migration-hangs"  # it does not end for an hour
    MIGRATION_DESTROYS = "migration-destroys"  # it takes away what the version before reads
    CRASH = "crash-after"  # the process ends in error some seconds after its start: crash-after-20s


_PLAIN = tuple(fault.value for fault in Fault if fault.value not in _UNITS)


class SettingsError(ValueError):
    """The environment holds a value that cannot be used. The message is one line and names the variable."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration. `redis_url` None: no cache."""

    database_url: str
    redis_url: str | None
    port: int
    version: str
    colour: str | None
    fault: Fault
    amount: int = 0
    """How much of the fault: seconds until the crash, percent of errors, milliseconds of delay."""


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Read the configuration.

    Raises:
        SettingsError: a variable is missing or has a value that cannot be used.
    """
    fault, amount = _fault(environment.get("FAULT", ""))
    return Settings(
        database_url=_url(environment, "DATABASE_URL", ("postgresql", "postgres")),
        redis_url=_url(environment, "REDIS_URL", ("redis", "rediss", "unix")) if environment.get("REDIS_URL") else None,
        port=_port(environment.get("PORT") or "3001"),
        version=_word(environment, "MEMO_VERSION") or "0.0.0",
        colour=_word(environment, "MEMO_COLOUR"),
        fault=fault,
        amount=amount,
    )


def _url(environment: Mapping[str, str], name: str, schemes: tuple[str, ...]) -> str:
    """An address. Its text is in no message: it may hold a password."""
    value = environment.get(name, "")
    if value.partition("://")[0] not in schemes:
        raise SettingsError(f"{name} must be an address that begins with {schemes[0]}://")
    return value


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) not in _PORTS:
        raise SettingsError(f"PORT must be a number from 1 to 65535, not {text!r}")
    return int(text)


def _word(environment: Mapping[str, str], name: str) -> str | None:
    """A value that goes into a response header."""
    value = environment.get(name, "")
    if value and not _WORD.fullmatch(value):
        raise SettingsError(f"{name} must be a word of letters, digits and ._+-, not {value!r}")
    return value or None


def _fault(text: str) -> tuple[Fault, int]:
    """The fault, and how much of it."""
    found = _NUMBERED.fullmatch(text)
    if found and found[3] == _UNITS[found[1]] and 1 <= int(found[2]) <= _MOST[found[1]]:
        return Fault(found[1]), int(found[2])
    if text in _PLAIN:
        return Fault(text), 0
    known = ", ".join(
        [*(fault for fault in _PLAIN if fault), "crash-after-<n>s", "errors-<n>%", "slow-<n>ms", "slow-query-<n>ms"]
    )
    raise SettingsError(f"FAULT {text!r} is not known; there are: {known}")
