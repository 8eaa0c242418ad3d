"""Load goes to this machine, or to a network that the caller names as its own, and nowhere else."""

from __future__ import annotations

import pytest

from tests.load.target import Target, TargetError


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://127.0.0.1:18080", "127.0.0.1:18080"),
        ("http://127.0.0.1:18080/", "127.0.0.1:18080"),
        ("http://127.8.8.8", "127.8.8.8:80"),
        ("http://localhost:8080", "127.0.0.1:8080"),
        ("http://[::1]:8080", "[::1]:8080"),
    ],
)
def test_loopback_is_allowed(url: str, host: str) -> None:
    assert Target.parse(url).host == host


@pytest.mark.parametrize(
    "url",
    ["http://10.211.0.7:8080", "http://192.168.1.1", "http://8.8.8.8", "http://[fd00::1]:80", "http://0.0.0.0:80"],
)
def test_any_other_address_is_refused(url: str) -> None:
    with pytest.raises(TargetError, match="neither a loopback address nor in a network"):
        Target.parse(url)


def test_an_address_in_a_network_of_ones_own_is_allowed() -> None:
    assert Target.parse("http://10.211.0.7:8080", ["10.96.0.0/16", "10.211.0.0/16"]).address == "10.211.0.7"
    assert Target.parse("http://[fd00:10:244::9]:80", ["fd00:10:244::/56"]).address == "fd00:10:244::9"


def test_an_address_beside_it_is_refused() -> None:
    with pytest.raises(TargetError, match=r"10\.212\.0\.7 is neither"):
        Target.parse("http://10.212.0.7:8080", ["10.211.0.0/16"])


@pytest.mark.parametrize(
    "network", ["0.0.0.0/0", "::/0", "8.8.8.0/24", "10.0.0.0/8", "fd00::/16", "10.1.2.3/16", "test"]
)
def test_nobody_owns_the_world(network: str) -> None:
    with pytest.raises(TargetError, match=r"no network|not one's own"):
        Target.parse("http://127.0.0.1:80", [network])


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:443",
        "127.0.0.1:80",
        "http://example.org",
        "http://localhost.example.org",
        "http://user@127.0.0.1",
        "http://127.0.0.1/api",
        "http://127.0.0.1:http",
        "http://127.0.0.1:99999",
        "",
    ],
)
def test_names_and_other_urls_are_refused(url: str) -> None:
    with pytest.raises(TargetError, match="no http://address:port"):
        Target.parse(url)
