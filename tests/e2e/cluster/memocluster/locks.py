"""One process at a time: file locks that the kernel drops when their holder dies."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from memocluster.progress import BEAT_SECONDS, say


@contextmanager
def lock(path: Path, what: str) -> Iterator[None]:
    """Hold an exclusive lock on ``path``; wait, visibly, while another process has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        waited = 0.0
        while not _taken(handle.fileno()):
            if waited % BEAT_SECONDS == 0:
                say(f"waiting for another call that holds {what}")
            time.sleep(0.5)
            waited += 0.5
        yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
