"""The identity of a release."""

from __future__ import annotations

import hashlib
import json

from .context import Context
from .endpoints import tiers
from .tiers import template

# 40 bits: two revisions of one app that meet by chance are out of reach, and a name stays readable.
_DIGITS = 10


def revision(context: Context) -> str:
    """Ten hex digits that change with the version and with anything in a pod of frontend or backend.

    Replicas, colour and host aliases do not count: they change in place.
    """
    declared = {component: template(context, component) for component in tiers(context)}
    identity = {"version": context.app.spec.version, "templates": declared}
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
