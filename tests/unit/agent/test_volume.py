"""The volume reporter, run as its pod runs it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from memoapp_operator.agent.volume import fill

_OPERATOR = Path(__file__).parents[3] / "operator"
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def agent(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "memoapp_operator.agent", *arguments],
        env={**os.environ, "PYTHONPATH": str(_OPERATOR)},
        stderr=subprocess.PIPE,
        text=True,
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def connected(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    port = free_port()
    with agent("volume", "--path", str(tmp_path), "--port", str(port)) as process:
        deadline = time.monotonic() + 30
        while not connected(port) and time.monotonic() < deadline:
            assert process.poll() is None
        yield process, f"http://127.0.0.1:{port}"
        process.kill()


def test_it_tells_how_full_the_volume_is(running: tuple[subprocess.Popen[str], str]) -> None:
    with _DIRECT.open(f"{running[1]}/volume", timeout=10) as answer:
        told = json.load(answer)
    assert set(told) == {"sizeBytes", "usedBytes", "availableBytes"}
    assert 0 < told["usedBytes"] + told["availableBytes"] <= told["sizeBytes"]


def test_it_serves_nothing_else(running: tuple[subprocess.Popen[str], str]) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        _DIRECT.open(f"{running[1]}/etc/passwd", timeout=10)
    assert refused.value.code == 404
    refused.value.close()


def test_a_volume_that_cannot_be_read_is_an_error_not_a_number(
    running: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    tmp_path.rmdir()
    with pytest.raises(urllib.error.HTTPError) as failed:
        _DIRECT.open(f"{running[1]}/volume", timeout=10)
    assert failed.value.code == 500
    assert "No such file" in json.load(failed.value)["error"]
    failed.value.close()


def test_it_stops_at_once_when_told_to(running: tuple[subprocess.Popen[str], str]) -> None:
    process = running[0]
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=5) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "the following arguments are required: command"),
        (("backup",), "invalid choice"),
        (("volume", "--port", "9188"), "required: --path"),
        (("volume", "--path", "/", "--port", "0"), "0 is no port (1 to 65535)"),
        (("volume", "--path", "/", "--port", "http"), "http is no port"),
        (("volume", "--path", "/nowhere", "--port", "9188"), "/nowhere is no folder"),
    ],
)
def test_wrong_arguments_are_told(arguments: tuple[str, ...], message: str) -> None:
    with agent(*arguments) as process:
        _, told = process.communicate(timeout=30)
    assert process.returncode == 2
    assert message in told


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        with agent("volume", "--path", str(tmp_path), "--port", str(port)) as process:
            _, told = process.communicate(timeout=30)
    assert process.returncode == 1
    assert f"cannot serve on port {port}: " in told


def test_blocks_kept_for_root_are_not_available(tmp_path: Path) -> None:
    found, raw = fill(str(tmp_path)), os.statvfs(tmp_path)
    assert found["sizeBytes"] == raw.f_blocks * raw.f_frsize
    assert found["availableBytes"] <= found["sizeBytes"] - found["usedBytes"]
