"""The operator's own settings, from its environment (the Helm chart sets them)."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Settings(BaseModel):
    """Settings of one operator process.

    Attributes:
        pod_name: identity in the lease.
        pod_namespace: where the lease and the operator's pods are.
        operator_image: image of the agents beside the data: the operator's own.
        watch_namespaces: where MemoApps are looked for; empty: everywhere.
        resync_seconds: time between two looks at an app that is well; foreign Secrets are not watched.
        workers: MemoApps that are worked on at once.
        lease_seconds: how long a leader that fell silent keeps others from acting.
        port: of /metrics, /livez and /readyz.
    """

    model_config = ConfigDict(frozen=True)

    pod_name: str = Field("operator", alias="POD_NAME")
    pod_namespace: str = Field("default", alias="POD_NAMESPACE")
    operator_image: str = Field(alias="MEMOAPP_OPERATOR_IMAGE", min_length=1)
    watch_namespaces: str = Field("", alias="MEMOAPP_WATCH_NAMESPACES")
    resync_seconds: float = Field(30, alias="MEMOAPP_RESYNC_SECONDS", ge=1, le=60)
    workers: int = Field(4, alias="MEMOAPP_WORKERS", ge=1, le=64)
    lease_seconds: int = Field(15, alias="MEMOAPP_LEASE_SECONDS", ge=6, le=300)
    log_level: str = Field("INFO", alias="MEMOAPP_LOG_LEVEL", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    port: int = Field(8080, alias="MEMOAPP_PORT", ge=0, le=65535)

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The watched namespaces; empty: all."""
        return tuple(name.strip() for name in self.watch_namespaces.split(",") if name.strip())


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Settings out of environment variables; pydantic's ValidationError names what is wrong."""
    return Settings.model_validate(dict(environment))
