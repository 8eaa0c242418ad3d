"""What a cluster says when the operator does not come up."""

from __future__ import annotations

from .commands import StepError, kubectl

_LINES = "--tail=60"


def tell(cluster: str, namespace: str, selector: str) -> None:
    """Print pods, their descriptions and their logs, of this and of the container before."""
    for arguments in (
        ("get", "pods", "-o", "wide"),
        ("describe", "pods", "-l", selector),
        ("logs", "-l", selector, "--prefix", _LINES),
        ("logs", "-l", selector, "--prefix", _LINES, "--previous"),
    ):
        print(f"--- kubectl {' '.join(arguments)}", flush=True)
        try:
            print(kubectl(cluster, "-n", namespace, *arguments).rstrip(), flush=True)
        except StepError as error:
            print(error, flush=True)
