"""What a run showed. No data is not a pass: what cannot be judged is Inconclusive."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from .journal import Writes
from .record import Failure, Request

LATE = 0.1
"""Seconds behind the plan from which a request counts as late."""
LATE_SHARE = 0.01
"""The share of late requests from which a run proves nothing."""


class Verdict(StrEnum):
    """The answer to: did requests fail?"""

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"


@dataclass(frozen=True, slots=True)
class Result:
    """One run, or a window of it.

    Attributes:
        requests: in the order in which they were planned.
        writes: None where the journal could not be read.
        before: the requests that show how it was at rest, if there are any; they are not counted.
    """

    requests: tuple[Request, ...]
    writes: Writes | None
    before: tuple[Request, ...] = ()

    @property
    def failures(self) -> tuple[Request, ...]:
        """The requests that failed; lost and doubled writes stand in ``writes``."""
        return tuple(request for request in self.requests if request.failure is not None)

    @property
    def counts(self) -> dict[str, int]:
        """How many failed in which way; every way is there."""
        found = Counter(request.failure for request in self.requests)
        counts = {failure.value: found[failure] for failure in Failure}
        lost, doubled = (len(self.writes.lost), len(self.writes.doubled)) if self.writes else (0, 0)
        return {**counts, "lost": lost, "doubled": doubled, "total": len(self.requests)}

    @property
    def failed(self) -> int:
        """All that counts as failed: requests, and writes that were lost or doubled."""
        return len(self.failures) + self.counts["lost"] + self.counts["doubled"]

    @property
    def late(self) -> int:
        """How many requests the tool itself sent too late."""
        return sum(request.late > LATE for request in self.requests)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the run cannot be judged; none where it can."""
        found = []
        if not self.requests:
            found.append("nothing was sent")
        if self.late > LATE_SHARE * len(self.requests):
            found.append(f"{self.late} of {len(self.requests)} requests were sent more than {LATE:g} s late")
        if self.counts[Failure.CLIENT]:
            found.append(f"{self.counts[Failure.CLIENT]} requests failed by the tool's own fault")
        if self.writes is None:
            found.append("the journal could not be read")
        if ill := sum(request.failure is not None for request in self.before):
            found.append(f"{ill} of {len(self.before)} requests had failed at rest already")
        return tuple(found)

    @property
    def verdict(self) -> Verdict:
        """Failed where something failed for certain.

        A tool that was late may itself be the cause of slow answers; and where requests failed at rest, nobody knows
        why others failed later. Lost and doubled writes are certain always.
        """
        if self.failed > self._doubtful:
            return Verdict.FAIL
        return Verdict.INCONCLUSIVE if self.reasons else Verdict.PASS

    @property
    def _doubtful(self) -> int:
        if any(request.failure for request in self.before):
            return len(self.failures)
        return self.counts[Failure.CLIENT] + (self.counts[Failure.SLOW] if self.reasons else 0)

    @property
    def mixed(self) -> tuple[Request, ...]:
        """Answers in which one version's frontend passed on another's backend."""
        return tuple(request for request in self.requests if request.mixed)

    def within(self, begin: float, end: float) -> Result:
        """The requests planned from ``begin`` to before ``end``, seconds since the epoch; writes by the same window."""
        requests = tuple(request for request in self.requests if begin <= request.planned < end)
        return Result(requests, _only(self.writes, requests))

    def since(self, moment: float) -> Result:
        """What happened from ``moment`` on, judged by how it was before: without rest there is nothing to judge by."""
        before = tuple(request for request in self.requests if request.planned < moment)
        return replace(self.within(moment, math.inf), before=before)

    def percentile(self, percent: float) -> float:
        """Seconds that a request took; those that timed out count with the limit. NaN where there is none."""
        took = sorted(request.took for request in self.requests if request.status or request.failure is Failure.SLOW)
        return took[max(0, math.ceil(len(took) * percent / 100) - 1)] if took else math.nan

    def last_answer(self, version: str, after: float, connection: str = "new") -> float:
        """Seconds from ``after`` to the last answer of a version on such a connection; 0 if none came since.

        The moment of an answer is that of its end: a request may have been under way at ``after``.
        """
        found = (
            request.finished
            for request in self.requests
            if request.version == version and request.connection == connection and request.status
        )
        return max(0.0, max(found, default=after) - after)

    def by_second(self) -> list[dict[str, Any]]:
        """What was planned in each second of the run: total, failures by kind, answers by version."""
        begin = self.requests[0].planned if self.requests else 0.0
        rows: dict[int, list[Request]] = {}
        for request in self.requests:
            rows.setdefault(int(request.planned - begin), []).append(request)
        return [_row(second, requests) for second, requests in sorted(rows.items())]

    def summary(self) -> dict[str, Any]:
        """For people and logs; JSON."""
        writes = self.writes
        return {
            "verdict": self.verdict.value,
            "reasons": list(self.reasons),
            **self.counts,
            "acknowledged": writes.acknowledged if writes else None,
            "stored_unacknowledged": len(writes.stored_unacknowledged) if writes else None,
            "mixed": len(self.mixed),
            "late": self.late,
            "latest": _ms(max((request.late for request in self.requests), default=0.0)),
            **{f"p{percent}": _ms(self.percentile(percent)) for percent in (50, 95, 99)},
        }


def _only(writes: Writes | None, requests: Iterable[Request]) -> Writes | None:
    if writes is None:
        return None
    known = {request.journal: request.acknowledged for request in requests if request.journal}
    return replace(
        writes,
        acknowledged=sum(known.values()),
        lost=tuple(key for key in writes.lost if key in known),
        doubled=tuple(key for key in writes.doubled if key in known),
        stored_unacknowledged=tuple(key for key in writes.stored_unacknowledged if key in known),
    )


def _row(second: int, requests: list[Request]) -> dict[str, Any]:
    return {
        "second": second,
        "total": len(requests),
        "failures": dict(Counter(request.failure.value for request in requests if request.failure)),
        "versions": dict(Counter(request.version for request in requests if request.status)),
    }


def _ms(seconds: float) -> str:
    return "-" if math.isnan(seconds) else f"{seconds * 1000:.1f} ms"
