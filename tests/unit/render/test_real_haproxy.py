"""The rendered configuration, read by HAProxy itself where one of 3.0 or later is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from memoapp_operator.render import haproxy
from memoapp_operator.render.context import Context

from tests.unit.certificates import self_signed
from tests.unit.render import apps

IPV6 = replace(apps.full(), addresses={key: f"fd00::{index}" for index, key in enumerate(apps.ADDRESSES)})


def installed() -> str | None:
    """The path of a HAProxy that knows what the configuration uses."""
    found = shutil.which("haproxy")
    if found is None:
        return None
    told = subprocess.run([found, "-v"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"version (\d+)\.(\d+)", told)
    return found if version and (int(version[1]), int(version[2])) >= (3, 0) else None


def certificate(folder: Path) -> None:
    """A certificate that signs itself, as server.pem and ca.crt."""
    made, key = self_signed("router")
    (folder / "server.pem").write_bytes(made + key)
    (folder / "ca.crt").write_bytes(made)


@pytest.mark.parametrize("context", [*apps.EVERY_APP.values(), IPV6], ids=[*apps.EVERY_APP, "ipv6"])
def test_haproxy_takes_it_without_a_warning(context: Context, tmp_path: Path) -> None:
    binary = installed()
    if binary is None:
        pytest.skip("no HAProxy 3.0 or later on PATH")
    certificate(tmp_path)
    for name, text in haproxy.router_state(context)[0]["data"].items():
        (tmp_path / name).write_text(text)
    text = haproxy.configuration(context)
    assert text is not None
    for path in (haproxy.TLS_PATH, haproxy.STATE_PATH, haproxy.RUN_PATH):
        text = text.replace(path, str(tmp_path))
    config = tmp_path / "haproxy.cfg"
    config.write_text(text)
    checked = subprocess.run([binary, "-c", "-f", config], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
