"""Full recovery: which backup, and the Secrets and ConfigMaps that were saved with it. Data follows as in any restore.

What is there already stays as it is: the account of the pod may create such objects, and neither read nor change one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol

import yaml

from .catalogue import finished
from .cluster import ApiError, Object
from .inplace import RefusedError
from .manifest import Kind, Manifest
from .recording import persistently
from .restoring import Backup
from .stores import Store
from .verify import NotVerifiedError, archive, manifest_of

RESTORED_SPEC = "restored-spec"
"""Suffix of the ConfigMap that offers the saved MemoApp, as ``memoapp.yaml``."""
ANNOTATION = "memoapp.dev/restored-from"
"""On what a recovery made: the folder of the backup."""
_TYPES = (
    (frozenset({".dockerconfigjson"}), "kubernetes.io/dockerconfigjson"),
    (frozenset({".dockercfg"}), "kubernetes.io/dockercfg"),
    (frozenset({"tls.crt", "tls.key"}), "kubernetes.io/tls"),
)
"""A backup has the keys of a Secret and not its type; those that tools insist on are told by their keys."""
_TEXT = 900


class Creator(Protocol):
    """The API server, as far as a recovery uses it."""

    def create(self, plural: str, body: Object) -> bool:
        """Create an object of the core group; False where there is one of that name."""
        ...


@dataclass(frozen=True, slots=True)
class Chosen:
    """A backup, and why this one."""

    folder: str
    why: str


def choose(store: Store, app: tuple[str, str], name: str) -> Chosen:
    """The backup of that name; without one the newest that is marked as proved.

    Args:
        store: the destination.
        app: namespace and name of the app that was saved.
        name: of the backup, or empty.

    Raises:
        RefusedError: there is none.
        StoreError: the destination does not answer.
    """
    prefix = f"{app[0]}/{app[1]}/"
    known = [*finished(store, prefix)]
    if name:
        found = next((item.folder for item in known if item.folder.split("/")[-2] == name), None)
        if found is None:
            raise RefusedError("BackupNotFound", f"there is no backup {name} in {prefix}: it has {len(known)}")
        return Chosen(found, "named")
    proved = [item.folder for item in known if item.proved and not item.hidden]
    if not proved:
        text = f"none of the {len(known)} backups in {prefix} was proved: name one in restoreFrom.backup"
        raise RefusedError("NoProvedBackup", f"{text}{_last(known[-1].folder if known else '')}")
    month = proved[-1].rsplit("/", 2)[0]  # folders are sorted by year and month
    moments = {item: _taken(store, item) for item in proved if item.startswith(f"{month}/")}
    newest = max(moments, key=lambda item: (moments[item], item))
    later = [item.folder for item in known if item.folder > f"{month}/" and not item.proved and not item.hidden]
    newer = sum(_taken(store, item) > moments[newest] for item in later)
    more = f"; {newer} newer {'one is' if newer == 1 else 'ones are'} not" if newer else ""
    return Chosen(newest, f"the newest of {len(proved)} that {'is' if len(proved) == 1 else 'are'} proved{more}")


def _last(folder: str) -> str:
    return f", as {folder.split('/')[-2]}" if folder else ""


def _taken(store: Store, folder: str) -> str:
    """The moment of its snapshot; the beginning of time where its manifest does not hold."""
    try:
        return manifest_of(store, folder).taken_at
    except NotVerifiedError:
        return ""


def documents(backup: Backup) -> Iterator[Object]:
    """What was saved beside the data: the MemoApp first.

    Raises:
        NotVerifiedError: it is not what was stored.
    """
    part = next((part for part in backup.manifest.parts if part.kind is Kind.CONFIG), None)
    if part is None:
        return
    with archive(backup.store, backup.folder, part, backup.open) as source:
        text = source.read().decode()
    for item in text.split("---\n"):
        if item.strip():
            found: Object = json.loads(item)
            yield found


def bring(cluster: Creator, backup: Backup, into: tuple[str, str], own: Iterable[str]) -> str:
    """Create what is not there; in words what was made, and what was there.

    Args:
        cluster: the API server.
        backup: that was verified.
        into: namespace and name of the app that comes back.
        own: Secrets that the operator makes itself.

    Raises:
        RefusedError: the API server does not take one.
        ApiError: it does not answer.
    """
    made: list[str] = []
    kept: list[str] = []
    left_out = {("Secret", name) for name in own}
    for item in documents(backup):
        body = _offered(item, into, backup.manifest) if item["kind"] == "MemoApp" else _back(item, into[0])
        kind, name = body["kind"], body["metadata"]["name"]
        if (kind, name) in left_out:
            continue
        body["metadata"]["annotations"] = {ANNOTATION: backup.folder}
        (made if created(cluster, body) else kept).append(f"{kind}/{name}")
    without = "" if backup.manifest.secrets else "; the backup was not sealed, so no Secrets are in it"
    there = f"; there already: {', '.join(kept)}" if kept else ""
    return f"made: {', '.join(made) or 'nothing'}{there}"[:_TEXT] + without


def created(cluster: Creator, body: Object) -> bool:
    """Create it, however long the API server is away; False where there is one of that name.

    Raises:
        RefusedError: the API server does not take it.
        ApiError: it does not answer.
    """
    plural = f"{body['kind'].lower()}s"
    try:
        return persistently(partial(cluster.create, plural, body))
    except ApiError as error:
        if HTTPStatus.BAD_REQUEST <= error.code < HTTPStatus.INTERNAL_SERVER_ERROR:
            text = f"{body['kind']}/{body['metadata']['name']}: {error}"
            raise RefusedError("ConfigurationRefused", text) from None
        raise


def _back(item: Object, namespace: str) -> Object:
    """A Secret or a ConfigMap as it was, in the namespace that it comes back to."""
    found = {**item, "metadata": {"name": item["metadata"]["name"], "namespace": namespace}}
    if item["kind"] == "Secret":
        found["type"] = _type_of(item.get("data") or {})
    return found


def _type_of(data: Mapping[str, Any]) -> str:
    return next((type_ for keys, type_ in _TYPES if keys <= data.keys()), "Opaque")


def _offered(app: Object, into: tuple[str, str], manifest: Manifest) -> Object:
    """The MemoApp that was saved, for people to compare with theirs: the spec is theirs alone."""
    namespace, name = into
    text = f"# The MemoApp as it was saved at {manifest.taken_at}.\n{yaml.safe_dump(app, sort_keys=False)}"
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"{name}-{RESTORED_SPEC}", "namespace": namespace},
        "data": {"memoapp.yaml": text},
    }
