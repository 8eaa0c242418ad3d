"""Every promise that holds today is named in the docs, shown by tests and tried by mutants that still fit the code."""

from __future__ import annotations

import importlib.util
import re
import sys
from functools import cache
from typing import Any

import pytest

from tests.unit.house.tree import ROOT

PAGE = ROOT / "docs" / "promises.md"
ALL = range(1, 13)
SHOWN = sorted({int(path.name[13:15]) for path in (ROOT / "tests" / "sim").glob("test_promise_*.py")})


@cache
def mutants() -> tuple[Any, ...]:
    spec = importlib.util.spec_from_file_location("mutants", ROOT / "tools" / "mutants.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutants"] = module
    spec.loader.exec_module(module)
    found: tuple[Any, ...] = module.mutants()
    return found


def rows() -> dict[int, str]:
    found = re.findall(r"^\| (\d+) \|[^|]+\|(.+)\|$", PAGE.read_text(), re.MULTILINE)
    return {int(number): held_by for number, held_by in found}


def test_the_docs_name_every_promise_once() -> None:
    assert list(rows()) == list(ALL)


@pytest.mark.parametrize("promise", SHOWN)
def test_a_promise_that_the_simulation_shows_is_named_with_its_tests(promise: int) -> None:
    assert f"tests/sim/test_promise_{promise:02}_" in rows()[promise]


def test_tests_that_the_docs_name_are_there() -> None:
    named = [(number, path) for number, held in rows().items() for path in re.findall(r"tests/[\w*/.]*[\w*/]", held)]
    assert named
    assert [(number, path) for number, path in named if not list(ROOT.glob(path))] == []


@pytest.mark.parametrize("promise", SHOWN)
def test_a_promise_has_a_mutant(promise: int) -> None:
    assert promise in {mutant.promise for mutant in mutants()}


def test_every_mutant_fits_the_code() -> None:
    assert [mutant.name for mutant in mutants() if not mutant.fits(ROOT)] == []
    assert [mutant.name for mutant in mutants() if mutant.old == mutant.new] == []


def test_the_tests_that_a_mutant_names_are_there() -> None:
    named = [(mutant.name, *test.partition("::")[::2]) for mutant in mutants() for test in mutant.tests]
    lost = [
        (mutant, path, function)
        for mutant, path, function in named
        if not (ROOT / path).exists() or (function and f"def {function}(" not in (ROOT / path).read_text())
    ]
    assert lost == []
    assert all(mutant.tests for mutant in mutants())


def test_names_of_mutants_tell_them_apart() -> None:
    names = [mutant.name for mutant in mutants()]
    assert len(names) == len(set(names))
