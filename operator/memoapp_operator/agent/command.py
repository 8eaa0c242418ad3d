"""The agent's commands: each does one thing as its environment says, and tells how it went in one line of JSON."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from .cache import CacheError, rdb
from .catalogue import HIDDEN, unknown
from .cluster import ApiError, BusyError, Cluster
from .facts import FactsError
from .inplace import RefusedError
from .neighbour import Neighbour, NeighbourError
from .recording import failed, outcome, persistently, record, tell_scheduled, verified
from .rehearsing import rehearse_one
from .restores import assess_one, drill_one, import_one, recover_one, restore_one
from .restoring import IdentityError, RightsError, ServerError, WrongAppError
from .s3 import S3
from .saved import saved
from .sealing import SealError, seal_of
from .settings import SettingsError, Taking, destination_of, given, store_of
from .stores import Store, StoreError, Trouble
from .take import NAMES, Order, Source, Taken, already, take
from .verify import NotVerifiedError, check, manifest_of

DONE, FAILED, WRONG = 0, 1, 2
"""Exit codes: done; not now, another try may do; never, as it is set up."""
_LEASE_PATIENCE = 1800.0
"""Seconds to wait for a migration or a restore to end."""
_TRIED = 30.0
"""Seconds for which the API server is asked before the backup is taken without a word to it."""
_REASONS: dict[type[Exception], str] = {
    FactsError: "DatabaseNotReadable",
    NeighbourError: "DumpFailed",
    SealError: "RecipientsInvalid",
    NotVerifiedError: "NotVerified",
    BusyError: "DataInUse",
    ApiError: "ApiNotReachable",
    CacheError: "RedisNotReadable",
    IdentityError: "NoIdentity",
    WrongAppError: "WrongApp",
    ServerError: "ServerFailed",
    RightsError: "RightsMissing",
}
_KNOWN: tuple[type[Exception], ...] = (StoreError, RefusedError, *_REASONS)
Environment = Mapping[str, str]


def run(command: str, environment: Environment) -> int:
    """Run one of the commands; its exit code."""
    signal.signal(signal.SIGTERM, _stopped)
    try:
        said = COMMANDS[command](environment)
    except SettingsError as error:
        return _told(environment, {"reason": "SettingsInvalid", "message": str(error)}, WRONG)
    except _KNOWN as error:
        return _told(environment, {"reason": _reason(error), "message": str(error)}, FAILED)
    return _told(environment, said, DONE)


def _reason(error: Exception) -> str:
    if isinstance(error, StoreError):
        return error.trouble.value
    return error.reason if isinstance(error, RefusedError) else _REASONS[type(error)]


def _stopped(number: int, frame: FrameType | None) -> None:
    """Evicted, or out of time: what was stored is removed on the way out."""
    del frame
    raise SystemExit(128 + number)


def take_one(environment: Environment) -> dict[str, Any]:
    """Take a backup, under the Lease of the data."""
    taking, store, destination = Taking.of(environment), store_of(environment), destination_of(environment)
    lease = environment.get("MEMOAPP_LEASE")
    cluster = Cluster.of_pod() if lease else None
    tools = Neighbour(Path(given(environment, "MEMOAPP_WORK")))
    try:
        with _alone(cluster, lease, taking.name):
            taken = _taken(taking, store, tools)
    except _KNOWN as error:
        if cluster is not None and not taking.scheduled:
            status = failed(_reason(error), str(error))
            with suppress(ApiError):
                persistently(lambda: cluster.tell(taking.name, status))
        raise
    finally:
        tools.end()
    said = {**outcome(taken), "destination": destination}
    if cluster is None:
        return said
    try:
        if taking.scheduled:
            tell_scheduled(cluster, taken, destination)
            _catalogued(cluster, store, taking.app.namespace, taking.app.name, destination)
        else:
            persistently(lambda: cluster.tell(taking.name, verified(taken, destination)))
    except ApiError as error:
        # The backup is there and good: the catalogue will find it.
        said["notRecorded"] = str(error)
    return said


def _alone(cluster: Cluster | None, lease: str | None, holder: str) -> AbstractContextManager[None]:
    """The Lease is held, so that no migration and no restore comes in between.

    A backup is not given up because the API server is away: whoever else wants the data needs that server too.
    """
    if cluster is None or lease is None:
        return nullcontext()
    return _held(cluster, lease, holder)


@contextmanager
def _held(cluster: Cluster, lease: str, holder: str) -> Iterator[None]:
    try:
        persistently(lambda: cluster.look(lease), patience=_TRIED)
    except ApiError as error:
        if error.code:
            raise
        yield
        return
    with cluster.holding(lease, holder, _LEASE_PATIENCE, _lost):
        yield


def _lost() -> None:
    """The Lease could not be renewed: somebody else may hold it by now."""
    os.kill(os.getpid(), signal.SIGTERM)


def _taken(taking: Taking, store: Store, tools: Neighbour) -> Taken:
    """Take it; one of the same name that is there and younger than the order is it: its pod ended before it said so."""
    if isinstance(store, S3):
        store.forget_unfinished(f"{taking.app.namespace}/{taking.app.name}/")
    folder = already(store, taking.app, taking.name)
    if folder is not None:
        if manifest_of(store, folder).taken_at < taking.since:
            raise StoreError(Trouble.EXISTS, f"{folder} holds an older backup of this name: choose another one")
        return _read_back(store, folder, tools)
    seal = seal_of(taking.recipients) if taking.recipients is not None else None
    order = Order(taking.name, taking.app, taking.reason, saved(taking, secrets=seal is not None))
    cache = partial(rdb, taking.redis) if taking.redis else None
    return take(order, Source("", None, taking.lock_timeout), store, tools, seal, cache)


def verify(environment: Environment) -> dict[str, Any]:
    """Read a backup back: its manifest and checksums, and the archive's list of contents where it is not sealed."""
    store, folder = store_of(environment), given(environment, "MEMOAPP_FOLDER")
    if not environment.get("MEMOAPP_TOOLS"):
        return outcome(_read_back(store, folder, None))
    tools = Neighbour(Path(given(environment, "MEMOAPP_WORK")))
    try:
        return outcome(_read_back(store, folder, tools))
    finally:
        tools.end()


