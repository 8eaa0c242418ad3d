"""What is committed about releases: the value that one pass reads and the next one begins with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from memoapp_operator.api.v1alpha1.memoapp import (
    ActiveStatus,
    Colour,
    MemoAppStatus,
    OrdersStatus,
    RejectedStatus,
    ReleaseStatus,
    TrafficStatus,
)

from .observation import Trouble
from .revision import Revision

HALF = 50
UNKNOWN = "unknown"
"""The version of a colour whose stored revision somebody deleted."""
KEPT_REJECTIONS = 16
"""Rejections that are remembered between two releases that completed; the oldest goes first."""


@dataclass(frozen=True, slots=True)
class State:
    """What is committed about releases, before or after a move."""

    release: ReleaseStatus | None
    active: ActiveStatus | None
    traffic: TrafficStatus | None
    colours: Mapping[str, str]
    rejected: tuple[RejectedStatus, ...]
    orders: OrdersStatus

    @classmethod
    def of(cls, status: MemoAppStatus) -> State:
        """The state in a status."""
        return cls(
            status.release,
            status.active,
            status.traffic,
            status.colours or {},
            tuple(status.rejected or ()),
            status.orders or OrdersStatus(),
        )

    def without(self, colour: Colour) -> State:
        """The state in which the colour holds no revision."""
        return replace(self, colours={key: name for key, name in self.colours.items() if key != colour.value})

    def rejection(self, id_: str | None) -> RejectedStatus | None:
        """Why the revision may not serve; None where it may."""
        return next((item for item in self.rejected if item.id == id_), None)

    def rejecting(self, id_: str, why: Trouble) -> State:
        """The state in which the revision is rejected, by its last reason."""
        fresh = RejectedStatus(id=id_, reason=why.reason, message=why.message[:1024])
        others = [item for item in self.rejected if item.id != id_]
        return replace(self, rejected=(*others[-(KEPT_REJECTIONS - 1) :], fresh))


def held_revision(state: State, stored: Mapping[str, Revision], colour: Colour) -> Revision | None:
    """The revision that a colour is rendered from; None where it holds none, or where it was deleted.

    Never another one: what is stored under the name must be what serves.
    """
    found = stored.get(state.colours.get(colour.value, ""))
    active = state.active
    if found is None or active is None or active.colour is not colour or active.version == UNKNOWN:
        return found
    return found if found.id == active.revision else None


def other(colour: Colour) -> Colour:
    """The colour that this one is not."""
    return Colour.GREEN if colour is Colour.BLUE else Colour.BLUE


def split(colour: Colour) -> TrafficStatus:
    """All clients to one colour."""
    green = 100 if colour is Colour.GREEN else 0
    return TrafficStatus(blue=100 - green, green=green)


def holder(traffic: TrafficStatus | None) -> Colour | None:
    """The colour that has most of the clients."""
    if traffic is None:
        return None
    return Colour.GREEN if traffic.green > HALF else Colour.BLUE


def weight_of_green(status: MemoAppStatus) -> int:
    """Percent of the clients that green serves, as committed."""
    return status.traffic.green if status.traffic else 0


def rejection_text(rejected: Iterable[RejectedStatus]) -> str:
    """The rejections, a line each, as they are kept beside the weights."""
    return "".join(f"{item.id} {item.reason} {' '.join(item.message.split())}\n" for item in rejected)


def rejections_in(text: str) -> tuple[RejectedStatus, ...]:
    """What ``rejection_text`` wrote."""
    found = []
    for line in text.splitlines():
        id_, _, rest = line.strip().partition(" ")
        reason, _, message = rest.partition(" ")
        if id_ and reason:
            found.append(RejectedStatus(id=id_, reason=reason, message=message))
    return tuple(found)
