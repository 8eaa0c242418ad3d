"""Places in an object: where a sample has what a path of the schema means, and the sample with another value there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.api.constraints import ENTRY, ITEM
from tests.kube import Object

Place = tuple[str | int, ...]


def places(value: Any, path: tuple[str, ...], at: Place = ()) -> Iterator[Place]:
    """Every place of ``value`` that ``path`` leads to."""
    if not path:
        yield at
        return
    for key, inner in _children(value, path[0]):
        yield from places(inner, path[1:], (*at, key))


def at(value: Any, place: Place) -> Any:
    """What stands at the place."""
    for key in place:
        value = value[key]
    return value


def placed(sample: Object, place: Place, value: Any) -> Object:
    """A copy of the sample with ``value`` at the place; nothing is shared with the sample."""
    copy: Object = json.loads(json.dumps(sample))
    at(copy, place[:-1])[place[-1]] = value
    return copy


def written(place: Place) -> str:
    """The place as the API server names it in an error: ``spec.backend.env[0].name``."""
    text = ""
    for key in place:
        text += f"[{key}]" if isinstance(key, int) else f".{key}"
    return text.removeprefix(".")


def _children(value: Any, step: str) -> Iterator[tuple[str | int, Any]]:
    if step == ITEM:
        yield from enumerate(value if isinstance(value, list) else ())
    elif step == ENTRY:
        yield from (value if isinstance(value, dict) else {}).items()
    elif isinstance(value, dict) and step in value:
        yield step, value[step]
