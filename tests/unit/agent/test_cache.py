"""Redis' data out of a real Redis, and out of some that end too early."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis
from memoapp_operator.agent.cache import CacheError, rdb

SERVER = shutil.which("redis-server")
PASSWORD = "p@ss:w/rd%?"
QUOTED = "p%40ss%3Aw%2Frd%25%3F"


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def started(folder: Path, port: int, *options: str) -> subprocess.Popen[bytes]:
    assert SERVER is not None
    command = [SERVER, "--port", str(port), "--dir", str(folder), "--bind", "127.0.0.1", "--save", "", *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def client(port: int, password: str | None = PASSWORD) -> redis.Redis:
    found = redis.Redis(port=port, password=password)
    deadline = time.monotonic() + 20
    while True:
        try:
            found.ping()
        except redis.ConnectionError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return found


@pytest.fixture(params=["yes", "no"], ids=["diskless", "from disk"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[int]:
    if SERVER is None:
        pytest.skip("no Redis server is installed here")
    port = free_port()
    options = ("--requirepass", PASSWORD, "--repl-diskless-sync", request.param, "--repl-diskless-sync-delay", "0")
    with started(tmp_path, port, *options) as process:
        try:
            yield port
        finally:
            process.kill()


@pytest.mark.parametrize("size", [0, 1, 300])
def test_another_redis_that_starts_with_the_file_has_the_same(server: int, size: int, tmp_path: Path) -> None:
    before = client(server)
    for number in range(size):
        before.set(f"key-{number}", bytes([number % 256]) * 10_000)
        before.rpush("list", number)
    with rdb(f"redis://:{QUOTED}@127.0.0.1:{server}/0") as file:
        data = file.read()
    assert data.startswith(b"REDIS")
    folder = tmp_path / "restored"
    folder.mkdir()
    (folder / "dump.rdb").write_bytes(data)
    port = free_port()
    with started(folder, port) as process:
        try:
            after = client(port, None)
            assert after.dbsize() == before.dbsize()
            assert after.lrange("list", 0, -1) == before.lrange("list", 0, -1)
            assert [after.get(f"key-{n}") for n in range(size)] == [before.get(f"key-{n}") for n in range(size)]
        finally:
            process.kill()


def test_a_wrong_password_is_refused_and_not_told(server: int) -> None:
    client(server)
    with pytest.raises(CacheError) as caught, rdb(f"redis://:wrong@127.0.0.1:{server}/0"):
        pass
    assert str(caught.value) == "Redis refuses AUTH: -WRONGPASS"


def test_what_comes_after_the_mark_is_no_part_of_it() -> None:
    mark = b"m" * 40
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        thread = threading.Thread(
            target=_answer, args=(listening, b"$EOF:" + mark + b"\r\nREDIS0011xyz" + mark + b"*1\r\n")
        )
        thread.start()
        with rdb(f"redis://127.0.0.1:{listening.getsockname()[1]}/0") as file:
            assert file.read() == b"REDIS0011xyz"
        thread.join(5)


def test_nobody_there() -> None:
    with pytest.raises(CacheError, match="does not answer"), rdb(f"redis://127.0.0.1:{free_port()}/0"):
        pass


@pytest.mark.parametrize(
    "answer",
    [b"$100\r\nREDIS0011", b"$EOF:" + b"m" * 40 + b"\r\nREDIS0011" + b"m" * 39, b"$5\r\nOTHER", b"-ERR no\r\n", b""],
    ids=["shorter than announced", "without its mark", "no file", "refused", "nothing"],
)
def test_what_ends_too_early_is_no_file(answer: bytes) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        thread = threading.Thread(target=_answer, args=(listening, answer))
        thread.start()
        with pytest.raises(CacheError), rdb(f"redis://127.0.0.1:{listening.getsockname()[1]}/0") as file:
            file.read()
        thread.join(5)


def _answer(listening: socket.socket, data: bytes) -> None:
    """What a Redis says to REPLCONF (three words) and SYNC (one)."""
    connection, _ = listening.accept()
    with connection, connection.makefile("rb") as asked:
        for _ in range(3 * 2 + 1):
            asked.readline()
        connection.sendall(b"+OK\r\n")
        for _ in range(3):
            asked.readline()
        connection.sendall(b"\n\n" + data)
