"""What a plan does outside of the proxy: to operators' processes, to the API server, to a clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def _nothing(*_: object) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Hands:
    """Each returns when it is done; they are called in threads.

    Attributes:
        kill: ends the operator of this name.
        freeze: stops it.
        wake: lets it go on.
        strike: ends the API server, which is started again by its node.
        jump: sets the operators' wall clock so many seconds off.
    """

    kill: Callable[[str], None] = _nothing
    freeze: Callable[[str], None] = _nothing
    wake: Callable[[str], None] = _nothing
    strike: Callable[[], None] = _nothing
    jump: Callable[[float], None] = _nothing
