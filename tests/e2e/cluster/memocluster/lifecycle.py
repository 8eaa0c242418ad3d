"""Make, repair and remove clusters."""

import json
import shutil
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from memocluster import (
    gotools,
    kindconfig,
    metrics,
    nodeimage,
    paths,
    preflight,
    provider,
    readiness,
    record,
    sweep,
    toolbox,
    versions,
)
from memocluster.clusters import CLUSTERS, Cluster
from memocluster.engine import Engine
from memocluster.errors import ClusterError
from memocluster.locks import lock
from memocluster.progress import say, step
from memocluster.provider import Provider
from memocluster.record import Record
from memocluster.shell import run


def up(cluster: Cluster, *, nodes: int | None = None, audit_reads: bool = False) -> None:
    """Return with the cluster running and ready: found so, repaired or made.

    ``nodes`` None takes a running cluster as it is and makes one of ``cluster.nodes``.
    """
    with _held(cluster):
        if stored := record.load(cluster):
            # A cluster with somebody's work in it: be slow to call it broken on a loaded machine.
            if is_running(cluster, stored, patience=30):
                _report_running(cluster, stored, nodes)
                complete(cluster, stored)
                return
            with step(f"remove what is left of cluster {cluster.name}"):
                remove(cluster, stored)
        preflight.check(cluster)
        create(cluster, provider.choose(), nodes or cluster.nodes, audit_reads=audit_reads)


def down(cluster: Cluster) -> None:
    """Return with nothing left of the cluster; no error where nothing was."""
    with _held(cluster):
        stored = record.load(cluster)
        if stored is None:
            say(f"cluster {cluster.name} is not there")
            return
        with step(f"remove cluster {cluster.name}"):
            remove(cluster, stored)


def is_running(cluster: Cluster, stored: Record, patience: float = 5) -> bool:
    """Whether it was made whole, all its nodes run and its API server answers."""
    if not stored.ready or not shutil.which(stored.engine):
        return False
    states = Engine(stored.engine).containers(cluster)
    all_run = len(states) == stored.nodes and all(states.values())
    return all_run and readiness.api_answers(cluster, patience)


def create(cluster: Cluster, chosen: Provider, nodes: int, *, audit_reads: bool) -> None:
    """Make the cluster, whose name must be free, and wait until it is ready."""
    kind = gotools.folder(gotools.KIND) / "kind"
    toolbox.link()
    if cluster.metrics:
        metrics.image()
    made = Record(chosen.engine.name, chosen.image, nodes)
    made.save(cluster)
    config = _write_config(cluster, nodes, audit_reads=audit_reads)
    if chosen.engine.name == "podman":
        Path("/lib/modules").mkdir(exist_ok=True)  # kind mounts it, and some machines have none
    title = f"create cluster {cluster.name} with {nodes} node(s)"
    with step(title, "about 15 s a node"):
        environment = chosen.engine.kind_environment(cluster)
        names = ["--name", cluster.kind_name, "--image", chosen.image]
        run([kind, "create", "cluster", *names, "--config", config], env=environment)
    if cluster.metrics:
        made = add_metrics(cluster, made)
    with step("wait until everything in it is ready", "about 20 s"):
        readiness.wait(chosen.engine, cluster, nodes)
    replace(made, ready=True).save(cluster)


def complete(cluster: Cluster, stored: Record) -> None:
    """Give a running cluster what belongs to it and was added since it was made."""
    if not lacks_metrics(cluster, stored):
        return
    added = add_metrics(cluster, stored)
    with step("wait until everything in it is ready", "about 20 s"):
        readiness.wait(Engine(stored.engine), cluster, stored.nodes)
    added.save(cluster)


def differences(cluster: Cluster, stored: Record, nodes: int | None) -> list[str]:
    """What only a cluster made anew would have; ``nodes`` is the number that was asked for, if any was."""
    found = []
    if stored.image not in (versions.PUBLIC_NODE_IMAGE, nodeimage.tag()):
        found.append("its node image is of an older recipe")
    if nodes is None and stored.nodes != cluster.nodes:
        found.append(f"it has {stored.nodes} node(s), not {cluster.nodes}")
    return found


