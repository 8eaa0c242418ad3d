"""Break each promise in the code once and see that its tests turn red: ``make mutants``.

A mutant is one exact piece of code and what stands there instead (tools/mutants/<promise>.toml). It is applied to a
copy of the tree, never to the working tree, and the tests that it names must then fail:

========  ============================================================================
killed    a test failed, as it must
SURVIVED  every test passed: the promise could be broken and nobody would notice
STALE     the piece of code is not there, or not once: the mutant has to follow the code
BROKEN    the tests could not even be collected: that shows nothing
========  ============================================================================

Exit code 0 where every mutant was killed. Arguments: parts of names, to try those alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).resolve().parents[1]
TABLES = ROOT / "tools" / "mutants"
COPIED = ("operator", "tests", "crds", "charts", "docs", "examples", "images", "manifests", "tools", "pyproject.toml")
TEST_SECONDS = 60
RUN_SECONDS = 600
PASSED, FAILED = 0, 1


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mutation.

    Attributes:
        promise: its number in docs/promises.md.
        name: what it breaks, in a few words.
        file: which one, from the root of the repository.
        old: the piece of code; it stands there exactly once.
        new: what takes its place.
        tests: what must turn red, as pytest takes it.
    """

    promise: int
    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def fits(self, root: Path) -> bool:
        """True where the piece of code is there, once."""
        path = root / self.file
        return path.is_file() and path.read_text(encoding="utf-8").count(self.old) == 1


def mutants(folder: Path = TABLES) -> tuple[Mutant, ...]:
    """All of them, by promise."""
    found = []
    for path in sorted(folder.glob("*.toml")):
        for entry in tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]:
            entry["tests"] = tuple(entry["tests"])
            found.append(Mutant(promise=int(path.stem), **entry))
    return tuple(found)


def copy_of_the_tree(folder: Path) -> Path:
    """Everything that the tests need, without caches."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            shutil.copy2(source, folder / name)
    return folder


def outcome(folder: Path, tests: Iterable[str], *options: str) -> tuple[int, str]:
    """How pytest ended, and what it said. A test that hangs has failed."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", f"--timeout={TEST_SECONDS}"]
    environment = {**os.environ, "PYTHONPATH": "operator:.", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [*command, *options, *tests],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=RUN_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return FAILED, f"not done after {RUN_SECONDS} s"
    return done.returncode, done.stdout + done.stderr


def try_out(mutant: Mutant, folder: Path) -> str:
    """What becomes of one mutant; the folder is left as it was."""
    if not mutant.fits(folder):
        return "STALE"
    path = folder / mutant.file
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        code, _ = outcome(folder, mutant.tests)
    finally:
        path.write_text(before, encoding="utf-8")
    return {PASSED: "SURVIVED", FAILED: "killed"}.get(code, "BROKEN")


def try_all(chosen: tuple[Mutant, ...], folders: list[Path]) -> list[str]:
    """The results in order, printed as they come; as many at once as there are folders."""
    free: SimpleQueue[Path] = SimpleQueue()
    for folder in folders:
        free.put(folder)

    def one(mutant: Mutant) -> tuple[str, float]:
        folder, began = free.get(), time.monotonic()
        try:
            return try_out(mutant, folder), time.monotonic() - began
        finally:
            free.put(folder)

    results = []
    with ThreadPoolExecutor(len(folders)) as pool:
        for mutant, (result, seconds) in zip(chosen, pool.map(one, chosen), strict=True):
            print(f"{mutant.name:64} {mutant.promise:>7}  {result} ({seconds:.0f} s)", flush=True)
            results.append(result)
    return results


def main(arguments: list[str]) -> int:
    """Exit code 0 where every mutant was killed, 1 where not, 2 where the tests are red without any."""
    chosen = tuple(each for each in mutants() if not arguments or any(part in each.name for part in arguments))
    workers = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as temporary:
        folders = [copy_of_the_tree(Path(temporary) / str(number)) for number in range(workers)]
        tests = sorted({test for mutant in chosen for test in mutant.tests})
        code, said = outcome(folders[0], tests, "-n", str(workers))
        if code != PASSED:
            print(said[-4000:])
            print("the tests are not green without a mutant: nothing can be said of any")
            return 2
        print(f"{'NAME':64} PROMISE  RESULT")
        results = try_all(chosen, folders)
    print(f"{results.count('killed')} of {len(results)} killed")
    return 0 if results and set(results) == {"killed"} else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
