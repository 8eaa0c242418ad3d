"""Run programs for the steps, and tell on standard output what a step did and how long it took."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLUSTERS = ("python3", "tests/e2e/cluster")
IMAGES = ("python3", "images/build")


class StepError(Exception):
    """A step failed; the message is for people, what the program itself printed stands above it."""


def output(command: Sequence[str], env: Mapping[str, str] | None = None, given: str | None = None) -> str:
    """Standard output of a program that is run at the root of the repository; its progress stays visible.

    Raises:
        StepError: the program is not there, or ended with another code than 0.
    """
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=env,
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise StepError(f"{command[0]} is not installed") from None
    if done.returncode:
        told = f"{done.stdout.rstrip()}\n" if done.stdout.strip() else ""
        raise StepError(f"{told}{' '.join(command[:4])} ended with code {done.returncode}")
    return done.stdout


@contextmanager
def step(title: str) -> Iterator[list[str]]:
    """Announce a step; at its end say how long it took, and what it left as notes in the list that it is given."""
    began = time.monotonic()
    notes: list[str] = []
    print(f"==> {title}", flush=True)
    yield notes
    print(f"    {', '.join([*notes, f'{time.monotonic() - began:.1f} s'])}", flush=True)


@cache
def environment(cluster: str) -> Mapping[str, str]:
    """The environment in which kubectl and helm reach the cluster, which must be up, and no other."""
    tools = output((*CLUSTERS, "tools")).strip()
    kubeconfig = output((*CLUSTERS, "kubeconfig", cluster)).strip()
    return {**os.environ, "KUBECONFIG": kubeconfig, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}


def tool(cluster: str, name: str) -> str:
    """The path of kubectl, helm or kind."""
    return str(Path(environment(cluster)["PATH"].partition(os.pathsep)[0]) / name)


def kubectl(cluster: str, *arguments: str) -> str:
    """Output of kubectl on the cluster."""
    return output((tool(cluster, "kubectl"), *arguments), environment(cluster))
