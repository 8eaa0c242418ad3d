"""Values, or changes, that a CEL rule takes and refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Change:
    """From one stored value to another."""

    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Cases:
    """Values, or changes, that a rule takes and refuses."""

    accept: tuple[Any, ...]
    reject: tuple[Any, ...]
