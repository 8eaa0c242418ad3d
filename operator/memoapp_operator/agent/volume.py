"""How full a volume is, over HTTP: ``GET /volume``."""

from __future__ import annotations

import json
import os
import socket
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

# A client that says nothing is let go: nobody may hold the reporter's threads.
_CLIENT_SECONDS = 10


def fill(path: str) -> dict[str, int]:
    """Size, use and what is left for users other than root, in bytes, of the file system that ``path`` lies on.

    ``usedBytes`` and ``availableBytes`` do not add up to ``sizeBytes`` where blocks are kept back for root.
    Raises OSError where the path cannot be read.
    """
    found = os.statvfs(path)
    return {
        "sizeBytes": found.f_blocks * found.f_frsize,
        "usedBytes": (found.f_blocks - found.f_bfree) * found.f_frsize,
        "availableBytes": found.f_bavail * found.f_frsize,
    }


class Reporter(ThreadingHTTPServer):
    """Serves the fill of one path on all addresses of the pod."""

    address_family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET
    daemon_threads = True

    def __init__(self, path: str, port: int) -> None:
        self.path = path
        super().__init__(("", port), _Handler)

    def server_bind(self) -> None:
        """Binds to both families where the node has both, and asks no name server.

        HTTPServer would look its own name up first; this pod may call nobody, so that would take until a timeout.
        """
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "volume", self.server_address[1]


class _Handler(BaseHTTPRequestHandler):
    server: Reporter
    timeout = _CLIENT_SECONDS

    def do_GET(self) -> None:
        """Answers 200 with the numbers, 404 for any other path, 500 where the volume cannot be read."""
        if self.path != "/volume":
            self._answer(HTTPStatus.NOT_FOUND, {"error": "only /volume is served"})
            return
        try:
            self._answer(HTTPStatus.OK, fill(self.server.path))
        except OSError as error:
            reason = error.strerror or "unreadable"
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": f"{self.server.path}: {reason}"})

    def _answer(self, status: HTTPStatus, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Says nothing: the operator asks every few seconds."""
