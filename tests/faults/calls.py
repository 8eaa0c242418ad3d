"""What passes through the proxy: calls, and the writes among them that are counted."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
APART = frozenset({"leases", "events"})
"""Written at any time by anybody's clock: not counted among the writes."""
CREATED = 201

_PATH = re.compile(
    r"^/(?:api/(?P<core>[^/]+)|apis/(?P<group>[^/]+)/[^/]+)"
    r"(?:/namespaces/(?P<namespace>[^/]+))?/(?P<plural>[^/]+)(?:/(?P<name>[^/]+)(?:/(?P<sub>[^/]+))?)?$"
)


@dataclass(frozen=True, slots=True)
class Call:
    """One request of the operator.

    Attributes:
        verb: HTTP method.
        path: without the query.
        query: raw.
        body: as sent.
        number: how many counted writes there were since the proxy was armed, this one included; 0 for other calls.
        by: name of the process that called.
    """

    verb: str
    path: str
    query: str = ""
    body: bytes = b""
    number: int = 0
    by: str = ""

    @property
    def plural(self) -> str:
        """The resource's plural; empty where the path is none of a resource."""
        found = _PATH.match(self.path)
        return found["plural"] if found else ""

    @property
    def is_watch(self) -> bool:
        """A stream of events."""
        return self.verb == "GET" and "watch=true" in self.query.lower()

    @property
    def is_read(self) -> bool:
        """A get or list."""
        return self.verb == "GET" and not self.is_watch and bool(self.plural)

    @property
    def counts(self) -> bool:
        """A write that is no Lease and no Event."""
        return self.verb in WRITES and self.plural not in APART

    @property
    def target(self) -> str:
        """``plural/name`` (and the subresource), the name out of the body where the path has none."""
        found = _PATH.match(self.path)
        if found is None:
            return self.path
        name = found["name"] or _name_in(self.body)
        return "/".join(part for part in (found["plural"], name, found["sub"]) if part)


@dataclass(frozen=True, slots=True)
class Write:
    """One counted write.

    Attributes:
        call: as sent.
        code: of the API server's answer; 0 where it was not asked, or gave none.
        told: what the operator was answered; 0 where it was answered nothing.
    """

    call: Call
    code: int
    told: int

    @property
    def created(self) -> bool:
        """It made an object."""
        return self.code == CREATED

    @property
    def deleted(self) -> bool:
        """It deleted an object that was there."""
        return self.call.verb == "DELETE" and 0 < self.code < 300

    def __str__(self) -> str:
        told = f", told {self.told or 'nothing'}" if self.told != self.code else ""
        by = f"{self.call.by} " if self.call.by else ""
        return f"{self.call.number:3} {by}{self.call.verb:6} {self.call.target} -> {self.code or 'not sent'}{told}"


def created(writes: Iterable[Write]) -> Counter[str]:
    """How often each object was made."""
    return Counter(plain(write.call.target) for write in writes if write.created)


def deleted(writes: Iterable[Write]) -> Counter[str]:
    """How often each object was deleted."""
    return Counter(plain(write.call.target) for write in writes if write.deleted)


def intruders(writes: Iterable[Write]) -> list[str]:
    """Processes that wrote again after another one had begun to: two acted at once."""
    order = [write.call.by for write in sorted(writes, key=lambda write: write.call.number)]
    turns = [name for name, _ in groupby(order)]
    return sorted({name for name in turns if turns.count(name) > 1})


def plain(text: str) -> str:
    """A name without the digest of its content, or its moment, which differ from run to run (passwords stand in it)."""
    text = re.sub(r"(-(?:migrate|test-[-a-z0-9]+))-[0-9a-f]{5}\b", r"\1-#", text)
    text = re.sub(r"(-(?:save|tidy|save-upgrade))-[0-9a-f]{6}\b", r"\1-#", text)
    return re.sub(r"-[0-9a-f]{8}\b", "-#", text)


def _name_in(body: bytes) -> str:
    try:
        document: Any = json.loads(body)
        return str(document["metadata"]["name"])
    except (ValueError, KeyError, TypeError):
        return ""
