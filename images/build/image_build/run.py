"""Runs the programs that do the work, quietly unless they fail."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

from .errors import BuildError

_TAIL = 25  # lines of a failed program's output that are shown


class Runner(Protocol):
    """Runs a program to its end and gives what it printed."""

    def __call__(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> str:
        """Run `command`; raise BuildError where it fails."""
        ...


def run(command: Sequence[str], env: Mapping[str, str] | None = None) -> str:
    """Run `command` and give its standard output; on failure show the end of its output.

    Raises:
        BuildError: the program is missing or ended with an error.
    """
    try:
        done = subprocess.run(
            command,
            check=False,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
        )
    except FileNotFoundError:
        raise BuildError(f"{command[0]} is not installed") from None
    if done.returncode != 0:
        for line in (done.stdout + done.stderr).splitlines()[-_TAIL:]:
            print(f"  | {line}", file=sys.stderr)
        raise BuildError(f"{command[0]} ended with status {done.returncode} (its last lines are above)")
    return done.stdout


def succeeds(command: Sequence[str]) -> bool:
    """Whether `command` can be run and ends well."""
    if shutil.which(command[0]) is None:
        return False
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True)
    return done.returncode == 0


def tell(message: str) -> None:
    """Progress goes to standard error: standard output is for answers."""
    print(message, file=sys.stderr, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Say what is being done, and how long it took."""
    tell(f"{title} ...")
    start = time.monotonic()
    yield
    tell(f"{title}: {time.monotonic() - start:.1f} s")
