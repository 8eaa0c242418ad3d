"""A new database like one that is there: owner, encoding, locale, rights, settings, all that belongs to it as a whole.

They are in no archive that is restored into a database which exists.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

Connection = psycopg.Connection[Any]
_ROW = """
SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datlocprovider::text, datcollate, datctype,
       to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale', to_jsonb(d) ->> 'daticurules',
       (SELECT spcname FROM pg_tablespace t WHERE t.oid = dattablespace), datconnlimit,
       shobj_description(d.oid, 'pg_database'), datacl IS NULL
FROM pg_database d WHERE datname = %s
"""
_RIGHTS = """
SELECT CASE WHEN grantee = 0 THEN NULL ELSE pg_get_userbyid(grantee) END, privilege_type, is_grantable
FROM pg_database d, aclexplode(d.datacl) WHERE datname = %s
"""
_SETTINGS = """
SELECT CASE WHEN setrole = 0 THEN NULL ELSE pg_get_userbyid(setrole) END, unnest(setconfig)
FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE datname = %s
"""
_WORDS = ("CREATE", "CONNECT", "TEMPORARY")
_PROVIDERS = {"c": "libc", "i": "icu", "b": "builtin"}


def create_like(connection: Connection, live: str, name: str) -> None:
    """Create an empty database with owner, encoding, locale and tablespace of a live one.

    Raises:
        psycopg.Error: the server does not take it.
    """
    row = connection.execute(_ROW, (live,)).fetchone()
    if row is None:
        raise psycopg.errors.InvalidCatalogName(f"there is no database {live}")
    owner, encoding, provider, collate, ctype, locale, icu_locale, icu_rules, tablespace, *_ = row
    words = [
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(*map(sql.Identifier, (name, owner))),
        sql.SQL("ENCODING {} LC_COLLATE {} LC_CTYPE {}").format(*map(sql.Literal, (encoding, collate, ctype))),
        sql.SQL("LOCALE_PROVIDER {}").format(sql.SQL(_PROVIDERS[provider])),
    ]
    if tablespace != "pg_default":
        # Named, even the default one wants a right to it.
        words.append(sql.SQL("TABLESPACE {}").format(sql.Identifier(tablespace)))
    if provider == "i":
        words.append(sql.SQL("ICU_LOCALE {}").format(sql.Literal(icu_locale or locale)))
        if icu_rules:
            words.append(sql.SQL("ICU_RULES {}").format(sql.Literal(icu_rules)))
    if provider == "b":
        words.append(sql.SQL("BUILTIN_LOCALE {}").format(sql.Literal(locale)))
    connection.execute(sql.SQL(" ").join(words))


def settle(connection: Connection, live: str, name: str) -> None:
    """Give it the rights, the settings, the limit of connections and the comment of the live one.

    Raises:
        psycopg.Error: the server does not take it.
    """
    row = connection.execute(_ROW, (live,)).fetchone()
    if row is None:
        raise psycopg.errors.InvalidCatalogName(f"there is no database {live}")
    *_, limit, comment, by_default = row
    database = sql.Identifier(name)
    connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(database, sql.Literal(comment)))
    connection.execute(sql.SQL("ALTER DATABASE {} CONNECTION LIMIT {}").format(database, sql.Literal(limit)))
    if not by_default:
        _grant(connection, live, name)
    for role, setting in connection.execute(_SETTINGS, (live,)).fetchall():
        _set(connection, name, role, *setting.split("=", 1))


def _grant(connection: Connection, live: str, name: str) -> None:
    database = sql.Identifier(name)
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    owner = connection.execute("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s", (live,)).fetchone()
    rights = connection.execute(_RIGHTS, (live,)).fetchall()
    if owner is not None and {right for role, right, _ in rights if role == owner[0]} != set(_WORDS):
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM {}").format(database, sql.Identifier(owner[0])))
    for role, right, grantable in rights:
        to = sql.Identifier(role) if role is not None else sql.SQL("PUBLIC")
        words = sql.SQL("GRANT {} ON DATABASE {} TO {}").format(sql.SQL(right), database, to)
        connection.execute(words + sql.SQL(" WITH GRANT OPTION") if grantable else words)


def _set(connection: Connection, name: str, role: str | None, key: str, value: str) -> None:
    """As it stands in the catalogue: lists keep their quotes, which a literal would take for a part of a name."""
    parts = [sql.Identifier(part) for part in key.split(".")]
    subject = (
        sql.SQL("ALTER DATABASE {}").format(sql.Identifier(name))
        if role is None
        else sql.SQL("ALTER ROLE {} IN DATABASE {}").format(sql.Identifier(role), sql.Identifier(name))
    )
    setting = sql.SQL(".").join(parts)
    with connection.transaction():
        connection.execute("SELECT set_config(%s, %s, true)", (key, value))
        connection.execute(sql.SQL("{} SET {} FROM CURRENT").format(subject, setting))
