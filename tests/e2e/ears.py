"""Somebody who is told: a pod that keeps what is posted to it, and shows it."""

from __future__ import annotations

import json
from typing import Any

from tests.e2e.objects import Shelf
from tests.kube import Kube

NAME = "ears"
_PORT = 8000
_FILE = "/tmp/heard"  # noqa: S108 -- the pod's own
_SCRIPT = f"""\
from http.server import BaseHTTPRequestHandler, HTTPServer
class Ears(BaseHTTPRequestHandler):
    def do_POST(self):
        with open("{_FILE}", "ab") as heard:
            heard.write(self.rfile.read(int(self.headers["Content-Length"])) + b"\\n")
        self.send_response(200)
        self.end_headers()
open("{_FILE}", "ab").close()
HTTPServer(("", {_PORT}), Ears).serve_forever()
"""


class Ears:
    """The pod, and its Service.

    Args:
        kube: the API server.
        namespace: where they are.
        image: one with Python.
    """

    def __init__(self, kube: Kube, namespace: str, image: str) -> None:
        self._namespace = namespace
        labels = {"app": NAME}
        metadata = {"name": NAME, "namespace": namespace, "labels": labels}
        container = {
            "name": NAME,
            "image": image,
            "command": ["python3", "-c", _SCRIPT],
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
        user = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
        pod = {"containers": [container], "securityContext": user}
        kube.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod})
        service = {"selector": labels, "ports": [{"port": _PORT}]}
        kube.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service})

    @property
    def url(self) -> str:
        """Where to, for Apprise."""
        return f"json://{NAME}.{self._namespace}.svc:{_PORT}/hook"

    def heard(self) -> list[dict[str, Any]]:
        """Every message so far."""
        lines = Shelf(self._namespace, NAME, "/tmp").sh(f"cat {_FILE}").splitlines()  # noqa: S108 -- the pod's own
        return [json.loads(line) for line in lines if line.strip()]

    def titles(self) -> list[str]:
        """Of every message."""
        return [str(item["title"]) for item in self.heard()]
