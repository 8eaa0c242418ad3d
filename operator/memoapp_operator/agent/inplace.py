"""A restore beside the live database: what it would cost, and the copy that takes its place once it was compared.

The live database is only read. The copy has a name of its own until the operator swaps the two.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql

from .checks import Check, ask
from .comparing import major
from .drill import Watch, told
from .facts import FactsError, snapshot
from .likeness import Connection, create_like, settle
from .manifest import Database
from .restoring import Backup, NotRestoredError, ServerError, Tools, restore
from .roles import roles_in
from .scratch import connected, one_line, prepare


class RefusedError(RuntimeError):
    """It cannot be restored in place, as things stand; nothing was changed.

    Attributes:
        reason: in one word.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Place:
    """The server with the live database.

    Attributes:
        live: name of the live database.
        beside: name of the copy.
        admin: name of a database that is neither, to speak of both from.
        empty: the live one holds nothing yet: the copy is like the original, and not like it.
        password: of the user of libpq's variables.
    """

    live: str
    beside: str
    admin: str = "postgres"
    empty: bool = False
    password: str | None = field(default=None, repr=False)

    def conninfo(self, database: str) -> str:
        """How a database of it is reached; the rest stands in libpq's variables."""
        return psycopg.conninfo.make_conninfo("", dbname=database)

    def connected(self, database: str) -> Connection:
        """A connection."""
        return connected(self.conninfo(database), self.password)


def assess(original: Database, taken_at: str, place: Place) -> dict[str, Any]:
    """Can it be restored in place, and what would be lost: all that was written since it was taken.

    Raises:
        RefusedError: it cannot.
        ServerError: the server does not answer.
    """
    try:
        with closing(place.connected(place.admin)) as connection:
            _refuse(connection, place.live, original)
        with snapshot(place.conninfo(place.live), place.password) as moment:
            live = moment.database()
    except psycopg.Error as error:
        raise ServerError(one_line(error)) from None
    except FactsError as error:
        raise ServerError(str(error)) from None
    return {"reason": "Assessed", "takenAt": taken_at, **loss(original, live, taken_at, datetime.now(UTC))}


