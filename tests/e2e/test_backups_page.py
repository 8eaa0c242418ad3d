"""The page about backups, tried: its commands in their order, as a person would copy them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cluster_guard import kubeconfig
from tests.e2e.conftest import MakeApp
from tests.kube import Kube
from tools.testbed import sample

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_command_of_the_page_does_what_it_says(
    kube: Kube, memoapp: MakeApp, images: dict[str, str], tmp_path: Path
) -> None:
    if shutil.which("age-keygen") is None:
        pytest.skip("age is not installed here")
    app = memoapp("memo", sample.small(images))
    app.ready()
    blocks = COMMANDS.findall((ROOT / "docs" / "backups.md").read_text(encoding="utf-8"))
    assert len(blocks) >= 5
    own = tmp_path / "kubeconfig"
    own.write_bytes(kubeconfig().read_bytes())
    environment = {**os.environ, "KUBECONFIG": str(own)}
    choose = ["kubectl", "config", "set-context", "--current", "--namespace", app.namespace]
    subprocess.run(choose, env=environment, check=True, capture_output=True)
    for block in blocks:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
    kind = "memoapp.dev/v1alpha1/MemoBackup"
    (left,) = app.eventually(
        lambda: kube.list(kind, app.namespace),
        lambda found: [(item.get("status") or {}).get("phase") for item in found] == ["Verified"],
    )
    assert left["metadata"]["name"].startswith("memo-2")
    assert left["status"]["sealed"] is True
