"""Dumps of old scripts become backups: run by `psql` on a server of its own, and taken from there as any other."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

import psycopg
from dotenv import dotenv_values
from psycopg import sql

from .inplace import RefusedError
from .manifest import App
from .neighbour import Neighbour, NeighbourError
from .plain import Script, ScriptRefusedError
from .recovering import Creator, created
from .restoring import ServerError, classified
from .scratch import connected, make_roles, one_line
from .sealing import Seal
from .stores import Store, StoreError, Trouble
from .streams import Metered, buffered
from .take import Order, Source, Taken, already, take
from .verify import NotVerifiedError, manifest_of

_MOMENT = re.compile(r"(\d{8})[_-](\d{6})\.sql(?:\.gz)?$")
_KEY = re.compile(r"^[-._a-zA-Z0-9]{1,253}$")
_LARGEST = 2**20
"""Bytes of a file of variables: a Secret takes no more."""


@dataclass(frozen=True, slots=True)
class Dump:
    """A dump of the old scripts.

    Attributes:
        store: where it lies.
        file: its name there: ``old/memo_app_20231101_020000.sql.gz``.
    """

    store: Store
    file: str

    @property
    def taken_at(self) -> str:
        """The moment in its name, RFC 3339 in UTC.

        Raises:
            RefusedError: there is none.
        """
        found = _MOMENT.search(self.file)
        try:
            text = "".join((*found.groups(), "+0000")) if found is not None else ""
            return f"{datetime.strptime(text, '%Y%m%d%H%M%S%z'):%Y-%m-%dT%H:%M:%SZ}"
        except ValueError:
            text = f"{self.file} does not say when it was taken: ..._YYYYMMDD_HHMMSS.sql.gz"
            raise RefusedError("NoMoment", text) from None

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Its SQL.

        Raises:
            NotVerifiedError: it is no whole file, or not there.
            StoreError: the destination does not answer.
        """
        try:
            with self.store.get(self.file) as file:
                yield gzip.GzipFile(fileobj=file) if self.file.endswith(".gz") else file  # type: ignore[misc]
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise NotVerifiedError(f"{self.file} is not whole: {error}") from None
        except StoreError as error:
            if error.trouble is Trouble.NOT_FOUND:
                raise RefusedError("DumpNotFound", f"{self.file} is not there") from None
            raise


@dataclass(frozen=True, slots=True)
class Into:
    """What becomes of it.

    Attributes:
        store: where the backup goes.
        app: whose it is.
        name: of the backup.
        database: name of the database.
        owner: who owns it.
        seal: to whom it is sealed.
    """

    store: Store
    app: App
    name: str
    database: str
    owner: str
    seal: Seal | None


def bring_in(dump: Dump, into: Into, tools: Neighbour, conninfo: str = "") -> Taken:
    """Run it on the scratch server, and take a backup of what came of it; one that was taken before is it.

    Args:
        dump: of the old scripts.
        into: what becomes of it.
        tools: the database's own.
        conninfo: the scratch server, as libpq takes it, without a database.

    Raises:
        RefusedError: it is none, or does what no dump does.
        NotVerifiedError: it is not whole.
        ServerError: the server failed.
        StoreError: a destination does not answer.
    """
    moment = dump.taken_at
    folder = already(into.store, into.app, into.name)
    if folder is not None:
        return Taken(folder, manifest_of(into.store, folder), 0)
    with dump.opened() as source:
        plain = Metered(source)
        script = Script()
        try:
            for _ in script.lines(buffered(plain)):
                pass
        except ScriptRefusedError as error:
            raise RefusedError("ScriptRefused", f"{dump.file}: {error}") from None
    _prepare(conninfo, into, script.roles)
    with dump.opened() as source:
        again = Metered(source)
        try:
            tools.script(Script().lines(buffered(again)), into.owner, into.database)
        except NeighbourError as error:
            raise _said(dump, error) from None
    if again.sha256 != plain.sha256:
        raise NotVerifiedError(f"{dump.file} was changed while it was read")
    database = f"{conninfo} dbname={into.database}"
    _not_empty(database, dump)
    order = Order(into.name, into.app, "Imported", taken_at=moment)
    return take(order, Source(database), into.store, tools, into.seal)


def _said(dump: Dump, error: NeighbourError) -> Exception:
    """What `psql` stopped at."""
    found = classified(error)
    return found if isinstance(found, ServerError) else RefusedError("ScriptFailed", f"{dump.file}: {error}"[:900])


def _prepare(conninfo: str, into: Into, roles: set[str]) -> None:
    """An empty database, and the roles that the script names. Its owner may do everything, on this server alone."""
    database, owner = sql.Identifier(into.database), sql.Identifier(into.owner)
    try:
        with closing(connected(f"{conninfo} dbname=postgres")) as connection:
            make_roles(connection, {into.owner, *roles})
            connection.execute(sql.SQL("ALTER ROLE {} LOGIN SUPERUSER").format(owner))
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(database))
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(database, owner))
    except psycopg.Error as error:
        raise ServerError(f"no database can be made for it: {one_line(error)}") from None


_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"


def _not_empty(conninfo: str, dump: Dump) -> None:
    try:
        with closing(connected(conninfo)) as connection:
            (tables,) = connection.execute(_TABLES).fetchone() or (0,)
    except psycopg.Error as error:
        raise ServerError(one_line(error)) from None
    if not tables:
        raise RefusedError("NothingInIt", f"{dump.file} made no table")


def offer(cluster: Creator, store: Store, file: str, namespace: str, name: str) -> str:
    """An old file of variables as a Secret, for people to take what they need of it; in words what was done.

    Raises:
        RefusedError: it is not there, or cannot be one.
        ApiError: the API server does not answer.
        StoreError: the destination does not answer.
    """
    try:
        with store.get(file) as source:
            data = source.read(_LARGEST + 1)
    except StoreError as error:
        if error.trouble is Trouble.NOT_FOUND:
            raise RefusedError("EnvNotFound", f"{file} is not there") from None
        raise
    values = _variables(data, file)
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "type": "Opaque",
        "data": {key: b64encode(value.encode()).decode() for key, value in values.items()},
    }
    return f"made: Secret/{name}" if created(cluster, body) else f"there already: Secret/{name}"


def _variables(data: bytes, file: str) -> Mapping[str, str]:
    """The message of an error has no value: they are secrets."""
    if len(data) > _LARGEST:
        raise RefusedError("EnvRefused", f"{file} is larger than a Secret may be")
    try:
        found = dotenv_values(stream=io.StringIO(data.decode()), interpolate=False)
    except UnicodeDecodeError:
        raise RefusedError("EnvRefused", f"{file} is no text") from None
    values = {key: value for key, value in found.items() if value is not None}
    if not values or not all(_KEY.match(key) for key in values):
        raise RefusedError("EnvRefused", f"{file} is no list of NAME=value")
    return values
