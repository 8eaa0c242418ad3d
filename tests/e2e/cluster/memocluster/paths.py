"""Where files live: a cache that may be thrown away, and the state of what runs."""

import hashlib
import os
from pathlib import Path

FILES = Path(__file__).resolve().parent.parent / "files"
"""Sources of the node image, beside this package."""


def cache() -> Path:
    """Built parts by version and content; safe to delete, costs a rebuild."""
    if chosen := os.environ.get("MEMOAPP_CACHE"):
        return Path(chosen).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).absolute() / "memoapp"


def state() -> Path:
    """Container storage, networks, kubeconfigs and logs of the clusters."""
    if chosen := os.environ.get("MEMOAPP_STATE"):
        return Path(chosen).absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/memoapp")
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base).absolute() / "memoapp"


def runtime() -> Path:
    """Podman's run-time files; under /run, so that podman notices a reboot."""
    mark = hashlib.sha256(str(state()).encode()).hexdigest()[:8]
    return Path("/run/memoapp") / mark


def cluster_folder(name: str) -> Path:
    """The folder of one cluster: its kubeconfig, configuration and record."""
    return state() / "clusters" / name


def kubeconfig(name: str) -> Path:
    """The cluster's own kubeconfig; the user's default one is never touched."""
    return cluster_folder(name) / "kubeconfig"


def log() -> Path:
    """Everything the called programs printed, newest last."""
    return state() / "cluster.log"
