"""A request with which nothing is wrong; tests change what they are about."""

from __future__ import annotations

from tests.load.record import Request

FINE = Request(
    planned=100.0,
    sent=100.0,
    connected=None,
    finished=100.01,
    method="GET",
    path="/",
    kind="page",
    connection="new",
    cookie=False,
    status=200,
    fault=None,
    detail="",
    version="1.0.0",
    frontend="1.0.0",
    colour="",
    journal="",
)
