"""The commands that restore: a drill on a server of its own, the cost of a restore in place, and the copy beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .checks import Check, checks_in
from .drill import Scratch, Watch, drill
from .facts import FactsError, snapshot
from .inplace import Place, assess, beside
from .neighbour import Neighbour
from .restoring import Backup, IdentityError, ServerError
from .sealing import SealError, identities_in
from .settings import SettingsError, given, store_of

Environment = Mapping[str, str]


def drill_one(environment: Environment) -> dict[str, Any]:
    """Restore a backup on the pod's own scratch server, and compare."""

    def work(tools: Neighbour) -> dict[str, Any]:
        checks, database = _checks(environment), given(environment, "MEMOAPP_DATABASE")
        watch = Watch()
        backup = _backup(environment, tools)
        watch.lap("verify")
        return drill(backup, tools, Scratch("", database), checks, watch)

    return _with_tools(environment, work)


def assess_one(environment: Environment) -> dict[str, Any]:
    """Can it be restored in place, and what would be lost? Of a backup, or of the database that was live before."""
    place = _place(environment)
    if kept := environment.get("MEMOAPP_KEPT"):
        try:
            with snapshot(place.conninfo(kept)) as moment:
                original = moment.database()
        except FactsError as error:
            raise ServerError(str(error)) from None
        return assess(original, given(environment, "MEMOAPP_SINCE"), place)

    def work(tools: Neighbour) -> dict[str, Any]:
        manifest = _backup(environment, tools).manifest
        return {**assess(manifest.database, manifest.taken_at, place), "content": manifest.database.digest}

    return _with_tools(environment, work)


def restore_one(environment: Environment) -> dict[str, Any]:
    """Restore a backup beside the live database, and compare."""

    def work(tools: Neighbour) -> dict[str, Any]:
        checks, place = _checks(environment), _place(environment)
        watch = Watch()
        backup = _backup(environment, tools)
        watch.lap("verify")
        return beside(backup, tools, place, checks, watch)

    return _with_tools(environment, work)


def _with_tools(environment: Environment, work: Callable[[Neighbour], dict[str, Any]]) -> dict[str, Any]:
    tools = Neighbour(Path(given(environment, "MEMOAPP_WORK")))
    try:
        return work(tools)
    finally:
        tools.end()


def _backup(environment: Environment, tools: Neighbour) -> Backup:
    app = given(environment, "MEMOAPP_APP_NAMESPACE"), given(environment, "MEMOAPP_APP_NAME")
    folder = given(environment, "MEMOAPP_FOLDER")
    return Backup.verified(store_of(environment), folder, _identities(environment), tools, app)


def _identities(environment: Environment) -> list[object]:
    path = environment.get("MEMOAPP_IDENTITY")
    if not path:
        return []
    try:
        return identities_in(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"MEMOAPP_IDENTITY: {type(error).__name__}") from None
    except SealError as error:
        raise IdentityError(str(error)) from None


def _checks(environment: Environment) -> tuple[Check, ...]:
    try:
        return checks_in(environment.get("MEMOAPP_CHECKS", ""))
    except ValueError as error:
        raise SettingsError(f"MEMOAPP_CHECKS: {error}") from None


def _place(environment: Environment) -> Place:
    return Place(given(environment, "MEMOAPP_DATABASE"), given(environment, "MEMOAPP_BESIDE"))
