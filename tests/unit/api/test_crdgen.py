"""The committed files are the generated ones, and the tool says so."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from memoapp_operator.api.v1alpha1.definition import Definition

from tools import crdgen
from tools.crd.definition import as_yaml


def test_the_committed_files_are_the_generated_ones() -> None:
    assert crdgen.drift(crdgen.ROOT, crdgen.generated()) == ""


def test_the_chart_ships_the_same_crds() -> None:
    files = crdgen.generated()
    crds, chart = ({Path(n).name: t for n, t in files.items() if n.startswith(f)} for f in crdgen.CRD_FOLDERS)
    assert crds == chart != {}


def test_the_output_is_the_same_each_time() -> None:
    assert crdgen.generated() == crdgen.generated()


def test_writing_makes_the_check_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert crdgen.main([], root=tmp_path) == 0
    assert crdgen.main(["--check"], root=tmp_path) == 0
    assert capsys.readouterr().out == ""


def test_the_check_shows_what_differs_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    crdgen.main([], root=tmp_path)
    stale = tmp_path / "crds" / "memoapp.dev_memoapps.yaml"
    text = stale.read_text().replace("maximum: 100\n", "maximum: 99\n", 1)
    stale.write_text(text)
    assert crdgen.main(["--check"], root=tmp_path) == 1
    shown = capsys.readouterr().out
    assert "--- crds/memoapp.dev_memoapps.yaml" in shown
    assert "maximum: 99" in shown
    assert stale.read_text() == text


def test_the_check_fails_on_a_missing_file(tmp_path: Path) -> None:
    assert crdgen.main(["--check"], root=tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", crdgen.KINDS, ids=lambda kind: kind.kind)
def test_a_kind_is_named_as_kubernetes_expects(kind: Definition) -> None:
    crd = yaml.safe_load(as_yaml(kind))
    names, (version,) = crd["spec"]["names"], crd["spec"]["versions"]
    assert crd["metadata"]["name"] == f"{names['plural']}.{crd['spec']['group']}"
    assert names["listKind"] == f"{names['kind']}List"
    assert (names["singular"], names["categories"]) == (names["kind"].lower(), ["memo"])
    assert (version["served"], version["storage"], version["subresources"]) == (True, True, {"status": {}})


def test_no_line_of_yaml_is_an_anchor() -> None:
    assert not any(" &id" in text or " *id" in text for text in crdgen.generated().values())
