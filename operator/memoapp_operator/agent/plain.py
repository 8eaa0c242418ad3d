r"""Plain SQL of old scripts: read without running it, so that `psql` gets nothing but statements and rows.

`psql` obeys backslash commands anywhere outside of quotes: shells, files, other servers. A dump has none but
`\restrict` and `\unrestrict`, which newer versions of `pg_dump` put around it, and `\.` behind rows. Those two are left
out; every other one refuses the script before any of it is run. Where `psql` and this reader could see quotes
differently, the script is refused too: what changes how quotes are read, and what no dump has.

Source: src/fe_utils/psqlscan.l of PostgreSQL, whose tokens and depths these are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from .roles import roles_in

LONGEST = 64 * 2**20
"""Bytes of a line outside of rows."""
_PIECE = 1 << 20
_LETTER, _WORD = rb"A-Za-z_\x80-\xff", rb"A-Za-z0-9_$\x80-\xff"
_NEXT = re.compile(
    rb"[0-9][0-9A-Za-z_.]*|[eE]'|[" + _LETTER + rb"][" + _WORD + rb"]*|\\|;|--|/\*|[()\"']"
    rb"|\$(?:[" + _LETTER + rb"][A-Za-z0-9_\x80-\xff]*)?\$"
)
_BLOCK = re.compile(rb"/\*|\*/")
_LINE_END = re.compile(rb"[\r\n]")
_OWN = re.compile(rb"^\\(un)?restrict [A-Za-z0-9]{1,128}\r?\n?$")
_NAME = rb"(?:[" + _WORD + rb"]+|\"+)"
_COPY = re.compile(rb"^\s*COPY\s+" + _NAME + rb"(?:\s*\.\s*" + _NAME + rb")*\s*\sFROM\s+STDIN\b", re.IGNORECASE)
_TO_OTHERS = re.compile(rb"^\s*(ALTER|GRANT|REVOKE|CREATE)\b", re.IGNORECASE)
_SETTINGS = (b"standard_conforming_strings", b"client_encoding")
_ORDINARY = re.compile(
    rb"^\s*SET\s+(?:standard_conforming_strings\s*=\s*on"
    rb"|client_encoding\s*=\s*'(?:UTF-?8|SQL_ASCII|LATIN[0-9]+|WIN[0-9]+|ISO_8859_[0-9]|KOI8[RU]|EUC_[A-Z_0-9]+)')\s*$",
    re.IGNORECASE,
)
"""In these encodings no byte of a character is a backslash or a quote."""
_OPENING = frozenset({b"'", b"E'", b"e'", b'"', b"--", b"/*"})
_REMEMBERED = 4096
"""Bytes of a statement that are looked at for what it is, and for roles."""


class ScriptRefusedError(RuntimeError):
    """The script does what no dump does; the message says where."""


class Script:
    """Goes through a script line by line.

    Attributes:
        roles: that its statements name.
    """

    def __init__(self) -> None:
        self.roles: set[str] = set()
        self._line = 0
        self._rows = False
        self._inside: bytes | None = None
        self._comments = 0
        self._escaped_before = False
        self._begin()

    def _begin(self) -> None:
        """A new statement."""
        self._parentheses = self._bodies = 0
        self._first, self._setting = b"", False
        self._outline = bytearray()
        self._named = bytearray()

    def lines(self, source: BinaryIO) -> Iterator[bytes]:
        """The script as it may be run.

        Raises:
            ScriptRefusedError: it may not.
        """
        begins = True
        while piece := source.readline(_PIECE if self._rows else LONGEST + 1):
            self._line += begins
            if self._rows:
                if begins and piece.rstrip(b"\r\n") == rb"\.":
                    self._rows = False
                yield piece
            elif len(piece) > LONGEST:
                raise self._refused(f"is longer than {LONGEST >> 20} MiB")
            elif self._inside is None and _OWN.match(piece):
                continue
            else:
                self._read(piece)
                yield piece
            begins = piece.endswith(b"\n")
        if self._rows or self._inside is not None:
            raise self._refused("is the last one, and something is open: it is not whole")

    def _read(self, line: bytes) -> None:
        at = 0
        while at < len(line):
            at = self._normal(line, at) if self._inside is None else self._quoted(line, at)

    def _normal(self, line: bytes, at: int) -> int:
        """To the next token that means something."""
        found = _NEXT.search(line, at)
        between = line[at : found.start() if found is not None else len(line)]
        if between.strip():
            self._escaped_before = False
        self._keep(between)
        if found is None:
            return len(line)
        token, end = found.group(), found.end()
        if token == b"\\":
            word = line[found.start() : end + 20].split()[0].decode(errors="replace")
            raise self._refused(f"has the command {word}, which no dump has")
        if token == b";" and not self._parentheses and not self._bodies:
            self._ended(line[end:])
        elif token in _OPENING or token.startswith(b"$"):
            self._opened(token)
        else:
            self._counted(token)
        return end

    def _opened(self, token: bytes) -> None:
        """A string, a name in quotes, or a comment begins."""
        if token == b"'" and self._escaped_before:
            # Behind E'...' and a new line it would go on in the same way.
            raise self._refused("goes on with a string of escapes")
        if token not in {b"--", b"/*"}:
            self._escaped_before = False
        self._inside = token
        self._comments = 1
        self._keep(b" " if token in {b"--", b"/*"} else b'"' if token == b'"' else b"'")

    def _counted(self, token: bytes) -> None:
        """Words and parentheses: within some, a semicolon ends nothing."""
        self._escaped_before = False
        if token == b"(":
            self._keep(b" ")
            self._parentheses += 1
        elif token == b")":
            self._parentheses = max(0, self._parentheses - 1)
            self._keep(b" ")
        else:
            self._keep(token)
        word = token.lower()
        self._setting |= word in _SETTINGS
        if not self._first and not word[:1].isdigit() and word not in {b"(", b")"}:
            self._first = word
        if self._first != b"create" or self._parentheses:
            return
        if word == b"begin" or (word == b"case" and self._bodies):
            self._bodies += 1
        elif word == b"end":
            self._bodies = max(0, self._bodies - 1)

    def _quoted(self, line: bytes, at: int) -> int:
        """To the end of what is quoted, which may be on another line."""
        match self._inside:
            case b"--":
                ending = _LINE_END.search(line, at)
                self._inside = None
                return ending.end() if ending is not None else len(line)
            case b"/*":
                return self._commented(line, at)
            case b"E'" | b"e'":
                return self._escaped(line, at)
            case None:
                return at
            case closing:
                end = line.find(closing, at)
                self._told(line[at : end if end >= 0 else len(line)])
                if end < 0:
                    return len(line)
                self._inside = None
                self._keep(closing if closing in {b'"', b"'"} else b"'", outline=closing != b'"')
                return end + len(closing)

    def _escaped(self, line: bytes, at: int) -> int:
        while at < len(line):
            if line[at : at + 1] == b"\\" or line[at : at + 2] == b"''":
                at += 2
            elif line[at : at + 1] == b"'":
                self._inside, self._escaped_before = None, True
                return at + 1
            else:
                at += 1
        return len(line)

    def _commented(self, line: bytes, at: int) -> int:
        """Comments of this kind have others in them."""
        for found in _BLOCK.finditer(line, at):
            self._comments += 1 if found.group() == b"/*" else -1
            if not self._comments:
                self._inside = None
                return found.end()
        return len(line)

    def _told(self, text: bytes) -> None:
        """What is quoted is nobody's business, but for a setting by its name: so ``set_config`` has it."""
        if text.strip().lower() in _SETTINGS:
            raise self._refused("speaks in quotes of a setting that changes how quotes are read")
        self._keep(text, outline=False)

    def _keep(self, text: bytes, *, outline: bool = True) -> None:
        """Of the outline parts in parentheses are left out."""
        self._named += text[: max(0, _REMEMBERED - len(self._named))]
        if outline and not self._parentheses:
            self._outline += text[: max(0, _REMEMBERED - len(self._outline))]

    def _ended(self, rest: bytes) -> None:
        """A statement is whole."""
        outline, named, setting = bytes(self._outline), bytes(self._named), self._setting
        self._escaped_before = False
        self._begin()
        if setting and not _ORDINARY.match(named):
            raise self._refused("changes how quotes are read, as no dump does")
        if _COPY.match(outline):
            if rest.strip():
                raise self._refused("has something behind COPY ... FROM stdin")
            self._rows = True
        elif _TO_OTHERS.match(named):
            self.roles.update(roles_in(" ".join(named.decode(errors="replace").split())))

    def _refused(self, what: str) -> ScriptRefusedError:
        return ScriptRefusedError(f"line {self._line:,} {what}")
