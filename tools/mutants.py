"""Break each promise in the code once and see that its tests turn red: ``make mutants``.

A mutant is one exact piece of code and what stands there instead. It is applied to a copy of the tree, never to the
working tree. A mutant that no test notices has SURVIVED; one whose piece of code is not there any more is STALE; both
end the run with code 1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "operator/memoapp_operator"
COPIED = ("operator", "tests", "images", "examples", "manifests", "crds", "charts", "docs", "tools", "pyproject.toml")
TEST_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mutation.

    Attributes:
        name: what it breaks, in a few words.
        promise: number in docs/promises.md.
        file: below the package.
        old: the piece of code; it stands there exactly once.
        new: what takes its place.
        tests: what must turn red.
    """

    name: str
    promise: int
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


MUTANTS = (
    Mutant(
        "the spec is written back with the status",
        7,
        "runtime/reconcile.py",
        'return await self._cluster.replace_status({**snapshot.raw, "status": dumped(status)})',
        'return await self._cluster.apply({**snapshot.raw, "status": dumped(status)})',
        ("tests/sim/test_promise_07_spec_is_never_written.py",),
    ),
    Mutant(
        "labels of the MemoApp are copied to its children",
        7,
        "render/metadata.py",
        '"labels": names.labels(app.name, component, colour and colour.value),',
        '"labels": names.labels(app.name, component, colour and colour.value) | {"app.kubernetes.io/instance": "x"},',
        ("tests/unit/render", "tests/sim/test_promise_07_spec_is_never_written.py"),
    ),
    Mutant(
        "it acts before the status is committed",
        8,
        "runtime/reconcile.py",
        "committed = await self._commit(snapshot, decision.status)",
        "await self._actor.act(snapshot, decision.status, memory)\n"
        "        committed = await self._commit(snapshot, decision.status)",
        ("tests/sim/test_promise_08_killed_at_any_write.py", "tests/sim/test_promise_08_two_leaders.py"),
    ),
    Mutant(
        "a new password is minted beside data that is there",
        8,
        "runtime/act.py",
        "if self._would_lose(skeleton, snapshot):",
        "if not skeleton:",
        ("tests/sim/test_promise_05_kept_data.py",),
    ),
    Mutant(
        "writes go on after the lease's end",
        8,
        "adapters/kube.py",
        "        if left <= 0:\n            raise LeaseLostError\n",
        "",
        ("tests/unit/adapters",),
    ),
    Mutant(
        "a leader trusts its lease for its whole length",
        8,
        "runtime/lease.py",
        "return self.length * 2 / 3",
        "return self.length * 2",
        ("tests/unit/runtime/test_lease_safety.py", "tests/unit/runtime/test_lease.py"),
    ),
    Mutant(
        "what the API server says of a refused Secret is told",
        9,
        "runtime/act.py",
        "if ref.kind == SECRET else error.message",
        "if ref.kind is None else error.message",
        ("tests/sim/test_promise_09_secrets_stay_secret.py",),
    ),
    Mutant(
        "credentials can be printed",
        9,
        "render/context.py",
        "@dataclass(frozen=True, slots=True, repr=False)",
        "@dataclass(frozen=True, slots=True)",
        ("tests/unit/render",),
    ),
    Mutant(
        "a creation begins though somebody else has a child's name",
        10,
        "domain/decide.py",
        "return not in_the_way or seen.app.status.active is not None",
        "return True",
        ("tests/sim/test_promise_10_foreign_objects.py",),
    ),
    Mutant(
        "a database may be given to another user",
        10,
        "api/v1alpha1/data.py",
        '("self.user == oldSelf.user", "user is immutable"),',
        "",
        ("tests/unit/api",),
    ),
    Mutant(
        "an unchanged child is applied again",
        11,
        "domain/ownership.py",
        "found = ChildState.DIFFERS if differences(wanted, live) else ChildState.CURRENT",
        "found = ChildState.DIFFERS",
        ("tests/sim/test_promise_11_rest_costs_nothing.py",),
    ),
    Mutant(
        "an unchanged status is written again",
        11,
        "runtime/reconcile.py",
        "if dumped(status) == dumped(snapshot.context.app.status):",
        "if status is snapshot.raw:",
        ("tests/sim/test_promise_11_rest_costs_nothing.py",),
    ),
    Mutant(
        "the watches leave marks on what they watch",
        11,
        "handlers.py",
        "@kopf.on.event(MEMO_APP.group, MEMO_APP.version, MEMO_APP.plural, registry=found)",
        "@kopf.on.update(MEMO_APP.group, MEMO_APP.version, MEMO_APP.plural, registry=found)",
        ("tests/wiring",),
    ),
)


def copy_of_the_tree(folder: Path) -> None:
    """Everything that the tests need, without caches."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".*cache"))
        else:
            shutil.copy2(source, folder / name)


def red(folder: Path, tests: tuple[str, ...]) -> bool:
    """True where a test failed; no test at all, or an end by another cause, is no answer.

    Raises:
        RuntimeError: pytest did not run the tests.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "2", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": "operator:.", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=TEST_SECONDS
    )
    if done.returncode not in {0, 1, 2}:
        raise RuntimeError(f"{' '.join(tests)}: pytest ended with {done.returncode}\n{done.stdout[-2000:]}")
    return done.returncode != 0


def try_out(mutant: Mutant, folder: Path) -> str:
    """KILLED, SURVIVED or STALE."""
    path = folder / PACKAGE / mutant.file
    before = path.read_text()
    if before.count(mutant.old) != 1:
        return "STALE"
    path.write_text(before.replace(mutant.old, mutant.new))
    try:
        return "killed" if red(folder, mutant.tests) else "SURVIVED"
    finally:
        path.write_text(before)


def main() -> int:
    """Exit code 0 where every mutant was killed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_of_the_tree(folder)
        everything = tuple(sorted({test for mutant in MUTANTS for test in mutant.tests}))
        print("without a mutation: ", end="", flush=True)
        if red(folder, everything):
            print("RED; nothing can be said of the mutants")
            return 1
        print("green")
        results = []
        for mutant in MUTANTS:
            began = time.monotonic()
            results.append(try_out(mutant, folder))
            seconds = time.monotonic() - began
            print(f"{results[-1]:9} promise {mutant.promise:2}  {mutant.name} ({seconds:.0f} s)", flush=True)
    print(f"{results.count('killed')} killed, {len(results) - results.count('killed')} not")
    return 0 if set(results) == {"killed"} else 1


if __name__ == "__main__":
    sys.exit(main())
