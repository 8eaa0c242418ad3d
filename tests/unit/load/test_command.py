"""The run as a process: by hand, and beside a test."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.load.background import Background, BackgroundError
from tests.load.nodeport import address, service
from tests.load.plan import PlanError
from tests.load.target import TargetError

ROOT = Path(__file__).parents[3]


class Handler(BaseHTTPRequestHandler):
    """Stores nothing and acknowledges no write: 200 is no 201."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        body = b'{"counts": {}}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the name is that of the standard library

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def command(*words: str) -> subprocess.CompletedProcess[str]:
    call = [sys.executable, "-m", "tests.load", *words]
    return subprocess.run(call, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_by_hand(url: str, tmp_path: Path) -> None:
    done = command("--target", url, "--rate", "20", "--seconds", "1", "--log", str(tmp_path / "log"), "--by-second")
    assert done.returncode in {0, 3}, done.stderr  # 3: on a machine that is too busy
    assert '"total": 20' in done.stdout
    assert '{"second": 0, "total": 20' in done.stdout


@pytest.mark.parametrize(
    "words", [["--target", "http://8.8.8.8"], ["--target", "http://127.0.0.1:1", "--rate", "1001"], []]
)
def test_a_wrong_call_sends_nothing(words: list[str], tmp_path: Path) -> None:
    done = command(*words, "--log", str(tmp_path / "log"))
    assert done.returncode == 2
    assert not (tmp_path / "log").exists()


def test_beside_a_test(url: str, tmp_path: Path) -> None:
    with Background(url, tmp_path / "log", rate=50) as load:
        time.sleep(1)
        result = load.stop()
    assert result.counts["total"] > 20
    assert result.failures == ()
    assert result.writes is not None


def test_it_ends_with_the_context(url: str, tmp_path: Path) -> None:
    with Background(url, tmp_path / "log", rate=50) as load:
        process = load._process
    assert process is not None
    assert process.returncode is not None


def test_beside_a_test_too_the_target_is_guarded(tmp_path: Path) -> None:
    with pytest.raises(TargetError):
        Background("http://8.8.8.8", tmp_path / "log")
    with pytest.raises(PlanError):
        Background("http://127.0.0.1:1", tmp_path / "log", rate=5000)


def test_a_log_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        target = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(BackgroundError, match="did not start"), Background(target, tmp_path / "absent" / "log"):
        pass


def test_the_node_ports_of_the_local_clusters() -> None:
    assert address("demo") == "http://127.0.0.1:18080"
    assert address("test", 9) == "http://127.0.0.1:18189"
    assert service("memo", "here", 9)["spec"]["ports"][0]["nodePort"] == 30089


@pytest.mark.parametrize(("cluster", "number"), [("demo", 1), ("test", 10), ("test", -1), ("dev", 0), ("other", 0)])
def test_a_port_that_is_not_mapped(cluster: str, number: int) -> None:
    with pytest.raises(LookupError):
        address(cluster, number)
