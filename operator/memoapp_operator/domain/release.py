"""The release: which revision is brought up in which colour, and when it is there.

Until a second colour is brought up beside the first, a changed revision rolls the one colour in place.
"""

from __future__ import annotations

from memoapp_operator.api.v1alpha1.memoapp import (
    ActiveStatus,
    Colour,
    MemoApp,
    MemoAppStatus,
    ReleasePhase,
    ReleaseStatus,
    TrafficStatus,
)

from .conditions import timestamp
from .observation import ChildState, Observation, Probe


def weight_of_green(status: MemoAppStatus) -> int:
    """Percent of the clients that green serves, as committed."""
    return status.traffic.green if status.traffic else 0


def running_colours(app: MemoApp, status: MemoAppStatus, *, prepared: bool, named: bool) -> tuple[Colour, ...]:
    """The colours whose pods are rendered.

    Args:
        app: the MemoApp.
        status: as committed: a colour runs only after a release named it.
        prepared: database and Redis answer, so a first release may start its pods.
        named: everything that the pods refer to is there.
    """
    del app
    if status.release is None or not named:
        return ()
    return (status.release.colour,) if prepared or status.active is not None else ()


def tiers(app: MemoApp) -> tuple[str, ...]:
    """The tiers that the app has."""
    return ("backend", "frontend") if app.spec.frontend is not None else ("backend",)


def well(probe: Probe | None) -> bool:
    """True where an answer came and was good."""
    return probe is not None and probe.healthy


def prepared(seen: Observation) -> bool:
    """Database and Redis answer."""
    return well(seen.database) and (seen.app.spec.redis is None or well(seen.cache))


def next_release(seen: Observation) -> ReleaseStatus | None:
    """The release after this pass: a new one, the present one, or the present one completed."""
    present = seen.app.status.release
    if seen.revision is None:
        return present
    if present is None or present.id != seen.revision:
        active = seen.app.status.active
        return ReleaseStatus(
            id=seen.revision,
            version=seen.app.spec.version,
            colour=active.colour if active else Colour.BLUE,
            phase=ReleasePhase.PREPARING,
            started_at=timestamp(seen.now),
        )
    if present.phase is ReleasePhase.PREPARING and is_live(seen, present):
        return present.model_copy(
            update={"phase": ReleasePhase.COMPLETED, "finished_at": timestamp(seen.now)},
        )
    return present


def is_live(seen: Observation, release: ReleaseStatus) -> bool:
    """Everything is applied, every pod of the release is ready, and every router sends its clients there."""
    names = ["router", *(f"{release.colour}-{tier}" for tier in tiers(seen.app))]
    workloads = [seen.workloads.get(name) for name in names]
    share = 100 if release.colour is Colour.GREEN else 0
    return (
        prepared(seen)
        and not seen.refusals
        and all(child.state is ChildState.CURRENT for child in seen.children)
        and all(workload is not None and workload.settled for workload in workloads)
        and bool(seen.routers)
        and all(weight == share for weight in seen.routers.values())
    )


def is_completed(status: MemoAppStatus, revision: str | None) -> bool:
    """The declared revision is live: nothing leads to what it does not have any more."""
    release = status.release
    return release is not None and release.phase is ReleasePhase.COMPLETED and release.id == revision


def active_after(seen: Observation, release: ReleaseStatus | None) -> ActiveStatus | None:
    """What serves: the release, once it completed; until then what served before."""
    before = seen.app.status.active
    if release is None or release.phase is not ReleasePhase.COMPLETED:
        return before
    if before is not None and before.revision == release.id:
        return before
    return ActiveStatus(
        colour=release.colour, version=release.version, revision=release.id, since=release.finished_at or ""
    )


def traffic_after(active: ActiveStatus | None) -> TrafficStatus | None:
    """The declared split; None before anything serves."""
    if active is None:
        return None
    green = active.colour is Colour.GREEN
    return TrafficStatus(blue=0 if green else 100, green=100 if green else 0)
