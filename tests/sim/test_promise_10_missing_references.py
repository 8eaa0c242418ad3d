"""Promise 10: a Secret or ConfigMap that is named and not there is told, and waited for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from memoapp_operator.domain.manifest import CONFIG_MAP, SECRET, Manifest, Ref

from tests.sim import apps, stage
from tests.sim.runner import Simulation

MAIL, TEXTS = Ref(SECRET, "mail"), Ref(CONFIG_MAP, "texts")


def without_mail(sim: Simulation) -> None:
    sim.cluster.remove(MAIL)


def without_token(sim: Simulation) -> None:
    sim.cluster.put(apps.secret("mail", sender="memo@example"))


def without_texts(sim: Simulation) -> None:
    sim.cluster.remove(TEXTS)


def without_postgres(sim: Simulation) -> None:
    sim.cluster.remove(Ref(SECRET, "my-postgres"))


def without_host(sim: Simulation) -> None:
    sim.cluster.put(apps.secret("my-postgres", user="someone", password="postgresgeheim"))


def without_redis(sim: Simulation) -> None:
    sim.cluster.remove(Ref(SECRET, "my-redis"))


LACKS: list[tuple[Callable[[Simulation], None], apps.Shape, str, str]] = [
    (without_mail, apps.full, "SecretMissing", "Secret/mail"),
    (without_token, apps.full, "SecretMissing", "key token of Secret/mail"),
    (without_texts, apps.full, "ConfigMapMissing", "ConfigMap/texts"),
    (without_postgres, apps.external, "SecretMissing", "Secret/my-postgres"),
    (without_host, apps.external, "SecretMissing", "Secret/my-postgres"),
    (without_redis, apps.external, "SecretMissing", "Secret/my-redis"),
]


@pytest.mark.parametrize(("arrange", "shape", "reason", "text"), LACKS, ids=[arrange.__name__ for arrange, *_ in LACKS])
async def test_it_is_named_and_waited_for(
    sim: Simulation, arrange: Callable[[Simulation], None], shape: apps.Shape, reason: str, text: str
) -> None:
    arrange(sim)
    sim.declare(shape())
    await sim.until_rest()
    assert sim.ready == reason
    assert text in sim.condition("Ready")["message"]
    assert sim.condition("Stalled")["status"] == "True"
    assert not sim.pods("blue-backend")
    began = sim.world.clock.seconds
    for manifest in apps.beside():
        sim.cluster.put(manifest)
    while sim.ready == reason:
        await sim.run_for(1)
    assert sim.world.clock.seconds - began <= 60
    await sim.until_rest()
    assert sim.ready == "True"


async def test_what_can_come_up_without_it_does(sim: Simulation) -> None:
    sim.cluster.remove(MAIL)
    sim.declare(apps.full())
    await sim.until_rest()
    assert sim.condition("DatabaseReady")["status"] == sim.condition("CacheReady")["status"] == "True"
    assert sim.pods("router")


async def test_an_optional_one_is_not_waited_for(sim: Simulation) -> None:
    sim.cluster.remove(MAIL)
    sim.cluster.remove(TEXTS)
    spec = apps.full()
    spec["backend"]["env"][1]["valueFrom"]["secretKeyRef"]["optional"] = True
    spec["backend"]["envFrom"][0]["configMapRef"]["optional"] = True
    sim.declare(spec)
    await sim.until_rest()
    assert sim.ready == "True"


def new_token(manifest: Manifest) -> None:
    manifest["data"] = apps.secret("mail", token="anothergeheim")["data"]


def new_text(manifest: Manifest) -> None:
    manifest["data"]["greeting"] = "good morning"


@pytest.mark.parametrize(("ref", "change"), [(MAIL, new_token), (TEXTS, new_text)], ids=["Secret", "ConfigMap"])
async def test_another_content_is_another_release(ref: Ref, change: Callable[[Manifest], None]) -> None:
    sim = await stage.serving(apps.full())
    pods, release = {**sim.pods("backend"), **sim.pods("frontend")}, sim.status["release"]["id"]
    sim.cluster.edit(ref, change)
    await sim.run_for(35)
    await sim.until_rest()
    assert sim.ready == "True"
    assert sim.status["release"]["id"] != release
    serving = {**sim.pods(f"{sim.colour}-backend"), **sim.pods(f"{sim.colour}-frontend")}
    assert not pods.keys() & serving.keys()
    assert pods.keys() < {**sim.pods("backend"), **sim.pods("frontend")}.keys(), "the old ones stay warm as they were"


async def test_a_password_that_was_changed_elsewhere_reaches_the_pods_with_its_secret() -> None:
    sim = await stage.serving(apps.external())
    old = sim.pods("backend")
    sim.world.elsewhere["postgres.example"] = "anothergeheim"
    sim.cluster.put(apps.secret("my-postgres", host="postgres.example", user="someone", password="anothergeheim"))
    await sim.run_for(35)
    await sim.until_rest()
    assert sim.ready == "True"
    assert not old.keys() & sim.pods(f"{sim.colour}-backend").keys()


@pytest.mark.parametrize("arrange", [without_mail, without_token, without_texts])
async def test_one_that_vanishes_while_the_app_serves_is_told_and_no_pod_touched(
    arrange: Callable[[Simulation], None],
) -> None:
    sim = await stage.serving(apps.full())
    pods = {**sim.pods("backend"), **sim.pods("frontend")}.keys()
    arrange(sim)
    await sim.run_for(35)
    await sim.until_rest()
    assert sim.ready in {"SecretMissing", "ConfigMapMissing"}
    assert sim.condition("Available")["status"] == "True"
    assert {**sim.pods("backend"), **sim.pods("frontend")}.keys() == pods
    written = sim.written
    for manifest in apps.beside():
        sim.cluster.put(manifest)
    await sim.run_for(35)
    await sim.until_rest()
    assert sim.ready == "True"
    assert {**sim.pods("backend"), **sim.pods("frontend")}.keys() == pods
    assert sim.child_writes(written) == []


async def test_a_new_spec_that_names_a_missing_one_leaves_the_old_pods_serving() -> None:
    sim = await stage.serving(apps.full())
    pods = sim.pods("backend").keys()
    spec: dict[str, Any] = apps.full()
    spec["backend"]["envFrom"].append({"secretRef": {"name": "payment"}})
    sim.declare({**spec, "version": "1.5.0"})
    await sim.until_rest()
    assert sim.ready == "SecretMissing"
    assert sim.status["active"]["version"] == "1.4.0"
    assert sim.pods("backend").keys() == pods
    sim.cluster.put(apps.secret("payment", key="paymentgeheim"))
    await sim.until_rest()
    assert sim.ready == "True"
    assert sim.status["active"]["version"] == "1.5.0"
