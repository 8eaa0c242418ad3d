"""The commands that restore: a drill on a server of its own, what a restore in place costs, and the copy beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from . import scratch
from .catalogue import mark_proved
from .checks import Check, checks_in
from .cluster import Cluster
from .drill import PATIENCE, Scratch, Watch, drill
from .facts import FactsError, snapshot
from .importing import Dump, Into, bring_in, offer
from .inplace import Place, assess, beside, is_empty
from .manifest import App
from .neighbour import Neighbour
from .recording import outcome
from .recovering import bring, choose
from .restoring import Backup, IdentityError, ServerError
from .sealing import SealError, identities_in, seal_of
from .settings import SettingsError, given, store_of

Environment = Mapping[str, str]
UNKNOWN = "unknown"
"""Version of an app whose old scripts did not note it."""


def drill_one(environment: Environment) -> dict[str, Any]:
    """Restore a backup on the pod's own scratch server, and compare."""

    def work(tools: Neighbour) -> dict[str, Any]:
        checks, database = _checks(environment), given(environment, "MEMOAPP_DATABASE")
        watch = Watch()
        backup = _backup(environment, tools)
        watch.lap("verify")
        line = _marked(backup, drill(backup, tools, Scratch("", database), checks, watch))
        if environment.get("MEMOAPP_FOLLOWED"):
            scratch.let_in("dbname=postgres", backup.manifest.database.owner)
        return line

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
        return _marked(backup, beside(backup, tools, place, checks, watch))

    return _with_tools(environment, work)


def recover_one(environment: Environment) -> dict[str, Any]:
    """Choose and verify a backup, see that the database is empty, and bring back Secrets and ConfigMaps."""
    place, owner = _place(environment), given(environment, "MEMOAPP_OWNER")
    if not is_empty(place, owner):
        return {"reason": "NotNeeded"}
    store, cluster = store_of(environment), Cluster.of_pod()
    app = given(environment, "MEMOAPP_APP_NAMESPACE"), given(environment, "MEMOAPP_APP_NAME")
    into = cluster.namespace, given(environment, "MEMOAPP_INTO")
    own = given(environment, "MEMOAPP_OWN").split(",")

    def work(tools: Neighbour) -> dict[str, Any]:
        chosen = choose(store, app, environment.get("MEMOAPP_BACKUP_NAME", ""))
        backup = Backup.verified(store, chosen.folder, _identities(environment), tools, app)
        is_empty(place, owner, backup.manifest.database)
        return {
            "reason": "Assessed",
            "folder": chosen.folder,
            "chosen": chosen.why,
            "takenAt": backup.manifest.taken_at,
            "bytes": backup.manifest.database.bytes,
            "configuration": bring(cluster, backup, into, own),
        }

    return _with_tools(environment, work)


def import_one(environment: Environment) -> dict[str, Any]:
    """Make a backup of a dump of old scripts, on the pod's own scratch server."""
    source = store_of(environment, "MEMOAPP_SOURCE")
    name, namespace = given(environment, "MEMOAPP_APP_NAME"), given(environment, "MEMOAPP_APP_NAMESPACE")
    recipients = environment.get("MEMOAPP_RECIPIENTS")
    into = Into(
        store_of(environment),
        App(name=name, namespace=namespace, uid=given(environment, "MEMOAPP_APP_UID"), version=UNKNOWN),
        given(environment, "MEMOAPP_BACKUP_NAME"),
        given(environment, "MEMOAPP_DATABASE"),
        given(environment, "MEMOAPP_OWNER"),
        seal_of(Path(recipients)) if recipients else None,
    )
    dump = Dump(source, given(environment, "MEMOAPP_FILE"))
    offered = {}
    if file := environment.get("MEMOAPP_ENV_FILE"):
        secret = given(environment, "MEMOAPP_ENV_SECRET")
        offered["configuration"] = offer(Cluster.of_pod(), source, file, namespace, secret)

    def work(tools: Neighbour) -> dict[str, Any]:
        scratch.wait("dbname=postgres", PATIENCE)
        return {**outcome(bring_in(dump, into, tools)), "reason": "Imported", **offered}

    return _with_tools(environment, work)


def _marked(backup: Backup, line: dict[str, Any]) -> dict[str, Any]:
    """Where the backup lies, it is marked as proved: the cluster that knows it may be lost."""
    if line["reason"] != "Proved":
        return line
    trouble = mark_proved(backup.store, backup.folder)
    notes = "; ".join(part for part in (str(line.get("notes") or ""), trouble) if part)
    return {**line, "notes": notes[:500]}


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
    live, copy = given(environment, "MEMOAPP_DATABASE"), given(environment, "MEMOAPP_BESIDE")
    return Place(live, copy, empty=environment.get("MEMOAPP_EMPTY") == "true")
