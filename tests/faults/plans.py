"""Plans: what goes wrong, and at which call. A plan answers, for each call, what is done with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from tests.faults.calls import Call


@dataclass(frozen=True, slots=True)
class Pass:
    """Send it on."""


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL to the operator.

    Attributes:
        sent: the API server does what is asked first.
        told: the operator gets the answer, and is killed with it.
    """

    sent: bool = True
    told: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer in the API server's place.

    Attributes:
        code: HTTP status.
        sent: the API server does what is asked all the same: its outcome is lost.
        retry_after: seconds for the header of that name.
    """

    code: int
    sent: bool = False
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Away:
    """The call is done; its answer and every other connection are cut, and new ones refused for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Send it on after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Silence:
    """From this call on all watches stay open and say nothing, for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class DropWatches:
    """All watches are cut off with this call."""


@dataclass(frozen=True, slots=True)
class Stale:
    """From this call on reads are answered as they were answered before it, for so many seconds.

    Attributes:
        lists_only: single objects are read as they are.
    """

    seconds: float
    lists_only: bool = True


@dataclass(frozen=True, slots=True)
class Freeze:
    """The call is done, its caller stopped (SIGSTOP) before it reads the answer, and woken after so many seconds.

    A second operator stands by in such runs.
    """

    seconds: float


@dataclass(frozen=True, slots=True)
class Strike:
    """The call is done; then the API server itself is killed on its node, which starts it again."""


@dataclass(frozen=True, slots=True)
class Jump:
    """From this call on the wall clock of the operators shows so many seconds more (or less); other clocks go on."""

    seconds: float


Action: TypeAlias = Pass | Kill | Reply | Away | Wait | Silence | DropWatches | Stale | Freeze | Strike | Jump
PASS = Pass()


class Plan(Protocol):
    """Anything that says what is done with a call."""

    @property
    def title(self) -> str:
        """One line for people."""
        ...

    @property
    def action(self) -> Action:
        """What goes wrong: a run prepares itself for it."""
        ...

    def on(self, call: Call) -> Action:
        """What is done with this call; the proxy asks once for each, in the order in which they come."""
        ...


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """Nothing goes wrong."""

    title: str = "undisturbed"
    action: Action = PASS

    def on(self, _: Call) -> Action:
        """Send everything on."""
        return PASS


@dataclass(frozen=True, slots=True)
class At:
    """One thing goes wrong, with the n-th counted write."""

    number: int
    action: Action

    @property
    def title(self) -> str:
        """The action and the write."""
        return f"write {self.number}: {self.action}"

    def on(self, call: Call) -> Action:
        """The action at that write."""
        return self.action if call.number == self.number else PASS


@dataclass(frozen=True, slots=True)
class Every:
    """The same goes wrong with every k-th counted write."""

    k: int
    action: Action
    upto: int = 400

    @property
    def title(self) -> str:
        """The action and how often."""
        return f"every {self.k}. write: {self.action}"

    def on(self, call: Call) -> Action:
        """The action at every k-th write."""
        return self.action if call.number and call.number % self.k == 0 and call.number <= self.upto else PASS


@dataclass(slots=True)
class Chosen:
    """The same goes wrong with every call that ``choose`` takes, at most ``times`` times."""

    title: str
    choose: Callable[[Call], bool]
    action: Action
    times: int = 1
    left: int = field(init=False)

    def __post_init__(self) -> None:
        self.left = self.times

    def on(self, call: Call) -> Action:
        """The action at a chosen call."""
        if self.left > 0 and self.choose(call):
            self.left -= 1
            return self.action
        return PASS
