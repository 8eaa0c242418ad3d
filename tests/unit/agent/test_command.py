"""The command as a pod runs it: a process with an environment, one line of JSON, and an exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from memoapp_operator.agent.sealing import opened
from memoapp_operator.agent.stores import Volume
from memoapp_operator.agent.streams import buffered
from memoapp_operator.agent.verify import manifest_of
from pyrage import x25519

from .content import fill
from .server import Server, beside

ROOT = Path(__file__).resolve().parents[3]
APP = {
    "apiVersion": "memoapp.dev/v1alpha1",
    "kind": "MemoApp",
    "metadata": {"name": "memo", "namespace": "prod", "uid": "0b5e", "resourceVersion": "7", "labels": {"team": "a"}},
    "spec": {"version": "1.4.0"},
    "status": {"observedGeneration": 3},
}
PASSWORD = "correct-horse-battery-staple"


@pytest.fixture
def environment(postgres: Server, database: str, tmp_path: Path) -> dict[str, str]:
    with postgres.connect(database) as connection:
        fill(connection)
    (tmp_path / "app.json").write_text(json.dumps(APP))
    (tmp_path / "backups").mkdir()
    for folder, key, content in (
        ("configmaps/memo-settings", "colour", b"blue"),
        ("configmaps/memo-settings", "raw", b"\xff\x00"),
        ("secrets/memo-database", "password", PASSWORD.encode()),
    ):
        path = tmp_path / "config" / folder
        path.mkdir(parents=True, exist_ok=True)
        (path / key).write_bytes(content)
    return {
        **postgres.environment(database),
        "PYTHONPATH": str(ROOT / "operator"),
        "MEMOAPP_BACKUP_NAME": "memo-1",
        "MEMOAPP_APP": str(tmp_path / "app.json"),
        "MEMOAPP_CONFIG": str(tmp_path / "config"),
        "MEMOAPP_VOLUME": str(tmp_path / "backups"),
        "MEMOAPP_WORK": str(tmp_path / "work"),
        "MEMOAPP_TOLD": str(tmp_path / "told"),
        "LOCK_WAIT_TIMEOUT": "2s",
    }


def run(environment: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "memoapp_operator.agent", "take"]
    with beside(Path(environment["MEMOAPP_WORK"]), dict(environment)) as neighbour:
        done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)
        assert neighbour.wait(10) == 0, "the container beside it goes on"
    assert done.stderr == ""
    assert (Path(environment["MEMOAPP_TOLD"])).read_text() == done.stdout.strip()
    return done.returncode, json.loads(done.stdout)


def test_without_recipients_the_secrets_stay_out_and_it_says_so(environment: dict[str, str], tmp_path: Path) -> None:
    code, said = run(environment)
    assert (code, said["reason"], said["secrets"], said["sealed"]) == (0, "Verified", False, False)
    manifest = manifest_of(Volume(tmp_path / "backups"), said["folder"])
    assert (manifest.digest, manifest.database.digest) == (said["digest"], said["content"])
    text = (tmp_path / "backups" / said["folder"] / "config.yaml").read_text()
    app, settings = yaml.safe_load_all(text)
    assert app == {
        "apiVersion": "memoapp.dev/v1alpha1",
        "kind": "MemoApp",
        "metadata": {"name": "memo", "namespace": "prod", "labels": {"team": "a"}},
        "spec": {"version": "1.4.0"},
    }
    assert settings["data"] == {"colour": "blue"}
    assert settings["binaryData"] == {"raw": b64encode(b"\xff\x00").decode()}


def test_with_recipients_the_secrets_are_in_it_and_nowhere_in_clear(
    environment: dict[str, str], tmp_path: Path
) -> None:
    key = x25519.Identity.generate()
    recipients = tmp_path / "recipients"
    recipients.write_text(f"# the vault\n{key.to_public()}\n")
    code, said = run({**environment, "MEMOAPP_RECIPIENTS": str(recipients)})
    assert (code, said["secrets"], said["sealed"]) == (0, True, True)
    with (tmp_path / "backups" / said["folder"] / "config.yaml.age").open("rb") as file:
        documents = list(yaml.safe_load_all(buffered(opened(file, [key])).read()))
    assert documents[-1]["kind"] == "Secret"
    assert documents[-1]["data"] == {"password": b64encode(PASSWORD.encode()).decode()}
    for root, _, names in os.walk(tmp_path):
        clear = [name for name in names if "config/secrets" not in root and PASSWORD in _text(Path(root) / name)]
        assert clear == []


@pytest.mark.parametrize(
    ("change", "reason", "message"),
    [
        ({"PGDATABASE": "nowhere"}, "DatabaseNotReadable", "does not exist"),
        ({"MEMOAPP_VOLUME": "/proc/none"}, "NotFound", "No such file"),
        ({"MEMOAPP_RECIPIENTS": __file__}, "RecipientsInvalid", "recipient 1 is none"),
        ({"MEMOAPP_APP": "/nowhere"}, "SettingsInvalid", "MEMOAPP_APP"),
        ({"MEMOAPP_VOLUME": ""}, "SettingsInvalid", "MEMOAPP_S3_ENDPOINT is not set"),
    ],
)
def test_why_there_is_none(environment: dict[str, str], change: dict[str, str], reason: str, message: str) -> None:
    settings = {**environment, **change}
    if reason == "SettingsInvalid":
        command = [sys.executable, "-m", "memoapp_operator.agent", "take"]
        done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
        code, said = done.returncode, json.loads(done.stdout)
    else:
        code, said = run(settings)
    assert code != 0
    assert said["reason"] == reason
    assert message in said["message"]


def _text(path: Path) -> str:
    return path.read_bytes().decode(errors="replace") if path.is_file() else ""
