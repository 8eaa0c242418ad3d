"""Parts of a pod that people declare, as the API server will store them.

The API server leaves out what says nothing (null, false, an empty string or list) and writes quantities in its own
form. What is sent the same way compares equal with what is live.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from .quantity import canonical

# People's own keys and values: an empty string means something here.
_FREE_FORM = frozenset({"matchLabels", "labels", "annotations", "volumeAttributes", "options", "nodeSelector"})
# Pointers in the API's Go types: empty is not absent.
_EMPTY_COUNTS = frozenset({"storageClassName"})
_QUANTITIES = frozenset({"sizeLimit", "divisor", "storage"})


def stored(value: Any) -> Any:
    """A model or JSON value in the form in which it comes back from the API server; the order of lists is kept."""
    if isinstance(value, BaseModel):
        return stored(value.model_dump(mode="json", by_alias=True, exclude_none=True))
    if isinstance(value, dict):
        return {key: _entry(key, inner) for key, inner in value.items() if not _says_nothing(key, inner)}
    if isinstance(value, list | tuple):
        return [stored(item) for item in value]
    return value


def _entry(key: str, value: Any) -> Any:
    if key in _FREE_FORM:
        return value
    if key in _QUANTITIES and isinstance(value, int | str):
        return canonical(value)
    return stored(value)


def _says_nothing(key: str, value: Any) -> bool:
    if value is None or value is False or value == []:
        return True
    if value == "":
        return key not in _EMPTY_COUNTS
    return value == {} and key in _FREE_FORM
