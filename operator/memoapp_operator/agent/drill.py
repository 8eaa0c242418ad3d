"""A drill: a backup is restored on a server of its own and compared; what comes of it is told, and nothing changes."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from . import scratch
from .checks import Answer, Check, ask
from .comparing import defines_alike, major, shown
from .restoring import Backup, NotRestoredError, Outcome, ServerError, Tools, restore
from .roles import roles_in

PATIENCE = 180.0
"""Seconds in which the scratch server comes up: it makes its data folder first."""
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Scratch:
    """The server of a drill.

    Attributes:
        conninfo: as its superuser, as libpq takes it, without a database.
        database: the name that the restored database gets.
    """

    conninfo: str
    database: str

    @property
    def restored(self) -> str:
        """How the restored database is reached."""
        return f"{self.conninfo} dbname={self.database}"


@dataclass(slots=True)
class Watch:
    """How long what took.

    Attributes:
        began: when it began, by a clock that only counts.
        seconds: by step.
    """

    began: float = field(default_factory=time.monotonic)
    seconds: dict[str, float] = field(default_factory=dict)

    def lap(self, name: str) -> None:
        """What is over now; everything before has its own name."""
        self.seconds[name] = round(time.monotonic() - self.began - sum(self.seconds.values()), 1)


def drill(backup: Backup, tools: Tools, server: Scratch, checks: Iterable[Check], watch: Watch) -> dict[str, Any]:
    """Restore and compare; the line that says what came of it.

    Raises:
        ServerError: the scratch server failed, or is of an older major: nothing is said about the backup.
        StoreError: the destination does not answer.
        NotVerifiedError: the backup is not what was stored.
    """
    manifest = backup.manifest.database
    version = scratch.wait(f"{server.conninfo} dbname=postgres", PATIENCE)
    if major(version) < major(manifest.version):
        raise ServerError(f"PostgreSQL {version} cannot restore a backup of PostgreSQL {manifest.version}")
    with backup.beginning() as source:
        roles = roles_in(tools.definitions(source))
    scratch.prepare(f"{server.conninfo} dbname=postgres", server.database, manifest, roles)
    watch.lap("prepare")
    try:
        outcome = restore(backup, tools, server.database, server.restored)
    except NotRestoredError as error:
        watch.lap("restore")
        return told(backup, None, (), str(error), watch)
    watch.seconds |= outcome.seconds
    answers = ask(server.restored, checks, manifest.owner)
    watch.lap("check")
    return told(backup, outcome, answers, "", watch)


def told(
    backup: Backup, outcome: Outcome | None, answers: tuple[Answer, ...], error: str, watch: Watch
) -> dict[str, Any]:
    """The verdict, what it rests on, and how long each step took."""
    failed = [f"check {item.name}: {item.message}" for item in answers if item.message]
    found = [*(outcome.differences if outcome is not None else ()), *failed]
    text = error or shown(found)
    line: dict[str, Any] = {
        "reason": "NotProved" if text else "Proved",
        "folder": backup.folder,
        "takenAt": backup.manifest.taken_at,
        "content": backup.manifest.database.digest,
        "seconds": watch.seconds,
        "checks": len(answers),
    }
    if text:
        line["message"] = text[:900]
    if outcome is not None:
        line |= _compared(backup, outcome)
    return line


def _compared(backup: Backup, outcome: Outcome) -> dict[str, Any]:
    was, now = backup.manifest.database, outcome.restored.database
    behind = [".".join(name) for name in outcome.restored.behind[:_SHOWN]]
    notes = []
    if not defines_alike(was, now.version):
        notes.append(f"definitions were not compared: taken of PostgreSQL {was.version}, restored by {now.version}")
    if was.large_objects is None:
        notes.append("large objects were not compared: the backup was taken without the right to read them")
    if behind:
        notes.append(f"behind their columns, as in the original: {', '.join(behind)}")
    return {
        "tables": len(now.tables),
        "rows": now.rows,
        "sequences": len(now.sequences),
        "largeObjects": now.large_objects.count if now.large_objects is not None else 0,
        "bytes": now.bytes,
        "postgresVersion": now.version,
        "notes": "; ".join(notes)[:500],
    }
