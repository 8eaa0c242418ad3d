"""The release on one page: its phases, and the moves that are allowed between them.

Everything that a release can do stands in ``MOVES``; ``domain/release.py`` decides which move is made, and may make no
other. The diagram in docs/releases.md is generated from this table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase

PENDING, PREFLIGHT, BACKING_UP, MIGRATING = Phase.PENDING, Phase.PREFLIGHT, Phase.BACKING_UP, Phase.MIGRATING
PREPARING, TESTING, APPROVING, SHIFTING = Phase.PREPARING, Phase.TESTING, Phase.APPROVING, Phase.SHIFTING
SOAKING, COMPLETED, RETIRED = Phase.SOAKING, Phase.COMPLETED, Phase.RETIRED
ROLLING_BACK, ROLLED_BACK, HELD, REJECTED, WITHDRAWN = (
    Phase.ROLLING_BACK,
    Phase.ROLLED_BACK,
    Phase.HELD,
    Phase.REJECTED,
    Phase.WITHDRAWN,
)


@dataclass(frozen=True, slots=True)
class Limit:
    """How long a phase may last, and where it goes then.

    Attributes:
        field: of ``spec.release``, a duration.
        to: the phase that follows once it is over.
        beyond: what the phase takes in any case, to which the limit is added.
    """

    field: str
    to: Phase
    beyond: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One phase.

    Attributes:
        does: what happens in it.
        moves: where it can go, each with the event that takes it there.
        over: nothing of the release is under way any more; a new one may begin.
        limit: None where it lasts until something happens; its conditions say what it waits for.
    """

    does: str
    moves: dict[Phase, str]
    over: bool = False
    limit: Limit | None = None


