"""Plain SQL of old scripts: what `psql` may see, and what it must not, however it is hidden."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memoapp_operator.agent.plain import Script, ScriptRefusedError

from .content import fill
from .server import Server

DUMP = rb"""\restrict Xk3
-- PostgreSQL database dump
SET standard_conforming_strings = on;
SET client_encoding = 'UTF8';
SELECT pg_catalog.set_config('search_path', '', false);
CREATE TABLE public."odd \! name" (id int, "it's" text);
ALTER TABLE public.memo OWNER TO memo_user;
CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $_$ SELECT E'\\! ls; $$' $_$;
CREATE FUNCTION g() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END;
COPY public.memo (id, text) FROM stdin;
1	a \\ b \N
\\.	\\! ls
\.
INSERT INTO t VALUES ('a\b; \! ls', e'it''s \' \! ls', 2);
/* \! a /* nested \! */ \! */ -- \! to the end
COMMENT ON TABLE t IS 'two
lines with \! in them';
GRANT SELECT ON TABLE public.memo TO reporting, "Odd Role";
\unrestrict Xk3
"""


def read(text: bytes) -> tuple[bytes, set[str]]:
    script = Script()
    return b"".join(script.lines(io.BytesIO(text))), script.roles


def test_a_dump_goes_through_but_for_its_own_two_commands() -> None:
    read_, roles = read(DUMP)
    assert read_ == DUMP.replace(b"\\restrict Xk3\n", b"").replace(b"\\unrestrict Xk3\n", b"")
    assert roles == {"memo_user", "reporting", "Odd Role"}


REFUSED = {
    "a shell": rb"\! ls",
    "behind a statement": rb"SELECT 1; \! ls",
    "in a statement": rb"SELECT 1 \! ls",
    "another database": rb"\connect other",
    "a file": rb"\i /etc/passwd",
    "a program": rb"\copy t from program 'ls'",
    "the result of a query": rb"SELECT 'ls' \gexec",
    "restrict with more": b"\\restrict a b\n",
    "restrict in a statement": b"SELECT 1\n  \\restrict a\n",
    "behind a string": rb"SELECT '\' \! ls",
    "behind a string of escapes": rb"SELECT E'\\' \! ls",
    "a doubled quote among escapes": rb"SELECT E'a''\' ' \! ls --'",
    "a string of escapes that goes on": b"SELECT E'a'\n'b\\' \\! ls --'",
    "a string of escapes that goes on behind a comment": b"SELECT E'a' -- x\n'b\\' \\! ls --'",
    "digits before a quote": rb"SELECT 1E'\' \! ls '",
    "letters before a quote": rb"SELECT xe'\' \! ls '",
    "a dollar in a name": rb"SELECT 1 AS a$b$ \! ls $b$",
    "a comment that ends with a carriage return": b"-- x\r\\! ls\n",
    "behind a comment": rb"/* /* */ */ \! ls",
    "rows of a table called stdin": b"COPY (SELECT 1 FROM stdin) TO STDOUT;\n\\! ls\n",
    "rows of a name in quotes": b'COPY "x FROM stdin" TO STDOUT;\n\\! ls\n',
    "rows in a string": b"COPY t TO 'x FROM stdin';\n\\! ls\n",
    "rows in parentheses": b"CREATE RULE r AS ON INSERT TO t DO (SELECT 1;\nCOPY t FROM stdin;\n\\! ls\n",
    "rows in a body": b"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1;\nCOPY t FROM stdin;\n\\! ls\n",
    "rows in a body with a case": (
        b"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END;\nCOPY t FROM stdin;\n\\! ls\n"
    ),
    "other quoting": b"SET standard_conforming_strings = off;\n",
    "other quoting, hidden": b"SET /* " + b"x" * 9000 + b" */ standard_conforming_strings\n TO\n off;\n",
    "other quoting by a function": b"SELECT set_config('standard_conforming_strings', 'off', false);\n",
    "an encoding with backslashes in its characters": b"SET client_encoding = 'SJIS';\n",
    "rows that do not end": b"COPY t FROM stdin;\n1\n",
    "a string that does not end": b"SELECT 'a\n",
    "rows on the same line": b"COPY t FROM stdin; SELECT 1;\n",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_what_no_dump_has_is_refused_before_anything_is_run(text: bytes) -> None:
    with pytest.raises(ScriptRefusedError, match=r"^line \d+ "):
        read(b"SELECT 1;\n" + text)


PIECES = st.sampled_from(
    [
        *(b"' '' E' e' \" $$ $a$ ( ) ; -- /* */ \n \r \\\\ \\' a 1 B' U&' N' create begin end case".split(b" ")),
        b" ",
        b"\n",
        b"COPY t FROM stdin;\n",
        b"\\.\n",
    ]
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, postgres: Server) -> Iterator[tuple[Server, Path]]:
    with postgres.connect() as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS t (a text)")
    yield postgres, tmp_path_factory.mktemp("shell")
    with postgres.connect() as connection:
        connection.execute("DROP TABLE t")


@given(before=st.lists(PIECES, max_size=10), after=st.lists(PIECES, max_size=4))
@settings(max_examples=400, deadline=None)
def test_psql_never_runs_a_command_of_a_script_that_goes_through(
    place: tuple[Server, Path], before: list[bytes], after: list[bytes]
) -> None:
    """The oracle is psql itself: whatever stands around a command, it is run only where the script is refused."""
    server, folder = place
    mark = folder / "it-ran"
    text = b"".join(before) + f"\\! touch {mark}\n".encode() + b"".join(after)
    try:
        through, _ = read(text)
    except ScriptRefusedError:
        return
    # Errors do not stop it here, so that more of the script is reached than ever would be.
    words = ["psql", "--no-psqlrc", "--quiet"]
    subprocess.run(words, env=server.environment("postgres"), input=through, capture_output=True, check=False)
    assert not mark.exists(), through


def test_a_real_dump_comes_back_whole(postgres: Server, database: str) -> None:
    with postgres.connect(database) as connection:
        fill(connection)
    text = postgres.run("pg_dump", "--no-password", database).stdout
    through, roles = read(text)
    assert {"memo_user", "postgres"} <= roles
    assert through == b"".join(line for line in text.splitlines(True) if not line.startswith((b"\\restrict", b"\\unr")))
    inserts = postgres.run("pg_dump", "--no-password", "--inserts", database).stdout
    assert len(read(inserts)[0]) > 5000
