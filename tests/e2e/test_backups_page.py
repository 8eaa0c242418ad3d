"""The pages about backups and restores, tried: their commands in their order, as a person would copy them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cluster_guard import kubeconfig
from tests.e2e.app import App
from tests.e2e.conftest import MakeApp
from tests.e2e.test_backups import order, saving, settled
from tests.kube import Kube
from tools.testbed import sample

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def carried_out(page: str, least: int, app: App, folder: Path, **variables: str) -> str:
    """What the page's commands said, in the app's namespace."""
    blocks = COMMANDS.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))
    assert len(blocks) >= least
    own = folder / "kubeconfig"
    own.write_bytes(kubeconfig().read_bytes())
    environment = {**os.environ, "KUBECONFIG": str(own), **variables}
    choose = ["kubectl", "config", "set-context", "--current", "--namespace", app.namespace]
    subprocess.run(choose, env=environment, check=True, capture_output=True)
    said = []
    for block in blocks:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
        said.append(done.stdout)
    return "".join(said)


def test_every_command_about_backups_does_what_it_says(
    kube: Kube, memoapp: MakeApp, images: dict[str, str], tmp_path: Path
) -> None:
    if shutil.which("age-keygen") is None:
        pytest.skip("age is not installed here")
    app = memoapp("memo", sample.small(images))
    app.ready()
    carried_out("backups.md", 5, app, tmp_path)
    kind = "memoapp.dev/v1alpha1/MemoBackup"
    (left,) = app.eventually(
        lambda: kube.list(kind, app.namespace),
        lambda found: [(item.get("status") or {}).get("phase") for item in found] == ["Verified"],
    )
    assert left["metadata"]["name"].startswith("memo-2")
    assert left["status"]["sealed"] is True


def test_every_command_about_restores_does_what_it_says(
    memoapp: MakeApp, images: dict[str, str], tmp_path: Path
) -> None:
    app = memoapp("memo", saving(images, drill={"storage": {"size": "1Gi"}}))
    app.ready()
    app.write_memo("before the fair")
    order(app, "before-the-fair")
    settled(app, "before-the-fair")
    app.write_memo("after it")
    said = carried_out("restores.md", 5, app, tmp_path)
    assert "up to 1 row in 1 table, written in" in said
    assert sorted(app.memos()) == ["after it", "before the fair"], "restored, and undone"
    app.shows("RestoreProved", "True", "Proved")