MOVES: dict[Phase, Row] = {
    PENDING: Row(
        "the revision is stored; the first release waits for database and Redis, any other for its maintenance window",
        {
            PREPARING: "all is well",
            PREFLIGHT: "something is not, and another version serves",
            BACKING_UP: "all is well, and a backup is required of which there is none that is young enough",
            MIGRATING: "all is well, and the database is to be migrated",
            REJECTED: "by order",
            WITHDRAWN: "the spec changed",
        },
    ),
    PREFLIGHT: Row(
        "waits until the serving colour, the database, Redis, disk and the way to a backup are well",
        {
            PREPARING: "all is well",
            BACKING_UP: "the same, and a backup is required",
            MIGRATING: "the same, and the database is to be migrated",
            PENDING: "all is suspended, or its maintenance window is over",
            REJECTED: "the deadline, or by order",
            WITHDRAWN: "the spec changed",
        },
        limit=Limit("deadline", REJECTED),
    ),
    BACKING_UP: Row(
        "a backup is taken and read back",
        {
            PREPARING: "it is verified",
            MIGRATING: "the same, and the database is to be migrated",
            PENDING: "all is suspended, no backup is required any more, or a window with `underWay: Return` denies it",
            REJECTED: "it failed, the deadline, or by order",
            WITHDRAWN: "the spec changed",
        },
        limit=Limit("deadline", REJECTED),
    ),
    MIGRATING: Row(
        "a Job with the new backend's image changes the database, once",
        {
            PREPARING: "it succeeded",
            HELD: "it was killed or its outcome is lost; or it failed and is not reversible",
            REJECTED: "it failed, it could not begin until the deadline, or by order",
            PENDING: "all is suspended before its Job began",
            WITHDRAWN: "the spec changed; a Job that runs is waited for",
        },
        limit=Limit("deadline", REJECTED),
    ),
    PREPARING: Row(
        "the new colour comes up beside the serving one",
        {
            SHIFTING: (
                "every pod has been ready for 3 s, health is right through the colour's own Services, "
                "the routers know them"
            ),
            TESTING: "the same, and there are tests before traffic",
            APPROVING: "the same, and a person is to approve",
            COMPLETED: "the same, and nothing served before",
            REJECTED: "a trouble that does not pass, the deadline, or by order",
            WITHDRAWN: "the spec changed",
        },
        limit=Limit("deadline", REJECTED),
    ),
    TESTING: Row(
        "the tests run against the new colour, one after another, each with a limit of its own",
        {
            SHIFTING: "all passed",
            APPROVING: "the same, and a person is to approve",
            COMPLETED: "all passed, and nothing served before",
            PREPARING: "the new colour is not complete any more, or all is suspended",
            REJECTED: "one did not pass, or by order",
            WITHDRAWN: "the spec changed",
        },
    ),
    APPROVING: Row(
        "the new colour waits, without clients, until a person lets them come",
        {
            SHIFTING: "approved",
            PREPARING: "the new colour is not complete any more",
            REJECTED: "by order",
            WITHDRAWN: "the spec changed",
        },
    ),
    SHIFTING: Row(
        "step by step the weights are set in every router and read back, held, and the gates measured",
        {
            SHIFTING: "the gates passed and the hold is over: the next weight",
            SOAKING: "every router has 100 %, and there is a soak, or a test after the switch",
            COMPLETED: "every router has 100 %, and there is neither",
            ROLLING_BACK: (
                "a gate does not pass, the new colour is not well, the old one is not, the deadline, by order, "
                "or the spec changed"
            ),
            HELD: "a gate does not pass, and `onFailure: Hold`",
            WITHDRAWN: "all is suspended",
        },
        limit=Limit("deadline", ROLLING_BACK, "the hold"),
    ),
    SOAKING: Row(
        "all clients are on the new colour, the gates are measured and the tests after the switch run",
        {
            COMPLETED: "gates and tests passed and the soak is over",
            ROLLING_BACK: "as in Shifting, or a test did not pass",
            HELD: "a gate does not pass, and `onFailure: Hold`",
            WITHDRAWN: "all is suspended",
        },
        limit=Limit("deadline", ROLLING_BACK, "`release.soak`"),
    ),
    COMPLETED: Row(
        "the new colour serves; the old one stays warm for keepOld",
        {
            RETIRED: "keepOld is over, or all is suspended",
            ROLLING_BACK: "an abort limit, the new colour serves no more and the old one could, or by order",
            PENDING: "the spec changed, or back by order without a warm colour",
        },
        over=True,
        limit=Limit("keepOld", RETIRED),
    ),
    RETIRED: Row("the old colour is gone", {PENDING: "the spec changed, or back by order"}, over=True),
    ROLLING_BACK: Row(
        "the weights go back to the old colour and are read back",
        {
            ROLLED_BACK: "every router has them, and the new colour is gone",
            HELD: "the old colour is not well",
            WITHDRAWN: "the same, and the spec had changed",
        },
    ),
    ROLLED_BACK: Row(
        "the old colour serves; the revision is rejected",
        {
            PENDING: "the spec changed, by order, or by itself after a while where nothing was proved",
            WITHDRAWN: "the spec went back to what serves",
        },
        over=True,
    ),
    HELD: Row(
        "traffic stays with the healthier colour, or at the last step that passed",
        {
            ROLLING_BACK: "the old colour is well again, or by order",
            SHIFTING: "the new colour has ready pods, by order",
            MIGRATING: "held by its migration: once more, by order",
            PREPARING: "held by its migration: approved as done",
            REJECTED: "held by its migration: by order, or its database was brought back",
            WITHDRAWN: "held by its migration: the spec went back to what serves",
            PENDING: "another revision is declared",
        },
    ),
    REJECTED: Row(
        "it never served",
        {
            PENDING: "the spec changed, by order, or by itself after a while where only the backup failed",
            WITHDRAWN: "the spec went back to what serves",
        },
        over=True,
    ),
    WITHDRAWN: Row(
        "the spec went back, or on to another revision", {PENDING: "the spec changed, or by order"}, over=True
    ),
}


class MoveError(Exception):
    """A move that is not in the table: a defect, never a situation."""


def move(before: Phase | None, after: Phase) -> Phase:
    """``after``, if the table allows it from ``before`` (None: there was no release).

    Raises:
        MoveError: it does not.
    """
    if (
        before is after
        or (before is None and after is PENDING)
        or (before is not None and after in MOVES[before].moves)
    ):
        return after
    raise MoveError(f"{before} -> {after}")


def is_over(phase: Phase | None) -> bool:
    """Nothing of the release is under way."""
    return phase is None or MOVES[phase].over


def diagram() -> Iterator[str]:
    """The table as a Mermaid state diagram, line by line."""
    yield "stateDiagram-v2"
    yield "    [*] --> Pending"
    for phase, row in MOVES.items():
        for target, event in row.moves.items():
            yield f"    {phase.value} --> {target.value}: {event}"
