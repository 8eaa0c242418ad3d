"""Run other programs: output to the log, and no child outlives this process."""

import ctypes
import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from memocluster import paths
from memocluster.errors import ClusterError, CommandError

LOG_BYTES: Final = 10_000_000
_PR_SET_PDEATHSIG: Final = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent() -> None:
    """In a child, before exec: be killed when the parent dies, even by SIGKILL.

    Otherwise a half-done `kind create` would race with the `up` that repairs it.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def start(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    stdout: int | IO[bytes] | None = subprocess.PIPE,
    stderr: int | IO[bytes] | None = subprocess.PIPE,
) -> subprocess.Popen[bytes]:
    """Start a program with ``env`` added to this process's environment.

    Raises ClusterError when the program is missing.
    """
    try:
        return subprocess.Popen(
            [str(word) for word in command],
            env={**os.environ, **(env or {})},
            cwd=cwd,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - the only other thread prints progress
        )
    except FileNotFoundError:
        raise ClusterError(f"{command[0]} is not installed") from None


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
) -> str:
    """Run a program to its end and return its standard output.

    Raises CommandError on a bad exit and ClusterError when the program is missing
    or exceeds ``timeout`` seconds.
    """
    words = [str(word) for word in command]
    with start(words, env=env, cwd=cwd, stdin=stdin) as process:
        try:
            out, err = (stream.decode(errors="replace") for stream in process.communicate(timeout=timeout))
        except subprocess.TimeoutExpired:
            process.kill()
            raise ClusterError(f"{Path(words[0]).name} gave no answer within {timeout:g} s") from None
        except BaseException:
            process.kill()
            raise
    record(words, process.returncode, out + err)
    if process.returncode:
        program = " ".join([Path(words[0]).name, *words[1:3]])
        raise CommandError(program, process.returncode, out + err, paths.log())
    return out


def through(command: Sequence[str], *, env: Mapping[str, str]) -> int:
    """Run a program whose output is the command's own output; its exit code."""
    with start(command, env=env, stdout=None, stderr=None) as process:
        return process.wait()


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
