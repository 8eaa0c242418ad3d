"""How a changed version takes over."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from .base import A_WEEK, Duration, Path, Spec, rules


class Step(Spec):
    """A share of the clients that the new version serves for a while."""

    weight: int = Field(ge=1, le=99)
    """Share of the clients, in percent."""
    hold: Duration = Field(json_schema_extra=rules(A_WEEK))
    """How long at least; 0s: until the gates have passed once."""


class Approval(StrEnum):
    """Who lets the first clients come."""

    AUTOMATIC = "Automatic"
    MANUAL = "Manual"


class OnFailure(StrEnum):
    """What a gate that does not pass does."""

    ROLLBACK = "Rollback"
    HOLD = "Hold"


class ReleaseBackup(StrEnum):
    """Whether a backup comes before a release."""

    REQUIRED = "Required"
    SKIP = "Skip"


class Probes(Spec):
    """Requests of the operator's own to the new version."""

    paths: list[Path] = Field(min_length=1, max_length=8)
    """Paths that are asked, about once in two seconds each. Named here, their answers count in the gates like those of
    clients."""


class Release(Spec):
    """How a changed version takes over."""

    steps: list[Step] | None = Field(
        None,
        max_length=10,
        json_schema_extra={
            "x-kubernetes-list-type": "atomic",
            **rules(
                (
                    (
                        "self.map(step, step.weight).isSorted() && "
                        "self.all(one, self.filter(step, step.weight == one.weight).size() == 1)"
                    ),
                    "the weights must grow from step to step",
                )
            ),
        },
    )
    """Shares of the clients on the way to all of them. Without steps all clients move at once."""
    soak: Duration = Field("0s", json_schema_extra=rules(A_WEEK))
    """How long all gates are watched with all clients on the new version before the release counts as completed."""
    approval: Approval = Approval.AUTOMATIC
    """Manual: the first clients come once the annotation memoapp.dev/approve says so."""
    backup: ReleaseBackup | None = None
    """Required: no release goes on without a verified backup, and one that cannot be had rejects it. Where it is left
    out, it is Required if spec.backup is there, else Skip. The first release has nothing to save."""
    backup_max_age: Duration = Field("1h", json_schema_extra=rules(A_WEEK))
    """A verified backup that is no older will do for a release; 0s: always a new one."""
    on_failure: OnFailure = OnFailure.ROLLBACK
    """What a gate that does not pass does: Rollback, or Hold at the last step that passed until a person decides."""
    probes: Probes | None = None
    """Requests of the operator's own. Without it the operator asks / and the health paths, and their answers alone
    satisfy no other gate."""
    keep_old: Duration = Field("30m", json_schema_extra=rules(A_WEEK))
    """How long the old colour stays warm after the release completed; 0s: not at all."""
    deadline: Duration = Field(
        "30m", json_schema_extra=rules(A_WEEK, ("self.matches('[1-9]')", "deadline must be more than 0"))
    )
    """How long a new colour may take to come up before it is rejected, and each step longer than its hold."""
