"""Environment variables of the tiers, as in a Pod."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from .base import ObjectName, Spec, rules


class KeySelector(Spec):
    """One key of a Secret or ConfigMap in the MemoApp's namespace."""

    name: ObjectName
    """Name of the Secret or ConfigMap."""
    key: str = Field(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")
    """The key whose value is taken."""
    optional: bool | None = None
    """Whether pods may start without it."""


class FieldSelector(Spec):
    """A field of the pod itself (downward API)."""

    field_path: str = Field(min_length=1, max_length=253)
    """Path of the field, for example metadata.name."""


class EnvVarSource(Spec):
    """Where a variable's value comes from: exactly one of its fields."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "[has(self.secretKeyRef), has(self.configMapKeyRef), has(self.fieldRef)].filter(x, x).size() == 1",
                "exactly one of secretKeyRef, configMapKeyRef and fieldRef must be set",
            )
        )
    )
    secret_key_ref: KeySelector | None = None
    """One key of a Secret. In a tier, a change of its value is a release."""
    config_map_key_ref: KeySelector | None = None
    """One key of a ConfigMap. In a tier, a change of its value is a release."""
    field_ref: FieldSelector | None = None
    """A field of the pod itself."""


class EnvVar(Spec):
    """One environment variable, as in a Pod."""

    model_config = ConfigDict(
        json_schema_extra=rules(("!(has(self.value) && has(self.valueFrom))", "value and valueFrom cannot both be set"))
    )
    name: str = Field(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z][-._a-zA-Z0-9]*$")
    """Name of the variable."""
    value: str | None = Field(None, max_length=32768)
    """Its value, in clear. What must stay secret belongs into valueFrom."""
    value_from: EnvVarSource | None = None
    """Where its value comes from."""


class EnvFromReference(Spec):
    """A whole Secret or ConfigMap."""

    name: ObjectName
    """Name of the Secret or ConfigMap."""
    optional: bool | None = None
    """Whether pods may start without it."""


class EnvFrom(Spec):
    """All keys of a Secret or ConfigMap as variables: exactly one of the two."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "has(self.secretRef) != has(self.configMapRef)",
                "exactly one of secretRef and configMapRef must be set",
            )
        )
    )
    prefix: str | None = Field(None, max_length=253, pattern=r"^[-._a-zA-Z][-._a-zA-Z0-9]*$")
    """Put before the name of each variable."""
    secret_ref: EnvFromReference | None = None
    """All keys of a Secret. A change of its content is a release."""
    config_map_ref: EnvFromReference | None = None
    """All keys of a ConfigMap. A change of its content is a release."""
