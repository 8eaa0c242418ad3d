"""What the operator costs: ``python tools/bench [--long]``; exit code 1 where a limit is not kept."""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.cluster_guard import PREFIX, ForeignClusterError, kubeconfig
from tests.kube import Kube
from tools.bench.measure import bench
from tools.bench.switches import Switches
from tools.testbed import steps


def main() -> int:
    """Print one line a figure."""
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__)
    parser.add_argument("--long", action="store_true", help="ten minutes of rest instead of one, 20 switches and not 5")
    rest, rounds = (600.0, 20) if parser.parse_args().long else (60.0, 5)
    try:
        path = kubeconfig()
    except ForeignClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    cluster = str(yaml.safe_load(path.read_text(encoding="utf-8"))["current-context"]).removeprefix(PREFIX)
    kept = True
    with Kube.from_kubeconfig(path) as kube, bench(kube, cluster, steps.names()) as run:
        switches = Switches(kube, cluster, run.namespace, run.images, rounds)
        for figure in itertools.chain(run.figures(rest), switches.figures()):
            print(figure, flush=True)
            kept &= figure.holds
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
