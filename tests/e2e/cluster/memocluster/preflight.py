"""What must hold before a cluster is made; each failure is one clear line."""

import shutil
import socket
from pathlib import Path
from typing import Final

from memocluster import paths
from memocluster.clusters import Cluster
from memocluster.errors import ClusterError

DISK_GIB: Final = 6


def check(cluster: Cluster) -> None:
    """Raise ClusterError for the first thing that stands in the way."""
    for folder in (paths.cache(), paths.state()):
        require_disk(folder, free_bytes(folder))
    require_ports(cluster)


def free_bytes(folder: Path) -> int:
    """What the file system of ``folder``, which may not exist yet, has left."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(existing).free


def require_disk(folder: Path, free: int) -> None:
    """ClusterError unless ``free`` bytes are enough for what goes into the folder."""
    if free < DISK_GIB * 2**30:
        raise ClusterError(f"too little disk: {folder} has {free / 2**30:.1f} GiB free and {DISK_GIB} are needed")


def require_ports(cluster: Cluster) -> None:
    """ClusterError when something listens on a port of 127.0.0.1 the cluster wants."""
    for port, purpose in cluster.host_ports.items():
        if not is_free(port):
            raise ClusterError(f"port {port} on 127.0.0.1 is taken; cluster {cluster.name} needs it for {purpose}")


def is_free(port: int) -> bool:
    """Whether nothing listens there; connections that linger after a close do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
