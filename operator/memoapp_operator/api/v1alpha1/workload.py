"""The two tiers that are released: frontend and backend, and the pod fields they share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from .base import (
    LABEL_PATTERN,
    Image,
    LocalReference,
    ObjectName,
    Path,
    Port,
    Resources,
    Spec,
    list_map,
    opaque_object,
    rules,
)

Opaque = Annotated[dict[str, Any], Field(json_schema_extra=opaque_object())]


class KeySelector(Spec):
    """One key of a Secret or ConfigMap in the MemoApp's namespace."""

    name: ObjectName
    key: str = Field(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")
    optional: bool | None = None


class FieldSelector(Spec):
    """A field of the pod itself (downward API)."""

    field_path: str = Field(min_length=1, max_length=253)


class EnvVarSource(Spec):
    """Where a variable's value comes from: exactly one of its fields."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "[has(self.secretKeyRef), has(self.configMapKeyRef), has(self.fieldRef)]"
                ".filter(x, x).size() == 1",
                "exactly one of secretKeyRef, configMapKeyRef and fieldRef must be set",
            )
        )
    )
    secret_key_ref: KeySelector | None = None
    config_map_key_ref: KeySelector | None = None
    field_ref: FieldSelector | None = None


class EnvVar(Spec):
    """One environment variable, as in a Pod."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("!(has(self.value) && has(self.valueFrom))", "value and valueFrom cannot both be set")
        )
    )
    name: str = Field(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z][-._a-zA-Z0-9]*$")
    value: str | None = Field(None, max_length=32768)
    value_from: EnvVarSource | None = None


class EnvFromReference(Spec):
    """A whole Secret or ConfigMap."""

    name: ObjectName
    optional: bool | None = None


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
    secret_ref: EnvFromReference | None = None
    config_map_ref: EnvFromReference | None = None


class SecurityContext(Spec):
    """The user that a tier's pods run as; everything else is fixed by the restricted pod security standard."""

    run_as_user: int | None = Field(None, ge=1, le=2147483647)
    run_as_group: int | None = Field(None, ge=1, le=2147483647)
    fs_group: int | None = Field(None, ge=1, le=2147483647)


class Tier(Spec):
    """What frontend and backend have in common. A change of any field but ``replicas`` is a release."""

    image: Image
    replicas: int = Field(2, ge=1, le=100)
    command: list[Annotated[str, Field(max_length=4096)]] | None = Field(None, max_length=64)
    args: list[Annotated[str, Field(max_length=4096)]] | None = Field(None, max_length=64)
    env: list[EnvVar] | None = Field(None, max_length=200, json_schema_extra=list_map("name"))
    env_from: list[EnvFrom] | None = Field(None, max_length=50)
    resources: Resources | None = None
    security_context: SecurityContext | None = None
    service_account_name: ObjectName | None = None
    node_selector: dict[str, Annotated[str, Field(max_length=63)]] | None = Field(None, max_length=32)
    affinity: Opaque | None = None
    tolerations: list[Opaque] | None = Field(None, max_length=32)
    topology_spread_constraints: list[Opaque] | None = Field(None, max_length=16)
    volumes: list[Opaque] | None = Field(None, max_length=32)
    volume_mounts: list[Opaque] | None = Field(None, max_length=64)


class Backend(Tier):
    """The API backend."""

    port: Port = 3001
    health_path: Path = "/api/health"


class Frontend(Tier):
    """The static frontend, which calls the backend of its own colour by the name ``backendHost``."""

    model_config = ConfigDict(
        json_schema_extra=rules(("self.backendHost != 'localhost'", "backendHost cannot be localhost"))
    )
    port: Port = 8080
    health_path: Path = "/health"
    backend_host: str = Field("backend", min_length=1, max_length=63, pattern=LABEL_PATTERN)


ImagePullSecrets = Annotated[
    list[LocalReference], Field(max_length=16, json_schema_extra=list_map("name"))
]