def loss(original: Database, live: Database, taken_at: str, now: datetime) -> dict[str, Any]:
    """What the live database has and the original has not: minutes, rows, tables, and how large both are.

    Rows that were written may have taken the place of others that were deleted: as many may be lost as sequences gave
    out numbers since, whatever the counts say.
    """
    was = {(table.schema_name, table.name): table for table in original.tables}
    now_ = {(table.schema_name, table.name): table for table in live.tables}
    more = {name: table.rows - (was[name].rows if name in was else 0) for name, table in now_.items()}
    changed = [name for name in was.keys() | now_.keys() if was.get(name) != now_.get(name)]
    minutes = max(0, int((now - datetime.fromisoformat(taken_at)).total_seconds() // 60))
    return {
        "minutes": minutes,
        "rows": max(sum(max(0, count) for count in more.values()), _given_out(original, live)),
        "back": sum(max(0, -count) for count in more.values())
        + sum(table.rows for name, table in was.items() if name not in now_),
        "tables": len(changed),
        "liveBytes": live.bytes,
        "bytes": original.bytes,
    }


def _given_out(original: Database, live: Database) -> int:
    """Numbers that sequences gave out since."""
    was = {(item.schema_name, item.name): item.value for item in original.sequences}
    return sum(
        max(0, item.value - was.get((item.schema_name, item.name), item.value))
        for item in live.sequences
        if item.called
    )


_RIGHTS = """
SELECT rolsuper, rolcreatedb, pg_has_role(current_user, datdba, 'USAGE'), pg_get_userbyid(datdba),
       pg_has_role(current_user, 'pg_signal_backend', 'USAGE')
FROM pg_roles, pg_database WHERE rolname = current_user AND datname = %s
"""
_PREPARED = "SELECT count(*) FROM pg_prepared_xacts WHERE database = %s"


def _refuse(connection: Connection, live: str, original: Database) -> None:
    version = connection.info.parameter_status("server_version") or ""
    if major(version) < major(original.version):
        text = f"PostgreSQL {version} cannot restore a backup of PostgreSQL {original.version}"
        raise RefusedError("VersionTooOld", text)
    (prepared,) = connection.execute(_PREPARED, (live,)).fetchone() or (0,)
    if prepared:
        text = f"there are {prepared} prepared transactions: commit or roll them back first"
        raise RefusedError("PreparedTransactions", text)
    row = connection.execute(_RIGHTS, (live,)).fetchone()
    if row is None:
        raise RefusedError("RightsMissing", "the rights of the user cannot be read")
    superuser, creates, owns, owner, signals = row
    lacking = []
    if not superuser:
        lacking += [] if creates else ["CREATEDB"]
        lacking += [] if owns else [f"membership of {owner}, who owns the database"]
        lacking += [] if signals else ["membership of pg_signal_backend"]
    if lacking:
        raise RefusedError("RightsMissing", f"the user has not {', '.join(lacking)}")


def beside(backup: Backup, tools: Tools, place: Place, checks: Iterable[Check], watch: Watch) -> dict[str, Any]:
    """Restore beside the live database and compare; a copy that is not like the backup does not stay.

    Raises:
        ServerError: the server failed, or does not take such a database.
        StoreError: the destination does not answer.
        NotVerifiedError: other bytes came than those that were checked.
    """
    try:
        with closing(place.connected(place.admin)) as connection:
            drop(connection, place.beside)
            if place.empty:
                _like_original(backup, tools, place)
            else:
                create_like(connection, place.live, place.beside)
            watch.lap("prepare")
            line = _restored(backup, tools, place, tuple(checks), watch)
            if line["reason"] == "Proved":
                settle(connection, place.live, place.beside)
            else:
                drop(connection, place.beside)
    except psycopg.Error as error:
        raise ServerError(one_line(error)) from None
    return {**line, "database": place.beside}


def _like_original(backup: Backup, tools: Tools, place: Place) -> None:
    """Nothing of the original is on this server: neither its encoding and locale, nor the roles that it names."""
    with backup.beginning() as source:
        roles = roles_in(tools.definitions(source))
    prepare(place.conninfo(place.admin), place.beside, backup.manifest.database, roles)


def is_empty(place: Place, owner: str, original: Database | None = None) -> bool:
    """The live database holds nothing of a person's; what comes with an extension does not count.

    Args:
        place: the server.
        owner: who is to own the database.
        original: that is to be restored into it; None: it is not asked whether that can be.

    Raises:
        RefusedError: the original cannot be restored into it.
        ServerError: the server does not answer.
    """
    try:
        with closing(place.connected(place.live)) as connection:
            (held,) = connection.execute(_HELD).fetchone() or (0,)
            if original is not None:
                _refuse(connection, place.live, original)
    except psycopg.Error as error:
        raise ServerError(one_line(error)) from None
    if original is not None and original.owner != owner:
        text = f"the backup is of a database of {original.owner}, and database.user is {owner}: declare the same user"
        raise RefusedError("WrongOwner", text)
    return not held


_HELD = """
SELECT (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
          AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
          AND NOT EXISTS (SELECT FROM pg_depend d
                          WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'))
     + (SELECT count(*) FROM pg_largeobject_metadata)
"""


def _restored(backup: Backup, tools: Tools, place: Place, checks: tuple[Check, ...], watch: Watch) -> dict[str, Any]:
    conninfo = place.conninfo(place.beside)
    try:
        outcome = restore(backup, tools, place.beside, conninfo, place.password)
    except NotRestoredError as error:
        watch.lap("restore")
        return told(backup, None, (), str(error), watch)
    watch.seconds |= outcome.seconds
    answers = ask(conninfo, checks, backup.manifest.database.owner, place.password)
    watch.lap("check")
    return told(backup, outcome, answers, "", watch)


def drop(connection: Connection, name: str) -> None:
    """Drop a database that is there, whoever is connected to it.

    Raises:
        psycopg.Error: it cannot be dropped.
    """
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
