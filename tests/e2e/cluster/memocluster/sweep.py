"""Traces that podman leaves on the host when its last container has gone."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from memocluster import paths
from memocluster.engine import Engine
from memocluster.errors import ClusterError
from memocluster.shell import run, succeeds

CGROUPS: Final = Path("/sys/fs/cgroup")
NETAVARK: Final = "NETAVARK"


def after_removal(engine: Engine) -> None:
    """With no container and no network of ours left, remove packet-filter chains and cgroups."""
    if engine.call("ps", "-aq", "--external").split():
        return
    remove_chains()
    remove_cgroups()


def remove_chains() -> None:
    """Delete netavark's empty chains, then tables that hold nothing any more."""
    try:
        listing = json.loads(run(["nft", "-j", "list", "ruleset"]))["nftables"]
    except (ClusterError, ValueError):
        return
    for command in deletions(listing):
        succeeds(["nft", *command.split()])


def deletions(listing: Sequence[Mapping[str, Any]]) -> list[str]:
    """The nft commands that remove empty leftovers from a `nft -j list ruleset`.

    Netavark works through iptables, whose tables are `nat` and `filter` (ip and
    ip6). A table goes only when none of its chains holds a rule.
    """
    chains = [entry["chain"] for entry in listing if "chain" in entry]
    rules = [entry["rule"] for entry in listing if "rule" in entry]
    commands: list[str] = []
    for family in ("ip", "ip6"):
        for table in ("nat", "filter"):
            own = [c for c in chains if (c["family"], c["table"]) == (family, table)]
            held = [r for r in rules if (r["family"], r["table"]) == (family, table)]
            if own and not held and any(_is_ours(chain) for chain in own):
                commands.append(f"delete table {family} {table}")
    return commands


def _is_ours(chain: Mapping[str, Any]) -> bool:
    return str(chain["name"]).startswith(NETAVARK)


def remove_cgroups() -> None:
    """Remove the control groups podman put its containers in, as far as they are empty."""
    for parent in _parents():
        for folder, _, _ in os.walk(parent, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:  # still in use, by a container that is not ours
                break


def _parents() -> Iterable[Path]:
    return [*CGROUPS.glob("libpod_parent"), *CGROUPS.glob("*/libpod_parent")]
