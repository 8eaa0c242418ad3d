"""Backups in an S3 bucket, or in whatever speaks its protocol."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

import certifi
import urllib3
from minio import Minio
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from urllib3.exceptions import MaxRetryError, ResponseError

from .stores import Store, Stored, StoreError, Trouble
from .streams import Watched, buffered

PART_SIZE = 16 * 2**20
"""Bytes of one part of an upload; 10,000 of them are the most that S3 takes: 156 GiB an object."""
_RETRIES = 5
_CONNECT, _READ = 10.0, 60.0
_ABANDONED = timedelta(days=1)
"""An upload that is older was left by a process that is gone: no backup runs for so long."""
_FULL = frozenset({"EntityTooLarge", "QuotaExceeded", "XMinioStorageFull", "InsufficientCapacity"})
_UNKNOWN_KEY = frozenset({"InvalidAccessKeyId", "XAdminUserNotFound"})
_NOT_FOUND = frozenset({"NoSuchKey", "NoSuchBucket"})


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where it is.

    Attributes:
        endpoint: ``https://host:port``; http is for tests and private networks.
        bucket: its name.
        prefix: of every key, without slashes around it; may be empty.
        region: as the store wants it.
        path_style: the bucket stands in the path and not in the host's name.
        access_key: of the credentials.
        secret_key: of the credentials.
        authority: file with the certificates that the store's is checked with; None: those of the web.
    """

    endpoint: str
    bucket: str
    access_key: str
    secret_key: str
    prefix: str = ""
    region: str = "us-east-1"
    path_style: bool = True
    authority: Path | None = None


class S3(Store):
    """One bucket."""

    def __init__(self, where: Bucket) -> None:
        self._where = where
        # Answers that say "not now" are asked for again; those to a part of an upload too: a part is replaced.
        retries = urllib3.Retry(total=_RETRIES, backoff_factor=0.5, status_forcelist=[500, 502, 503, 504])
        pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=_CONNECT, read=_READ),
            retries=retries,
            cert_reqs="CERT_REQUIRED",
            ca_certs=str(where.authority or certifi.where()),
        )
        scheme, _, host = where.endpoint.partition("://")
        self._client = Minio(
            endpoint=host,
            access_key=where.access_key,
            secret_key=where.secret_key,
            secure=scheme == "https",
            region=where.region,
            http_client=pool,
        )
        if where.path_style:
            self._client.disable_virtual_style_endpoint()  # type: ignore[no-untyped-call]
        else:
            self._client.enable_virtual_style_endpoint()  # type: ignore[no-untyped-call]

    def put(self, key: str, source: BinaryIO) -> None:
        """In parts; one that fails is given up with all that were sent."""
        if next(self.list(key), None) is not None:
            raise StoreError(Trouble.EXISTS, f"{key}: it is there already")
        watched = Watched(source)
        try:
            with _troubles(key):
                self._client.put_object(
                    bucket_name=self._where.bucket,
                    object_name=self._key(key),
                    data=buffered(watched),
                    length=-1,
                    part_size=PART_SIZE,
                    num_parallel_uploads=1,
                )
        except StoreError:
            if watched.error is not None:
                raise watched.error from None
            raise

    @contextmanager
    def get(self, key: str) -> Iterator[BinaryIO]:
        """The object's bytes."""
        with _troubles(key):
            answer = self._client.get_object(bucket_name=self._where.bucket, object_name=self._key(key))
        try:
            with _troubles(key):
                yield buffered(_Body(answer, key))
        finally:
            answer.close()
            answer.release_conn()

    def list(self, prefix: str) -> Iterator[Stored]:
        """Everything whose key begins so."""
        begin = self._key(prefix)
        with _troubles(prefix):
            for item in self._client.list_objects(bucket_name=self._where.bucket, prefix=begin, recursive=True):
                if item.object_name:
                    yield Stored(item.object_name.removeprefix(self._key("")), item.size or 0)

    def delete(self, key: str) -> None:
        """The object; where the bucket keeps versions, its newest one."""
        with _troubles(key):
            self._client.remove_object(bucket_name=self._where.bucket, object_name=self._key(key))

    def forget_unfinished(self, prefix: str, now: datetime | None = None) -> int:
        """Give up uploads below a folder that processes left which are gone; how many there were."""
        before = (now or datetime.now(UTC)) - _ABANDONED
        count = 0
        with _troubles(prefix):
            # The client has no public way to list them.
            found = self._client._list_multipart_uploads(  # noqa: SLF001
                bucket_name=self._where.bucket, prefix=self._key(prefix)
            )
            for upload in found.uploads:
                if upload.initiated_time is not None and upload.initiated_time < before:
                    self._client._abort_multipart_upload(  # noqa: SLF001
                        bucket_name=self._where.bucket, object_name=upload.object_name, upload_id=upload.upload_id or ""
                    )
                    count += 1
        return count

    def _key(self, key: str) -> str:
        return f"{self._where.prefix}/{key}" if self._where.prefix else key


class _Body(Watched):
    """An answer's body; one that is cut is an error, not an end."""

    def __init__(self, answer: urllib3.BaseHTTPResponse, key: str) -> None:
        super().__init__(answer)  # type: ignore[arg-type]
        self._key = key

    def readinto(self, buffer: object) -> int:
        with _troubles(self._key):
            return super().readinto(buffer)


@contextmanager
def _troubles(key: str) -> Iterator[None]:
    try:
        yield
    except S3Error as error:
        raise StoreError(_trouble(error), f"{key}: {error.code}: {error.message}") from None
    except ServerError as error:
        full = error.status_code == HTTPStatus.INSUFFICIENT_STORAGE
        raise StoreError(Trouble.FULL if full else Trouble.FAILED, f"{key}: HTTP {error.status_code}") from None
    except (InvalidResponseError, MinioException) as error:
        raise StoreError(Trouble.FAILED, f"{key}: {_brief(error)}") from None
    except urllib3.exceptions.HTTPError as error:
        # Tried again and again: it answered, and never well; or nobody answered.
        answered = isinstance(error, MaxRetryError) and isinstance(error.reason, ResponseError)
        raise StoreError(Trouble.FAILED if answered else Trouble.UNREACHABLE, f"{key}: {_brief(error)}") from None


def _trouble(error: S3Error) -> Trouble:
    """By the code, or by the status where a store has codes of its own."""
    if error.code in _FULL or error.response.status == HTTPStatus.INSUFFICIENT_STORAGE:
        return Trouble.FULL
    if error.code in _UNKNOWN_KEY or error.response.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return Trouble.FORBIDDEN
    return Trouble.NOT_FOUND if error.code in _NOT_FOUND else Trouble.FAILED


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
