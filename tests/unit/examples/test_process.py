"""The backend as a process: how it starts without a database, and how it ends."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from images.build.image_build.catalogue import repository_root

FOLDER = repository_root() / "examples/memoapp/backend"
NOBODY = "postgresql://memo_user@127.0.0.1:1/memo_app"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def command(**environment: str) -> tuple[list[str], dict[str, str]]:
    path = os.environ.get("PATH", "")
    return [sys.executable, "-m", "memo_backend"], {"PATH": path, "PYTHONPATH": str(FOLDER), **environment}


@contextmanager
def running(port: int, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    arguments, environment = command(DATABASE_URL=NOBODY, PORT=str(port), **more)
    with subprocess.Popen(arguments, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def health(port: int) -> httpx.Response:
    """Asks, and tries again while the process does not listen yet."""
    with httpx.Client(transport=httpx.HTTPTransport(retries=6), timeout=5) as client:
        return client.get(f"http://127.0.0.1:{port}/api/health")


def test_it_answers_503_until_there_is_a_database_and_ends_at_once() -> None:
    port = free_port()
    with running(port) as process:
        answer = health(port)
        assert (answer.status_code, answer.json()["database"]) == (503, False)
        process.send_signal(signal.SIGTERM)
        assert process.wait(1) == 0


def test_it_crashes_after_its_seconds_and_not_before_it_answered() -> None:
    port = free_port()
    with running(port, FAULT="crash-after-2s") as process:
        assert health(port).status_code == 503
        assert process.wait(10) == 1


def test_it_refuses_to_start_with_an_unknown_fault() -> None:
    arguments, environment = command(DATABASE_URL=NOBODY, FAULT="unheard-of")
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert re.fullmatch(r"memo-backend: FAULT 'unheard-of' is not known; .*\n", done.stderr)


def test_a_migration_without_a_database_fails() -> None:
    arguments, environment = command(DATABASE_URL=NOBODY)
    done = subprocess.run([*arguments, "migrate"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "the migration failed" in done.stderr


def test_a_check_of_nobody_fails() -> None:
    arguments, environment = command()
    address = f"http://127.0.0.1:{free_port()}"
    done = subprocess.run([*arguments, "check", address], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "GET /api/health" in done.stderr
