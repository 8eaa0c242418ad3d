"""A place to try the port ``Cluster`` in, and what the cases put there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from memoapp_operator.domain.manifest import Kind, Manifest, Ref
from memoapp_operator.ports import Cluster


class Place(Protocol):
    """One namespace of one API server.

    Attributes:
        cluster: the port that is tried.
        namespace: where.
        name: begins the names of one case's objects: no other case's begin so.
    """

    cluster: Cluster
    namespace: str
    name: str

    def put(self, manifest: Manifest) -> Manifest:
        """Apply it as somebody else, who takes over what he says."""
        ...

    def find(self, ref: Ref) -> Manifest | None:
        """The object as it is."""
        ...

    def remove(self, ref: Ref) -> None:
        """Delete it, as a person does."""
        ...

    async def eventually(self, check: Callable[[], bool]) -> None:
        """Wait until it is so; an error where that takes too long."""
        ...


def config_map(place: Place, suffix: str = "", /, **data: str) -> Manifest:
    return made(place, "v1", "ConfigMap", suffix, data=data)


def made(place: Place, api_version: str, kind: str, suffix: str = "", /, **body: Any) -> Manifest:
    """A manifest of the case's own."""
    metadata = {"name": place.name + suffix, "namespace": place.namespace, "labels": {"case": place.name}}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


def service(place: Place, suffix: str = "", /, **spec: Any) -> Manifest:
    ports = [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}]
    return made(place, "v1", "Service", suffix, spec={"selector": {"app": place.name}, "ports": ports, **spec})


def deployment(place: Place, env: dict[str, str] | None = None, **spec: Any) -> Manifest:
    """One whose pods no node would take."""
    variables = [{"name": name, "value": value} for name, value in (env or {}).items()]
    container = {"name": "main", "image": "registry.invalid/none:1", **({"env": variables} if variables else {})}
    template = {
        "metadata": {"labels": {"app": place.name}},
        "spec": {"containers": [container], "nodeSelector": {"memoapp.dev/nowhere": "true"}},
    }
    selector = {"matchLabels": {"app": place.name}}
    return made(place, "apps/v1", "Deployment", spec={"selector": selector, "template": template, **spec})


def memo_app(place: Place) -> Manifest:
    """One that is at rest whatever looks at it, as far as that goes."""
    spec = {
        "version": "1.4.0",
        "suspend": True,
        "backend": {"image": "registry.invalid/none:1"},
        "database": {"external": {"secretRef": {"name": "nowhere"}}},
    }
    return made(place, "memoapp.dev/v1alpha1", "MemoApp", spec=spec)


def labelled(manifest: Manifest, **labels: str) -> Manifest:
    """The manifest with more labels."""
    metadata = manifest["metadata"]
    return {**manifest, "metadata": {**metadata, "labels": {**metadata["labels"], **labels}}}


def with_uid(manifest: Manifest, uid: str) -> Manifest:
    """The manifest, meant for the object of this uid alone."""
    return {**manifest, "metadata": {**manifest["metadata"], "uid": uid}}


def owned_by(manifest: Manifest, *owners: Manifest) -> Manifest:
    """The manifest, to be collected once all of the owners are gone."""
    told = [
        {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
        }
        for owner in owners
    ]
    return {**manifest, "metadata": {**manifest["metadata"], "ownerReferences": told}}


def there(place: Place, kind: Kind, suffix: str = "") -> Manifest:
    """The object that the case made."""
    found = place.find(Ref(kind, place.name + suffix))
    assert found is not None
    return found
