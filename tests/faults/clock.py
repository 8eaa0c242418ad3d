"""The wall clock of an operator's process, which can be set while it runs: by libfaketime, where that is installed.

A time namespace would not do: it sets off the monotonic and the boot clock, not the wall clock, and only before its
first process begins.
"""

from __future__ import annotations

from pathlib import Path

_FILE = "clock"


def library() -> Path | None:
    """The library that answers the question for the time; Debian's package is called faketime."""
    return next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


def settings(folder: Path) -> dict[str, str]:
    """Environment of a process whose wall clock ``jump`` sets; the monotonic clock stays the machine's.

    Raises:
        AssertionError: the library is not installed.
    """
    found = library()
    assert found is not None, "the wall clock is set by libfaketime: the package faketime is not installed"
    jump(folder, 0)
    return {
        "LD_PRELOAD": str(found),
        "FAKETIME_TIMESTAMP_FILE": str(folder / _FILE),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def jump(folder: Path, seconds: float) -> None:
    """Set it so many seconds off, in one act."""
    fresh = folder / f"{_FILE}.new"
    fresh.write_text(f"{seconds:+g}\n", encoding="utf-8")
    fresh.replace(folder / _FILE)
