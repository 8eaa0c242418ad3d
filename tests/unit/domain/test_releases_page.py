"""docs/releases.md: the table and the diagram in it are those of the code."""

from __future__ import annotations

from pathlib import Path

import pytest
from memoapp_operator.domain.colours import GONE_AFTER
from memoapp_operator.domain.orders import ORDERS
from memoapp_operator.domain.phases import MOVES, diagram
from memoapp_operator.domain.revision import KEPT_REVISIONS
from memoapp_operator.domain.state import BY_HAND

from tools import release_diagram

TEXT = release_diagram.PAGE.read_text()


def test_the_page_says_what_the_table_says() -> None:
    assert release_diagram.main(["--check"]) == 0
    assert all(line in TEXT for line in diagram())


def test_writing_it_again_changes_nothing() -> None:
    assert release_diagram.filled(TEXT) == TEXT


def test_a_page_that_says_something_else_is_told_and_mended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "releases.md"
    page.write_text(TEXT.replace("    Held --> Shifting", "    Held --> Retired"))
    assert release_diagram.main(["--check"], page) == 1
    assert "-    Held --> Retired" in capsys.readouterr().out
    assert release_diagram.main([], page) == 0
    assert page.read_text() == TEXT


@pytest.mark.parametrize(
    "broken",
    ["", release_diagram.BEGIN, f"{release_diagram.END}{release_diagram.BEGIN}", TEXT + release_diagram.BEGIN],
)
def test_a_page_without_its_markers_is_refused(broken: str) -> None:
    with pytest.raises(release_diagram.MarkerError):
        release_diagram.filled(broken)


def test_the_page_knows_every_phase_and_order_and_the_numbers() -> None:
    assert all(f"| {phase.value} |" in TEXT for phase in MOVES)
    assert all(annotation in TEXT for annotation in ORDERS)
    assert BY_HAND in TEXT
    assert f"{GONE_AFTER:.0f} seconds" in TEXT
    assert (KEPT_REVISIONS, "the newest five" in TEXT) == (5, True)
