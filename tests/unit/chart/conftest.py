"""Rendering of the chart and of the kustomizations by the real tools.

MEMOAPP_HELM, MEMOAPP_KUBECTL and MEMOAPP_LUA name the tools, otherwise they are looked for on PATH. Without a tool
its tests are skipped; with MEMOAPP_REQUIRE_TOOLS=1 a missing helm or kubectl fails them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[3]
KUBE_VERSION = "1.34.0"
Documents = list[dict[str, Any]]


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def chart() -> Path:
    return REPOSITORY / "charts" / "memoapp-operator"


def _find(tool: str, *, required: bool = True) -> str:
    found = os.environ.get(f"MEMOAPP_{tool.upper()}") or shutil.which(tool)
    if found:
        return found
    message = f"{tool} is not on PATH and MEMOAPP_{tool.upper()} is not set"
    if required and os.environ.get("MEMOAPP_REQUIRE_TOOLS") == "1":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def lua() -> str:
    return _find("lua", required=False)


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Call helm with arguments; it sees no cluster, no plugins and no settings of the person who runs the tests."""
    tool, home = _find("helm"), tmp_path_factory.mktemp("helm")
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "KUBECONFIG": str(home / "none")}

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([tool, *arguments], capture_output=True, text=True, check=False, env=environment)

    return call


@pytest.fixture(scope="session")
def template(
    helm: Callable[..., subprocess.CompletedProcess[str]], chart: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """``helm template`` of a chart with values, as a finished process; each distinct call is made once."""
    done: dict[str, subprocess.CompletedProcess[str]] = {}

    def call(
        values: dict[str, Any] | None = None, *extra: str, path: Path = chart, release: str = "memoapp-operator"
    ) -> subprocess.CompletedProcess[str]:
        written = yaml.safe_dump(values or {})
        key = f"{path} {release} {extra} {written}"
        if key not in done:
            file = tmp_path_factory.mktemp("values") / "values.yaml"
            file.write_text(written, encoding="utf-8")
            fixed = ("--kube-version", KUBE_VERSION, "--namespace", "memoapp-system", "--values", str(file))
            done[key] = helm("template", release, str(path), *fixed, *extra)
        return done[key]

    return call


@pytest.fixture(scope="session")
def render(template: Callable[..., subprocess.CompletedProcess[str]]) -> Callable[..., Documents]:
    """The documents of ``helm template``, which must succeed. Takes what ``template`` takes."""

    def call(*arguments: Any, **options: Any) -> Documents:
        result = template(*arguments, **options)
        assert result.returncode == 0, result.stderr
        return [document for document in yaml.safe_load_all(result.stdout) if document]

    return call


@pytest.fixture(scope="session")
def kustomize(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Documents]:
    """The documents of ``kubectl kustomize`` of a folder."""
    tool, home = _find("kubectl"), tmp_path_factory.mktemp("kubectl")
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}

    def call(folder: Path) -> Documents:
        command = [tool, "kustomize", str(folder)]
        result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert result.returncode == 0, result.stderr
        return [document for document in yaml.safe_load_all(result.stdout) if document]

    return call
