"""The gates of CPU, memory and disk: from what pods and volumes use to measurements. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

from memoapp_operator.api.v1alpha1.gates import GateName, ResourceGates
from memoapp_operator.api.v1alpha1.memoapp import Colour

from .diff import quantity
from .measurements import WORSE, Measurement, Verdict, plain, shown
from .observation import Volume
from .revision import Revision
from .usage import ContainerUsage, UsageReading

CPU_PERCENT, MEMORY_PERCENT, DISK_PERCENT = 80, 85, 90
"""Sources: the runbook's thresholds."""
STALE = 120.0
"""Seconds after which a measurement of metrics.k8s.io says nothing of now: eight of metrics-server's own intervals."""
NAMES = (GateName.CPU, GateName.MEMORY, GateName.DISK)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a round of measurements is made of.

    Attributes:
        now: aware, UTC.
        usage: of the tiers' containers.
        limits: what a container of each tier may use, by colour and tier: processors and bytes; None where it is free.
        volume: of the database; None where nobody tells.
        skipped: gates that had no source as the first clients came.
        counted: when the newest measurement was made that was counted already.
        managed: the database has an agent beside it: that it does not tell now is no want of a source.
    """

    now: datetime
    usage: UsageReading
    limits: Mapping[tuple[str, str], tuple[Fraction | None, Fraction | None]] = field(default_factory=dict)
    volume: Volume | None = None
    skipped: frozenset[str] = frozenset()
    counted: datetime | None = None
    managed: bool = False


def limits_of(colour: Colour, revision: Revision) -> dict[tuple[str, str], tuple[Fraction | None, Fraction | None]]:
    """What a container of each tier of a revision may use."""
    return {(colour.value, tier): _limits(held) for tier, held in revision.tiers.items()}


def _limits(tier: Mapping[str, Any]) -> tuple[Fraction | None, Fraction | None]:
    containers = (tier["template"].get("spec") or {}).get("containers") or [{}]
    declared = (containers[0].get("resources") or {}).get("limits") or {}
    found = [quantity(declared[key]) if key in declared else None for key in ("cpu", "memory")]
    cpu, memory = (Fraction(each) if each else None for each in found)
    return cpu, memory


def disk_percent(spec: ResourceGates) -> int:
    """Percent of the database's volume that may be used."""
    return spec.disk_percent or DISK_PERCENT


def used_percent(volume: Volume) -> Fraction:
    """Percent of a volume that is used."""
    return Fraction(100 * volume.used, volume.size) if volume.size else Fraction(0)


def unmeasured(seen: Seen, colour: Colour) -> dict[str, str]:
    """The gates that have no source, with the reason."""
    found = {}
    for index, name in enumerate((GateName.CPU, GateName.MEMORY)):
        if isinstance(seen.usage, str):
            found[name.value] = seen.usage
        elif not any(limit[index] for (held, _), limit in seen.limits.items() if held == colour.value):
            found[name.value] = "no container has a limit"
    if seen.volume is None and not seen.managed:
        found[GateName.DISK.value] = "nobody tells of an external database's volume"
    return found


def newest(seen: Seen, colour: Colour) -> datetime | None:
    """When the newest measurement of a colour was made."""
    return max((item.measured for item in _of(seen, colour)), default=None)


def measure(spec: ResourceGates, seen: Seen, colour: Colour, old: Colour) -> tuple[Measurement, ...]:
    """A measurement for each gate of resources."""
    return tuple(_all(spec, seen, colour, old))


def _all(spec: ResourceGates, seen: Seen, colour: Colour, old: Colour) -> Iterator[Measurement]:
    most = {
        GateName.CPU: spec.cpu_percent or CPU_PERCENT,
        GateName.MEMORY: spec.memory_percent or MEMORY_PERCENT,
        GateName.DISK: disk_percent(spec),
    }
    declared, lacking = spec.model_dump(by_alias=True, exclude_none=True), unmeasured(seen, colour)
    for name in NAMES:
        limit = Fraction(most[name])
        if name in seen.skipped and name not in declared:
            yield Measurement(
                name, Verdict.SKIPPED, limit, why=lacking.get(name, "it had no source as the release began")
            )
        elif name in lacking:
            yield Measurement(name, Verdict.ERROR, limit, why=lacking[name])
        elif name is GateName.DISK:
            yield _disk(limit, seen.volume)
        else:
            yield _used(name, limit, seen, colour, old)


def _disk(limit: Fraction, volume: Volume | None) -> Measurement:
    if volume is None:
        return Measurement(GateName.DISK, Verdict.ERROR, limit, why="the agent beside the database does not answer")
    value = used_percent(volume)
    failed = value > limit
    why = f"{shown(value)} {'>' if failed else '<='} {plain(limit)} (percent of the database's volume)"
    return Measurement(GateName.DISK, Verdict.FAIL if failed else Verdict.PASS, limit, value, why=why)


def _used(name: GateName, limit: Fraction, seen: Seen, colour: Colour, old: Colour) -> Measurement:
    moment = newest(seen, colour)
    if moment is None:
        return Measurement(name, Verdict.INCONCLUSIVE, limit, why="metrics.k8s.io knows no pod of it yet")
    age = (seen.now - moment).total_seconds()
    if age > STALE:
        return Measurement(name, Verdict.ERROR, limit, why=f"metrics.k8s.io tells nothing newer than {moment:%H:%M:%S}")
    value, where = _worst(name, seen, colour)
    other, _ = _worst(name, seen, old)
    if value is None:
        return Measurement(name, Verdict.INCONCLUSIVE, limit, why="metrics.k8s.io knows no container with a limit yet")
    failed = value > limit and (other is None or other <= limit or value > WORSE * other)
    verdict = Verdict.FAIL if failed else Verdict.PASS
    note = f"percent of its limit, a container of {where}"
    again = seen.counted is not None and moment <= seen.counted
    return Measurement(name, verdict, limit, value, other, note=note, again=again)


def _worst(name: GateName, seen: Seen, colour: Colour) -> tuple[Fraction | None, str]:
    """The container of a colour that uses most of what it may, in percent; and its tier."""
    index, found = (0 if name is GateName.CPU else 1), []
    for item in _of(seen, colour):
        limit = seen.limits.get((item.colour, item.tier), (None, None))[index]
        if limit:
            found.append((100 * (item.cpu, item.memory)[index] / limit, item.tier))
    return max(found, default=(None, ""))


def _of(seen: Seen, colour: Colour) -> Iterator[ContainerUsage]:
    if not isinstance(seen.usage, str):
        yield from (item for item in seen.usage if item.colour == colour.value)