def _read_back(store: Store, folder: str, tools: Neighbour | None) -> Taken:
    manifest = manifest_of(store, folder)
    listed = tools.listed if tools is not None else None
    found = [check(store, folder, part, None, listed) for part in manifest.parts]
    return Taken(folder, manifest, next((count for count in found if count is not None), 0))


def hide(environment: Environment) -> dict[str, Any]:
    """Leave a backup where it is, and mark it: nobody makes a record of it again."""
    store, folder = store_of(environment), given(environment, "MEMOAPP_FOLDER")
    with _unless_there():
        store.put(folder + HIDDEN, io.BytesIO(b"hidden\n"))
    return {"reason": "Hidden", "folder": folder}


@contextmanager
def _unless_there() -> Iterator[None]:
    """What is there already is as good."""
    try:
        yield
    except StoreError as error:
        if error.trouble is not Trouble.EXISTS:
            raise


def remove(environment: Environment) -> dict[str, Any]:
    """Remove a backup: its manifest first, so that a part of one is never taken for a backup. Nothing else goes."""
    store, folder = store_of(environment), given(environment, "MEMOAPP_FOLDER")
    for name in NAMES:
        store.delete(folder + name)
    return {"reason": "Removed", "folder": folder}


def catalogue(environment: Environment) -> dict[str, Any]:
    """Make records of the backups that the cluster does not know."""
    cluster, store = Cluster.of_pod(), store_of(environment)
    app = given(environment, "MEMOAPP_APP_NAME")
    found = _catalogued(cluster, store, cluster.namespace, app, destination_of(environment))
    return {"reason": "Catalogued", "found": found}


def _catalogued(cluster: Cluster, store: Store, namespace: str, app: str, destination: dict[str, Any]) -> int:
    """How many there are, known or not. Those whose manifest does not hold are none."""
    count = 0
    for folder in unknown(store, f"{namespace}/{app}/"):
        try:
            manifest = manifest_of(store, folder)
        except NotVerifiedError:
            continue
        if (manifest.app.name, manifest.app.namespace) != (app, namespace):
            continue
        body = record(manifest, folder, destination)
        persistently(partial(cluster.create_backup, body))
        count += 1
    return count


def _told(environment: Environment, content: dict[str, Any], code: int) -> int:
    line = json.dumps(content, ensure_ascii=False)
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
    if told := environment.get("MEMOAPP_TOLD"):
        Path(told).write_text(line[:4096], encoding="utf-8")
    # Whoever follows in the same pod says the last word: an init container that fails would keep him from it.
    return DONE if environment.get("MEMOAPP_FOLLOWED") else code


COMMANDS: dict[str, Callable[[Environment], dict[str, Any]]] = {
    "take": take_one,
    "verify": verify,
    "hide": hide,
    "remove": remove,
    "catalogue": catalogue,
    "drill": drill_one,
    "assess": assess_one,
    "restore": restore_one,
    "recover": recover_one,
    "import": import_one,
    "rehearse": rehearse_one,
}
