"""Each thing that stands in the way is one line that names it."""

import json
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from memocluster import cli, gotools, noderoot, preflight, provider, record, versions
from memocluster.clusters import Cluster, named
from memocluster.errors import ClusterError, CommandError
from memocluster.nodeimage import require_architecture


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEMOAPP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MEMOAPP_STATE", str(tmp_path / "state"))
    return tmp_path


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_an_occupied_port_is_named_with_the_cluster_and_its_purpose(listener: int) -> None:
    cluster = Cluster("dev", "10.0.0.0/16", "10.1.0.0/16", listener, {})
    expected = f"port {listener} on 127.0.0.1 is taken; cluster dev needs it for the API server"
    with pytest.raises(ClusterError, match=f"^{re.escape(expected)}$"):
        preflight.require_ports(cluster)


def test_a_free_port_passes(listener: int) -> None:
    assert not preflight.is_free(listener)


def test_too_little_disk_names_folder_and_need(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"^too little disk: .*/cache has 3\.0 GiB free and 6 are needed$"):
        preflight.require_disk(tmp_path / "cache", 3 * 2**30)


def test_enough_disk_passes_and_a_folder_that_is_yet_to_come_is_measured(tmp_path: Path) -> None:
    preflight.require_disk(tmp_path, 6 * 2**30)
    assert preflight.free_bytes(tmp_path / "a" / "b") > 0


def test_another_architecture_is_named() -> None:
    require_architecture("x86_64")
    with pytest.raises(ClusterError, match="unsupported architecture aarch64"):
        require_architecture("aarch64")


def test_no_go_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClusterError, match="no Go on the PATH"):
        gotools.require_go()


def test_a_go_that_is_too_old_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "go").write_text("#!/bin/sh\necho go version go1.19.8 linux/amd64\n")
    (tmp_path / "go").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(ClusterError, match=r"^go1\.19 is too old; install Go 1\.24 or newer$"):
        gotools.require_go()


def test_without_root_nothing_is_begun() -> None:
    provider.require_root(0)
    with pytest.raises(ClusterError, match=r"^not root: "):
        provider.require_root(1000)


def test_a_failed_program_is_one_line_with_its_last_words(tmp_path: Path) -> None:
    error = CommandError("kind create", 1, "step one\nERROR: no space\n\n", tmp_path / "cluster.log")
    assert str(error) == f"kind create failed (exit 1): ERROR: no space (all output: {tmp_path}/cluster.log)"


def test_the_command_ends_with_one_line_and_code_two(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["kubeconfig", "dev"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "error: cluster dev is not up; run: python3 tests/e2e/cluster up dev\n"


def test_a_wrong_wish_for_the_node_image_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMOAPP_NODE_IMAGE", "own")
    with pytest.raises(ClusterError, match="MEMOAPP_NODE_IMAGE=own is none of auto, public, built"):
        provider.choose()


def test_ports_are_json_and_need_no_running_cluster(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ports", "demo"]) == 0
    assert json.loads(capsys.readouterr().out) == {"30080": 18080}


@pytest.mark.parametrize(
    ("memory", "counts"),
    [
        ({"image": versions.PUBLIC_NODE_IMAGE, "asked": 1000.0}, True),
        ({"image": "kindest/node:v1.0.0@sha256:0", "asked": 1000.0}, False),
        ({"image": versions.PUBLIC_NODE_IMAGE, "asked": 1000.0 - 90000}, False),
        ({"image": versions.PUBLIC_NODE_IMAGE, "asked": 5000.0}, False),
        ({"asked": 1000.0}, False),
        ([], False),
    ],
    ids=["fresh", "other image", "more than a day old", "from the future", "no image", "no object"],
)
def test_a_no_of_the_registry_counts_for_a_day(memory: object, *, counts: bool) -> None:
    assert provider.remembered(json.dumps(memory), now=1100.0) is counts


def test_the_image_is_asked_for_without_its_tag() -> None:
    assert provider.by_digest("kindest/node:v1.36.4@sha256:abc") == "kindest/node@sha256:abc"


def test_a_record_survives_and_a_broken_one_counts_as_none(folders: Path) -> None:
    dev = named("dev")
    stored = record.Record("podman", "localhost/memoapp-node:1", 2, ready=True, metrics="abc")
    stored.save(dev)
    assert record.load(dev) == stored
    (folders / "state" / "clusters" / "dev" / "record.json").write_text("{")
    assert record.load(dev) is None


def test_a_record_from_before_there_was_metrics_server_is_read(folders: Path) -> None:
    old = {"engine": "podman", "image": "localhost/memoapp-node:1", "nodes": 1, "ready": True}
    file = folders / "state" / "clusters" / "test" / "record.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(old))
    assert record.load(named("test")) == record.Record("podman", "localhost/memoapp-node:1", 1, ready=True)


def test_node_files_get_modes_that_do_not_depend_on_the_checkout(tmp_path: Path) -> None:
    overlay, root = tmp_path / "overlay", tmp_path / "root"
    (overlay / "bin").mkdir(parents=True, mode=0o700)
    for name, mode in (("bin/run", 0o700), ("settings", 0o600)):
        (overlay / name).write_text("")
        (overlay / name).chmod(mode)
    noderoot.lay_over(root, overlay)
    assert (root / "bin" / "run").stat().st_mode & 0o777 == 0o755
    assert (root / "settings").stat().st_mode & 0o777 == 0o644
