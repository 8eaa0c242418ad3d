"""Namespaces for tests: restricted, and deleted afterwards without waiting for it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from tests.kube import Kube

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


@contextmanager
def new_namespace(kube: Kube) -> Iterator[str]:
    name = f"e2e-{uuid.uuid4().hex[:8]}"
    kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": RESTRICTED}})
    yield name
    kube.delete("v1/Namespace", name)
