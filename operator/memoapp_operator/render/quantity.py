"""Quantities in the one form in which the API server stores them.

Source: k8s.io/apimachinery/pkg/api/resource (CanonicalizeBytes) and the rounding to milli of resource lists in
k8s.io/kubernetes/pkg/apis/core/v1 (SetDefaults_ResourceList). A manifest in any other form would look changed
forever, when it is compared with what is live.
"""

from __future__ import annotations

import re
from fractions import Fraction
from math import ceil

from memoapp_operator.api.v1alpha1.base import Resources
from memoapp_operator.domain.manifest import Manifest

_GRAMMAR = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|[kMGTPE]|[KMGTPE]i)?")
_DECIMAL = ("m", "", "k", "M", "G", "T", "P", "E")
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_KIBI = 1024


def canonical(quantity: int | str) -> str:
    """``1000m`` as ``1``, ``1024Mi`` as ``1Gi``, ``0.5`` as ``500m``; fractions of a milli are rounded up."""
    milli = ceil(amount(quantity) * 1000)
    binary = str(quantity).endswith("i") and milli >= _KIBI * 1000 and milli % 1000 == 0
    return _scaled(milli // 1000, _BINARY, _KIBI) if binary else _scaled(milli, _DECIMAL, 1000)


def larger(one: str, other: str) -> str:
    """The larger of two quantities, canonical."""
    return canonical(max(one, other, key=amount))


def amount(quantity: int | str) -> Fraction:
    """The exact value; ValueError where it is not a quantity."""
    matched = _GRAMMAR.fullmatch(str(quantity))
    if not matched:
        raise ValueError(f"not a quantity: {quantity}")
    suffix = matched[2] or ""
    if suffix in _BINARY:
        return Fraction(matched[1]) * Fraction(_KIBI) ** _BINARY.index(suffix)
    return Fraction(matched[1]) * Fraction(1000) ** (_DECIMAL.index(suffix) - 1)


def resources(declared: Resources | None, default: Manifest) -> Manifest:
    """A container's resources: the person's, or ``default`` where they say nothing at all."""
    if declared is None or not (declared.requests or declared.limits):
        return default
    found: Manifest = {}
    if declared.requests:
        found["requests"] = {key: canonical(value) for key, value in declared.requests.items()}
    if declared.limits:
        found["limits"] = {key: canonical(value) for key, value in declared.limits.items()}
    return found


def _scaled(number: int, suffixes: tuple[str, ...], base: int) -> str:
    """A whole number of the first suffix, in the largest one that leaves no fraction."""
    if number == 0:
        return "0"
    at = 0
    while number % base == 0 and at < len(suffixes) - 1:
        number, at = number // base, at + 1
    return f"{number}{suffixes[at]}"
