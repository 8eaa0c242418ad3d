"""The import layers of pyproject.toml hold, and they speak of every module that there is."""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Iterator

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from tests.unit.house.tree import ROOT

PACKAGE = ROOT / "operator" / "memoapp_operator"
PURE = ("domain", "render", "api")


@pytest.fixture
def _loggers_as_before() -> Iterator[None]:
    """The linter sets logging up anew, and so disables every logger that there is."""
    found = [item for item in logging.root.manager.loggerDict.values() if isinstance(item, logging.Logger)]
    before = [item.disabled for item in found]
    yield
    for item, disabled in zip(found, before, strict=True):
        item.disabled = disabled


@pytest.mark.usefixtures("_loggers_as_before")
def test_every_contract_is_kept(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "operator"))
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == EXIT_STATUS_SUCCESS, (
        capsys.readouterr().out
    )


def contracts() -> dict[str, dict[str, list[str]]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    return {contract["name"]: contract for contract in settings["contracts"]}


def test_the_core_is_forbidden_whatever_could_see_the_outside() -> None:
    core = contracts()["The core does no I/O"]
    assert {f"memoapp_operator.{name}" for name in PURE} <= set(core["source_modules"])
    assert {"asyncio", "kopf", "kubernetes", "aiohttp", "psycopg", "time", "random"} <= set(core["forbidden_modules"])


def test_every_part_of_the_package_has_its_layer() -> None:
    layers = contracts()["Layers of the house"]
    named = {part.strip() for layer in layers["layers"] for part in layer.split(":")} | set(
        layers["exhaustive_ignores"]
    )
    parts = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert parts - {"__init__"} == named


def test_only_the_handlers_know_kopf() -> None:
    users = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if any(line.startswith(("import kopf", "from kopf")) for line in path.read_text().splitlines())
    }
    assert users == {"handlers.py"}
