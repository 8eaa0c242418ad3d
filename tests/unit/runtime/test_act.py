"""What is written in one act, and how: created, applied or deleted, in this order, until the first error."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from memoapp_operator.adapters.services import LiveServices
from memoapp_operator.api.v1alpha1.memoapp import Colour, MemoAppStatus, ReleasePhase, ReleaseStatus
from memoapp_operator.domain.decision import Note
from memoapp_operator.domain.manifest import Kind, Manifest, Ref, ref_of
from memoapp_operator.domain.observation import Observation
from memoapp_operator.ports import ClientCertificate, Conflict, LeaseLostError, Refused, Steering
from memoapp_operator.runtime.act import Actor, Memory
from memoapp_operator.runtime.snapshot import Snapshot

from tests.unit.render import apps

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
KEYS = {
    "memo-database": ("superuser-password", "password", "monitor-password"),
    "memo-redis": ("password", "auth.conf"),
    "memo-router-tls": ("ca.crt", "server.pem", "client.crt", "client.key"),
}
MINTED = [f"Secret/{name}" for name in KEYS]


@dataclass
class Writes:
    """The part of the port ``Cluster`` that an act uses; it answers as told, and notes down what it was asked."""

    error: Exception | None = None
    at: int = 0
    seen: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[Manifest] = field(default_factory=list)
    new: list[bool] = field(default_factory=list)

    def _note(self, verb: str, ref: str) -> None:
        self.seen.append((verb, ref))
        if self.error is not None and len(self.seen) > self.at:
            raise self.error

    async def create(self, manifest: Manifest) -> Manifest:
        self._note("create", str(ref_of(manifest)))
        self.bodies.append(manifest)
        return manifest

    async def apply(self, manifest: Manifest, *, new: bool = False) -> Manifest:
        self._note("apply", str(ref_of(manifest)))
        self.bodies.append(manifest)
        self.new.append(new)
        return manifest

    async def scale(self, ref: Ref, namespace: str, uid: str, replicas: int) -> None:  # noqa: ARG002 -- the port's
        self._note("scale", f"{ref} {replicas}")

    async def delete(self, ref: Ref, namespace: str, uid: str) -> None:  # noqa: ARG002 -- the port's
        self._note("delete", f"{ref} {uid}")

    async def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """Every copy is there."""
        owner = {"kind": "MemoApp", "name": "memo", "uid": apps.UID, "controller": True}
        return {"kind": kind.kind, "metadata": {"name": name, "namespace": namespace, "ownerReferences": [owner]}}

    async def list(self, kind: Kind, namespace: str, labels: Mapping[str, str]) -> list[Manifest]:
        raise NotImplementedError

    async def replace_status(self, manifest: Manifest) -> Manifest:
        raise NotImplementedError

    async def note(self, about: Manifest, note: Note, now: datetime) -> None:
        raise NotImplementedError


class Numbered:
    """The ports ``Mint`` and ``Clock``: passwords that can be told apart, and one moment."""

    def __init__(self) -> None:
        self.made = 0

    def password(self) -> str:
        self.made += 1
        return f"password-{self.made}"

    async def router_certificates(self, dns_names: tuple[str, ...], now: datetime) -> Mapping[str, str]:  # noqa: ARG002
        keys = ("ca.crt", "server.pem", "client.crt", "client.key")
        return {**{key: f"{key} of {','.join(dns_names)}" for key in keys}, "notAfter": "2027-03-01T12:00:00Z"}

    def now(self) -> datetime:
        return NOW


def snapshot(there: Mapping[Ref, Manifest] | None = None) -> Snapshot:
    """A full app of which nothing is there but ``there``."""
    context = replace(apps.full(), colours={})
    seen = Observation(app=context.app, now=NOW, declared=None)
    return Snapshot({}, there or {}, context, seen)


BLUE = MemoAppStatus(
    colours={"blue": "memo-r1"},
    release=ReleaseStatus(
        id="r",
        version="1.4.0",
        colour=Colour.BLUE,
        phase=ReleasePhase.RETIRED,
        started_at="2026-03-01T12:00:00Z",
    ),
)


def snapshot_of_blue() -> Snapshot:
    """Blue serves."""
    context = apps.full()
    held = replace(context.colours[Colour.BLUE], name="memo-r1")
    seen = Observation(app=context.app, now=NOW, declared=None, stored={"memo-r1": held})
    return Snapshot({}, {}, context, seen)


def everything() -> dict[Ref, Manifest]:
    """Every child as it would be live after it was applied."""
    built = snapshot().built_for(MemoAppStatus())
    return {ref_of(item): live(item) for item in (*built.minted, *built.rendered)}


def live(manifest: Manifest) -> Manifest:
    """With a uid, and a minted Secret with the keys that it must hold."""
    name = manifest["metadata"]["name"]
    found = {**manifest, "metadata": {**manifest["metadata"], "uid": f"uid-of-{name}"}}
    if str(ref_of(manifest)) in MINTED:
        found["data"] = dict.fromkeys(KEYS[name], "eA==")
    return found


async def act(cluster: Writes, there: Mapping[Ref, Manifest] | None = None) -> bool:
    outside = Numbered()
    return await Actor(cluster, LiveServices(), outside, outside).act(snapshot(there), MemoAppStatus(), Memory())


async def test_secrets_are_minted_first_and_created_never_applied() -> None:
    cluster = Writes()
    assert await act(cluster)
    assert [ref for verb, ref in cluster.seen if verb == "create"] == MINTED
    assert [verb for verb, _ in cluster.seen[:3]] == ["create"] * 3
    assert not [ref for verb, ref in cluster.seen if verb == "apply" and ref in MINTED]


async def test_a_secret_that_somebody_made_meanwhile_is_left_as_it_is_and_ends_the_act() -> None:
    cluster = Writes(error=Conflict(409, "AlreadyExists", "it is there"))
    with pytest.raises(Conflict):
        await act(cluster)
    assert cluster.seen == [("create", MINTED[0])]


async def test_every_key_of_a_minted_secret_has_a_value_of_its_own() -> None:
    cluster = Writes()
    await act(cluster)
    database, redis, tls = cluster.bodies[:3]
    passwords = [b64decode(value).decode() for value in database["data"].values()]
    assert len(set(passwords)) == 3
    password = b64decode(redis["data"]["password"]).decode()
    assert b64decode(redis["data"]["auth.conf"]).decode() == f"requirepass {password}\n"
    assert password not in passwords
    assert set(tls["data"]) == {"ca.crt", "server.pem", "client.crt", "client.key"}
    assert tls["metadata"]["annotations"]["memoapp.dev/not-after"] == "2027-03-01T12:00:00Z"


async def test_the_databases_passwords_have_no_owner_that_could_take_them_along() -> None:
    cluster = Writes()
    await act(cluster)
    assert "ownerReferences" not in cluster.bodies[0]["metadata"]
    assert "ownerReferences" in cluster.bodies[1]["metadata"]


async def test_what_is_not_there_is_applied_as_new() -> None:
    cluster = Writes()
    await act(cluster)
    assert cluster.new
    assert all(cluster.new)
    assert not any("uid" in body["metadata"] for body in cluster.bodies)


async def test_what_is_as_wanted_is_not_written() -> None:
    cluster = Writes()
    assert not await act(cluster, everything())
    assert cluster.seen == []


async def test_what_differs_is_applied_under_the_uid_that_was_seen() -> None:
    cluster, found = Writes(), everything()
    service = next(ref for ref in found if ref.name == "memo" and ref.kind.kind == "Service")
    found[service] = {**found[service], "spec": {**found[service]["spec"], "selector": {"somebody": "else"}}}
    assert await act(cluster, found)
    assert cluster.seen == [("apply", "Service/memo")]
    assert cluster.bodies[0]["metadata"]["uid"] == "uid-of-memo"
    assert cluster.new == [False]


async def test_pods_that_are_refused_are_told_and_the_act_goes_on() -> None:
    """By a webhook, or because the operator may not use the scale subresource."""
    serving = snapshot_of_blue()
    wanted = serving.built_for(BLUE).scales

    def seen(more: int) -> Snapshot:
        """So many pods more than there should be."""
        live_ones = {ref.name.removeprefix("memo-"): number + more for ref, number in wanted.items()}
        context = replace(serving.context, replicas=live_ones)
        built = replace(serving, context=context).built_for(BLUE)
        there = {ref_of(item): live(item) for item in (*built.minted, *built.rendered)}
        return replace(serving, context=context, live=there)

    cluster, memory, outside = Writes(error=Refused(403, "Forbidden", "no")), Memory(), Numbered()
    actor = Actor(cluster, LiveServices(), outside, outside)
    assert not await actor.act(seen(1), BLUE, memory)
    assert [verb for verb, _ in cluster.seen] == ["scale"] * len(wanted)
    assert memory.messages() == dict.fromkeys(wanted, "no")
    await actor.act(seen(1), BLUE, memory)
    assert len(cluster.seen) == len(wanted), "the same is asked again only after a while"
    await actor.act(seen(0), BLUE, memory)
    assert memory.messages() == {}


async def test_once_the_lease_is_lost_nothing_more_is_tried() -> None:
    cluster = Writes(error=LeaseLostError(), at=4)
    with pytest.raises(LeaseLostError):
        await act(cluster)
    assert len(cluster.seen) == 5


class Routers(LiveServices):
    """Routers that note down how they are to send their clients."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, int]] = []

    async def steer(self, address: str, certificate: ClientCertificate, wanted: Steering) -> None:  # noqa: ARG002
        self.told.append((address, wanted.weight))


async def test_the_weights_are_set_before_anything_else_that_may_fail() -> None:
    """A way back must not wait for a child that the API server does not take."""
    serving = snapshot_of_blue()
    there = {ref_of(item): live(item) for item in serving.built_for(BLUE).minted}
    asked = {"memo-router-a": ("10.0.0.1", Steering(100, "r")), "memo-router-b": ("10.0.0.2", Steering(0, "r"))}
    cluster, routers, outside = Writes(error=Conflict(409, "Conflict", "no"), at=1), Routers(), Numbered()
    actor = Actor(cluster, routers, outside, outside)
    with pytest.raises(Conflict):
        await actor.act(replace(serving, live=there, routers=asked), BLUE, Memory())
    assert cluster.seen[0] == ("apply", "ConfigMap/memo-router-state")
    assert len(cluster.seen) == 2
    assert routers.told == [("10.0.0.1", 0)]
