"""How a changed version takes over."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from .base import A_WEEK, Duration, Image, Path, Resources, Spec, list_map, rules
from .environment import EnvVar
from .workload import Argument, SecurityContext


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
    RESTORE_BACKUP = "RestoreBackup"


class LossConsent(StrEnum):
    """The consent that bringing the database back needs."""

    ACCEPT = "Accept"


class ReleaseBackup(StrEnum):
    """Whether a backup comes before a release."""

    REQUIRED = "Required"
    SKIP = "Skip"


class Probes(Spec):
    """Requests of the operator's own to the new version."""

    paths: list[Path] = Field(min_length=1, max_length=8)
    """Paths that are asked, about once in two seconds each. Named here, their answers count in the gates like those of
    clients."""


_SOME_TIME = rules(A_WEEK, ("self.matches('[1-9]')", "timeout must be more than 0"))
Command = Annotated[list[Argument], Field(min_length=1, max_length=64)]


class Migration(Spec):
    """What changes the database for a new version, once, before any of its pods starts."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "has(self.command) != self.atStart",
                "exactly one of command and atStart is needed: what migrates, or that the application does so itself",
            ),
            (
                "!self.atStart || (!has(self.args) && !has(self.resources))",
                "args and resources are those of a command: with atStart there is none",
            ),
        )
    )
    command: Command | None = None
    """Run in a pod with the new backend's image, variables, volumes and account. Kubernetes may start a pod twice: the
    command must bear it."""
    args: list[Argument] | None = Field(None, max_length=64)
    """Arguments of the command."""
    resources: Resources | None = None
    """Requests and limits of the container, instead of the backend's."""
    timeout: Duration = Field("10m", json_schema_extra=_SOME_TIME)
    """How long it may run."""
    at_start: bool = False
    """The application migrates by itself as its pods start: no command, and nothing to wait for."""
    reversible: bool = True
    """The version that serves now bears the database as the new version wants it. If not, a failure is Held until a
    person decides, and memoapp.dev/rollback brings no older version back once the old colour is gone."""


class When(StrEnum):
    """When a test runs."""

    BEFORE_TRAFFIC = "BeforeTraffic"
    AFTER_SWITCH = "AfterSwitch"


class Suite(Spec):
    """A test of the new version: a command in a pod that ends with 0 where all is well.

    Its variables: MEMOAPP_URL, where the clients' requests go; MEMOAPP_BACKEND_URL and, where there is one,
    MEMOAPP_FRONTEND_URL, the tiers of the new colour; MEMOAPP_VERSION and MEMOAPP_COLOUR.
    """

    name: str = Field(min_length=1, max_length=30, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
    """Name of the test."""
    image: Image | None = None
    """Image of its pod; the new version's backend if left out."""
    command: Command | None = None
    """Entrypoint instead of the image's own."""
    args: list[Argument] | None = Field(None, max_length=64)
    """Arguments instead of the image's own."""
    env: list[EnvVar] | None = Field(None, max_length=100, json_schema_extra=list_map("name"))
    """Environment variables besides those that every test has."""
    resources: Resources | None = None
    """Requests and limits of the container."""
    security_context: SecurityContext | None = None
    """The user that the pod runs as."""
    timeout: Duration | None = Field(None, json_schema_extra=_SOME_TIME)
    """How long it may run; 10m if left out."""
    when: When | None = None
    """BeforeTraffic, which it is if left out: on the new colour, before any client comes, and a failure rejects it.
    AfterSwitch: through the router, once all clients are there, and a failure goes back."""


class Release(Spec):
    """How a changed version takes over."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!has(self.dataLoss) || self.onFailure == 'RestoreBackup'",
                "dataLoss is for onFailure RestoreBackup: nothing else loses data",
            ),
            (
                "self.onFailure != 'RestoreBackup' || !has(self.backup) || self.backup == 'Required'",
                "onFailure RestoreBackup needs a backup before each release: backup must not be Skip",
            ),
        )
    )
    migration: Migration | None = None
    """What changes the database for a new version."""
    tests: list[Suite] | None = Field(None, max_length=8, json_schema_extra=list_map("name"))
    """Tests of a new version, one after another."""

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
    """What a gate that does not pass does: Rollback, or Hold at the last step that passed until a person decides.
    RestoreBackup goes back as Rollback does; where a migration that is not reversible ran, whatever the release then
    failed at, a MemoRestore brings the database back to the backup that the release rests on, with consent."""
    data_loss: LossConsent | None = None
    """Accept: with onFailure RestoreBackup, what was written since that backup may be lost without asking. Without it
    the MemoRestore waits for a person's consent, and says how much that is."""
    probes: Probes | None = None
    """Requests of the operator's own. Without it the operator asks / and the health paths, and their answers alone
    satisfy no other gate."""
    keep_old: Duration = Field("30m", json_schema_extra=rules(A_WEEK))
    """How long the old colour stays warm after the release completed; 0s: not at all."""
    deadline: Duration = Field(
        "30m", json_schema_extra=rules(A_WEEK, ("self.matches('[1-9]')", "deadline must be more than 0"))
    )
    """How long a new colour may take to come up before it is rejected, and each step longer than its hold."""
