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
from .environment import EnvFrom, EnvFromReference, EnvVar, EnvVarSource, FieldSelector, KeySelector

__all__ = [
    "Autoscaling",
    "Backend",
    "EnvFrom",
    "EnvFromReference",
    "EnvVar",
    "EnvVarSource",
    "FieldSelector",
    "Frontend",
    "ImagePullSecrets",
    "KeySelector",
    "Opaque",
    "SecurityContext",
    "Tier",
]

Opaque = Annotated[dict[str, Any], Field(json_schema_extra=opaque_object())]
Argument = Annotated[str, Field(max_length=4096)]
ImagePullSecrets = Annotated[list[LocalReference], Field(max_length=16, json_schema_extra=list_map("name"))]


class SecurityContext(Spec):
    """The user that a tier's pods run as; everything else is fixed by the restricted pod security standard."""

    run_as_user: int | None = Field(None, ge=1, le=2147483647)
    """User id; that of the image if left out. It cannot be root."""
    run_as_group: int | None = Field(None, ge=1, le=2147483647)
    """Group id; that of the image if left out."""
    fs_group: int | None = Field(None, ge=1, le=2147483647)
    """Group that owns the pod's volumes."""


class Autoscaling(Spec):
    """A HorizontalPodAutoscaler on the CPU of the colour that serves; it needs metrics.k8s.io in the cluster."""

    model_config = ConfigDict(
        json_schema_extra=rules(("self.minReplicas <= self.maxReplicas", "minReplicas is at most maxReplicas"))
    )
    min_replicas: int = Field(2, ge=1, le=100)
    """Never fewer pods. While a release is under way neither colour has fewer than the serving one had at its start."""
    max_replicas: int = Field(ge=1, le=100)
    """Never more pods."""
    cpu_percent: int = Field(80, ge=1, le=1000)
    """Goal: CPU used on average, in percent of what a pod requests."""


class Tier(Spec):
    """What frontend and backend have in common. A change of anything but replicas and autoscaling is a release."""

    image: Image
    """Image of the tier. A change is a release."""
    replicas: int = Field(2, ge=1, le=100)
    """Number of pods. A change scales in place and is no release. It does not count where autoscaling is declared."""
    autoscaling: Autoscaling | None = None
    """Number of pods by load, instead of ``replicas``. A change is no release."""
    command: list[Argument] | None = Field(None, max_length=64)
    """Entrypoint instead of the image's own."""
    args: list[Argument] | None = Field(None, max_length=64)
    """Arguments instead of the image's own."""
    env: list[EnvVar] | None = Field(None, max_length=200, json_schema_extra=list_map("name"))
    """Environment variables."""
    env_from: list[EnvFrom] | None = Field(None, max_length=50)
    """Secrets and ConfigMaps whose keys all become variables."""
    resources: Resources | None = None
    """Requests and limits of the container."""
    security_context: SecurityContext | None = None
    """The user that the pods run as."""
    service_account_name: ObjectName | None = None
    """ServiceAccount of the pods, with its token; without one they have none."""
    node_selector: dict[str, Annotated[str, Field(max_length=63)]] | None = Field(None, max_length=32)
    """Labels that a node must have, as in a Pod."""
    affinity: Opaque | None = None
    """Affinity, as in a Pod."""
    tolerations: list[Opaque] | None = Field(None, max_length=32)
    """Tolerations, as in a Pod."""
    topology_spread_constraints: list[Opaque] | None = Field(None, max_length=16)
    """How pods spread over nodes and zones, as in a Pod."""
    volumes: list[Opaque] | None = Field(None, max_length=32)
    """Volumes, as in a Pod."""
    volume_mounts: list[Opaque] | None = Field(None, max_length=64)
    """Where volumes are mounted, as in a container of a Pod."""


class Backend(Tier):
    """The API backend."""

    port: Port = 3001
    """Port that the backend listens on."""
    health_path: Path = "/api/health"
    """Path that answers 200 while the backend is well."""


class Frontend(Tier):
    """The static frontend, which calls the backend of its own colour by the name ``backendHost``."""

    model_config = ConfigDict(
        json_schema_extra=rules(("self.backendHost != 'localhost'", "backendHost cannot be localhost"))
    )
    port: Port = 8080
    """Port that the frontend listens on."""
    health_path: Path = "/health"
    """Path that answers 200 while the frontend is well."""
    backend_host: str = Field("backend", min_length=1, max_length=63, pattern=LABEL_PATTERN)
    """Name by which the frontend calls the API; in its pods it leads to the backend of the same colour."""
