"""The API server, as far as an agent may use it: its own MemoBackups and the Lease of its app's data."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import urllib3

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
Object = dict[str, Any]
_TIMEOUT = urllib3.Timeout(connect=5, read=15)
_SECONDS = 60
"""Seconds after which a data Lease that nobody renews is free."""
_RENEW = 15.0
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
_BACKUPS = "/apis/memoapp.dev/v1alpha1/namespaces/{namespace}/memobackups"


class ApiError(RuntimeError):
    """The API server said no, or nothing.

    Attributes:
        code: HTTP status; 0 where there was no answer.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class BusyError(RuntimeError):
    """Somebody else has the data; the message says who."""


@dataclass(slots=True)
class Cluster:
    """One namespace of a cluster.

    Attributes:
        server: ``https://host:port``.
        namespace: the agent's.
        token: gives the present bearer token: the kubelet renews it.
        authority: file with the certificate of the server's authority.
    """

    server: str
    namespace: str
    token: Callable[[], str] = field(repr=False)
    authority: Path | None
    _pool: urllib3.PoolManager = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Tried again where the server was not reached at all; what may have been done is not done twice.
        retries = urllib3.Retry(total=5, connect=5, read=0, status=0, other=0, backoff_factor=0.5)
        authority = str(self.authority) if self.authority is not None else None
        self._pool = urllib3.PoolManager(ca_certs=authority, retries=retries, timeout=_TIMEOUT)

    @classmethod
    def of_pod(cls) -> Cluster:
        """That in whose pod this process runs.

        Raises:
            ApiError: it runs in none.
        """
        host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
        if not host or not (ACCOUNT / "token").exists():
            raise ApiError(0, "this process runs in no pod that may ask the API server")
        name = f"[{host}]" if ":" in host else host
        namespace = (ACCOUNT / "namespace").read_text(encoding="utf-8").strip()
        return cls(
            f"https://{name}:{port}",
            namespace,
            lambda: (ACCOUNT / "token").read_text(encoding="utf-8").strip(),
            ACCOUNT / "ca.crt",
        )

    def create_backup(self, backup: Object) -> bool:
        """Create a MemoBackup; False where there is one of that name, which is left as it is."""
        return self._created(_BACKUPS, backup)

    def create(self, plural: str, body: Object) -> bool:
        """Create an object of the core group; False where there is one of that name, which is left as it is."""
        return self._created(f"/api/v1/namespaces/{{namespace}}/{plural}", body)

    def _created(self, path: str, body: Object) -> bool:
        try:
            self._ask("POST", path, body=body)
        except ApiError as error:
            if error.code != HTTPStatus.CONFLICT:
                raise
            return False
        return True

    def look(self, lease: str) -> None:
        """Ask for a Lease, only to see whether the API server answers."""
        self._find(lease)

    def tell(self, name: str, status: Object) -> None:
        """Merge into the status of a MemoBackup; one that was deleted meanwhile is no error."""
        kind = "application/merge-patch+json"
        try:
            self._ask("PATCH", f"{_BACKUPS}/{name}/status", body={"status": status}, kind=kind)
        except ApiError as error:
            if error.code != HTTPStatus.NOT_FOUND:
                raise

    @contextmanager
    def holding(self, lease: str, holder: str, patience: float, lost: Callable[[], None]) -> Iterator[None]:
        """Hold the Lease of the app's data, so that backups, migrations and restores keep apart.

        Args:
            lease: its name.
            holder: who one is, for people.
            patience: seconds to wait for whoever has it.
            lost: called from another thread once it could not be renewed in time: what is done must end.

        Raises:
            BusyError: somebody else had it all the while.
            ApiError: the API server did not answer.
        """
        self._wait(lease, holder, patience)
        over = threading.Event()
        thread = threading.Thread(target=self._renew, args=(lease, holder, over, lost), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self._release(lease, holder)

    def _wait(self, lease: str, holder: str, patience: float) -> None:
        deadline = time.monotonic() + patience
        seen: tuple[str, float] | None = None
        while True:
            other = self._take(lease, holder, seen)
            if other is None:
                return
            if seen is None or seen[0] != other[1]:
                seen = other[1], time.monotonic()
            if time.monotonic() > deadline:
                raise BusyError(f"the data is in use by {other[0]}")
            time.sleep(1.0)

    def _take(self, lease: str, holder: str, seen: tuple[str, float] | None) -> tuple[str, str] | None:
        """None once it is ours; else who has it, and the version that says so.

        Whether it is over is told by our own clock, from the moment at which we first saw this version: the clocks of
        nodes differ.
        """
        found = self._find(lease)
        if found is None:
            return "nobody: its Lease is not there, the operator makes it", ""
        spec, version = found.get("spec") or {}, found["metadata"]["resourceVersion"]
        other = spec.get("holderIdentity") or ""
        if other and other != holder:
            seconds = float(spec.get("leaseDurationSeconds") or _SECONDS)
            if seen is None or seen[0] != version or time.monotonic() - seen[1] < seconds:
                return other, version
        return self._put("PUT", f"{_LEASES}/{lease}", {**found, "spec": {**spec, **_held(holder)}})

    def _put(self, verb: str, path: str, body: Object) -> tuple[str, str] | None:
        try:
            self._ask(verb, path, body=body)
        except ApiError as error:
            if error.code != HTTPStatus.CONFLICT:
                raise
            return "another one that was quicker", ""
        return None

    def _renew(self, lease: str, holder: str, over: threading.Event, lost: Callable[[], None]) -> None:
        renewed = time.monotonic()
        while not over.wait(_RENEW):
            try:
                found = self._find(lease)
                if found is None or (found.get("spec") or {}).get("holderIdentity") != holder:
                    lost()
                    return
                self._ask("PUT", f"{_LEASES}/{lease}", body={**found, "spec": {**found["spec"], **_held(holder)}})
                renewed = time.monotonic()
            except ApiError:
                if time.monotonic() - renewed > _SECONDS - _RENEW:
                    lost()
                    return

    def _release(self, lease: str, holder: str) -> None:
        try:
            found = self._find(lease)
            if found is not None and found["spec"].get("holderIdentity") == holder:
                self._ask("PUT", f"{_LEASES}/{lease}", body={**found, "spec": {**found["spec"], "holderIdentity": ""}})
        except ApiError:
            return  # It is over by itself.

    def _find(self, lease: str) -> Object | None:
        try:
            return self._ask("GET", f"{_LEASES}/{lease}")
        except ApiError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return None
            raise

    def _ask(self, verb: str, path: str, body: Object | None = None, kind: str = "application/json") -> Object:
        headers = {"Authorization": f"Bearer {self.token()}", "Content-Type": kind}
        data = json.dumps(body).encode() if body is not None else None
        url = self.server + path.format(namespace=self.namespace)
        try:
            answer = self._pool.request(verb, url, body=data, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise ApiError(0, f"the API server does not answer: {type(error).__name__}") from None
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise ApiError(answer.status, _message(answer.data) or f"HTTP {answer.status}")
        found: Object = json.loads(answer.data)
        return found


def _held(holder: str) -> Object:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {"holderIdentity": holder, "leaseDurationSeconds": _SECONDS, "acquireTime": now, "renewTime": now}


def _message(data: bytes) -> str:
    try:
        return str(json.loads(data).get("message", ""))[:500]
    except (ValueError, AttributeError):
        return ""
