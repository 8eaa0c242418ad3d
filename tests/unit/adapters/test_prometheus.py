"""Queries, put to a real Prometheus where Debian's is installed, and to servers that are none."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path

import pytest
from memoapp_operator.adapters.prometheus import MOST, ask
from memoapp_operator.domain.measurements import Verdict
from memoapp_operator.domain.queries import measured_query
from memoapp_operator.ports import PrometheusSource

from tests.unit.adapters.servers import Talk, listening, says_nothing
from tests.unit.certificates import self_signed

needs_prometheus = pytest.mark.skipif(shutil.which("prometheus") is None, reason="no prometheus on PATH")
TOKEN = "hidden-token"


def free_port() -> int:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        found: int = server.getsockname()[1]
        return found


@contextlib.asynccontextmanager
async def prometheus(folder: Path, *, tls: bool = False) -> AsyncIterator[int]:
    """Debian's Prometheus on loopback, scraping itself five times a second."""
    port, scheme = free_port(), "https" if tls else "http"
    scrape = f"scheme: {scheme}\n  tls_config: {{insecure_skip_verify: true}}\n  " if tls else ""
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 200ms}\nscrape_configs:\n- job_name: self\n"
        f"  {scrape}static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n"
    )
    options = [f"--storage.tsdb.path={folder}/data", f"--config.file={folder}/prometheus.yml"]
    if tls:
        (folder / "web.yml").write_text("tls_server_config: {cert_file: server.crt, key_file: server.key}\n")
        options.append(f"--web.config.file={folder}/web.yml")
    process = subprocess.Popen(  # noqa: ASYNC220 -- it takes milliseconds
        ["prometheus", f"--web.listen-address=127.0.0.1:{port}", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield port
    finally:
        process.terminate()
        process.wait(timeout=20)


def certificate(folder: Path) -> str:
    """A certificate for 127.0.0.1 that signs itself; its PEM text."""
    made, key = self_signed("prometheus", "127.0.0.1")
    (folder / "server.crt").write_bytes(made)
    (folder / "server.key").write_bytes(key)
    return made.decode()


async def scraped(source: PrometheusSource) -> None:
    """Until Prometheus has scraped itself."""
    for _ in range(150):
        if (await ask(source, "up")).values:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"it scrapes nothing: {await ask(source, 'up')}")


@needs_prometheus
async def test_a_real_prometheus_answers_what_it_is_asked(tmp_path: Path) -> None:
    async with prometheus(tmp_path) as port:
        source = PrometheusSource(f"http://127.0.0.1:{port}/")
        await scraped(source)
        assert (await ask(source, "up")).values == (1,)
        assert (await ask(source, "scalar(up) * 2.5")).values == (Fraction("2.5"),)
        assert (await ask(source, "nothing_of_this_name")).values == ()
        assert (await ask(source, "up / 0 - up / 0")).values == ()  # NaN is no data
        wrong = await ask(source, "up{")
        assert (wrong.values, wrong.error.startswith("bad_data: ")) == (None, True)
        assert (await ask(source, "up[1m]")).values is None
        found = measured_query("up", await ask(source, "up"), Fraction(2), None)
        assert (found.verdict, found.text("green", "blue")) == (Verdict.FAIL, "prometheus/up: 1.0 < 2")


@needs_prometheus
async def test_its_certificate_counts_by_the_authority_that_is_given(tmp_path: Path) -> None:
    authority = certificate(tmp_path)
    (tmp_path / "other").mkdir()
    stranger = certificate(tmp_path / "other")
    async with prometheus(tmp_path, tls=True) as port:
        await scraped(PrometheusSource(f"https://127.0.0.1:{port}", authority))
        for wrong in (stranger, None):
            told = await ask(PrometheusSource(f"https://127.0.0.1:{port}", wrong), "up")
            assert (told.values, told.error) == (None, "its certificate is not of the authority that is trusted")


def answering(head: str, body: bytes = b"", seen: list[str] | None = None) -> Talk:
    """HTTP: one answer, whatever is asked; what was asked is put into ``seen``."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        if seen is not None:
            seen.append(asked.decode())
        writer.write(f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        await writer.drain()

    return talk


ONE = b'{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}'


async def test_the_token_goes_into_the_header_and_nowhere_else() -> None:
    seen: list[str] = []
    async with listening(answering("200 OK", ONE, seen)) as port:
        told = await ask(PrometheusSource(f"http://127.0.0.1:{port}/prefix", None, TOKEN), "up")
    assert told.values == (1,)
    (head,) = seen
    assert head.startswith("POST /prefix/api/v1/query HTTP/1.1\r\n")
    assert f"Authorization: Bearer {TOKEN}\r\n" in head
    assert TOKEN not in repr(PrometheusSource("http://a", None, TOKEN))


@pytest.mark.parametrize(
    ("head", "body", "error"),
    [
        ("401 Unauthorized", b"no", "answered 401"),
        ("302 Found\r\nLocation: http://127.0.0.1:9/", b"", "answered 302"),
        ("500 Oops", b"{}", "answered 500"),
        ("200 OK", b"<html>", "gave an answer that is not Prometheus'"),
        ("200 OK", b"[]", "gave an answer that is not Prometheus'"),
        ("200 OK", b'{"status":"success","data":{"resultType":"matrix","result":[]}}', "gave an answer"),
        ("200 OK", b"x" * (MOST + 1), f"its answer is longer than {MOST} bytes"),
    ],
)
async def test_any_other_answer_is_an_error(head: str, body: bytes, error: str) -> None:
    async with listening(answering(head, body)) as port:
        told = await ask(PrometheusSource(f"http://127.0.0.1:{port}", None, TOKEN), "up")
    assert told.values is None
    assert told.error.startswith(error)
    assert TOKEN not in told.error


@pytest.mark.parametrize("source", [PrometheusSource("http://127.0.0.1:9"), PrometheusSource("http://nobody.invalid")])
async def test_nobody_there_is_an_error(source: PrometheusSource) -> None:
    told = await ask(source, "up", timeout=2)
    assert (told.values, told.error.startswith(("not reached", "no answer"))) == (None, True)


async def test_silence_is_an_error_after_a_while() -> None:
    async with listening(says_nothing) as port:
        told = await ask(PrometheusSource(f"http://127.0.0.1:{port}"), "up", timeout=0.2)
    assert told.error == "no answer in 0.2s"


@pytest.mark.parametrize(
    "source",
    [
        PrometheusSource("https://127.0.0.1:9", "no certificate"),
        PrometheusSource("http://127.0.0.1:9", None, f"{TOKEN}\r\nX: y"),
    ],
)
async def test_what_cannot_be_used_is_an_error_that_tells_no_secret(source: PrometheusSource) -> None:
    told = await ask(source, "up", timeout=2)
    assert told.values is None
    assert told.error
    assert TOKEN not in told.error


async def test_a_plain_server_behind_https_is_an_error() -> None:
    context = ssl.create_default_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    async with listening(answering("200 OK", ONE)) as port:
        told = await ask(PrometheusSource(f"https://127.0.0.1:{port}"), "up", timeout=2)
    assert told.values is None
