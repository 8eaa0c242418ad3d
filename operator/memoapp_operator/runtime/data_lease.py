"""The Lease of an app's data: backups, migrations and restores keep apart by it."""

from __future__ import annotations

from datetime import datetime, timedelta

from memoapp_operator.domain.conditions import timestamp
from memoapp_operator.domain.manifest import Manifest

MARGIN = 60
"""Seconds by which a Lease outlives what it is held for: clocks of nodes differ."""


def holder(lease: Manifest | None, now: datetime) -> str | None:
    """Who holds it; None where nobody does any more, or there is none."""
    spec = (lease or {}).get("spec") or {}
    who, renewed = spec.get("holderIdentity"), spec.get("renewTime")
    if not who or not renewed:
        return who or None
    over = datetime.fromisoformat(renewed) + timedelta(seconds=float(spec.get("leaseDurationSeconds") or 0) + MARGIN)
    return str(who) if now < over else None


def held(lease: Manifest, who: str, seconds: int, now: datetime) -> Manifest:
    """The Lease as it is once somebody holds it."""
    moment = f"{timestamp(now)[:-1]}.000000Z"
    spec = {"holderIdentity": who, "leaseDurationSeconds": seconds, "acquireTime": moment, "renewTime": moment}
    return {**lease, "spec": {**(lease.get("spec") or {}), **spec}}


def freed(lease: Manifest) -> Manifest:
    """The Lease as it is once nobody holds it."""
    return {**lease, "spec": {**(lease.get("spec") or {}), "holderIdentity": ""}}
