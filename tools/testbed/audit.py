"""Who asked and wrote what of the API server, by its audit log."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from .commands import StepError
from .nodes import control_plane, inside

_LOG = "/var/log/kubernetes/audit.log"
OPERATOR = "system:serviceaccount:memoapp-system:memoapp-operator"
_POD_NAME = "authentication.kubernetes.io/pod-name"
_APART = frozenset({"leases", "events"})
READS = frozenset({"get", "list", "watch"})
_COMPLETE = "ResponseComplete"


@dataclass(frozen=True, slots=True)
class Write:
    """One write, or read, as the API server took it.

    Attributes:
        at: when it came in.
        verb: create, update, patch, delete; of reads get, list, watch.
        resource: plural, with the subresource behind a slash.
        name: of the object; empty where the server chose it.
        user: who.
        pod: whose token it was; empty for others than service accounts.
        code: HTTP status of the answer.
    """

    at: datetime
    verb: str
    resource: str
    namespace: str
    name: str
    user: str
    pod: str
    code: int

    @classmethod
    def read(cls, entry: dict[str, Any]) -> Self:
        """From one entry of the log."""
        about, user = entry.get("objectRef") or {}, entry["user"]
        resource = "/".join(part for part in (about.get("resource"), about.get("subresource")) if part)
        return cls(
            at=datetime.fromisoformat(entry["requestReceivedTimestamp"]),
            verb=entry["verb"],
            resource=resource,
            namespace=about.get("namespace", ""),
            name=about.get("name", ""),
            user=user["username"],
            pod=next(iter((user.get("extra") or {}).get(_POD_NAME, [])), ""),
            code=(entry.get("responseStatus") or {}).get("code", 0),
        )

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S.%f} {self.pod} {self.verb} {self.resource} {self.namespace}/{self.name} {self.code}"


def writes(cluster: str, text: str) -> list[Write]:
    """The writes so far whose entry holds ``text``, such as a namespace or a user; oldest first."""
    return _found(cluster, text, '/"verb":"(get|list|watch)"/d')


def calls(cluster: str, text: str) -> list[Write]:
    """The writes and, as far as they are recorded, the reads so far whose entry holds ``text``; oldest first."""
    return _found(cluster, text, "")


def _found(cluster: str, text: str, but: str) -> list[Write]:
    script = 'grep -F "$1" "$2" | sed -E "$3"'
    try:
        found = inside(cluster, control_plane(cluster), "sh", "-c", script, "sh", text, _LOG, but)
    except StepError:
        return []
    return sorted(map(Write.read, _entries(found)), key=lambda write: write.at)


def by_operator(found: Iterable[Write], since: datetime | None = None) -> list[Write]:
    """What the operator wrote, its Lease and Events apart."""
    return [
        write
        for write in found
        if write.user == OPERATOR and write.resource not in _APART and (since is None or write.at >= since)
    ]


def _entries(lines: str) -> Iterator[dict[str, Any]]:
    """Every entry that is whole and no dry run: the last one may still be being written."""
    for line in lines.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if entry["stage"] == _COMPLETE and "dryRun=" not in entry.get("requestURI", ""):
            yield entry
