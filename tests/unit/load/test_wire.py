"""Answers as they arrive: whole, in parts, without a length, or garbled."""

from __future__ import annotations

import pytest

from tests.load.wire import GarbledError, parse

SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Memo-Version: 1.0.0\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n"
OPEN = b"HTTP/1.1 200 OK\r\n\r\nhello"


@pytest.mark.parametrize("data", [SIZED, CHUNKED])
def test_an_answer_is_whole_with_its_last_byte(data: bytes) -> None:
    for length in range(len(data)):
        assert parse(data[:length], ended=False) is None
        assert parse(data[:length], ended=True) is None
    answer = parse(data, ended=False)
    assert answer is not None
    assert (answer.status, answer.body, answer.keep) == (200, b"hello", True)


def test_an_answer_without_length_ends_with_the_connection() -> None:
    assert parse(OPEN, ended=False) is None
    answer = parse(OPEN, ended=True)
    assert answer is not None
    assert (answer.body, answer.keep) == (b"hello", False)


def test_the_server_may_end_the_connection() -> None:
    answer = parse(SIZED.replace(b"\r\n\r\n", b"\r\nConnection: Close\r\n\r\n"), ended=False)
    assert answer is not None
    assert not answer.keep


def test_an_answer_without_body() -> None:
    answer = parse(b"HTTP/1.1 204 No Content\r\n\r\n", ended=False)
    assert answer is not None
    assert (answer.body, answer.keep) == (b"", True)


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_garbage_is_called_so(data: bytes) -> None:
    with pytest.raises(GarbledError):
        parse(data, ended=False)
