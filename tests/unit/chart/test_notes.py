"""What Helm prints after an installation."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def notes(render: Callable[..., list[dict[str, Any]]], chart: Path, tmp_path: Path) -> Callable[..., str]:
    """The notes for given values; ``helm template`` prints none, so they are rendered as a field of an object."""
    copy = tmp_path / "memoapp-operator"
    shutil.copytree(chart, copy)
    text = (chart / "templates" / "NOTES.txt").read_text(encoding="utf-8")
    wrapped = '{{ define "notes" }}' + text + '{{ end }}kind: Notes\ntext: {{ include "notes" . | toJson }}\n'
    (copy / "templates" / "notes.yaml").write_text(wrapped, encoding="utf-8")

    def call(values: dict[str, Any] | None = None) -> str:
        (found,) = render(values, "--show-only", "templates/notes.yaml", path=copy)
        return found["text"]

    return call


def test_they_show_the_least_memoapp(notes: Callable[..., str], repository: Path) -> None:
    text = notes()
    _, _, rest = text.partition("<<'EOF'\n")
    manifest, _, _ = rest.partition("EOF\n")
    sample = repository / "manifests" / "samples" / "memoapp-least.yaml"
    assert yaml.safe_load(manifest) == yaml.safe_load(sample.read_text(encoding="utf-8"))


def test_they_show_how_to_look_at_it(notes: Callable[..., str]) -> None:
    text = notes()
    assert "kubectl --namespace memoapp-system rollout status deployment/memoapp-operator" in text
    assert "kubectl --namespace default get memoapps" in text
    assert "kubectl --namespace default wait memoapp/memo --for=condition=Ready" in text
    assert "all namespaces" in text
    assert "<no value>" not in text


def test_they_name_the_watched_namespaces(notes: Callable[..., str]) -> None:
    text = notes({"watchNamespaces": ["memo-test", "memo-prod"]})
    assert "the MemoApps of: memo-prod, memo-test." in text
    assert "kubectl --namespace memo-prod apply" in text


def test_they_warn_of_missing_or_perishable_definitions(notes: Callable[..., str]) -> None:
    assert "uninstalling" not in notes()
    assert "uninstalling this release deletes every MemoApp" in notes({"crds": {"keep": False}})
    assert "kubectl get crd memoapps.memoapp.dev" in notes({"crds": {"install": False}})
