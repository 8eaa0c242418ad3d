"""Values to decide about: apps with a status, and observations that differ from a healthy one in one thing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from memoapp_operator.api.v1alpha1.memoapp import MemoApp, MemoAppStatus
from memoapp_operator.domain.decide import decide
from memoapp_operator.domain.manifest import CONFIG_MAP, DEPLOYMENT, SECRET, Ref
from memoapp_operator.domain.observation import Child, ChildState, Observation, Probe, Trouble, Workload

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
LATER = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
UID = "7b0f6a52-1111-4222-8333-444455556666"
REVISION = "rev-1"
RESYNC = 30.0
WELL = Probe(healthy=True, reason="Answering")
TIERS = ("blue-backend", "blue-frontend")


def spec(**changes: Any) -> dict[str, Any]:
    """Both tiers, managed PostgreSQL and Redis; a change of None leaves a field out."""
    found: dict[str, Any] = {
        "version": "1.4.0",
        "frontend": {"image": "example/frontend:1.4.0"},
        "backend": {"image": "example/backend:1.4.0"},
        "database": {"managed": {}},
        "redis": {"managed": {}},
        **changes,
    }
    return {key: value for key, value in found.items() if value is not None}


def memoapp(
    declared: dict[str, Any] | None = None, status: MemoAppStatus | None = None, generation: int = 1
) -> MemoApp:
    """A MemoApp as the API server would give it."""
    metadata = {"name": "memo", "namespace": "prod", "uid": UID, "generation": generation}
    app = MemoApp.model_validate({"metadata": metadata, "spec": declared or spec()})
    return app.model_copy(update={"status": status}) if status else app


def settled(*names: str, replicas: int = 2) -> dict[str, Workload]:
    """Workloads with every pod ready."""
    return {name: Workload(name, wanted=replicas, ready=replicas, settled=True) for name in names}


def unsettled(name: str, ready: int = 1, trouble: Trouble | None = None) -> dict[str, Workload]:
    """One workload that is not there yet."""
    return {name: Workload(name, wanted=2, ready=ready, settled=False, trouble=trouble)}


def child(state: ChildState, name: str = "memo-router") -> Child:
    """One child, a Deployment."""
    return Child(Ref(DEPLOYMENT, name), state, "uid-of-it")


def healthy(app: MemoApp | None = None, **changes: Any) -> Observation:
    """Everything that the spec asks for is there and well."""
    seen = Observation(
        app=app or memoapp(),
        now=NOW,
        revision=REVISION,
        children=(child(ChildState.CURRENT),),
        workloads=settled("router", "database", "redis", *TIERS),
        addresses={"blue-backend": "10.0.0.1"},
        database=WELL,
        cache=WELL,
        routers={"memo-router-a": 0, "memo-router-b": 0},
    )
    return replace(seen, **changes)


def committed(seen: Observation, **changes: Any) -> Observation:
    """The same sight in the next pass: what was decided stands in the status."""
    status = decide(seen, resync=RESYNC).status
    return replace(seen, app=seen.app.model_copy(update={"status": status}), **changes)


def serving(**changes: Any) -> Observation:
    """A healthy app whose release completed in an earlier pass."""
    return replace(committed(committed(healthy())), **changes)


STALL = Trouble("ImagePullBackOff", "blue-backend: the image x cannot be pulled", stalls=True)
PASSING = Trouble("HealthNotReached", "blue-backend: /api/health answered 503", stalls=False)
REFUSED = {Ref(CONFIG_MAP, "memo-router"): "forbidden by policy"}
MISSING_SECRET = ("Secret/mail",)
SECRET_REF = Ref(SECRET, "memo-database")
