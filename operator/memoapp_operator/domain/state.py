"""What is committed about releases: the value that one pass reads and the next one begins with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from memoapp_operator.api.v1alpha1.memoapp import (
    ActiveStatus,
    Colour,
    MemoAppStatus,
    OrdersStatus,
    RejectedStatus,
    ReleaseStatus,
    TrafficStatus,
)

from .conditions import timestamp
from .observation import Trouble
from .revision import Revision

HALF = 50
GATE_FAILED = "GateFailed"
GATE_INCONCLUSIVE = "GateInconclusive"
GATE_ERROR = "GateError"
OLD_COLOUR_LOST = "OldColourLost"
BACKUP_FAILED = "BackupFailed"
PREFLIGHT_FAILED = "PreflightFailed"
BY_HAND = "RolledBackByHand"
ABORTED = "AbortedByHand"
WINDOW_DENIED = "WindowDenied"
TRIED_AGAIN = frozenset({GATE_INCONCLUSIVE, GATE_ERROR, OLD_COLOUR_LOST, BACKUP_FAILED, PREFLIGHT_FAILED})
"""Reasons that prove nothing against a revision: it is tried again by itself after 1 h, then 2, 4, ..."""
LONGEST_PAUSE = timedelta(hours=24)
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

    def rejection(self, id_: str | None, now: datetime) -> RejectedStatus | None:
        """Why the revision may not serve now; None where it may."""
        found = next((item for item in self.rejected if item.id == id_), None)
        if found is None or found.retry_at is None or now < datetime.fromisoformat(found.retry_at):
            return found
        return None

    def rejecting(self, id_: str, why: Trouble, now: datetime) -> State:
        """The state in which the revision is rejected, by its last reason; for a while, where nothing is proved."""
        message, again, attempts = why.message[:1024], None, None
        if why.reason in TRIED_AGAIN:
            before = next((item.attempts or 0 for item in self.rejected if item.id == id_), 0)
            attempts = before + 1
            again = timestamp(now + min(timedelta(hours=2 ** min(before, 5)), LONGEST_PAUSE))
            message = f"{why.message[:960]}; tried again at {again}"
        fresh = RejectedStatus(id=id_, reason=why.reason, message=message, retry_at=again, attempts=attempts)
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


def split(colour: Colour, weight: int = 100) -> TrafficStatus:
    """``weight`` percent of the clients to a colour, the others to the other one."""
    green = weight if colour is Colour.GREEN else 100 - weight
    return TrafficStatus(blue=100 - green, green=green)


def share(traffic: TrafficStatus | None, colour: Colour) -> int:
    """Percent of the clients that a colour serves."""
    if traffic is None:
        return 0
    return traffic.green if colour is Colour.GREEN else traffic.blue


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
    return "".join(f"{item.id} {_word(item)} {' '.join(item.message.split())}\n" for item in rejected)


def _word(item: RejectedStatus) -> str:
    """The reason, with ``;<when>;<attempts>`` of one that is tried again."""
    return f"{item.reason};{item.retry_at};{item.attempts or 1}" if item.retry_at else item.reason


def migration_text(outcomes: Mapping[str, str]) -> str:
    """What became of the migrations of revisions, by their ids, a line each, as it is kept beside the weights."""
    return "".join(f"{id_} {outcome}\n" for id_, outcome in sorted(outcomes.items()) if outcome)


def migrations_in(text: str) -> dict[str, str]:
    """What ``migration_text`` wrote."""
    pairs = (line.split() for line in text.splitlines())
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}  # noqa: PLR2004 -- id and outcome


def rejections_in(text: str) -> tuple[RejectedStatus, ...]:
    """What ``rejection_text`` wrote."""
    found = []
    for line in text.splitlines():
        id_, _, rest = line.strip().partition(" ")
        word, _, message = rest.partition(" ")
        reason, _, again = word.partition(";")
        when, _, attempts = again.partition(";")
        if id_ and reason:
            tried = int(attempts) if attempts.isdecimal() else None
            found.append(
                RejectedStatus(id=id_, reason=reason, message=message, retry_at=when or None, attempts=tried or None)
            )
    return tuple(found)
