"""Promise 10: never half applied. An object of a child's name that is not ours stands in the way, and is left alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from memoapp_operator.domain.manifest import Manifest, Ref, ref_of

from tests.sim import apps, stage
from tests.sim.faults import Faults, Write
from tests.sim.runner import Operator, Simulation

NAMES = {
    "Secret": ("memo-database", "memo-redis", "memo-router-tls", "memo-connection"),
    "ConfigMap": ("memo-database", "memo-router"),
    "PersistentVolumeClaim": ("memo-database", "memo-redis"),
    "Service": ("memo", "memo-green-frontend"),
    "StatefulSet": ("memo-database", "memo-redis"),
    "Deployment": ("memo-router", "memo-blue-backend", "memo-blue-frontend"),
    "PodDisruptionBudget": ("memo-router", "memo-blue-frontend"),
    "NetworkPolicy": ("memo-redis",),
}
OBJECTS = [(kind, name) for kind, names in NAMES.items() for name in names]


def of_another_app(kind: str, name: str) -> Manifest:
    """A child of a MemoApp with another name."""
    labels = {"app.kubernetes.io/managed-by": "memoapp-operator", "memoapp.dev/app": "memo-x"}
    owner = {"apiVersion": "memoapp.dev/v1alpha1", "kind": "MemoApp", "name": "memo-x", "uid": "x", "controller": True}
    return apps.foreign(kind, name, labels=labels, ownerReferences=[owner])


def with_our_labels(kind: str, name: str) -> Manifest:
    """Copied from a child, labels and all, by somebody whose controller owns the copy."""
    labels = {"app.kubernetes.io/managed-by": "memoapp-operator", "memoapp.dev/app": "memo"}
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "other", "uid": "y", "controller": True}
    return apps.foreign(kind, name, labels=labels, ownerReferences=[owner])


@pytest.mark.parametrize(("kind", "name"), OBJECTS)
async def test_nothing_is_created_until_it_is_gone(sim: Simulation, kind: str, name: str) -> None:
    ref = ref_of(sim.cluster.put(apps.foreign(kind, name)))
    spec = sim.find(*apps.place(ref)).get("spec")
    sim.declare(apps.full())
    await sim.until_rest()
    assert sim.ready == "ForeignObject"
    assert f"{kind}/{name}" in sim.condition("Stalled")["message"]
    assert sim.child_writes() == []
    assert sim.find(*apps.place(ref)).get("spec") == spec
    sim.cluster.remove(ref)
    await sim.until_rest()
    assert sim.ready == "True"


@pytest.mark.parametrize("make", [of_another_app, with_our_labels])
@pytest.mark.parametrize("kind", ["Service", "Deployment"])
async def test_labels_alone_make_it_no_child(sim: Simulation, make: Callable[[str, str], Manifest], kind: str) -> None:
    for uid_of in ("Deployment", "MemoApp"):
        sim.cluster.put({**apps.foreign("Deployment", "other"), "metadata": _living(uid_of)})
    sim.cluster.put(make(kind, "memo-router" if kind == "Deployment" else "memo"))
    sim.declare(apps.full())
    await sim.until_rest()
    assert sim.ready == "ForeignObject"
    assert sim.child_writes() == []


def _living(kind: str) -> Manifest:
    """Metadata of the owners above, so that the garbage collector lets their dependents be."""
    uid = "y" if kind == "Deployment" else "x"
    return {"name": f"owner-{uid}", "namespace": "prod", "uid": uid, "labels": {"team": "others"}}


@pytest.mark.parametrize(
    ("kind", "name"),
    [("Service", "memo-redis"), ("NetworkPolicy", "memo-router"), ("Deployment", "memo-blue-frontend")],
)
async def test_in_place_of_a_serving_apps_child_it_is_told_and_the_others_are_repaired(kind: str, name: str) -> None:
    sim = await stage.serving(apps.full())
    theirs = apps.foreign(kind, name)
    sim.cluster.remove(ref_of(theirs))
    sim.cluster.put(theirs)
    await sim.until_rest()
    assert sim.ready == "ForeignObject"
    sim.cluster.remove(next(ref for ref in sim.children() if str(ref) == "ConfigMap/memo-redis"))
    await sim.until_rest()
    assert "ConfigMap/memo-redis" in map(str, sim.children())
    sim.cluster.remove(ref_of(theirs))
    await sim.until_rest()
    assert sim.ready == "True"
    assert sim.condition("Available")["status"] == "True"


async def test_two_apps_whose_childrens_names_meet_keep_apart() -> None:
    """``memo`` has a Service memo-database, and that is the name of the other's own."""
    sim = await stage.serving(apps.full())
    other = apps.memoapp(apps.backend_only())
    other["metadata"]["name"] = "memo-database"
    sim.cluster.put(other)
    sim.operators.append(Operator(sim.world, sim.mint, "memo-database"))
    await sim.until_rest()
    assert sim.ready == "True"
    found = sim.cluster.find(Ref(apps.APP.kind, "memo-database"))
    assert found is not None
    reasons = {item["type"]: item["reason"] for item in found["status"]["conditions"]}
    assert reasons["Ready"] == "ForeignObject"


class Meanwhile(Faults):
    """Somebody else is quicker: just before the operator writes a child, it is theirs."""

    def __init__(self, sim: Simulation, theirs: Manifest) -> None:
        self._sim = sim
        self._theirs = theirs

    def before(self, write: Write) -> None:
        ref = ref_of(self._theirs)
        if write.ref != ref:
            return
        if self._sim.cluster.find(ref) is not None:
            self._sim.cluster.remove(ref)
        self._sim.cluster.put(self._theirs)
        self._sim.cluster.faults = Faults()


@pytest.mark.parametrize("existing", [False, True])
async def test_one_that_comes_between_the_look_and_the_write_is_not_overwritten(existing: bool) -> None:
    sim = await stage.serving(apps.full())
    theirs = apps.foreign("Deployment", "memo-router")
    if existing:
        sim.cluster.edit(ref_of(theirs), lambda found: found["spec"].update(replicas=0))
    else:
        sim.cluster.remove(ref_of(theirs))
    sim.cluster.faults = Meanwhile(sim, theirs)
    await sim.until_rest()
    assert sim.ready == "ForeignObject"
    assert sim.find(*apps.place(ref_of(theirs)))["spec"] == theirs["spec"]
    assert [write.outcome for write in sim.writes() if write.ref == ref_of(theirs)][1:] == ["Conflict"]
