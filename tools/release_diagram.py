"""Write the table and the diagram of docs/releases.md from ``domain/phases.py``; ``--check`` only compares."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "operator")]

from memoapp_operator.domain.phases import MOVES, Row, diagram  # noqa: E402

PAGE = ROOT / "docs" / "releases.md"
BEGIN, END = "<!-- generated from domain/phases.py: begin -->", "<!-- generated: end -->"


class MarkerError(Exception):
    """The page does not hold the two markers once, one after the other."""


def table() -> Iterator[str]:
    """A row for each phase: what happens, where it can go by what, and how long it may last."""
    yield "| phase | what happens | goes on to | for at most |"
    yield "|---|---|---|---|"
    for phase, row in MOVES.items():
        moves = "<br>".join(f"**{target.value}**: {event}" for target, event in row.moves.items())
        yield f"| {phase.value} | {row.does} | {moves} | {_limit(row)} |"


def _limit(row: Row) -> str:
    if row.limit is None:
        return "-"
    beyond = f"{row.limit.beyond} and " if row.limit.beyond else ""
    return f"{beyond}`release.{row.limit.field}`, then {row.limit.to.value}"


def generated() -> str:
    """What stands between the markers."""
    return "\n".join([*table(), "", "```mermaid", *diagram(), "```"])


def filled(page: str) -> str:
    """The page with what is generated between its markers.

    Raises:
        MarkerError: they are not there.
    """
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise MarkerError(f"the page must hold '{BEGIN}' and '{END}' once each, in this order")
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{generated()}\n\n{END}{tail}"


def main(arguments: list[str] | None = None, page: Path = PAGE) -> int:
    """Write, or with ``--check`` compare: 1 where the page says something else."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare; exit 1 where the page differs")
    before = page.read_text()
    after = filled(before)
    if not parser.parse_args(arguments).check:
        page.write_text(after)
        return 0
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), str(page), "generated", lineterm="")
    difference = list(lines)
    print("\n".join(difference) if difference else f"{page.name} is up to date")
    return 1 if difference else 0


if __name__ == "__main__":
    sys.exit(main())
