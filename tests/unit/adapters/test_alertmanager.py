"""Silences in a real Alertmanager where Debian's is installed, and answers of servers that are none."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import subprocess
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from memoapp_operator.adapters.alertmanager import AlertmanagerSilencer
from memoapp_operator.ports import PrometheusSource, Silence

from tests.unit.adapters.test_prometheus import free_port

needs_alertmanager = pytest.mark.skipif(
    shutil.which("prometheus-alertmanager") is None, reason="no prometheus-alertmanager on PATH"
)
UNTIL = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
WANTED = Silence((("namespace", "prod"),), UNTIL, "maintenance of the MemoApp prod/memo")
OWNER = "memoapp-operator/prod/memo"
TOKEN = "hidden-token"


@contextlib.asynccontextmanager
async def alertmanager(folder: Path) -> AsyncIterator[str]:
    """Debian's Alertmanager on loopback, which tells nobody anything; its address."""
    port = free_port()
    (folder / "alertmanager.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    process = subprocess.Popen(  # noqa: ASYNC220 -- it takes milliseconds
        [
            "prometheus-alertmanager",
            f"--config.file={folder}/alertmanager.yml",
            f"--storage.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                _asked(f"{address}/-/ready")
                break
            await asyncio.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)


def _asked(url: str, body: Any = None) -> Any:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})  # noqa: S310 -- ours
    with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 -- ours
        text = answer.read().decode()
    return json.loads(text) if text.startswith(("[", "{")) else text


def silences(address: str) -> list[dict[str, Any]]:
    """Those that are not over."""
    return [item for item in _asked(f"{address}/api/v2/silences") if item["status"]["state"] != "expired"]


def alert(address: str, **labels: str) -> str:
    """Raise an alert; whether it is told."""
    _asked(f"{address}/api/v2/alerts", [{"labels": {"alertname": "Down", **labels}}])
    wanted = {"alertname": "Down", **labels}
    (found,) = [item for item in _asked(f"{address}/api/v2/alerts") if item["labels"] == wanted]
    return str(found["status"]["state"])


@needs_alertmanager
async def test_alerts_of_the_app_are_silenced_but_for_critical_ones(tmp_path: Path) -> None:
    async with alertmanager(tmp_path) as address:
        source = PrometheusSource(address)
        assert await AlertmanagerSilencer().silence(source, OWNER, WANTED) == ""
        (made,) = silences(address)
        assert (made["createdBy"], made["comment"]) == (OWNER, WANTED.comment)
        assert datetime.fromisoformat(made["endsAt"]) == UNTIL
        await asyncio.sleep(0.2)
        assert alert(address, namespace="prod", severity="warning") == "suppressed"
        assert alert(address, namespace="prod") == "suppressed"
        assert alert(address, namespace="prod", severity="critical") != "suppressed"
        assert alert(address, namespace="other", severity="warning") != "suppressed"


@needs_alertmanager
async def test_there_is_one_it_follows_its_end_and_goes(tmp_path: Path) -> None:
    async with alertmanager(tmp_path) as address:
        source, silencer = PrometheusSource(address), AlertmanagerSilencer()
        other = {
            "matchers": [{"name": "namespace", "value": "prod", "isRegex": False, "isEqual": True}],
            "startsAt": datetime.now(UTC).isoformat(),
            "endsAt": UNTIL.isoformat(),
            "createdBy": "somebody",
            "comment": "by hand",
        }
        _asked(f"{address}/api/v2/silences", other)
        for _ in range(3):
            assert await silencer.silence(source, OWNER, WANTED) == ""
        assert sorted(item["createdBy"] for item in silences(address)) == [OWNER, "somebody"]
        later = replace(WANTED, until=UNTIL + timedelta(hours=2))
        assert await silencer.silence(source, OWNER, later) == ""
        (mine,) = [item for item in silences(address) if item["createdBy"] == OWNER]
        assert datetime.fromisoformat(mine["endsAt"]) == later.until
        for _ in range(2):
            assert await silencer.silence(source, OWNER, None) == ""
        assert [item["createdBy"] for item in silences(address)] == ["somebody"], "others' are left alone"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "it answered 500"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere\r\nContent-Length: 0\r\n\r\n", "it answered 302"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n[{}]", "not reached: KeyError"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n<", "not reached: JSONDecodeError"),
        (b"", "not reached: ServerDisconnectedError"),
    ],
)
async def test_what_is_no_alertmanager_is_told_without_the_token(answer: bytes, said: str | None) -> None:
    async def listens(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(listens, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    source = PrometheusSource(f"http://127.0.0.1:{port}", bearer=TOKEN)
    found = await AlertmanagerSilencer().silence(source, OWNER, None)
    assert said is None or found == said
    assert TOKEN not in found
    server.close()


async def test_one_that_is_not_there() -> None:
    source = PrometheusSource("http://127.0.0.1:1", bearer=TOKEN)
    assert await AlertmanagerSilencer().silence(source, OWNER, WANTED) == "not reached: ClientConnectorError"
    assert await AlertmanagerSilencer().silence(replace(source, authority="no PEM"), OWNER, WANTED) == (
        "the authority in caSecretRef cannot be read"
    )
    strange = await AlertmanagerSilencer().silence(replace(source, bearer="a\nb"), OWNER, WANTED)
    assert strange.startswith("not reached: ")
