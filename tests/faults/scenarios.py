"""What is disturbed: each scenario has a beginning that is left in peace, a deed, and an end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from tests.e2e.app import KIND, is_ready, manifest
from tests.kube import Kube, Object
from tools.testbed import sample

APP, SAVED, BACK, NIGHT = "memo", "good", "back", "night"
NEXT = "1.1.0"
_STEPS = {"steps": [{"weight": 10, "hold": "2s"}, {"weight": 50, "hold": "2s"}], "soak": "2s", "keepOld": "4s"}
_GATES = {"interval": "2s", "minRequests": 4}
"""A tenth of the clients of a run is two requests a second."""
_FAULT = [{"name": "FAULT", "value": "never-healthy"}]
"""The sample's backend then answers 503 on its health path."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a scenario plays."""

    kube: Kube
    namespace: str
    images: Mapping[str, str]

    def create(self, **spec: Any) -> None:
        self.kube.create(manifest(APP, self.namespace, {**_spec(self.images), **spec}))

    def change(self, body: Object) -> None:
        """Merge into the MemoApp."""
        self.kube.patch(KIND, APP, self.namespace, body=body)

    def delete(self) -> None:
        self.kube.delete(KIND, APP, self.namespace)


Predicate = Callable[[Object | None], bool]
Step = tuple[Callable[[Stage], None], Predicate]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario.

    Attributes:
        name: for people and the command line.
        before: deeds with their ends, undisturbed.
        deed: what is disturbed.
        end: true of the MemoApp (None: it is gone) when it is over.
        clients: requests are sent to the app all the while.
        at_fault: the version whose own answers of 500 are what the scenario is about; empty: there is none.
        watched: kind and name of the object that ``end`` is about.
    """

    name: str
    before: tuple[Step, ...]
    deed: Callable[[Stage], None]
    end: Predicate
    clients: bool = True
    at_fault: str = ""
    watched: tuple[str, str] = (KIND, APP)


def _spec(images: Mapping[str, str]) -> Object:
    small = sample.small(images)
    little = small["backend"]["resources"]
    return {
        **small,
        "frontend": {"image": images["frontend"], "replicas": 1, "resources": little},
        "release": {**sample.MIGRATES, "keepOld": "30m", "deadline": "10m"},
    }


def _create(stage: Stage) -> None:
    stage.create()


def _create_with_redis(stage: Stage) -> None:
    redis = {
        "managed": {"image": stage.images["redis"], "resources": sample.small(stage.images)["backend"]["resources"]}
    }
    stage.create(redis=redis)


def _next(stage: Stage, backend: Mapping[str, Any] = MappingProxyType({}), **spec: Any) -> None:
    stage.change(
        {
            "spec": {
                "version": NEXT,
                "frontend": {"image": stage.images["frontend-next"]},
                "backend": {"image": stage.images["backend-next"], **backend},
                **spec,
            }
        }
    )


def _switch(stage: Stage) -> None:
    _next(stage, release={"keepOld": "4s"})


def _create_saving(stage: Stage) -> None:
    stage.create(backup={"destination": {"volume": {"size": "1Gi"}}})


def _save_and_switch(stage: Stage) -> None:
    _next(stage, release={"keepOld": "4s", "backupMaxAge": "0s"})


def _order_backup(stage: Stage) -> None:
    spec = {"appRef": {"name": APP}}
    metadata = {"name": SAVED, "namespace": stage.namespace}
    stage.kube.create({"apiVersion": "memoapp.dev/v1alpha1", "kind": "MemoBackup", "metadata": metadata, "spec": spec})


def _saved(found: Object | None) -> bool:
    backups = ((found or {}).get("status") or {}).get("backups") or {}
    return (backups.get("last") or {}).get("name") == SAVED


def _restore(stage: Stage) -> None:
    spec = {"appRef": {"name": APP}, "source": {"backup": SAVED}, "mode": "InPlace", "dataLoss": "Accept"}
    metadata = {"name": BACK, "namespace": stage.namespace}
    stage.kube.create({"apiVersion": "memoapp.dev/v1alpha1", "kind": "MemoRestore", "metadata": metadata, "spec": spec})


def _restored(found: Object | None) -> bool:
    return ((found or {}).get("status") or {}).get("phase") == "Completed"


def _maintain(stage: Stage) -> None:
    """Tasks of each kind of object."""
    _window(stage, {"name": "save", "backup": {}}, {"name": "tidy", "vacuumAnalyze": {}})


def _upgrade(stage: Stage) -> None:
    """Another image of the database, which the task lets go."""
    stage.change({"spec": {"database": {"managed": {"image": stage.images["postgres-next"]}}}})
    _window(stage, {"name": "upgrade", "updateDatabaseImage": {}})


def _upgrade_in_vain(stage: Stage) -> None:
    """One that nobody has: it goes back."""
    stage.change({"spec": {"database": {"managed": {"image": f"{stage.images['postgres']}-typo"}}}})
    _window(stage, {"name": "upgrade", "updateDatabaseImage": {}})


def _window(stage: Stage, *tasks: Object) -> None:
    """A window that began a moment ago, with tasks behind the page."""
    start = (datetime.now(UTC) - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    spec = {
        "apps": {"names": [APP]},
        "policy": "Allow",
        "work": [],
        "start": start,
        "duration": "1h",
        "page": True,
        "watch": "2s",
        "tasks": [*tasks],
    }
    metadata = {"name": NIGHT, "namespace": stage.namespace}
    kind = {"apiVersion": "memoapp.dev/v1alpha1", "kind": "MaintenanceWindow"}
    stage.kube.create({**kind, "metadata": metadata, "spec": spec})


def _run(phase: str) -> Callable[[Object | None], bool]:
    """The window's run came to that."""

    def holds(found: Object | None) -> bool:
        runs = ((found or {}).get("status") or {}).get("runs") or [{}]
        return bool(runs[0].get("phase") == phase)

    return holds


