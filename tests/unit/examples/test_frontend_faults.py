"""Faults of the frontend's pages: the start script and, where nginx with its module "echo" is installed, for real."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from images.build.image_build.catalogue import repository_root

FOLDER = repository_root() / "examples/memoapp/frontend"
MODULES = Path("/etc/nginx/modules-enabled")


def installed() -> bool:
    return shutil.which("nginx") is not None and any(MODULES.glob("*echo*.conf"))


def free_port() -> int:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        found: int = server.getsockname()[1]
        return found


@contextlib.contextmanager
def frontend(folder: Path, fault: str) -> Iterator[int]:
    """The frontend on a port of loopback, its files in ``folder``; there is no backend behind it."""
    port = free_port()
    config = (FOLDER / "nginx.conf").read_text().replace("/tmp/", f"{folder}/")  # noqa: S108
    config = config.replace("backend:3001", "127.0.0.1:9")
    config = config.replace("listen 8080", f"listen 127.0.0.1:{port}").replace("/srv/memo", str(FOLDER / "site"))
    if os.geteuid() == 0:
        config = f"user root;\n{config}"  # else the workers are somebody who may not read this checkout
    (folder / "nginx.conf").write_text(config)
    script = folder / "start.sh"
    script.write_text((FOLDER / "start.sh").read_text().replace("/tmp/", f"{folder}/"))  # noqa: S108
    command = ["sh", str(script), "-c", str(folder / "nginx.conf")]
    environment = {"FAULT": fault, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)


def get(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


@pytest.mark.parametrize(
    "fault",
    ["errors", "errors-101%", "errors-x%", "errors-%", "errors-0%", "slow-0100ms", "slow-60001ms", "slow-1s", "crash"],
)
def test_a_fault_that_is_not_known_is_refused_in_one_line(fault: str) -> None:
    told = subprocess.run(
        ["sh", str(FOLDER / "start.sh")], env={"FAULT": fault}, capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stdout) == (2, "")
    assert re.fullmatch(r"FAULT '.*' is not known; there are: errors-<n>%, slow-<n>ms\n", told.stderr)


@pytest.mark.skipif(not installed(), reason="no nginx with the module echo on PATH")
@pytest.mark.parametrize(("fault", "least", "most"), [("", 0, 0), ("errors-100%", 200, 200), ("errors-30%", 30, 90)])
def test_pages_answer_500_in_that_share_and_health_never(tmp_path: Path, fault: str, least: int, most: int) -> None:
    with frontend(tmp_path, fault) as port:
        statuses = [get(port, "/")[0] for _ in range(200)]
        assert least <= statuses.count(500) <= most
        assert set(statuses) <= {200, 500}
        assert get(port, "/health") == (200, "ok\n")


@pytest.mark.skipif(not installed(), reason="no nginx with the module echo on PATH")
def test_slow_pages_are_late_and_whole_and_health_is_not(tmp_path: Path) -> None:
    with frontend(tmp_path, "slow-400ms") as port:
        for path in ("/", "/style.css", "/somewhere/else"):
            began = time.monotonic()
            status, text = get(port, path)
            assert (status, time.monotonic() - began >= 0.4) == (200, True)
            assert text == (FOLDER / "site" / ("style.css" if path == "/style.css" else "index.html")).read_text()
        began = time.monotonic()
        assert get(port, "/health")[0] == 200
        assert time.monotonic() - began < 0.4
