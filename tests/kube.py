"""A small synchronous client of the Kubernetes API for tests: dicts in, dicts out.

A kind is written as ``apiVersion/Kind``: ``v1/Pod``, ``apps/v1/Deployment``, ``memoapp.dev/v1alpha1/MemoApp``. The API
server is asked once where it lives.
"""

from __future__ import annotations

import base64
import json
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

import httpx
import yaml

Object: TypeAlias = dict[str, Any]
Predicate: TypeAlias = Callable[[Object | None], Any]

MERGE = "application/merge-patch+json"
JSON = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
TIMEOUT = httpx.Timeout(30)


class ApiError(Exception):
    """The API server said no.

    Attributes:
        code: the HTTP status.
        reason: as in metav1.Status: NotFound, AlreadyExists, Conflict, Invalid, ...
        message: for people.
        causes: for Invalid, one dict per violation, with field, reason and message.
    """

    def __init__(self, code: int, reason: str, message: str, causes: list[dict[str, str]] | None = None) -> None:
        super().__init__(f"{code} {reason}: {message}")
        self.code = code
        self.reason = reason
        self.message = message
        self.causes = causes or []


class WaitTimeoutError(AssertionError):
    """What was waited for did not come true in time; the message shows the object as it last was."""


@dataclass(frozen=True, slots=True)
class _Resource:
    """Where a kind's objects live."""

    prefix: str
    plural: str
    namespaced: bool

    def url(self, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
        scope = ["namespaces", namespace or "default"] if self.namespaced and namespace != "*" else []
        parts = [self.prefix, *scope, self.plural, *([name] if name else []), *([subresource] if subresource else [])]
        return "/".join(parts)


@dataclass
class Kube:
    """One cluster. Use as a context manager, or call ``close``."""

    http: httpx.Client
    _resources: dict[str, _Resource] = field(default_factory=dict)

    @classmethod
    def from_kubeconfig(cls, path: Path) -> Self:
        """The cluster of the file's current context, by its client certificate."""
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        context = _named(config["contexts"], config["current-context"])["context"]
        cluster = _named(config["clusters"], context["cluster"])["cluster"]
        user = _named(config["users"], context["user"])["user"]
        return cls(
            httpx.Client(base_url=cluster["server"], verify=_tls(cluster, user), timeout=TIMEOUT, trust_env=False)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End all connections."""
        self.http.close()

    def get(self, kind: str, name: str, namespace: str | None = None) -> Object:
        """One object; ApiError 404 where it is not there."""
        return self.request("GET", self._resource(kind).url(namespace, name))

    def find(self, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """One object, or None."""
        try:
            return self.get(kind, name, namespace)
        except ApiError as error:
            if error.code == httpx.codes.NOT_FOUND:
                return None
            raise

    def list(self, kind: str, namespace: str | None = None, labels: str = "", fields: str = "") -> list[Object]:
        """The objects of a namespace, or of all with ``*``; selectors as for kubectl."""
        query = {"labelSelector": labels, "fieldSelector": fields}
        found = self.request("GET", self._resource(kind).url(namespace), params=query)
        return [{"apiVersion": found["apiVersion"], "kind": kind.rpartition("/")[2], **item} for item in found["items"]]

    def create(self, manifest: Object, *, dry_run: bool = False) -> Object:
        """Create it; unknown fields are refused, as kubectl does."""
        url = self._resource(_kind(manifest)).url(_namespace(manifest))
        return self.request("POST", url, body=manifest, params=_options(dry_run=dry_run))

    def apply(self, manifest: Object, *, manager: str = "tests", force: bool = True, dry_run: bool = False) -> Object:
        """Server-side apply."""
        params = {"fieldManager": manager, "force": str(force).lower(), **_options(dry_run=dry_run)}
        return self.request("PATCH", self._url(manifest), body=manifest, params=params, content_type=APPLY)

    def update(self, manifest: Object, *, dry_run: bool = False) -> Object:
        """Replace the object; with metadata.resourceVersion only if it is still that one."""
        return self.request("PUT", self._url(manifest), body=manifest, params=_options(dry_run=dry_run))

    def update_status(self, manifest: Object, *, dry_run: bool = False) -> Object:
        """Replace the object's status."""
        return self.request("PUT", self._url(manifest, "status"), body=manifest, params=_options(dry_run=dry_run))

    def patch(
        self,
        kind: str,
        name: str,
        namespace: str | None = None,
        *,
        body: Any,
        content_type: str = MERGE,
        subresource: str | None = None,
        dry_run: bool = False,
    ) -> Object:
        """Patch the object, or a subresource of it (``status``, ``scale``)."""
        url = self._resource(kind).url(namespace, name, subresource)
        return self.request("PATCH", url, body=body, params=_options(dry_run=dry_run), content_type=content_type)

    def delete(self, kind: str, name: str, namespace: str | None = None, *, propagation: str = "Background") -> None:
        """Delete it; an object that is not there is deleted already."""
        try:
            self.request("DELETE", self._resource(kind).url(namespace, name), body={"propagationPolicy": propagation})
        except ApiError as error:
            if error.code != httpx.codes.NOT_FOUND:
                raise

    def wait(
        self, kind: str, name: str, namespace: str | None = None, *, until: Predicate, timeout: float = 60
    ) -> Object | None:
        """Watch one object until ``until(object)`` is true, and give it; ``until`` sees None while it is not there.

        Raises:
            WaitTimeoutError: if that did not happen within ``timeout`` seconds.
        """
        deadline = time.monotonic() + timeout
        last: Object | None = None
        while (left := deadline - time.monotonic()) > 0:
            for last in self._states(kind, name, namespace, left):
                if until(last):
                    return last
        shown = yaml.safe_dump(last) if last else "nothing"
        raise WaitTimeoutError(f"{kind} {namespace}/{name}: not within {timeout} s; at last it was\n{shown}")

    def follow(self, kind: str, name: str, namespace: str | None, stop: Callable[[], bool]) -> Iterator[Object | None]:
        """One object as it is now, and then after each change, none left out; None while it is not there.

        It ends within two seconds after ``stop`` began to say True.
        """
        url, query = self._resource(kind).url(namespace), {"fieldSelector": f"metadata.name={name}"}
        version = ""
        while not stop():
            if not version:
                found = self.request("GET", url, params=query)
                version = found["metadata"]["resourceVersion"]
                yield next(iter(found["items"]), None)
            watched = {**query, "watch": "true", "resourceVersion": version, "timeoutSeconds": "2"}
            for event in self._events(url, watched, 30):
                if event["type"] == "ERROR":
                    version = ""  # too old: it is read anew
                    break
                version = event["object"]["metadata"]["resourceVersion"]
                yield None if event["type"] == "DELETED" else event["object"]

    def request(
        self,
        method: str,
        url: str,
        *,
        body: Any = None,
        params: Mapping[str, str] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Object:
        """One request; ApiError unless the answer is 2xx."""
        headers = {"Accept": accept, **({"Content-Type": content_type} if body is not None else {})}
        content = None if body is None else json.dumps(body)
        answer = self.http.request(method, url, params=params, content=content, headers=headers)
        _raise_for(answer)
        found: Object = answer.json()
        return found

    def text(self, url: str, params: Mapping[str, str] | None = None) -> str:
        """A page that is not JSON, such as ``/api/v1/namespaces/x/pods/y/log``."""
        answer = self.http.get(url, params=params)
        _raise_for(answer)
        return answer.text

    def _states(self, kind: str, name: str, namespace: str | None, seconds: float) -> Iterator[Object | None]:
        """The object as it is now, and then after each change, for at most ``seconds``."""
        url = self._resource(kind).url(namespace)
        query = {"fieldSelector": f"metadata.name={name}"}
        found = self.request("GET", url, params=query)
        yield next(iter(found["items"]), None)
        query |= {"watch": "true", "resourceVersion": found["metadata"]["resourceVersion"]}
        query["timeoutSeconds"] = str(max(1, int(seconds)))
        try:
            for event in self._events(url, query, seconds):
                if event["type"] == "ERROR":
                    return
                yield None if event["type"] == "DELETED" else event["object"]
        except httpx.TimeoutException:
            return

    def _events(self, url: str, query: Mapping[str, str], seconds: float) -> Iterator[Object]:
        with self.http.stream("GET", url, params=query, timeout=httpx.Timeout(30, read=seconds)) as answer:
            yield from map(json.loads, answer.iter_lines())

    def _url(self, manifest: Object, subresource: str | None = None) -> str:
        resource = self._resource(_kind(manifest))
        return resource.url(_namespace(manifest), manifest["metadata"]["name"], subresource)

    def _resource(self, kind: str) -> _Resource:
        if kind not in self._resources:
            self._discover(kind.rpartition("/")[0])
        return self._resources[kind]

    def _discover(self, api_version: str) -> None:
        prefix = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        for entry in self.request("GET", prefix)["resources"]:
            if "/" not in entry["name"]:
                found = _Resource(prefix, entry["name"], namespaced=entry["namespaced"])
                self._resources[f"{api_version}/{entry['kind']}"] = found


def eventually(check: Callable[[], Any], timeout: float = 60, every: float = 0.2) -> Any:
    """Ask again and again until the answer is true, and give it: for what cannot be watched.

    Raises:
        WaitTimeoutError: if that did not happen within ``timeout`` seconds.
    """
    deadline = time.monotonic() + timeout
    while not (answer := check()):
        if time.monotonic() > deadline:
            raise WaitTimeoutError(f"not within {timeout} s; the last answer was {answer!r}")
        time.sleep(every)
    return answer


def condition(found: Object | None, name: str) -> str | None:
    """The status of one condition of an object: True, False or Unknown; None where there is none."""
    conditions = ((found or {}).get("status") or {}).get("conditions") or []
    return next((entry["status"] for entry in conditions if entry["type"] == name), None)


def _kind(manifest: Object) -> str:
    return f"{manifest['apiVersion']}/{manifest['kind']}"


def _namespace(manifest: Object) -> str | None:
    found: str | None = manifest["metadata"].get("namespace")
    return found


def _options(*, dry_run: bool) -> dict[str, str]:
    return {"fieldValidation": "Strict", **({"dryRun": "All"} if dry_run else {})}


def _raise_for(answer: httpx.Response) -> None:
    if answer.is_success:
        return
    try:
        status = answer.json()
    except ValueError:
        raise ApiError(answer.status_code, "", answer.text) from None
    details = status.get("details") or {}
    message = status.get("message", "")
    raise ApiError(answer.status_code, status.get("reason", ""), message, details.get("causes"))


def _named(entries: list[Object], name: str) -> Object:
    return next(entry for entry in entries if entry["name"] == name)


def _tls(cluster: Object, user: Object) -> ssl.SSLContext:
    """The cluster's certificate authority and the user's certificate; the key touches the disk while it is read."""
    context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    with tempfile.NamedTemporaryFile() as file:
        file.write(base64.b64decode(user["client-certificate-data"]) + b"\n")
        file.write(base64.b64decode(user["client-key-data"]))
        file.flush()
        context.load_cert_chain(file.name)
    return context
