"""The CustomResourceDefinitions in the chart: every file, unchanged, kept."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

Documents = list[dict[str, Any]]
KEEP = "helm.sh/resource-policy"
OTHER = """\
---
# Generated.
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: others.memoapp.dev
  annotations:
    made.by: generator
spec:
  group: memoapp.dev
  description: |-
    Braces {{ stay }} and so does
    metadata:
      of the text
  maximum: 2147483647
"""


@pytest.fixture
def generated(repository: Path) -> Documents:
    files = sorted((repository / "crds").glob("*.yaml"))
    return [yaml.safe_load(file.read_text(encoding="utf-8")) for file in files]


@pytest.fixture
def with_other(chart: Path, tmp_path: Path) -> Path:
    """A copy of the chart with one more kind."""
    copy = tmp_path / "memoapp-operator"
    shutil.copytree(chart, copy)
    (copy / "files" / "crds" / "memoapp.dev_others.yaml").write_text(OTHER, encoding="utf-8")
    return copy


def _definitions(documents: Documents) -> Documents:
    return [document for document in documents if document["kind"] == "CustomResourceDefinition"]


def test_they_are_the_generated_ones_and_kept(render: Callable[..., Documents], generated: Documents) -> None:
    found = _definitions(render())
    assert [item["metadata"].pop("annotations") for item in found] == [{KEEP: "keep"}] * len(generated)
    assert found == generated != []


def test_keep_false_leaves_them_as_they_are(render: Callable[..., Documents], generated: Documents) -> None:
    assert _definitions(render({"crds": {"keep": False}})) == generated


def test_install_false_leaves_them_out(render: Callable[..., Documents]) -> None:
    assert not _definitions(render({"crds": {"install": False}}))


def test_a_further_kind_comes_by_its_file_alone(
    render: Callable[..., Documents], with_other: Path, generated: Documents
) -> None:
    found = _definitions(render(path=with_other))
    assert len(found) == len(generated) + 1
    (other,) = [item for item in found if item["metadata"]["name"] == "others.memoapp.dev"]
    expected = yaml.safe_load(OTHER)
    expected["metadata"]["annotations"][KEEP] = "keep"
    assert other == expected


def test_large_numbers_do_not_become_floats(
    template: Callable[..., subprocess.CompletedProcess[str]], with_other: Path
) -> None:
    assert "  maximum: 2147483647\n" in template(path=with_other).stdout


def test_a_file_that_is_not_one_definition_is_refused(
    template: Callable[..., subprocess.CompletedProcess[str]], with_other: Path
) -> None:
    file = with_other / "files" / "crds" / "memoapp.dev_others.yaml"
    file.write_text(OTHER + OTHER, encoding="utf-8")
    result = template(path=with_other)
    assert result.returncode != 0
    assert "memoapp.dev_others.yaml" in result.stderr
