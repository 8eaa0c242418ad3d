"""Sockets in another network namespace: that of a cluster's node, where Services and pods are reached."""

from __future__ import annotations

import ctypes
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")
_NET = 0x40000000  # CLONE_NEWNET
_libc = ctypes.CDLL(None, use_errno=True)


def enter(namespace: Path) -> None:
    """Move the calling thread into a network namespace, for the rest of its life.

    Raises:
        OSError: most often for want of root's rights.
    """
    handle = os.open(namespace, os.O_RDONLY)
    try:
        if _libc.setns(handle, _NET):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(namespace))
    finally:
        os.close(handle)


def inside(namespace: Path | None, make: Callable[[], Found]) -> Found:
    """What ``make`` gives within a network namespace; None means this one. Sockets stay where they were made."""
    if namespace is None:
        return make()
    results: list[Found] = []
    errors: list[OSError] = []

    def run() -> None:
        try:
            enter(namespace)
            results.append(make())
        except OSError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def listener(namespace: Path | None, port: int = 0) -> socket.socket:
    """A listening socket on the loopback address; port 0 takes a free one."""

    def make() -> socket.socket:
        found = socket.socket()
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(("127.0.0.1", port))
        found.listen(128)
        return found

    return inside(namespace, make)
