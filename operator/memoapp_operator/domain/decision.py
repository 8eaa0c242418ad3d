"""What a pass decided: the status to commit, what to tell people, and when to look again."""

from __future__ import annotations

from dataclasses import dataclass

from memoapp_operator.api.v1alpha1.memoapp import MemoAppStatus


@dataclass(frozen=True, slots=True)
class Note:
    """One Event. ``key`` names the transition: the same transition is the same Event, however often it is told."""

    warning: bool
    reason: str
    message: str
    key: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome of a pass.

    Attributes:
        status: to be committed before anything is done.
        act: False where nothing may be created or changed.
        notes: Events of the transitions from the old to the new status.
        again: seconds until the next pass, should no event come first.
    """

    status: MemoAppStatus
    act: bool
    notes: tuple[Note, ...]
    again: float
