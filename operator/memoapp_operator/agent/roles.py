"""The roles that an archive speaks of: they are not in it, and belong to the whole server."""

from __future__ import annotations

import re

_NAME = r'"(?:[^"]|"")+"|[^\W\d][\w$]*'
_STATEMENTS = re.compile(r"^(?:ALTER|GRANT|REVOKE|CREATE POLICY|CREATE USER MAPPING) .*$", re.MULTILINE)
_NAMED = re.compile(rf"\b(?:OWNER TO|FOR ROLE|USER MAPPING FOR|TO|FROM) ((?:{_NAME})(?:, ?(?:{_NAME}))*)")
_EACH = re.compile(_NAME)
# Words that stand where a role would, and roles that every server has.
_NONE = frozenset({"public", "current_user", "session_user", "current_role", "current"})


def roles_in(definitions: str) -> tuple[str, ...]:
    """Names of roles that the SQL of an archive gives objects or rights to.

    It may name more than there are: a line in the body of a function that looks like a statement counts too. So it is
    for making roles on a server that is thrown away, and for nothing else.
    """
    found = set()
    for line in _STATEMENTS.findall(definitions):
        for names in _NAMED.findall(line):
            found |= {_plain(name) for name in _EACH.findall(names)}
    return tuple(sorted(name for name in found if name.lower() not in _NONE and not name.startswith("pg_")))


def _plain(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
