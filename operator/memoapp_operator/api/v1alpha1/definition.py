"""What a custom resource needs beside its schema: names and the columns of ``kubectl get``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pydantic import BaseModel


class Column(NamedTuple):
    """One column of ``kubectl get``: ``priority`` 1 is shown with ``-o wide`` only."""

    name: str
    type: str
    json_path: str
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Definition:
    """One kind of the API, as the generator of the CustomResourceDefinitions takes it.

    Attributes:
        model: the whole object; its ``metadata`` is left to the API server, ``spec`` and ``status`` become the schema.
        kind: CamelCase name.
        plural: lower case, as in URLs.
        short_names: for ``kubectl get``.
        columns: in the order in which they are printed.
        selectable_fields: JSON paths that field selectors may name.
    """

    model: type[BaseModel]
    kind: str
    plural: str
    short_names: tuple[str, ...]
    columns: tuple[Column, ...]
    selectable_fields: tuple[str, ...] = ()
