"""The kustomizations: the same installation as the chart's, and parts that fit where they are meant to go."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Documents = list[dict[str, Any]]


def _sorted(documents: Documents) -> Documents:
    return sorted(documents, key=lambda item: (item["kind"], item["metadata"]["name"]))


def test_the_rendered_operator_is_the_chart_of_today(render: Callable[..., Documents], repository: Path) -> None:
    file = repository / "manifests" / "install" / "operator.yaml"
    written = [item for item in yaml.safe_load_all(file.read_text(encoding="utf-8")) if item]
    assert written == render({"crds": {"install": False}}), "render it again: see manifests/README.md"


def test_the_base_installs_what_the_chart_installs(
    render: Callable[..., Documents], kustomize: Callable[[Path], Documents], repository: Path
) -> None:
    built = kustomize(repository / "manifests" / "install")
    namespaces = [item for item in built if item["kind"] == "Namespace"]
    assert [item["metadata"]["name"] for item in namespaces] == ["memoapp-system"]
    assert namespaces[0]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for item in built:
        assert item["metadata"]["labels"].pop("app.kubernetes.io/managed-by") == "kustomize"
        if not item["metadata"]["labels"]:
            del item["metadata"]["labels"]
    expected = render()
    for item in expected:
        item["metadata"].get("labels", {}).pop("app.kubernetes.io/managed-by", None)
    assert _sorted([item for item in built if item not in namespaces]) == _sorted(expected)


def test_every_definition_is_in_the_base(chart: Path) -> None:
    folder = chart / "files" / "crds"
    listed = yaml.safe_load((folder / "kustomization.yml").read_text(encoding="utf-8"))["resources"]
    assert listed == sorted(file.name for file in folder.glob("*.yaml"))


def test_the_health_script_joins_the_settings_of_argo_cd(
    kustomize: Callable[[Path], Documents], repository: Path, tmp_path: Path
) -> None:
    source = repository / "manifests" / "argocd" / "health"
    shutil.copytree(source, tmp_path / "health")
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cm"}, "data": {"url": "x"}}
    (tmp_path / "argocd-cm.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    outer = {"namespace": "argocd", "resources": ["argocd-cm.yaml"], "components": ["health"]}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(outer), encoding="utf-8")
    (built,) = kustomize(tmp_path)
    assert built["metadata"] == {"name": "argocd-cm", "namespace": "argocd"}
    script = (source / "health.lua").read_text(encoding="utf-8")
    kinds = ("MemoApp", "MemoBackup", "MemoRestore", "MaintenanceWindow")
    assert built["data"] == {"url": "x"} | {
        f"resource.customizations.health.memoapp.dev_{kind}": script for kind in kinds
    }


def test_argo_cd_finds_the_chart(repository: Path) -> None:
    file = repository / "manifests" / "argocd" / "operator.yaml"
    source = yaml.safe_load(file.read_text(encoding="utf-8"))["spec"]["source"]
    assert (repository / source["path"] / "Chart.yaml").is_file()
    assert source["helm"]["releaseName"] == "memoapp-operator"
