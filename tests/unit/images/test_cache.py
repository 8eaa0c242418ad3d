"""Where archives lie, and which are forgotten."""

import os
from pathlib import Path

import pytest

from images.build.image_build.cache import Cache, cache_from


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"MEMOAPP_CACHE": "/var/tmp/m", "XDG_CACHE_HOME": "/x"}, Path("/var/tmp/m/images")),  # noqa: S108
        ({"XDG_CACHE_HOME": "/x"}, Path("/x/memoapp/images")),
        ({}, Path.home() / ".cache/memoapp/images"),
    ],
)
def test_the_cache_is_where_the_environment_says(environment: dict[str, str], expected: Path) -> None:
    assert cache_from(environment).root == expected


def test_the_current_archive_and_the_one_before_are_kept(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    for age, key in enumerate(["0" * 16, "1" * 16, "2" * 16, "3" * 16]):
        path = cache.archive("backend", key)
        path.touch()
        os.utime(path, (age, age))
    other = cache.archive("backend-next", "4" * 16)
    other.touch()
    cache.forget_old("backend", cache.archive("backend", "3" * 16))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [f"backend-{'2' * 16}.tar", f"backend-{'3' * 16}.tar", other.name]
    )


def test_what_a_killed_build_left_goes(tmp_path: Path) -> None:
    (tmp_path / ".backend-left.tar.part").touch()
    (tmp_path / ".work-left" / "backend").mkdir(parents=True)
    (tmp_path / ".base-left").mkdir()
    with Cache(tmp_path).locked():
        assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_the_lock_is_released(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "new")
    for _ in range(2):
        with cache.locked():
            assert (tmp_path / "new" / ".lock").exists()
