"""What is deleted from the packet filter and the control groups, and what is left alone."""

from pathlib import Path
from typing import Any

import pytest
from memocluster import sweep

Entry = dict[str, Any]


def chain(table: str, name: str, policy: str | None = None) -> Entry:
    family, bare = table.split()
    base = {"policy": policy} if policy else {}
    return {"chain": {"family": family, "table": bare, "name": name, **base}}


def rule(table: str, inside: str, handle: int = 1, jump: str | None = None) -> Entry:
    family, bare = table.split()
    expr: list[Entry] = [{"counter": {}}, *([{"jump": {"target": jump}}] if jump else [])]
    return {"rule": {"family": family, "table": bare, "chain": inside, "handle": handle, "expr": expr}}


def frame() -> list[Entry]:
    """What netavark leaves in `ip nat` and `ip filter` when its last network has gone."""
    return [
        {"metainfo": {"version": "1.0.6"}},
        {"table": {"family": "ip", "name": "nat"}},
        chain("ip nat", "POSTROUTING", "accept"),
        chain("ip nat", "PREROUTING", "accept"),
        chain("ip nat", "NETAVARK-HOSTPORT-SETMARK"),
        chain("ip nat", "NETAVARK-HOSTPORT-MASQ"),
        chain("ip nat", "NETAVARK-HOSTPORT-DNAT"),
        rule("ip nat", "POSTROUTING", 7, "NETAVARK-HOSTPORT-MASQ"),
        rule("ip nat", "PREROUTING", 8, "NETAVARK-HOSTPORT-DNAT"),
        rule("ip nat", "NETAVARK-HOSTPORT-SETMARK"),
        rule("ip nat", "NETAVARK-HOSTPORT-MASQ"),
        chain("ip filter", "FORWARD", "accept"),
        chain("ip filter", "NETAVARK_FORWARD"),
        rule("ip filter", "FORWARD", 9, "NETAVARK_FORWARD"),
    ]


def test_tables_that_hold_only_the_empty_frame_go() -> None:
    assert sweep.deletions(frame()) == ["delete table ip filter", "delete table ip nat"]


def test_nothing_goes_while_a_network_lives() -> None:
    assert sweep.deletions([*frame(), chain("ip nat", "NETAVARK-CB8A7A4C08FC7")]) == []


@pytest.mark.parametrize("busy", sweep.FILLED_BY_NETWORKS)
def test_nothing_goes_while_a_chain_of_the_frame_is_filled(busy: str) -> None:
    assert sweep.deletions([*frame(), rule("ip nat", busy)]) == []


def test_from_a_table_of_others_only_our_parts_go() -> None:
    commands = sweep.deletions([*frame(), rule("ip filter", "FORWARD", 12, "DOCKER-USER")])
    assert commands == [
        "delete rule ip filter FORWARD handle 9",
        "flush chain ip filter NETAVARK_FORWARD",
        "delete chain ip filter NETAVARK_FORWARD",
        "delete table ip nat",
    ]


def test_a_table_that_drops_by_policy_stays() -> None:
    listing = [entry for entry in frame() if entry.get("chain", {}).get("name") != "FORWARD"]
    commands = sweep.deletions([*listing, chain("ip filter", "FORWARD", "drop")])
    assert "delete table ip filter" not in commands
    assert "delete chain ip filter NETAVARK_FORWARD" in commands


def test_tables_without_netavark_are_not_touched() -> None:
    assert sweep.deletions([chain("inet firewall", "input", "drop"), rule("inet firewall", "input")]) == []


def groups(root: Path, processes: str) -> Path:
    """Two hierarchies with a container's group each; only the first holds the processes."""
    for hierarchy, content in (("memory", processes), ("cpu", "")):
        inner = root / hierarchy / "libpod_parent" / "libpod-1"
        inner.mkdir(parents=True)
        (inner / "cgroup.procs").write_text(content)
    return root


def test_groups_with_a_process_stay_whole(tmp_path: Path) -> None:
    sweep.remove_cgroups(groups(tmp_path, "4711\n"))
    assert (tmp_path / "memory" / "libpod_parent" / "libpod-1").is_dir()


def test_empty_groups_go(tmp_path: Path) -> None:
    for hierarchy in ("memory", "cpu"):
        (tmp_path / hierarchy / "libpod_parent" / "libpod-1").mkdir(parents=True)
    sweep.remove_cgroups(tmp_path)
    assert not list(tmp_path.glob("*/libpod_parent"))
