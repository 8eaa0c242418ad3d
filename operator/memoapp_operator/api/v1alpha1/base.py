"""What every model of the API has in common: base classes, constrained strings, CEL rules."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Part(BaseModel):
    """A part of an object: camelCase outside, frozen inside; unknown fields are dropped.

    So an older operator bears a newer CRD. The docstring under a field is its description in the CRD.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        frozen=True,
        extra="ignore",
        use_attribute_docstrings=True,
    )


class Spec(Part):
    """A part that people write."""


class Status(Part):
    """A part that the operator writes and reads back."""


def rules(*pairs: tuple[str, str]) -> dict[str, Any]:
    """CEL rules of an object or field as ``json_schema_extra``: (rule, message) pairs."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in pairs]}


def list_map(*keys: str, **extra: Any) -> dict[str, Any]:
    """A list that server-side apply merges by ``keys``."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys), **extra}


def opaque_object() -> dict[str, Any]:
    """An object of the Kubernetes API that is handed on as it is; the API server checks it in the child."""
    return {"x-kubernetes-preserve-unknown-fields": True}


# Source: k8s.io/apimachinery/pkg/api/resource, the grammar of quantities; non-negative only.
QUANTITY_PATTERN = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$"
# RFC 1123 label and subdomain, as in k8s.io/apimachinery/pkg/util/validation.
LABEL_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
SUBDOMAIN_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
# A PostgreSQL identifier that needs no quoting; 63 bytes is NAMEDATALEN - 1.
IDENTIFIER_PATTERN = r"^[a-z_][a-z0-9_]*$"

# Five fields as in cron; what they say is checked where they are read.
CRON_PATTERN = r"^[0-9A-Za-z*,/?-]+( [0-9A-Za-z*,/?-]+){4}$"

Quantity = Annotated[str, Field(max_length=32, pattern=QUANTITY_PATTERN)]
# In maps of resources a person may also write a plain number (`cpu: 1`).
ResourceQuantity = Annotated[int, Field(ge=0)] | Quantity
A_WEEK = ("duration(self) <= duration('168h')", "it is at most 168h, a week")
# Six digits a part: what 16 characters can then say, 228 years, no clock of ours runs over.
Duration = Annotated[str, Field(max_length=16, pattern=r"^([0-9]{1,6}(s|m|h))+$")]
ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=SUBDOMAIN_PATTERN)]
Image = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[^\s]+$")]
Port = Annotated[int, Field(ge=1, le=65535)]
Path = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^/[^\s]*$")]
Timestamp = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class LocalReference(Spec):
    """The name of an object in the MemoApp's namespace."""

    name: ObjectName
    """Name of the object."""


class Resources(Spec):
    """Requests and limits of one container, as in a Pod."""

    requests: dict[str, ResourceQuantity] | None = Field(None, max_length=16)
    """What the scheduler reserves, by resource (cpu, memory, ephemeral-storage)."""
    limits: dict[str, ResourceQuantity] | None = Field(None, max_length=16)
    """What the container may use at most, by resource."""
