"""Figures with their limits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that was measured.

    Attributes:
        title: what it is.
        value: as measured.
        limit: the most that it may be.
        unit: of both.
    """

    title: str
    value: float
    limit: float
    unit: str = ""

    @property
    def holds(self) -> bool:
        """Whether the limit is kept."""
        return self.value <= self.limit

    def __str__(self) -> str:
        mark = "PASS" if self.holds else "FAIL"
        return f"{mark}  {self.title:52} {self.value:8g} (at most {self.limit:g}) {self.unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that was measured and has no limit; ``beside`` says what it can be compared with."""

    title: str
    value: float
    beside: str
    holds: bool = True

    def __str__(self) -> str:
        return f"      {self.title:52} {self.value:8g} ({self.beside})"
