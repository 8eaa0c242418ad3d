"""Does a live object already hold what we would apply? An apply that changes nothing would still be a write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from .manifest import Manifest

# k8s.io/apimachinery/pkg/api/resource: suffixes of quantities and their factors.
_SUFFIXES = {
    "n": Decimal("0.000000001"),
    "u": Decimal("0.000001"),
    "m": Decimal("0.001"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}
_QUANTITY_MAPS = frozenset({"requests", "limits", "sizeLimit", "hard"})


def quantity(text: str | float) -> Decimal | None:
    """A quantity in base units, or None where ``text`` is none."""
    plain = str(text)
    suffix = plain.lstrip("0123456789.+-")
    try:
        number = Decimal(plain[: len(plain) - len(suffix)] if suffix else plain)
    except InvalidOperation:
        return None
    if not suffix:
        return number
    factor = _SUFFIXES.get(suffix)
    return None if factor is None else number * factor


def differences(wanted: Manifest, live: Manifest) -> tuple[str, ...]:
    """Paths at which ``live`` does not hold what ``wanted`` says; empty where an apply would change nothing.

    Fields that only ``live`` has are somebody else's or defaults, and do not count. Lists whose items have a
    ``name`` are compared by it, as the API server merges them; all others by position and length.
    """
    return tuple(_compare(wanted, live, "", quantities=False))


def _compare(wanted: Any, live: Any, path: str, *, quantities: bool) -> Iterator[str]:
    if isinstance(wanted, Mapping):
        yield from _compare_maps(wanted, live, path, quantities=quantities)
    elif isinstance(wanted, list):
        yield from _compare_lists(wanted, live, path)
    elif not _equal(wanted, live, quantities=quantities):
        yield path or "."


def _compare_maps(wanted: Mapping[str, Any], live: Any, path: str, *, quantities: bool) -> Iterator[str]:
    if not isinstance(live, Mapping):
        yield path or "."
        return
    for key, value in wanted.items():
        inside = quantities or key in _QUANTITY_MAPS
        if key in live:
            yield from _compare(value, live[key], f"{path}.{key}", quantities=inside)
        elif value not in ({}, [], None):
            yield f"{path}.{key}"


def _compare_lists(wanted: Sequence[Any], live: Any, path: str) -> Iterator[str]:
    if not isinstance(live, list):
        yield path
        return
    if wanted and all(isinstance(item, Mapping) and "name" in item for item in wanted):
        by_name = {item.get("name"): item for item in live if isinstance(item, Mapping)}
        for item in wanted:
            yield from _compare(item, by_name.get(item["name"]), f"{path}[{item['name']}]", quantities=False)
    elif path.endswith(".ownerReferences"):
        by_uid = {item.get("uid"): item for item in live}
        for item in wanted:
            yield from _compare(item, by_uid.get(item["uid"]), f"{path}[{item['uid']}]", quantities=False)
    elif len(wanted) != len(live):
        yield path
    else:
        for index, (left, right) in enumerate(zip(wanted, live, strict=True)):
            yield from _compare(left, right, f"{path}[{index}]", quantities=False)


def _equal(wanted: Any, live: Any, *, quantities: bool) -> bool:
    if wanted == live:
        return True
    if quantities and isinstance(live, str | int | float):
        left, right = quantity(wanted), quantity(live)
        return left is not None and left == right
    return False
