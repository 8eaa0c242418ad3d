"""The Kubernetes API, and the only module that knows its client library.

Objects are plain dicts: the library's typed models cost over 100 MB and drop fields that they do not know.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.exceptions import ApiException

from memoapp_operator.domain.decision import Note
from memoapp_operator.domain.manifest import EVENT, Kind, Manifest, Ref, kind_of
from memoapp_operator.ports import ClusterError, Conflict, LeaseLostError, Refused, Unavailable

FIELD_MANAGER = "memoapp-operator"
CALL_TIMEOUT = 10.0
"""Seconds; a write's is cut to what is left of the lease."""
PARALLEL_CALLS = 20

_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
_JSON = "application/json"
_SUCCESS = range(200, 300)
_REFUSED = frozenset({400, 403, 404, 405, 413, 415, 422})


async def connect() -> ApiClient:
    """A client by the pod's service account, or by the kubeconfig outside of a cluster."""
    configuration = Configuration()
    configuration.connection_pool_maxsize = PARALLEL_CALLS
    try:
        config.load_incluster_config(client_configuration=configuration)
    except config.ConfigException:
        await config.load_kube_config(client_configuration=configuration)
    return ApiClient(configuration=configuration)


def path(kind: Kind, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
    """The URL path of a resource."""
    root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    parts = [root, *(("namespaces", namespace) if namespace else ()), kind.plural]
    return "/".join([*parts, *(part for part in (name, subresource) if part)])


class KubeCluster:
    """The port ``Cluster`` over one ApiClient.

    Args:
        client: the connection; the caller closes it.
        remaining: seconds until the lease ends; nothing is written once they are gone.
        count: told verb and status code of every call.
    """

    def __init__(
        self,
        client: ApiClient,
        remaining: Callable[[], float] = lambda: CALL_TIMEOUT,
        count: Callable[[str, int], None] = lambda _verb, _code: None,
    ) -> None:
        self._client = client
        self._remaining = remaining
        self._count = count
        self._slots = asyncio.Semaphore(PARALLEL_CALLS)

    async def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """The object, or None where there is none."""
        try:
            found = await self.call("GET", path(kind, namespace, name))
        except ClusterError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return None
            raise
        return _typed(found, kind)

    async def list(self, kind: Kind, namespace: str, labels: Mapping[str, str]) -> list[Manifest]:
        """The objects with all of ``labels``."""
        selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
        found = await self.call("GET", path(kind, namespace), query={"labelSelector": selector})
        return [_typed(item, kind) for item in found.get("items") or []]

    async def create(self, manifest: Manifest) -> Manifest:
        """Create; Conflict where an object of that name is there."""
        kind = kind_of(manifest)
        where = path(kind, manifest["metadata"].get("namespace"))
        return await self._object("POST", where, body=manifest, query={"fieldManager": FIELD_MANAGER + "-mint"})

    async def apply(self, manifest: Manifest, *, new: bool = False) -> Manifest:
        """Server-side apply; see the port."""
        metadata = manifest["metadata"]
        query = {"fieldManager": FIELD_MANAGER, "force": "false" if new else "true"}
        where = path(kind_of(manifest), metadata["namespace"], metadata["name"])
        return await self._object("PATCH", where, body=manifest, query=query, content_type=_APPLY)

    async def scale(self, ref: Ref, namespace: str, uid: str, replicas: int) -> None:
        """Set the replicas of the object with this uid through its scale subresource."""
        body = {"metadata": {"uid": uid}, "spec": {"replicas": replicas}}
        where = path(ref.kind, namespace, ref.name, "scale")
        await self._object("PATCH", where, body=body, query={"fieldManager": FIELD_MANAGER}, content_type=_MERGE)

    async def delete(self, ref: Ref, namespace: str, uid: str) -> None:
        """Delete the object with this uid; no error where it is gone already."""
        options = {"preconditions": {"uid": uid}, "propagationPolicy": "Background"}
        try:
            await self.call("DELETE", path(ref.kind, namespace, ref.name), body=options)
        except ClusterError as error:
            if error.code != HTTPStatus.NOT_FOUND:
                raise

    async def mark(
        self,
        manifest: Manifest,
        *,
        annotations: Mapping[str, str] | None = None,
        finalizers: Sequence[str] | None = None,
    ) -> Manifest:
        """Set annotations, or all finalizers; see the port."""
        metadata = manifest["metadata"]
        wanted: Manifest = {"resourceVersion": metadata["resourceVersion"], "uid": metadata["uid"]}
        if annotations is not None:
            wanted["annotations"] = dict(annotations)
        if finalizers is not None:
            wanted["finalizers"] = list(finalizers)
        where = path(kind_of(manifest), metadata["namespace"], metadata["name"])
        query = {"fieldManager": FIELD_MANAGER}
        return await self._object("PATCH", where, body={"metadata": wanted}, query=query, content_type=_MERGE)

    async def replace(self, manifest: Manifest) -> Manifest:
        """Write the object under the manifest's resourceVersion."""
        metadata = manifest["metadata"]
        where = path(kind_of(manifest), metadata["namespace"], metadata["name"])
        return await self._object("PUT", where, body=manifest, query={"fieldManager": FIELD_MANAGER})

    async def replace_status(self, manifest: Manifest) -> Manifest:
        """Write the status under the manifest's resourceVersion."""
        metadata = manifest["metadata"]
        where = path(kind_of(manifest), metadata["namespace"], metadata["name"], "status")
        return await self._object("PUT", where, body=manifest, query={"fieldManager": FIELD_MANAGER})

    async def note(self, about: Manifest, note: Note, now: datetime) -> None:
        """Create the Event; one that is there already is the same one."""
        try:
            await self.create(event(about, note, now))
        except Conflict:
            return

    async def _object(
        self, verb: str, where: str, *, body: Manifest, query: Mapping[str, str], content_type: str = _JSON
    ) -> Manifest:
        """A request whose answer is one object."""
        found: Manifest = await self.call(verb, where, body=body, query=query, content_type=content_type)
        return found

    async def call(
        self,
        verb: str,
        where: str,
        *,
        body: Manifest | None = None,
        query: Mapping[str, str] | None = None,
        content_type: str = _JSON,
    ) -> Any:
        """One request; the decoded answer, or one of the errors of the port."""
        url = f"{self._client.configuration.host}{where}{'?' + urlencode(query) if query else ''}"
        async with self._slots:
            # Only now: the lease may have ended while the call waited for its turn.
            seconds = CALL_TIMEOUT if verb == "GET" else self._time_to_write()
            status, text = await self._send(verb, url, body, content_type, seconds)
        self._count(verb, status)
        if status not in _SUCCESS:
            raise error_of(status, text)
        return _decoded(status, text)

    def _time_to_write(self) -> float:
        left = self._remaining()
        if left <= 0:
            raise LeaseLostError
        return min(CALL_TIMEOUT, left)

    async def _send(
        self, verb: str, url: str, body: Manifest | None, content_type: str, seconds: float
    ) -> tuple[int, bytes]:
        headers = {"Accept": _JSON, "Content-Type": content_type, "User-Agent": FIELD_MANAGER}
        try:
            async with asyncio.timeout(seconds):
                await self._client.update_params_for_auth(headers, [], ["BearerToken"], url, verb, body)
                answer = await self._client.call_api(
                    verb, url, header_params=headers, body=body, _request_timeout=seconds
                )
                return answer.status, await answer.read()
        except ApiException as error:
            return error.status or 0, str(error.body or error.reason or "").encode()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._count(verb, 0)
            raise Unavailable(0, type(error).__name__, str(error) or "no answer") from error


def error_of(code: int, text: bytes) -> ClusterError:
    """The error of an answer; ``text`` is a Status object, or whatever a proxy said."""
    try:
        told = json.loads(text)
    except ValueError:
        told = None
    status = told if isinstance(told, dict) else {}
    reason = status.get("reason") or f"Http{code}"
    message = status.get("message") or text.decode(errors="replace")[:500]
    if code == HTTPStatus.CONFLICT or _names_another_uid(status):
        return Conflict(code, reason, message)
    return (Refused if code in _REFUSED else Unavailable)(code, reason, message)


def _names_another_uid(status: Mapping[str, Any]) -> bool:
    """A patch for an object that was made anew meanwhile is answered 422: the uid in it would change the new one's."""
    causes = (status.get("details") or {}).get("causes") or []
    return any(cause.get("field") == "metadata.uid" for cause in causes)


def _decoded(code: int, text: bytes) -> Any:
    """The object of a good answer; what is none came from a proxy, and says nothing about the outcome."""
    try:
        return json.loads(text)
    except ValueError:
        raise Unavailable(code, "NotJson", "the answer is not JSON") from None


def _typed(manifest: Manifest, kind: Kind) -> Manifest:
    """Items of a list come without apiVersion and kind."""
    manifest["apiVersion"], manifest["kind"] = kind.api_version, kind.kind
    manifest["metadata"].pop("managedFields", None)
    return manifest


def event(about: Manifest, note: Note, now: datetime) -> Manifest:
    """An Event with a name of its own for each note's key, so that it cannot be told twice."""
    metadata = about["metadata"]
    moment = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    name = f"{metadata['name'][:180]}.{hashlib.sha256(note.key.encode()).hexdigest()[:16]}"
    return {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.kind,
        "metadata": {"name": name, "namespace": metadata["namespace"]},
        "involvedObject": {
            "apiVersion": about["apiVersion"],
            "kind": about["kind"],
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
        },
        "reason": note.reason,
        "message": note.message[:1024],
        "type": "Warning" if note.warning else "Normal",
        "count": 1,
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "source": {"component": FIELD_MANAGER},
        "reportingComponent": FIELD_MANAGER,
        "reportingInstance": "",
    }