def _by_steps(stage: Stage) -> None:
    _next(stage, release=_STEPS, gates=_GATES)


def _by_steps_with_errors(stage: Stage) -> None:
    """Well at rest; all that clients ask is answered with 500."""
    _next(stage, {"env": [{"name": "FAULT", "value": "errors-100%"}]}, release=_STEPS, gates=_GATES)


def _switch_and_keep(stage: Stage) -> None:
    _next(stage, release={"keepOld": "30m"})


def _nowhere(stage: Stage) -> None:
    """No node takes it. Its trouble is the same at any time, also to a process that comes late."""
    backend = {"nodeSelector": {"memoapp.dev/node": "none"}}
    stage.change({"spec": {"version": "1.2.0", "backend": backend, "release": {"deadline": "12s"}}})


def _hopeless(stage: Stage) -> None:
    stage.change({"spec": {"version": "1.2.0", "backend": {"env": _FAULT}}})


def _roll_back(stage: Stage) -> None:
    stage.change({"metadata": {"annotations": {"memoapp.dev/rollback": "by-hand"}}})


def _withdraw(stage: Stage) -> None:
    """Away from a version that cannot come up, back to the one that serves."""
    stage.change({"spec": {"version": "1.0.0", "backend": {"env": None}}})


def _delete(stage: Stage) -> None:
    stage.delete()


def _phase(*phases: str, ready: bool | None = None) -> Predicate:
    def holds(found: Object | None) -> bool:
        status = (found or {}).get("status") or {}
        current = found is not None and status.get("observedGeneration") == found["metadata"]["generation"]
        phase = (status.get("release") or {}).get("phase")
        return current and phase in phases and (ready is None or is_ready(found) is ready)

    return holds


def _catalogued(found: Object | None) -> bool:
    """Its first look through the destination is over: it would run beside the deed, sometimes."""
    backups = ((found or {}).get("status") or {}).get("backups") or {}
    return is_ready(found) and "catalogued" in backups


def _gone(found: Object | None) -> bool:
    return found is None


_CREATED: Step = (_create, is_ready)
SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("creation", (), _create_with_redis, is_ready, clients=False),
        Scenario("switch", (_CREATED,), _switch, _phase("Retired", ready=True)),
        Scenario("saving", ((_create_saving, _catalogued),), _save_and_switch, _phase("Retired", ready=True)),
        # Visitors see the page for a while: no client counts its answers.
        Scenario(
            "restoring",
            ((_create_saving, _catalogued), (_order_backup, _saved)),
            _restore,
            _restored,
            clients=False,
            watched=("memoapp.dev/v1alpha1/MemoRestore", BACK),
        ),
        *(
            Scenario(
                name,
                ((_create_saving, _catalogued),),
                deed,
                _run(phase),
                clients=False,
                watched=("memoapp.dev/v1alpha1/MaintenanceWindow", NIGHT),
            )
            for name, deed, phase in (
                ("maintaining", _maintain, "Completed"),
                ("upgrading", _upgrade, "Completed"),
                ("taken-back", _upgrade_in_vain, "Failed"),
            )
        ),
        Scenario("gradual", (_CREATED,), _by_steps, _phase("Retired", ready=True)),
        Scenario("gates", (_CREATED,), _by_steps_with_errors, _phase("RolledBack"), at_fault=NEXT),
        Scenario("rejection", (_CREATED,), _nowhere, _phase("Rejected")),
        Scenario(
            "rollback",
            (_CREATED, (_switch_and_keep, _phase("Completed", ready=True))),
            _roll_back,
            _phase("RolledBack"),
        ),
        Scenario(
            "withdrawal", (_CREATED, (_hopeless, _phase("Preparing"))), _withdraw, _phase("Withdrawn", ready=True)
        ),
        Scenario("deletion", (_CREATED,), _delete, _gone, clients=False),
    )
}
