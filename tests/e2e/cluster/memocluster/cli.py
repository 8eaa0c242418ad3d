"""The command line."""

import argparse
import json
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from memocluster import clusters, lifecycle, packages, paths, toolbox
from memocluster.clusters import CLUSTERS, MOST_NODES
from memocluster.engine import podman_settings
from memocluster.errors import ClusterError

Command = Callable[[argparse.Namespace], None]


def main(arguments: Sequence[str]) -> int:
    """Run one command; 0, or 2 after one line on standard error, or 130 when interrupted."""
    options = parser().parse_args(arguments)
    command: Command = options.command
    try:
        command(options)
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except PermissionError as error:
        print(f"error: no right to write {error.filename}: run this as root", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the next up or down cleans up", file=sys.stderr)
        return 130
    return 0


def parser() -> argparse.ArgumentParser:
    """Every command with its arguments."""
    top = argparse.ArgumentParser(
        prog="python3 tests/e2e/cluster", description="Local Kubernetes clusters; see the README beside this program."
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Command, text: str, *, named: bool) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(command=command)
        if named:
            added.add_argument("name", choices=tuple(CLUSTERS))
        return added

    making = add("up", up, "make the cluster, or repair it; nothing where it runs", named=True)
    count = "in all; without it test has 2, the others 1"
    making.add_argument("--nodes", type=int, choices=range(1, MOST_NODES + 1), help=count)
    making.add_argument("--audit-reads", action="store_true", help="record reads too")
    add("down", down, "remove the cluster and every trace of it", named=True)
    add("kubeconfig", kubeconfig, "print the path of the cluster's kubeconfig", named=True)
    add("ports", ports, "print node port -> port on 127.0.0.1 as JSON", named=True)
    loading = add("load", load, "load image archives into the cluster's nodes", named=True)
    loading.add_argument("archives", nargs="+", type=Path)
    add("audit", audit, "print the API server's audit log, one JSON object a line", named=True)
    add("tools", tools, "build kind, kubectl and helm; print their folder", named=False)
    add("status", status, "print every cluster and whether it runs", named=False)
    add("podman-env", podman_env, "print the variables for podman and buildah", named=False)
    return top


def up(options: argparse.Namespace) -> None:
    """Make or repair, then say on standard output how to reach the cluster."""
    cluster = clusters.named(options.name)
    lifecycle.up(cluster, nodes=options.nodes, audit_reads=options.audit_reads)
    print(f"export KUBECONFIG={shlex.quote(str(paths.kubeconfig(cluster.name)))}")
    print(f"export PATH={shlex.quote(str(toolbox.folder()))}:$PATH")


def down(options: argparse.Namespace) -> None:
    """Remove."""
    lifecycle.down(clusters.named(options.name))


def kubeconfig(options: argparse.Namespace) -> None:
    """Print the path, for a cluster that is up."""
    cluster = clusters.named(options.name)
    lifecycle.require(cluster)
    print(paths.kubeconfig(cluster.name))


def ports(options: argparse.Namespace) -> None:
    """Print the mapping; it is fixed, so the cluster need not be up."""
    print(json.dumps(dict(clusters.named(options.name).ports)))


def load(options: argparse.Namespace) -> None:
    """Load the archives."""
    lifecycle.load(clusters.named(options.name), options.archives)


def audit(options: argparse.Namespace) -> None:
    """Print the log."""
    if lifecycle.audit_log(clusters.named(options.name)):
        raise ClusterError("the audit log could not be read")


def tools(_: argparse.Namespace) -> None:
    """Build and print the folder."""
    print(toolbox.ensure())


def status(_: argparse.Namespace) -> None:
    """Print one line a cluster."""
    for name, state in lifecycle.status().items():
        print(f"{name:6} {state}")


def podman_env(_: argparse.Namespace) -> None:
    """Print NAME=value lines, for `env $(...) buildah ...`."""
    packages.ensure(packages.CONTAINERS)
    for name, value in podman_settings().items():
        print(f"{name}={shlex.quote(value)}")
