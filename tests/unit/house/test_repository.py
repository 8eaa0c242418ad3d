"""What holds for the files of the repository, whoever wrote them."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.unit.house.tree import ROOT, shown, text, tracked

MODULE_LINES = 400
FUNCTION_LINES = 50
CODE = ("operator/", "tools/", "images/", "examples/")

# Written in parts, so that this file does not hold what it looks for.
INDEXES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("proxy", "golang", "org"),
        ("sum", "golang", "org"),
    )
]
INDEX_SETTINGS = re.compile("|".join(("--(?:extra-)?index" + "-url[ =]h", "GOPROXY" + "=h", "PIP_INDEX" + "_URL=h")))
# Names under .example belong to nobody (RFC 2606).
OTHER_MIRRORS = re.compile(r"https?://(?!deb\.debian\.org/|[\w.-]+\.example/)[^/\s\"'@]+/debian(?:-security)?[/ ]")
HOMES = re.compile(r"(?<![\w.])/" + r"(?:home/[a-z][-a-z0-9]*|root)/")
LOCKS = ("requirements.lock", "requirements-dev.lock")


def python() -> Iterator[Path]:
    return (path for path in tracked() if path.suffix == ".py")


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(text(path))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{shown(path)}: {node.name}", (node.end_lineno or node.lineno) - node.lineno + 1


def test_the_operators_folder_is_no_package_and_hides_no_standard_module() -> None:
    assert not (ROOT / "operator" / "__init__.py").exists()


def test_modules_are_small_rooms() -> None:
    sizes = {shown(path): text(path).count("\n") for path in python()}
    assert {name: size for name, size in sizes.items() if size > MODULE_LINES} == {}


def test_functions_are_short() -> None:
    found = (item for path in python() if shown(path).startswith(CODE) for item in functions(path))
    assert {name: size for name, size in found if size > FUNCTION_LINES} == {}


def test_every_module_of_the_operator_says_what_it_is_for() -> None:
    modules = [path for path in python() if shown(path).startswith("operator/")]
    assert modules
    assert [shown(path) for path in modules if not ast.get_docstring(ast.parse(text(path)))] == []


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{shown(path)}:{number}: {line.strip()[:100]}"
        for path in tracked()
        for number, line in enumerate(text(path).splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_a_package_index_or_a_proxy_of_one() -> None:
    assert lines_with(re.compile("|".join(map(re.escape, INDEXES)))) == []
    assert lines_with(INDEX_SETTINGS) == []
    assert lines_with(OTHER_MIRRORS) == []


def test_no_file_holds_a_path_of_the_machine_that_it_was_written_on() -> None:
    assert lines_with(HOMES) == []
    here = re.compile(rf"(?<![\w.]){re.escape(str(ROOT))}(?![\w-])")
    assert lines_with(here) == []


def test_the_locks_pin_and_hash_everything_and_name_no_host() -> None:
    for name in LOCKS:
        content = text(ROOT / name)
        assert "://" not in content
        pinned = re.findall(r"^([\w.\[\]-]+)==\S+", content, re.MULTILINE)
        assert len(pinned) > 10
        assert len(pinned) == len(
            re.findall(r"^\S+==.*\\\n(?: +--hash=sha256:[0-9a-f]{64}.*\n)+", content, re.MULTILINE)
        )


def test_what_is_tracked_is_text_and_ends_with_a_line_break() -> None:
    ends = {shown(path): path.read_bytes()[-1:] for path in python() if path.stat().st_size}
    assert {name for name, end in ends.items() if end != b"\n"} == set()


def test_nothing_that_git_is_told_to_ignore_is_tracked_and_no_link() -> None:
    ignored = subprocess.run(
        ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    assert ignored.stdout.decode().splitlines() == []
    modes = subprocess.run(["git", "ls-files", "--stage"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert [line for line in modes.stdout.splitlines() if line.startswith("120000")] == []
