"""Traces that podman leaves on the host when its last container has gone."""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from memocluster.engine import Engine
from memocluster.errors import ClusterError
from memocluster.shell import run, succeeds

CGROUPS: Final = Path("/sys/fs/cgroup")
PARENT: Final = "libpod_parent"
NETAVARK: Final = "NETAVARK"
FILLED_BY_NETWORKS: Final = ("NETAVARK-HOSTPORT-DNAT", "NETAVARK_FORWARD")
FRAME: Final = (*FILLED_BY_NETWORKS, "NETAVARK-HOSTPORT-MASQ", "NETAVARK-HOSTPORT-SETMARK")
"""The chains that stay when no network is left; each network has further ones."""

Entry = Mapping[str, Any]


def after_removal(engine: Engine) -> None:
    """With no container of ours left, remove packet-filter chains and control groups."""
    if engine.call("ps", "-aq", "--external").split():
        return
    remove_chains()
    remove_cgroups()


def remove_chains() -> None:
    """Delete what netavark keeps in the packet filter when its last network has gone."""
    try:
        listing = json.loads(run(["nft", "-j", "list", "ruleset"]))["nftables"]
    except (ClusterError, ValueError):
        return
    for command in deletions(listing):
        succeeds(["nft", *command.split()])


def deletions(listing: Sequence[Entry]) -> list[str]:
    """The nft commands that remove netavark's frame from a `nft -j list ruleset`.

    None while a network lives, ours or another podman's. A table that holds nothing
    else goes as a whole; from one that others use, only netavark's parts go.
    """
    chains = [entry["chain"] for entry in listing if "chain" in entry]
    rules = [entry["rule"] for entry in listing if "rule" in entry]
    ours = [chain for chain in chains if chain["name"].startswith(NETAVARK)]
    alive = any(chain["name"] not in FRAME for chain in ours)
    if alive or any(rule["chain"] in FILLED_BY_NETWORKS for rule in rules):
        return []
    commands: list[str] = []
    for table in sorted({_table(chain) for chain in ours}):
        commands += _from_table(
            table,
            [chain for chain in chains if _table(chain) == table],
            [rule for rule in rules if _table(rule) == table],
        )
    return commands


def _from_table(table: str, chains: Sequence[Entry], rules: Sequence[Entry]) -> list[str]:
    outside = [rule for rule in rules if not rule["chain"].startswith(NETAVARK)]
    jumps = [rule for rule in outside if _leads_to_netavark(rule)]
    foreign = [chain for chain in chains if not chain["name"].startswith(NETAVARK)]
    harmless = all(chain.get("policy") == "accept" for chain in foreign)
    if len(jumps) == len(outside) and harmless:
        return [f"delete table {table}"]
    ours = [chain["name"] for chain in chains if chain not in foreign]
    return [
        *(f"delete rule {table} {rule['chain']} handle {rule['handle']}" for rule in jumps),
        *(f"flush chain {table} {name}" for name in ours),
        *(f"delete chain {table} {name}" for name in ours),
    ]


def _table(entry: Entry) -> str:
    return f"{entry['family']} {entry['table']}"


def _leads_to_netavark(rule: Entry) -> bool:
    targets = [part["jump"]["target"] for part in rule.get("expr", ()) if "jump" in part]
    return any(target.startswith(NETAVARK) for target in targets)


def remove_cgroups(root: Path = CGROUPS) -> None:
    """Remove the control groups podman put its containers in, unless a process is in one."""
    for parent in (*root.glob(PARENT), *root.glob(f"*/{PARENT}")):
        groups = [Path(folder) for folder, _, _ in os.walk(parent, topdown=False)]
        if any(_processes(group) for group in groups):  # a container that is not ours
            continue
        for group in groups:
            with suppress(OSError):
                group.rmdir()


def _processes(group: Path) -> str:
    try:
        return (group / "cgroup.procs").read_text().strip()
    except FileNotFoundError:
        return ""
