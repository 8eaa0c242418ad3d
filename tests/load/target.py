"""Where load may be sent: to this machine, or to an address in a network that the caller names as its own."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self, TypeAlias
from urllib.parse import urlsplit

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

LOCALHOST = "127.0.0.1"
WIDEST = {4: 16, 6: 48}
"""The shortest prefix that can be named as one's own, by IP version: a cluster's range, not a company's."""


class TargetError(ValueError):
    """Load may not be sent there."""


@dataclass(frozen=True, slots=True)
class Target:
    """One address and port, by plain HTTP. An address, not a name: a name may mean another machine tomorrow."""

    address: str
    port: int

    @classmethod
    def parse(cls, url: str, own: Iterable[str] = ()) -> Self:
        """The target of ``http://address:port``; ``own`` are networks such as ``10.211.0.0/16``.

        Raises:
            TargetError: unless the address is a loopback one or lies in a network of ``own``.
        """
        networks = [_network(text) for text in own]
        address, port = _parts(url)
        if not address.is_loopback and not any(address in network for network in networks):
            raise TargetError(f"{address} is neither a loopback address nor in a network named as one's own")
        return cls(str(address), port)

    @property
    def host(self) -> str:
        """As in a Host header."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


def _network(text: str) -> Network:
    try:
        found = ipaddress.ip_network(text)
    except ValueError as error:
        raise TargetError(f"{text!r} is no network: {error}") from None
    if not found.is_private or found.prefixlen < WIDEST[found.version]:
        raise TargetError(f"{found} is no private network of at most /{WIDEST[found.version]}: not one's own")
    return found


def _parts(url: str) -> tuple[Address, int]:
    try:
        found = urlsplit(url)
        host, port = found.hostname or "", found.port or 80
        address = ipaddress.ip_address(LOCALHOST if host == "localhost" else host)
    except ValueError as error:
        raise TargetError(f"{url!r} is no http://address:port: {error}") from None
    rest = (found.username, found.query, found.fragment, found.path.strip("/"))
    if found.scheme != "http" or any(rest):
        raise TargetError(f"{url!r} is no http://address:port")
    return address, port
