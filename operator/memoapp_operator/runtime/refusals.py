"""What the API server would not take: remembered by one process, told to people, and not asked again at once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from memoapp_operator.domain.manifest import SECRET, Ref
from memoapp_operator.ports import Refused

logger = logging.getLogger(__name__)

REFUSED_AGAIN = timedelta(seconds=60)
"""What the API server refused is asked again after this long, or at once when it changed."""
_LONGEST = 300
"""Characters: a refusal may list a whole object."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the API server would not take."""

    message: str
    digest: str
    at: datetime


Refusals: TypeAlias = dict[Ref, Refusal]


def is_refused(refusals: Mapping[Ref, Refusal], ref: Ref, identity: str, now: datetime) -> bool:
    """The API server did not take this very object a moment ago."""
    refusal = refusals.get(ref)
    return refusal is not None and refusal.digest == identity and now < refusal.at + REFUSED_AGAIN


def remember(refusals: Refusals, error: Refused, ref: Ref, identity: str, now: datetime) -> None:
    """Note an answer down, and tell it in the log."""
    answer = speakable(error, ref)
    logger.warning("%s is refused: %s", ref, answer)
    refusals[ref] = Refusal(answer if len(answer) <= _LONGEST else f"{answer[: _LONGEST - 3]}...", identity, now)


def speakable(error: Refused, ref: Ref) -> str:
    """What the API server said; of a Secret only the reason, for the answer may repeat its values."""
    return f"{error.reason} (the answer is not shown: it may hold values)" if ref.kind == SECRET else error.message
