"""Logs as JSON lines, each with the app and the pass that it belongs to."""

from __future__ import annotations

import contextvars
import logging
import sys

from pythonjsonlogger.json import JsonFormatter

current_app: contextvars.ContextVar[str | None] = contextvars.ContextVar("app", default=None)
current_pass: contextvars.ContextVar[int | None] = contextvars.ContextVar("pass", default=None)


class _Context(logging.Filter):
    """Adds app and pass to every record of a pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        app, number = current_app.get(), current_pass.get()
        if app is not None:
            record.__dict__.setdefault("app", app)
        if number is not None:
            record.__dict__.setdefault("pass", number)
        return True


def configure(level: str) -> None:
    """JSON lines on standard error; the framework's own chatter only from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_Context())
    handler.setFormatter(
        JsonFormatter(
            "%(asctime)s %(levelname)s %(name)s %(message)s",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            datefmt="%Y-%m-%dT%H:%M:%S%z",
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("kopf", "aiohttp.access", "asyncio"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))
