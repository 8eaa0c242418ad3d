"""What a database holds in one snapshot: counts and digests that a restore is compared with.

Everything is read in one transaction that sees one state of the database, and whose snapshot a dump can share. Settings
that change how values look as text are pinned, so that equal rows have equal digests wherever they are read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from .definitions import DEFINITIONS, OWNED_SEQUENCES, RELATIONS
from .manifest import Database, LargeObjects, Sequence, Table

_PINS = (
    "SET LOCAL TimeZone = 'UTC'",
    "SET LOCAL DateStyle = 'ISO, YMD'",
    "SET LOCAL IntervalStyle = 'postgres'",
    "SET LOCAL extra_float_digits = 3",
    "SET LOCAL bytea_output = 'hex'",
    "SET LOCAL xmloption = 'content'",
    "SET LOCAL quote_all_identifiers = off",
    "SET LOCAL search_path = pg_catalog",
    # Better an error than a backup of the rows that one may see.
    "SET LOCAL row_security = off",
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
)


class FactsError(RuntimeError):
    """The database could not be read; the message says why in one line."""


class Snapshot:
    """One state of a database, for as long as the context of ``snapshot`` lasts.

    Attributes:
        id: what `pg_dump --snapshot` takes.
        taken_at: when, by the database's clock, RFC 3339 in UTC.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        for pin in _PINS:
            connection.execute(pin.encode())
        self.id, self.taken_at = self._row(
            "SELECT pg_export_snapshot(), to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
        )

    def database(self) -> Database:
        """Everything that a restore is compared with. It reads each row of each table once."""
        version, name, owner, encoding, collate, ctype, size = self._row(
            """SELECT current_setting('server_version'), datname, pg_get_userbyid(datdba),
                      pg_encoding_to_char(encoding), datcollate, datctype, pg_database_size(oid)
               FROM pg_database WHERE datname = current_database()"""
        )
        extensions = self._rows("SELECT extname FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1")
        return Database(
            version=version,
            name=name,
            owner=owner,
            encoding=encoding,
            collate=collate,
            ctype=ctype,
            extensions=tuple(row[0] for row in extensions),
            tables=tuple(self._tables()),
            sequences=tuple(self._sequences()),
            large_objects=self._large_objects(),
            schema_digest=self._schema_digest(),
            bytes=size,
        )

    def named(self, text: str) -> tuple[str, str] | None:
        """Schema and name of the relation that SQL calls so (quoted where need be); None where there is none."""
        query = """SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                   WHERE c.oid = to_regclass(%s)"""
        rows = self._connection.execute(query, (text,)).fetchall()
        return (rows[0][0], rows[0][1]) if rows else None

    def behind(self) -> tuple[tuple[str, str], ...]:
        """Sequences that count upwards and whose next value is not above all in the column that they belong to."""
        found = []
        for schema, name, table_schema, table, column in self._rows(OWNED_SEQUENCES):
            query = sql.SQL(
                "SELECT (SELECT last_value + CASE WHEN is_called THEN 1 ELSE 0 END FROM {}) <= (SELECT max({}) FROM {})"
            ).format(sql.Identifier(schema, name), sql.Identifier(column), sql.Identifier(table_schema, table))
            if self._row(query)[0]:
                found.append((schema, name))
        return tuple(found)

    def _tables(self) -> Iterator[Table]:
        """Rows of a partition stand at the partition; those of a foreign table are not ours."""
        for schema, name in self._relations("r"):
            source = sql.SQL("FROM ONLY {} AS memoapp_row").format(sql.Identifier(schema, name))
            rows, digest = self._row(_digest("textsend((memoapp_row.*)::text)", source))
            yield Table(schema_name=schema, name=name, rows=rows, digest=str(digest))

    def _sequences(self) -> Iterator[Sequence]:
        for schema, name in self._relations("S"):
            query = sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(schema, name))
            value, called = self._row(query)
            yield Sequence(schema_name=schema, name=name, value=value, called=called)

    def _relations(self, kind: str) -> list[tuple[str, str]]:
        return [(row[0], row[1]) for row in self._rows(RELATIONS) if row[2] == kind]

    def _large_objects(self) -> LargeObjects | None:
        (may,) = self._row("SELECT has_table_privilege('pg_largeobject', 'SELECT')")
        if not may:
            return None
        (count,) = self._row("SELECT count(*) FROM pg_largeobject_metadata")
        page = "textsend(loid::text || ' ' || pageno::text) || data"
        _, digest = self._row(_digest(page, sql.SQL("FROM pg_largeobject")))
        return LargeObjects(count=count, digest=str(digest))

    def _schema_digest(self) -> str:
        found = hashlib.sha256()
        for query in DEFINITIONS:
            for row in self._rows(query):
                found.update("\x1f".join("" if cell is None else str(cell) for cell in row).encode() + b"\n")
        return found.hexdigest()

    def _row(self, query: str | sql.Composed) -> tuple[Any, ...]:
        (row,) = self._rows(query)
        return row

    def _rows(self, query: str | sql.Composed) -> list[tuple[Any, ...]]:
        return self._connection.execute(query.encode() if isinstance(query, str) else query).fetchall()


@contextmanager
def snapshot(conninfo: str, password: str | None = None, lock_timeout: str = "60s") -> Iterator[Snapshot]:
    """A snapshot of the database, until the context ends.

    Args:
        conninfo: as libpq takes it, without a password.
        password: of its user.
        lock_timeout: how long one waits for a table that somebody changes.

    Raises:
        FactsError: it cannot be reached, or not be read.
    """
    try:
        with psycopg.connect(conninfo, password=password, connect_timeout=10, client_encoding="UTF8") as connection:
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(lock_timeout)))
            yield Snapshot(connection)
            connection.rollback()
    except psycopg.Error as error:
        raise FactsError(" ".join(str(error).split())[:500]) from error


def _digest(text: str, source: sql.Composable) -> sql.Composed:
    """Rows, and the sum of the first 64 bits, signed, of the SHA-256 of each."""
    first = f"('x' || substr(encode(sha256({text}), 'hex'), 1, 16))::bit(64)::bigint::numeric"
    return sql.SQL("SELECT count(*), coalesce(sum({}), 0) ").format(sql.SQL(first)) + sql.Composed([source])
