"""A run beside a test: a process of its own, so that the test's work does not make it late."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from .log import read
from .plan import LONGEST, Plan
from .result import Result
from .target import Target

_ROOT = Path(__file__).parents[2]
_STARTED_WITHIN = 20.0
_ENDED_WITHIN = 60.0


class BackgroundError(RuntimeError):
    """The run did not start, or did not end as it should."""


class Background:
    """Load on a target from ``__enter__`` on, until ``stop`` is called or the context ends.

    Args:
        target: ``http://address:port``.
        log: the file that takes a line per request.
        rate: requests per second.
        own: networks in which the target may lie, if it is not on this machine.
    """

    def __init__(self, target: str, log: Path, rate: float = 200, own: Iterable[str] = ()) -> None:
        networks = list(own)
        Target.parse(target, networks)
        Plan(rate, LONGEST)
        self._log = log
        self.target = target
        named = [word for network in networks for word in ("--own", network)]
        self._command = [sys.executable, "-m", "tests.load", "--target", target, "--log", str(log)]
        self._command += ["--rate", str(rate), "--seconds", str(LONGEST), *named]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._log.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            self._command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        deadline = time.monotonic() + _STARTED_WITHIN
        while not self._log.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise BackgroundError(f"the load did not start: {self._end(self._process)}")
            time.sleep(0.05)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process is not None:
            self._end(self._process)

    def stop(self) -> Result:
        """Send no more, and give the result once what is under way has ended and the journal was read."""
        if self._process is None:
            raise BackgroundError("the load was not started")
        said = self._end(self._process)
        if not self._log.exists() or self._process.returncode not in {0, 1, 3}:
            raise BackgroundError(f"the load ended with {self._process.returncode}: {said}")
        return read(self._log)

    def _end(self, process: subprocess.Popen[str]) -> str:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            said, _ = process.communicate(timeout=_ENDED_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
        except ValueError:  # it was read before
            return ""
        return said[-2000:]
