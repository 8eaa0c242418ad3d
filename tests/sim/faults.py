"""What can go wrong with a write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from memoapp_operator.domain.manifest import Ref
from memoapp_operator.ports import Conflict, LeaseLostError, Unavailable


class Killed(BaseException):
    """The process is gone: nothing after this line of it runs."""


@dataclass(slots=True)
class Write:
    """One write request.

    Attributes:
        number: counted from 1 over the whole simulation.
        verb: ``create``, ``apply``, ``scale``, ``delete``, ``status``, ``note`` or ``steer``.
        ref: what was written; for a note, what it is about; for ``steer``, the router's pod.
        manager: field manager.
        outcome: ``written``, ``unchanged``, or the name of the error.
    """

    number: int
    verb: str
    ref: Ref
    manager: str
    outcome: str = "lost"


class Faults:
    """No faults. ``before`` a write takes effect, and ``after`` it did, an error may be raised."""

    def before(self, write: Write) -> None:
        """May raise: the write has no effect."""

    def after(self, write: Write) -> None:
        """May raise: the write took effect, and its sender does not know."""


class After(Faults):
    """Something happens as soon as the n-th write took effect, while its pass goes on."""

    def __init__(self, number: int, happens: Callable[[], None]) -> None:
        self._number = number
        self._happens = happens

    def after(self, write: Write) -> None:
        if write.number == self._number:
            self._happens()


class KillBefore(Faults):
    def __init__(self, number: int) -> None:
        self._number = number

    def before(self, write: Write) -> None:
        if write.number == self._number:
            raise Killed


class KillAfter(Faults):
    def __init__(self, number: int) -> None:
        self._number = number

    def after(self, write: Write) -> None:
        if write.number == self._number:
            raise Killed


class KillAfterEach(Faults):
    """No process lives longer than one write."""

    def after(self, write: Write) -> None:
        del write
        raise Killed


class ConflictEvery(Faults):
    """Every n-th write but Events (which an adapter takes for told) and what goes to routers."""

    def __init__(self, every: int) -> None:
        self._every = every
        self._count = 0

    def before(self, write: Write) -> None:
        if write.verb in {"note", "steer"}:
            return
        self._count += 1
        if self._count % self._every == 0:
            raise Conflict(409, "Conflict", "the object has been modified")


class UnavailableEvery(Faults):
    """Every n-th write is not answered; it took effect or it did not."""

    def __init__(self, every: int, *, takes_effect: bool) -> None:
        self._every = every
        self._takes_effect = takes_effect

    def before(self, write: Write) -> None:
        if not self._takes_effect:
            self._fail(write)

    def after(self, write: Write) -> None:
        if self._takes_effect:
            self._fail(write)

    def _fail(self, write: Write) -> None:
        if write.number % self._every == 0:
            raise Unavailable(0, "TimeoutError", "no answer")


class LeaseEnds(Faults):
    """From the n-th write on the lease is over."""

    def __init__(self, number: int) -> None:
        self._number = number

    def before(self, write: Write) -> None:
        if write.number >= self._number:
            raise LeaseLostError
