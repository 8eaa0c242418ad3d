"""Which cluster the tests may touch: one that was made for them, named by the environment, and no other."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pytest
import yaml

KUBECONFIG = "MEMOAPP_KUBECONFIG"
CONTEXT = "MEMOAPP_E2E_CONTEXT"
PREFIX = "kind-memoapp-"


class Stoppable(Protocol):
    """The part of ``pytest.Session`` that ends a run."""

    shouldstop: bool | str


class ForeignClusterError(RuntimeError):
    """The environment names no cluster that was made for the tests."""


def kubeconfig(environment: Mapping[str, str] = os.environ) -> Path:
    """The kubeconfig of the test cluster, from ``MEMOAPP_KUBECONFIG``.

    Its current context must begin with ``kind-memoapp-``, or be the one that ``MEMOAPP_E2E_CONTEXT`` names exactly.
    The usual KUBECONFIG and the home folder are never looked at.

    Raises:
        ForeignClusterError: in every other case; its message is one line.
    """
    path = _path(environment.get(KUBECONFIG, ""))
    context = _current_context(path)
    if context.startswith(PREFIX) or (context and context == environment.get(CONTEXT)):
        return path
    raise ForeignClusterError(
        f"refusing to test on context {context!r} of {path}: "
        f"its name does not begin with {PREFIX!r}, and {CONTEXT} does not name it"
    )


def kubeconfig_or_stop(session: Stoppable) -> Path:
    """As ``kubeconfig``, for fixtures: where there is no test cluster the whole run fails, with one line that says why.

    It works in the workers of pytest-xdist too, where ``pytest.exit`` would lose its message.
    """
    try:
        return kubeconfig()
    except ForeignClusterError as error:
        reason = str(error)
    session.shouldstop = reason
    pytest.fail(reason, pytrace=False)


def _path(value: str) -> Path:
    if not value:
        raise ForeignClusterError(f"{KUBECONFIG} is not set: these tests need the cluster that `make cluster` starts")
    path = Path(value)
    if not path.is_file():
        raise ForeignClusterError(f"{KUBECONFIG} names {path}, which is no file: is the cluster up?")
    return path


def _current_context(path: Path) -> str:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ForeignClusterError(f"{path} is no kubeconfig: {type(error).__name__}") from error
    found = content.get("current-context") if isinstance(content, dict) else None
    return found if isinstance(found, str) else ""
