"""What the backend reads from its environment, and what it refuses."""

import pytest

from examples.memoapp.backend.memo_backend.settings import Fault, Settings, SettingsError, settings_from

DATABASE = {"DATABASE_URL": "postgresql://memo_user:hidden@db:5432/memo_app"}


def test_the_database_alone_is_enough() -> None:
    assert settings_from(DATABASE) == Settings(
        database_url=DATABASE["DATABASE_URL"],
        redis_url=None,
        port=3001,
        version="0.0.0",
        colour=None,
        fault=Fault.NONE,
    )


def test_everything_can_be_set() -> None:
    environment = {
        **DATABASE,
        "REDIS_URL": "redis://:pw@redis:6379/0",
        "PORT": "8000",
        "MEMO_VERSION": "1.0.0-rc.1+build",
        "MEMO_COLOUR": "blue",
        "FAULT": "never-healthy",
    }
    settings = settings_from(environment)
    assert (settings.port, settings.version, settings.colour) == (8000, "1.0.0-rc.1+build", "blue")
    assert settings.fault is Fault.NEVER_HEALTHY


@pytest.mark.parametrize(
    ("text", "fault", "amount"),
    [("errors-10%", Fault.ERRORS, 10), ("errors-100%", Fault.ERRORS, 100), ("slow-1500ms", Fault.SLOW, 1500)],
)
def test_a_fault_says_how_much_of_it(text: str, fault: Fault, amount: int) -> None:
    settings = settings_from({**DATABASE, "FAULT": text})
    assert (settings.fault, settings.amount) == (fault, amount)


def test_a_crash_has_its_seconds() -> None:
    settings = settings_from({**DATABASE, "FAULT": "crash-after-20s"})
    assert (settings.fault, settings.amount) == (Fault.CRASH, 20)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "mysql://hidden@db"),
        ("REDIS_URL", "http://hidden@redis"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "x"),
        ("MEMO_VERSION", "1 0"),
        ("MEMO_COLOUR", "blue\r\nX-Evil: 1"),
        ("FAULT", "unheard-of"),
        ("FAULT", "crash-after"),
        ("FAULT", "crash-after-xs"),
        ("FAULT", "errors-101%"),
        ("FAULT", "errors-10s"),
        ("FAULT", "errors"),
        ("FAULT", "slow-60001ms"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line_that_names_it(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings_from({**DATABASE, name: value})
    message = str(refused.value)
    assert name in message
    assert "\n" not in message
    assert "hidden" not in message


def test_an_unknown_fault_is_answered_with_the_known_ones() -> None:
    known = (
        "never-healthy, migration-fails, migration-hangs, migration-destroys, crash-after-<n>s, errors-<n>%, slow-<n>ms"
    )
    with pytest.raises(SettingsError, match=known):
        settings_from({**DATABASE, "FAULT": "sleepy"})
