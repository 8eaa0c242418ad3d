"""What the documentation shows is what the API server takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kube import Kube, Object

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).resolve().parents[2]
SHOWN = re.compile(r"^```ya?ml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def manifests() -> Iterator[Any]:
    """The objects of every sample, and the MemoApps in the pages for people."""
    for file in sorted((ROOT / "manifests" / "samples").glob("*.yaml")):
        yield from _of(file, file.read_text(encoding="utf-8"))
    for page in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]):
        for block in SHOWN.findall(page.read_text(encoding="utf-8")):
            if re.search(r"^kind: Memo(App|Backup)$", block, re.MULTILINE):
                yield from _of(page, block)


def _of(file: Path, text: str) -> Iterator[Any]:
    for number, manifest in enumerate(yaml.safe_load_all(text)):
        yield pytest.param(manifest, id=f"{file.relative_to(ROOT)}:{number}:{manifest['kind']}")


@pytest.mark.parametrize("manifest", list(manifests()))
def test_it_is_accepted_as_it_stands(kube: Kube, namespace: str, manifest: Object) -> None:
    kube.create({**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}, dry_run=True)


def test_there_are_samples_and_a_page() -> None:
    files = {str(found.id).split(":")[0] for found in manifests()}
    assert "README.md" in files
    assert any(name.startswith("manifests/samples/") for name in files)
