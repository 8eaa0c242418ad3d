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
from memoapp_operator.agent.catalogue import unknown
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


def run_alone(environment: Mapping[str, str], name: str = "take") -> tuple[int, dict[str, Any]]:
    """A command without the container beside it."""
    command = [sys.executable, "-m", "memoapp_operator.agent", name]
    done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)
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


def test_one_that_was_taken_and_could_not_say_so_is_it(environment: dict[str, str]) -> None:
    ordered = {**environment, "MEMOAPP_ORDERED_AT": "2026-01-01T00:00:00Z"}
    _, first = run(ordered)
    code, second = run(ordered)
    assert (code, second) == (0, {**first, "entries": second["entries"]})


def test_an_older_one_of_its_name_is_another_one(environment: dict[str, str], tmp_path: Path) -> None:
    _, first = run(environment)
    code, said = run({**environment, "MEMOAPP_ORDERED_AT": "2999-01-01T00:00:00Z"})
    assert (code, said["reason"]) == (1, "AlreadyExists")
    assert manifest_of(Volume(tmp_path / "backups"), first["folder"]).digest == first["digest"]


def test_what_a_killed_pod_left_is_removed_and_it_is_taken(environment: dict[str, str], tmp_path: Path) -> None:
    left = tmp_path / "backups" / "prod" / "memo" / "2026" / "01" / "memo-1"
    left.mkdir(parents=True)
    (left / "database.dump").write_bytes(b"half of it")
    (left / "foreign").write_bytes(b"not ours")
    code, said = run(environment)
    assert (code, said["reason"]) == (0, "Verified")
    assert [path.name for path in left.iterdir()] == ["foreign"]


def test_a_job_of_the_schedule_gives_its_backup_a_name(environment: dict[str, str]) -> None:
    del environment["MEMOAPP_BACKUP_NAME"]
    scheduled = {**environment, "MEMOAPP_JOB": "memo-backup-29734680", "MEMOAPP_BACKUP_PREFIX": "memo"}
    _, said = run(scheduled)
    assert said["folder"].endswith("/memo-20260715-020000/")
    code, said = run_alone({**scheduled, "MEMOAPP_JOB": "by-hand"})
    assert (code, said["reason"]) == (2, "SettingsInvalid")


def store_command(name: str, environment: dict[str, str], folder: str) -> dict[str, Any]:
    settings = {**environment, "MEMOAPP_FOLDER": folder}
    code, said = run_alone(settings, name)
    assert code == 0
    return said


def test_hidden_once_and_again_and_removed_with_all_that_is_ours(environment: dict[str, str], tmp_path: Path) -> None:
    _, taken = run(environment)
    folder = tmp_path / "backups" / taken["folder"]
    (folder / "foreign").write_bytes(b"not ours")
    for _ in range(2):
        assert store_command("hide", environment, taken["folder"])["reason"] == "Hidden"
    assert (folder / "hidden").exists()
    assert [*unknown(Volume(tmp_path / "backups"), "prod/memo/")] == []
    for _ in range(2):
        assert store_command("remove", environment, taken["folder"])["reason"] == "Removed"
    assert [path.name for path in folder.iterdir()] == ["foreign"]


def test_it_is_read_back_again_and_what_was_altered_is_found(environment: dict[str, str], tmp_path: Path) -> None:
    _, taken = run(environment)
    assert store_command("verify", environment, taken["folder"])["digest"] == taken["digest"]
    part = tmp_path / "backups" / taken["folder"] / "config.yaml"
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    code, said = run_alone({**environment, "MEMOAPP_FOLDER": taken["folder"]}, "verify")
    assert (code, said["reason"]) == (1, "NotVerified")


def test_the_catalogue_finds_what_is_finished_and_ours(environment: dict[str, str], tmp_path: Path) -> None:
    _, taken = run(environment)
    for key in (
        "prod/memo/2026/01/half/database.dump",
        "prod/memo/manifest.json",
        "prod/other/2026/01/x/manifest.json",
    ):
        path = tmp_path / "backups" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"{}")
    assert [*unknown(Volume(tmp_path / "backups"), "prod/memo/")] == [taken["folder"]]


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
        code, said = run_alone(settings)
    else:
        code, said = run(settings)
    assert code != 0
    assert said["reason"] == reason
    assert message in said["message"]


def _text(path: Path) -> str:
    return path.read_bytes().decode(errors="replace") if path.is_file() else ""
