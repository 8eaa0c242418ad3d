"""The real operator as a process of this machine, in the network of a cluster's node."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
LEASE_SECONDS = 15
"""So long after a kill the next process waits. With the shortest (6) a busy machine loses leases by itself."""
_ENTER = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'


class Operator:
    """One operator after another, each started by ``start``. Only these are ever signalled.

    Args:
        seat: a letter; the processes are named by it and their number.
        folder: for kubeconfig, name server file and logs; this run's own.
        namespace: where it looks for MemoApps and keeps its lease.
        network: network namespace that it runs in; None: this one.
        name_server: of the cluster.
        settings: environment beside the usual.
    """

    def __init__(
        self,
        seat: str,
        folder: Path,
        namespace: str,
        network: Path | None,
        name_server: str,
        settings: Mapping[str, str],
    ) -> None:
        self._seat = seat
        self._folder = folder
        self._namespace = namespace
        self._network = network
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self.starts = 0
        self.ends: list[int] = []
        resolve = f"nameserver {name_server}\nsearch {namespace}.svc.cluster.local svc.cluster.local cluster.local\n"
        (folder / "resolv.conf").write_text(resolve + "options ndots:5 timeout:1 attempts:3\n", encoding="utf-8")

    @property
    def name(self) -> str:
        """Of the process that was started last: by it the proxy knows who calls."""
        return f"{self._seat}{self.starts}"

    @property
    def log(self) -> Path:
        """What all of them said."""
        return self._folder / f"operator-{self._seat}.log"

    def start(self, port: int) -> None:
        """Start one that reaches the API server on this port of the loopback address."""
        self.starts += 1
        kubeconfig = self._folder / f"kubeconfig-{self._seat}"
        kubeconfig.write_text(yaml.safe_dump(_kubeconfig(port, self.name)), encoding="utf-8")
        with self.log.open("ab") as log:
            log.write(f"--- start {self.starts}\n".encode())
            log.flush()
            self._process = subprocess.Popen(
                [*self._prefix(), sys.executable, "-m", "memoapp_operator"],
                env=self._environment(kubeconfig),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """SIGKILL, which a stopped process hears too; returns when it is gone."""
        process = self._process
        if process is not None:
            process.kill()
            process.wait()
            self.gone()

    def freeze(self) -> None:
        """SIGSTOP: it holds its connections, and does nothing."""
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def gone(self) -> bool:
        """No process runs; how it ended is noted in ``ends``."""
        with self._lock:
            process = self._process
            if process is not None and process.poll() is not None:
                self.ends.append(process.returncode)
                self._process = None
            return self._process is None

    def _signal(self, number: signal.Signals) -> None:
        process = self._process
        if process is not None:
            process.send_signal(number)

    def _prefix(self) -> list[str]:
        if self._network is None:
            return []
        enter = ["nsenter", f"--net={self._network}", "unshare", "--mount", "sh", "-c", _ENTER]
        return [*enter, str(self._folder / "resolv.conf")]

    def _environment(self, kubeconfig: Path) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "operator"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "KUBECONFIG": str(kubeconfig),
            "POD_NAME": f"operator-{self.name}",
            "POD_NAMESPACE": self._namespace,
            "MEMOAPP_WATCH_NAMESPACES": self._namespace,
            "MEMOAPP_LEASE_SECONDS": str(LEASE_SECONDS),
            "MEMOAPP_PORT": "0",
            **self._settings,
        }


class Crew:
    """The operators of a run: one, or one and another that waits for its lease.

    Args:
        seats: at least one.
    """

    def __init__(self, seats: Sequence[Operator]) -> None:
        self._seats = seats

    def man(self, port: int) -> None:
        """Start an operator in every seat that has none."""
        for operator in self._seats:
            if operator.gone():
                operator.start(port)

    def kill(self, name: str) -> None:
        """SIGKILL to the process of that name."""
        self._by(name).kill()

    def freeze(self, name: str) -> None:
        """SIGSTOP to the process of that name."""
        self._by(name).freeze()

    def wake(self, name: str) -> None:
        """SIGCONT to the process of that name."""
        self._by(name).wake()

    def kill_all(self) -> None:
        """SIGKILL to all of them."""
        for operator in self._seats:
            operator.kill()

    @property
    def running(self) -> frozenset[str]:
        """Names of the processes that are there."""
        return frozenset(operator.name for operator in self._seats if not operator.gone())

    @property
    def starts(self) -> int:
        """How many processes there were."""
        return sum(operator.starts for operator in self._seats)

    @property
    def ends(self) -> tuple[int, ...]:
        """How they ended."""
        return tuple(end for operator in self._seats for end in operator.ends)

    def log(self) -> str:
        """What all of them said, one after the other."""
        texts = (operator.log.read_text(encoding="utf-8", errors="replace") for operator in self._seats)
        return "".join(texts)

    def _by(self, name: str) -> Operator:
        return next(operator for operator in self._seats if operator.name == name)


def _kubeconfig(port: int, name: str) -> dict[str, object]:
    """By its token the proxy knows the caller; it is handed on to nobody."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "proxy",
        "clusters": [{"name": "proxy", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "proxy", "user": {"token": name}}],
        "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "proxy"}}],
    }
