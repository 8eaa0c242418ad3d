"""Is a restored database what the manifest of its backup says? Pure: it compares what was read before and after.

Rows are compared by count and digest of each table, large objects likewise; everything that is no row by the digest
of all definitions: indexes, constraints, owners, rights. Sequences are in no snapshot, so a restored one is compared
with what the archive sets it to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .manifest import Database, Sequence, Table

Name = tuple[str, str]
"""Schema and name."""
_SHOWN = 8
"""Differences that are told in full; of the others, how many there are."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restored database holds.

    Attributes:
        database: read as it was read for the manifest.
        archived: what the archive sets its sequences to.
        behind: sequences that are behind the values in the columns which they give values to.
    """

    database: Database
    archived: tuple[Sequence, ...]
    behind: tuple[Name, ...] = ()


def major(version: str) -> int:
    """The major of a server's version: 17 of `17.2 (Debian 17.2-1)`; 0 where there is none."""
    digits = version.split(".", 1)[0].split(" ", 1)[0]
    number = "".join(character for character in digits if character.isdecimal())
    return int(number) if number else 0


def defines_alike(manifest: Database, version: str) -> bool:
    """Servers of one major write definitions in one way; those of two do not always."""
    return major(manifest.version) == major(version)


def differences(manifest: Database, restored: Restored) -> tuple[str, ...]:
    """What is not as it was, in words; nothing where the copy is like the original."""
    found = [
        *_tables(manifest.tables, restored.database.tables),
        *_large_objects(manifest, restored.database),
        *_sequences(manifest.sequences, restored),
        *_of_the_whole(manifest, restored.database),
    ]
    return tuple(found)


def shown(found: Iterable[str], limit: int = 900) -> str:
    """Differences as one line for people."""
    texts = [*found]
    more = f"; and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ("; ".join(texts[:_SHOWN]) + more)[:limit]


def _tables(before: Iterable[Table], after: Iterable[Table]) -> Iterator[str]:
    was, now = _by_name(before), _by_name(after)
    for name in sorted(was.keys() | now.keys()):
        text = f"table {_told(name)}"
        if name not in now:
            yield f"{text} is missing"
        elif name not in was:
            yield f"{text} was not in the backup"
        elif was[name].rows != now[name].rows:
            yield f"{text} has {now[name].rows:,} rows instead of {was[name].rows:,}"
        elif was[name].digest != now[name].digest:
            yield f"{text} has other rows"


def _by_name(tables: Iterable[Table]) -> Mapping[Name, Table]:
    return {(table.schema_name, table.name): table for table in tables}


def _large_objects(before: Database, after: Database) -> Iterator[str]:
    if before.large_objects is None or after.large_objects is None:
        return
    was, now = before.large_objects, after.large_objects
    if was.count != now.count:
        yield f"there are {now.count:,} large objects instead of {was.count:,}"
    elif was.digest != now.digest:
        yield "the large objects have another content"


def _sequences(before: Iterable[Sequence], restored: Restored) -> Iterator[str]:
    was = {(item.schema_name, item.name) for item in before}
    archived = {(item.schema_name, item.name): item for item in restored.archived}
    now = {(item.schema_name, item.name): item for item in restored.database.sequences}
    for name in sorted(was | now.keys() | archived.keys()):
        text = f"sequence {_told(name)}"
        if name not in now:
            yield f"{text} is missing"
        elif name not in was:
            yield f"{text} was not in the backup"
        elif name not in archived:
            yield f"{text} has no value in the archive"
        elif (now[name].value, now[name].called) != (archived[name].value, archived[name].called):
            yield f"{text} is at {_at(now[name])} instead of {_at(archived[name])}"


def _at(sequence: Sequence) -> str:
    return f"{sequence.value}" if sequence.called else f"{sequence.value} (not used yet)"


def _of_the_whole(before: Database, after: Database) -> Iterator[str]:
    pairs = {
        "encoding": (before.encoding, after.encoding),
        "collation": (before.collate, after.collate),
        "character type": (before.ctype, after.ctype),
        "owner": (before.owner, after.owner),
        "extensions": (", ".join(before.extensions), ", ".join(after.extensions)),
    }
    for what, (was, now) in pairs.items():
        if was != now:
            yield f"its {what} is {now or 'none'} instead of {was or 'none'}"
    if defines_alike(before, after.version) and before.schema_digest != after.schema_digest:
        yield "its definitions (indexes, constraints, views, functions, owners, rights) are not the same"


def _told(name: Name) -> str:
    return f"{name[0]}.{name[1]}"
