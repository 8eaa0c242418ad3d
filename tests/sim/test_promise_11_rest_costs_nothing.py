"""Promise 11: steady state costs nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from memoapp_operator.domain.manifest import DEPLOYMENT, MEMO_APP, REVISION, SECRET, Kind, Manifest

from tests.sim import apps, releases, stage
from tests.sim.kubelet import Behaviour
from tests.sim.runner import Simulation


@pytest.mark.parametrize("shape", apps.SHAPES.values(), ids=apps.SHAPES)
async def test_an_app_that_is_well_costs_no_write_and_few_passes(shape: apps.Shape) -> None:
    sim = await stage.serving(shape())
    written, passes = sim.written, sim.operators[0].passes
    await sim.run_for(600)
    assert sim.written == written
    assert sim.operators[0].passes - passes <= 600 / 30 + 1


@pytest.mark.parametrize("shape", apps.SHAPES.values(), ids=apps.SHAPES)
async def test_a_restart_costs_no_write(shape: apps.Shape) -> None:
    sim = await stage.serving(shape())
    written = sim.written
    for _ in range(3):
        sim.restart()
        await sim.run_for(40)
    assert sim.written == written


ENDS = {**releases.STORIES, "a switch that is long over": None}


@pytest.mark.parametrize("name", ENDS)
async def test_after_a_release_rest_costs_no_write_across_restarts(name: str) -> None:
    sim = await releases.switched()
    story = ENDS[name]
    if story is not None:
        sim = await story.start()
        story.happens(sim)
    await sim.until_rest()
    if story is None:
        await sim.run_for(31 * 60)
        await sim.until_rest()
        assert sim.phase == "Retired"
        assert not sim.pods("blue-backend")
    written = sim.written
    await sim.run_for(120)
    sim.restart()
    await sim.run_for(120)
    assert sim.written == written


async def test_after_many_releases_no_more_is_kept_than_after_a_few() -> None:
    """The newest five revisions that nothing uses, and the copies that they name."""
    sim = await releases.serving()
    kept = []
    for number in range(9):
        sim.cluster.put(apps.secret("mail", token=f"geheim{number}"))
        sim.declare(apps.version(f"2.{number}.0", keepOld="0s"))
        await sim.until_rest()
        assert sim.status["active"]["version"] == f"2.{number}.0"
        kept.append((len(sim.children(REVISION)), len(sim.children(SECRET))))
    assert kept[-1] == kept[-2] == kept[-3]
    assert kept[-1][0] == 6


def image_missing(sim: Simulation) -> None:
    sim.world.behaviours[apps.BACKEND] = Behaviour.NOT_PULLED


def secret_missing(sim: Simulation) -> None:
    sim.cluster.remove(apps.secret_ref("mail"))


def foreign_object(sim: Simulation) -> None:
    sim.cluster.put(apps.foreign("Service", "memo-blue-backend"))


def secret_lost(sim: Simulation) -> None:
    sim.cluster.put(apps.kept_claim())


def kept_by_another(sim: Simulation) -> None:
    sim.cluster.put(apps.kept_claim(database="ledger"))


def pods_forbidden(sim: Simulation) -> None:
    sim.world.quota["backend"] = "exceeded quota: compute, requested: cpu=50m, used: cpu=1, limited: cpu=1"


STALLS = {
    "ImagePullBackOff": image_missing,
    "SecretMissing": secret_missing,
    "ForeignObject": foreign_object,
    "SecretLost": secret_lost,
    "KeptDataMismatch": kept_by_another,
    "QuotaExceeded": pods_forbidden,
}


@pytest.mark.parametrize(("reason", "arrange"), STALLS.items(), ids=STALLS)
async def test_a_stalled_app_costs_no_write_across_restarts(
    sim: Simulation, reason: str, arrange: Callable[[Simulation], None]
) -> None:
    arrange(sim)
    sim.declare(apps.full())
    await sim.until_rest()
    assert sim.ready == reason
    assert sim.condition("Stalled")["status"] == "True"
    written = sim.written
    await sim.run_for(60)
    sim.restart()
    await sim.run_for(60)
    assert sim.written == written


async def test_what_is_refused_is_asked_once_a_minute_and_once_a_restart(sim: Simulation) -> None:
    sim.cluster.refuse = refuse(DEPLOYMENT, "memo-blue-backend", "denied by the registry's policy")
    sim.declare(apps.full())
    await sim.until_rest()
    assert sim.ready == "ChildRefused"
    assert sim.condition("Stalled")["status"] == "True"
    written = sim.written
    await sim.run_for(600)
    assert len(sim.writes(written)) <= 600 / 60 + 1
    assert {write.outcome for write in sim.writes(written)} == {"Refused"}
    written = sim.written
    sim.restart()
    await sim.run_for(50)
    assert [write.outcome for write in sim.writes(written)] == ["Refused"]
    assert sim.ready == "ChildRefused"


async def test_what_is_no_longer_refused_comes_up_by_itself(sim: Simulation) -> None:
    sim.cluster.refuse = refuse(DEPLOYMENT, "memo-blue-backend", "denied by the registry's policy")
    sim.declare(apps.full())
    await sim.until_rest()
    sim.cluster.refuse = lambda _: None
    await sim.until_rest(quiet=90)
    assert sim.ready == "True"


def refuse(kind: Kind, name: str, message: str) -> Callable[[Manifest], str | None]:
    def answer(manifest: Manifest) -> str | None:
        return message if (manifest["kind"], manifest["metadata"]["name"]) == (kind.kind, name) else None

    return answer


async def test_what_a_webhook_changes_is_not_applied_again_and_again(sim: Simulation) -> None:
    """The API server stores another form than was sent: that is no reason to write for ever, nor not to serve."""

    def rewrite(manifest: Manifest) -> None:
        if manifest["kind"] == DEPLOYMENT.kind:
            for container in manifest["spec"]["template"]["spec"]["containers"]:
                container["image"] = container["image"].replace("docker.io/", "mirror.example/")

    sim.cluster.admit = rewrite
    sim.declare(apps.full())
    await sim.until_rest()
    assert sim.ready == "True"
    written = sim.written
    await sim.run_for(600)
    assert sim.written == written


async def test_an_app_that_is_gone_is_forgotten(sim: Simulation) -> None:
    sim.declare(apps.backend_only())
    await sim.until_rest()
    sim.cluster.remove(apps.APP)
    await sim.until_rest()
    assert sim.operators[0].due() is None
    assert not list(sim.cluster.all(MEMO_APP))
    assert not sim.operators[0].remembered
