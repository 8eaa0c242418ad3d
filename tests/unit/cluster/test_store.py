"""The cache: a part is known by the content it is made from, and is there whole or not at all."""

from pathlib import Path

import pytest
from memocluster import store


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEMOAPP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def recipe(folder: Path) -> Path:
    (folder / "etc").mkdir(parents=True)
    (folder / "etc" / "run").write_text("one")
    return folder


def test_the_same_input_has_the_same_key(tmp_path: Path) -> None:
    assert store.key("1.0", recipe(tmp_path / "a")) == store.key("1.0", recipe(tmp_path / "b"))


def test_inputs_do_not_run_together() -> None:
    assert store.key("ab", "c") != store.key("a", "bc")


def test_version_content_name_and_mode_each_change_the_key(tmp_path: Path) -> None:
    folder = recipe(tmp_path / "a")
    keys = [store.key("1.0", folder), store.key("1.1", folder)]
    (folder / "etc" / "run").write_text("two")
    keys.append(store.key("1.0", folder))
    (folder / "etc" / "run").chmod(0o755)
    keys.append(store.key("1.0", folder))
    (folder / "etc" / "run").rename(folder / "etc" / "walk")
    keys.append(store.key("1.0", folder))
    assert len(set(keys)) == len(keys)


def test_a_part_is_made_once() -> None:
    calls: list[Path] = []

    def make(folder: Path) -> None:
        calls.append(folder)
        (folder / "program").write_text("x")

    first = store.part("tool", "123", make)
    assert store.part("tool", "123", make) == first
    assert (first / "program").read_text() == "x"
    assert len(calls) == 1


def test_a_failed_build_leaves_nothing_and_the_next_one_starts_afresh(cache: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("")
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        store.part("tool", "123", fail)
    assert [path.name for path in cache.iterdir()] == [".tool.lock"]
    assert list(store.part("tool", "123", lambda _: None).iterdir()) == []


def test_what_a_killed_build_left_goes_with_the_next_one(cache: Path) -> None:
    (cache / ".tool.tmp-killed").mkdir(parents=True)
    store.part("tool", "123", lambda _: None)
    assert not (cache / ".tool.tmp-killed").exists()
