"""What the tests of the load tool share."""

from __future__ import annotations

import asyncio

import pytest


@pytest.fixture(scope="session", autouse=True)
def no_loop_of_its_own() -> None:
    """Say that there is no event loop yet, before the first asynchronous test is set up.

    pytest-asyncio asks for the present loop first. Up to Python 3.11 that makes one, which nobody closes, and the
    warning about it would fail whatever test runs when it is collected.
    """
    asyncio.set_event_loop(None)
