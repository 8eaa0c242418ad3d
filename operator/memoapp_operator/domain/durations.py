"""Durations as people write them: ``30s``, ``5m``, ``1h30m``."""

from __future__ import annotations

import re

_PART = re.compile(r"([0-9]+)(s|m|h)")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


def seconds(text: str) -> int:
    """Seconds in a duration that the schema took (``^([0-9]+(s|m|h))+$``)."""
    return sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
