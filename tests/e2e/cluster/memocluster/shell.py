"""Run other programs: output to the log, and no child outlives this process."""

import ctypes
import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from memocluster import paths
from memocluster.errors import ClusterError, CommandFailed

LOG_BYTES = 10_000_000
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """In a child, before exec: be killed when the parent dies, even by SIGKILL.

    Otherwise a half-done `kind create` would race with the `up` that repairs it.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
) -> str:
    """Run a program to its end and return its standard output.

    ``env`` is added to this process's environment. Raises CommandFailed on a bad
    exit and ClusterError when the program is missing or exceeds ``timeout`` seconds.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(  # noqa: PLW1509 - the only threads print progress
            words,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            timeout=timeout,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            stdin=subprocess.DEVNULL,
            preexec_fn=die_with_parent,
        )
    except FileNotFoundError:
        raise ClusterError(f"{words[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise ClusterError(f"{Path(words[0]).name} gave no answer within {timeout:g} s") from None
    record(words, done.returncode, done.stdout + done.stderr)
    if done.returncode:
        program = " ".join([Path(words[0]).name, *words[1:3]])
        raise CommandFailed(program, done.returncode, done.stdout + done.stderr, paths.log())
    return done.stdout


def through(command: Sequence[str], *, env: Mapping[str, str]) -> int:
    """Run a program whose output is the command's own output; its exit code."""
    environment = {**os.environ, **env}
    return subprocess.run(
        command, env=environment, check=False, preexec_fn=die_with_parent
    ).returncode


def succeeds(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> bool:
    """Whether the program is there, ends in time and reports success."""
    try:
        run(command, env=env, timeout=timeout)
    except ClusterError:
        return False
    return True


def record(words: Sequence[str], code: int, output: str) -> None:
    """Append one command and what it printed to the log."""
    paths.log().parent.mkdir(parents=True, exist_ok=True)
    if paths.log().exists() and paths.log().stat().st_size > LOG_BYTES:
        paths.log().replace(paths.log().with_suffix(".log.old"))
    with paths.log().open("a") as log:
        log.write(f"$ {shlex.join(words)}\n{output.rstrip()}\n[exit {code}]\n")