def lacks_metrics(cluster: Cluster, stored: Record) -> bool:
    """Whether metrics-server belongs to the cluster and is not there as it would now be installed."""
    return cluster.metrics and stored.metrics != metrics.identity()


def add_metrics(cluster: Cluster, stored: Record) -> Record:
    """Install metrics-server, or change it to the present one; the record that says so, not saved."""
    engine, archive = Engine(stored.engine), metrics.image()
    with step(f"{metrics.NAME} {versions.METRICS_SERVER} in cluster {cluster.name}", "about 5 s"):
        _load(engine, cluster, archive)
        metrics.deploy(engine, cluster)
    return replace(stored, metrics=metrics.identity())


def remove(cluster: Cluster, stored: Record) -> None:
    """Remove containers, volumes, network and files; with the last cluster the traces too."""
    engine = Engine(stored.engine)
    if shutil.which(engine.name):
        engine.remove(cluster)
    record.forget(cluster)
    if engine.name == "podman":
        with lock(paths.state() / ".sweep.lock", "the removal of traces"):
            sweep.after_removal(engine)


def load(cluster: Cluster, archives: list[Path]) -> None:
    """Load image archives (docker or OCI layout in a tar) into every node."""
    stored = require(cluster)
    for archive in archives:
        if not archive.is_file():
            raise ClusterError(f"there is no image archive {archive}")
        with step(f"load {archive.name} into cluster {cluster.name}"):
            _load(Engine(stored.engine), cluster, archive)


def audit_log(cluster: Cluster) -> int:
    """Write the API server's audit log to standard output, one JSON object a line; the exit code."""
    stored = require(cluster)
    return Engine(stored.engine).stream("exec", cluster.control_plane, "cat", kindconfig.AUDIT_LOG)


def require(cluster: Cluster) -> Record:
    """The record of a cluster that was made whole; ClusterError for any other."""
    stored = record.load(cluster)
    if stored is None or not stored.ready:
        command = f"python3 tests/e2e/cluster up {cluster.name}"
        raise ClusterError(f"cluster {cluster.name} is not up; run: {command}")
    return stored


def status() -> dict[str, str]:
    """For every cluster one of: absent, running, broken."""
    found = {}
    for cluster in CLUSTERS.values():
        stored = record.load(cluster)
        if stored is None:
            found[cluster.name] = "absent"
        else:
            found[cluster.name] = "running" if is_running(cluster, stored) else "broken"
    return found


def _load(engine: Engine, cluster: Cluster, archive: Path) -> None:
    kind = gotools.folder(gotools.KIND) / "kind"
    command: list[str | Path] = [kind, "load", "image-archive", archive, "--name", cluster.kind_name]
    run(command, env=engine.kind_environment(cluster))


def _report_running(cluster: Cluster, stored: Record, nodes: int | None) -> None:
    if nodes not in (None, stored.nodes):
        count = f"{stored.nodes} node(s), not {nodes}"
        raise ClusterError(f"cluster {cluster.name} runs with {count}; take it down first")
    found = differences(cluster, stored, nodes)
    note = f" ({', '.join(found)}; down and up renew it)" if found else ""
    say(f"cluster {cluster.name} is running{note}")


def _write_config(cluster: Cluster, nodes: int, *, audit_reads: bool) -> Path:
    folder = paths.cluster_folder(cluster.name)
    policies = folder / "audit"
    policies.mkdir(parents=True, exist_ok=True)
    policy = kindconfig.audit_policy(reads=audit_reads)
    (policies / "policy.json").write_text(json.dumps(policy, indent=1))
    config = folder / "kind.json"
    config.write_text(kindconfig.cluster_config(cluster, policies, nodes))
    return config


def _held(cluster: Cluster) -> AbstractContextManager[None]:
    return lock(paths.state() / f".{cluster.name}.lock", f"cluster {cluster.name}")
