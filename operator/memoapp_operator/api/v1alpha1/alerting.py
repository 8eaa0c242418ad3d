"""Alerts of a Prometheus, which a maintenance is no news to."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .base import Spec, Status, Timestamp, list_map
from .gates import SecretKey

# A label as Prometheus takes it.
LABEL_NAME_PATTERN = r"^[a-zA-Z_][a-zA-Z0-9_]*$"


class AlertLabel(Spec):
    """A label that an alert has."""

    name: str = Field(min_length=1, max_length=63, pattern=LABEL_NAME_PATTERN)
    """Name of the label."""
    value: str = Field(max_length=256)
    """Its value."""


class Alertmanager(Spec):
    """An Alertmanager whose alerts about the app are silenced during maintenance, but for critical ones."""

    url: str = Field(max_length=1024, pattern=r"^https?://[^\s?#@]+$")
    """Its address: http://alertmanager.monitoring:9093."""
    labels: list[AlertLabel] | None = Field(None, min_length=1, max_length=8, json_schema_extra=list_map("name"))
    """Labels of the alerts that are silenced; `namespace` with the MemoApp's own, if left out. Alerts with the label
    `severity` at `critical` are not."""
    bearer_secret_ref: SecretKey | None = None
    """A token for it."""
    ca_secret_ref: SecretKey | None = None
    """The authority of its certificate, as PEM. Without it the public ones are trusted."""


class SilenceStatus(Status):
    """What is silenced."""

    until: Timestamp | None = None
    """When the silence ends, whether or not an operator runs; absent where there is none any more."""
    message: Annotated[str, Field(max_length=512)] | None = None
    """Why it could not be made, or removed, as it should be."""
