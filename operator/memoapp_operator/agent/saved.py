"""The configuration that a backup saves: the MemoApp, its ConfigMaps and, where they are sealed, its Secrets."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any

from .settings import Taking


def saved(taking: Taking, *, secrets: bool) -> bytes:
    """A stream of YAML documents, each in JSON."""
    metadata = {key: taking.manifest["metadata"][key] for key in ("name", "namespace")}
    app = {**taking.manifest, "metadata": {**metadata, **_labels(taking.manifest)}}
    app.pop("status", None)
    documents = [app, *_objects(taking, "ConfigMap", "configmaps")]
    if secrets:
        documents += _objects(taking, "Secret", "secrets")
    return b"".join(b"---\n" + json.dumps(item, indent=1, ensure_ascii=False).encode() + b"\n" for item in documents)


def _labels(manifest: dict[str, Any]) -> dict[str, Any]:
    found = manifest["metadata"].get("labels")
    return {"labels": found} if found else {}


def _objects(taking: Taking, kind: str, folder: str) -> Iterator[dict[str, Any]]:
    """Each folder is an object, each file in it a key; the kubelet's own begin with two dots."""
    root = taking.config / folder if taking.config is not None else None
    if root is None or not root.is_dir():
        return
    for each in sorted(path for path in root.iterdir() if path.is_dir()):
        files = sorted(path for path in each.iterdir() if path.is_file() and not path.name.startswith(".."))
        content = {path.name: path.read_bytes() for path in files}
        if content:  # an optional one that is not there is an empty folder
            metadata = {"name": each.name, "namespace": taking.app.namespace}
            yield {"apiVersion": "v1", "kind": kind, "metadata": metadata, **_data(kind, content)}


def _data(kind: str, content: Mapping[str, bytes]) -> dict[str, dict[str, str]]:
    """Bytes that are no text are stored as such, where a ConfigMap has them."""
    if kind == "Secret":
        return {"data": {key: b64encode(value).decode() for key, value in content.items()}}
    found: dict[str, dict[str, str]] = {}
    for key, value in content.items():
        try:
            found.setdefault("data", {})[key] = value.decode()
        except UnicodeDecodeError:
            found.setdefault("binaryData", {})[key] = b64encode(value).decode()
    return found
