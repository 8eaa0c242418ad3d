"""Children of the tests find the package; no test begins with an event loop that nobody closes."""

import asyncio
from pathlib import Path

import pytest

# Before each test looptime asks for the current event loop; where none was ever set, asking makes one.
asyncio.set_event_loop(None)


@pytest.fixture(autouse=True)
def _package_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mint starts a Python of its own, which knows nothing of pytest's path."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3] / "operator"))
