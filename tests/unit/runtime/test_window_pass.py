"""What an app's pass asks of maintenance windows."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from memoapp_operator.ports import ClusterError, Refused
from memoapp_operator.runtime import window_pass

from tests.unit.domain import building


class Lacking:
    """An API server that answers every list in one way."""

    def __init__(self, code: int) -> None:
        self.code = code

    async def list(self, *_: Any) -> list[Any]:
        raise Refused(self.code, "NotFound", "the server could not find the requested resource")


def test_where_the_kind_is_not_installed_there_are_no_windows() -> None:
    app = building.decided(building.serving())
    assert asyncio.run(window_pass.concerning(Lacking(404), app)) == ((), ())  # type: ignore[arg-type]


def test_where_they_may_not_be_read_nothing_is_decided() -> None:
    app = building.decided(building.serving())
    with pytest.raises(ClusterError):
        asyncio.run(window_pass.concerning(Lacking(403), app))  # type: ignore[arg-type]
