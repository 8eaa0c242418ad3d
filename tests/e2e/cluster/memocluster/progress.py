"""Progress on standard error: one line when a step starts, one every ten seconds, one at its end."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

BEAT_SECONDS = 10.0
_started = time.monotonic()
_writing = threading.Lock()


def say(text: str) -> None:
    """Print one line with the time since the command started."""
    seconds = int(time.monotonic() - _started)
    with _writing:
        print(f"[{seconds // 60:2d}:{seconds % 60:02d}] {text}", file=sys.stderr, flush=True)


@contextmanager
def step(title: str, usually: str = "") -> Iterator[None]:
    """Announce a step, keep saying that it still runs, and tell how long it took.

    ``usually`` is what a reader should expect, for example "about 4 min".
    """
    begun = time.monotonic()
    finished = threading.Event()

    def beat() -> None:
        while not finished.wait(BEAT_SECONDS):
            say(f"    ... {title}: {time.monotonic() - begun:.0f} s so far")

    say(f"{title} ({usually})" if usually else title)
    threading.Thread(target=beat, daemon=True).start()
    outcome = "stopped"
    try:
        yield
        outcome = "done"
    finally:
        finished.set()
        say(f"    {outcome} after {time.monotonic() - begun:.1f} s")
