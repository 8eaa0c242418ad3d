"""Both destinations keep the same promises: whole objects or none, and clear words when they say no."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from memoapp_operator.agent.s3 import S3, Bucket
from memoapp_operator.agent.stores import Store, StoreError, Trouble, Volume
from minio import Minio
from minio.error import MinioException
from urllib3.exceptions import HTTPError

from images.build.image_build.cache import cache_from
from images.build.image_build.catalogue import select
from images.build.image_build.programs import program
from images.build.image_build.run import run

LARGE = 40 * 2**20 + 17


class Broken(io.RawIOBase):
    """A stream that ends with an error."""

    def __init__(self, after: int) -> None:
        self._left = after

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        if self._left <= 0:
            raise RuntimeError("the dump died")
        count = min(self._left, len(view))
        self._left -= count
        return count


def _gateway() -> str | None:
    """The S3 server of the image ``objects``; built from its module where it is not there yet."""
    found = os.environ.get("MEMOAPP_VERSITYGW") or shutil.which("versitygw")
    if found is not None or shutil.which("go") is None:
        return found
    (image,) = select(("objects",))
    assert image.module is not None
    return str(program(image.module, cache_from(os.environ), run, os.environ))


@pytest.fixture(scope="session")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    """A bucket of a real S3 server."""
    gateway = _gateway()
    if gateway is None:
        pytest.skip("versitygw is not on PATH, and there is no Go to build it with")
    folder = tmp_path_factory.mktemp("s3")
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "ROOT_ACCESS_KEY": "test", "ROOT_SECRET_KEY": "test-secret"}
    command = [gateway, "--port", f"127.0.0.1:{port}", "posix", str(folder)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            where = Bucket(f"http://127.0.0.1:{port}", "backups", "test", "test-secret", prefix="team/a")
            deadline = time.monotonic() + 20
            while True:
                try:
                    client(where).make_bucket(bucket_name=where.bucket)
                    break
                except (MinioException, HTTPError):
                    assert time.monotonic() < deadline
                    time.sleep(0.1)
            yield where
        finally:
            process.kill()


def client(where: Bucket) -> Minio:
    host = where.endpoint.partition("://")[2]
    return Minio(endpoint=host, access_key=where.access_key, secret_key=where.secret_key, secure=False)


@pytest.fixture(params=["volume", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "volume":
        (tmp_path / "root").mkdir()
        return Volume(tmp_path / "root")
    where = request.getfixturevalue("bucket")
    return S3(replace(where, prefix=f"team/{tmp_path.name}"))


def read(store: Store, key: str) -> bytes:
    with store.get(key) as file:
        return file.read()


@pytest.mark.parametrize("size", [0, 1, LARGE])
def test_what_is_stored_is_read_back(store: Store, size: int) -> None:
    content = os.urandom(size)
    store.put("prod/memo/2026/11/one/database.dump", io.BytesIO(content))
    assert read(store, "prod/memo/2026/11/one/database.dump") == content
    (found,) = store.list("prod/memo/")
    assert (found.key, found.size) == ("prod/memo/2026/11/one/database.dump", size)


def test_a_list_is_of_one_folder_in_order(store: Store) -> None:
    for key in ("a/2/y", "a/1/x", "b/1/x", "ab/1"):
        store.put(key, io.BytesIO(b"."))
    assert [item.key for item in store.list("a/")] == ["a/1/x", "a/2/y"]
    assert [item.key for item in store.list("")] == ["a/1/x", "a/2/y", "ab/1", "b/1/x"]
    assert list(store.list("none/")) == []


def test_what_is_there_is_not_overwritten(store: Store) -> None:
    store.put("a/x", io.BytesIO(b"first"))
    with pytest.raises(StoreError) as caught:
        store.put("a/x", io.BytesIO(b"second"))
    assert caught.value.trouble is Trouble.EXISTS
    assert read(store, "a/x") == b"first"
    store.put("a/x.more", io.BytesIO(b"another"))


@pytest.mark.parametrize("after", [0, 100, LARGE])
def test_a_stream_that_breaks_leaves_nothing(store: Store, after: int) -> None:
    with pytest.raises(RuntimeError, match="the dump died"):
        store.put("a/x", io.BufferedReader(Broken(after)))
    assert list(store.list("")) == []


def test_deleted_once_and_again(store: Store) -> None:
    store.put("a/b/x", io.BytesIO(b"."))
    store.delete("a/b/x")
    store.delete("a/b/x")
    assert list(store.list("")) == []
    with pytest.raises(StoreError) as caught:
        read(store, "a/b/x")
    assert caught.value.trouble is Trouble.NOT_FOUND


def test_a_key_does_not_lead_out_of_a_volume(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    with pytest.raises(StoreError) as caught:
        Volume(tmp_path / "root").put("../outside", io.BytesIO(b"."))
    assert caught.value.trouble is Trouble.FORBIDDEN
    assert not (tmp_path / "outside").exists()


def test_a_volume_that_is_full(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    root = tmp_path / "root"
    root.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", root], check=True)
    try:
        with pytest.raises(StoreError) as caught:
            Volume(root).put("a/x", io.BytesIO(bytes(2 * 2**20)))
        assert caught.value.trouble is Trouble.FULL
        assert [path for path in root.rglob("*") if path.is_file()] == []
    finally:
        subprocess.run(["umount", root], check=True)


@pytest.mark.parametrize(
    ("change", "trouble"),
    [
        ({"secret_key": "wrong-secret"}, Trouble.FORBIDDEN),
        ({"access_key": "nobody"}, Trouble.FORBIDDEN),
        ({"bucket": "not-there"}, Trouble.NOT_FOUND),
        ({"endpoint": "http://127.0.0.1:9"}, Trouble.UNREACHABLE),
    ],
)
def test_why_a_bucket_says_no(bucket: Bucket, change: dict[str, str], trouble: Trouble) -> None:
    with pytest.raises(StoreError) as caught:
        S3(replace(bucket, **change)).put("a/x", io.BytesIO(b"."))
    assert caught.value.trouble is trouble, caught.value
    assert "secret" not in str(caught.value)


def test_uploads_that_nobody_ends_are_given_up_after_a_day(bucket: Bucket) -> None:
    where = replace(bucket, prefix="left")
    raw, store = client(bucket), S3(where)
    headers = {"Content-Type": "application/octet-stream"}
    raw._create_multipart_upload(bucket_name=where.bucket, object_name="left/a/x", headers=headers)
    assert store.forget_unfinished("") == 0
    assert store.forget_unfinished("", datetime.now(UTC) + timedelta(days=2)) == 1
    assert store.forget_unfinished("", datetime.now(UTC) + timedelta(days=2)) == 0
