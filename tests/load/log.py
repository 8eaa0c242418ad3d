"""The log of a run: a line for the run, one for each request as it ends, one for the writes. JSON lines."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .journal import Writes
from .plan import Plan
from .record import Request
from .result import Result
from .target import Target


class Log:
    """Writes the log; use as a context manager."""

    def __init__(self, path: Path, plan: Plan, target: Target) -> None:
        self._path = path
        self._head = {"run": plan.run, "rate": plan.rate, "seconds": plan.seconds, "target": target.host}

    def __enter__(self) -> Self:
        self._file = self._path.open("w", encoding="utf-8")
        self._line(self._head)
        self._file.flush()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def request(self, request: Request) -> None:
        """One request that has ended."""
        self._file.write(request.line() + "\n")

    def writes(self, writes: Writes | None) -> None:
        """What became of the writes; without this line a log is that of a run that was cut off."""
        self._line({"writes": asdict(writes) if writes is not None else None})

    def _line(self, content: dict[str, Any]) -> None:
        self._file.write(json.dumps(content) + "\n")


def read(path: Path) -> Result:
    """The result of a log; of a run that was cut off, what it had seen, with the writes unknown."""
    requests: list[Request] = []
    writes: Writes | None = None
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith('{"planned"'):
            requests.append(Request.parse(line))
        elif line.startswith('{"writes"'):
            writes = _writes(json.loads(line)["writes"])
    return Result(tuple(sorted(requests, key=lambda request: request.planned)), writes)


def _writes(found: dict[str, Any] | None) -> Writes | None:
    if found is None:
        return None
    ids = {key: tuple(found[key]) for key in ("lost", "doubled", "stored_unacknowledged")}
    return Writes(acknowledged=found["acknowledged"], **ids)
