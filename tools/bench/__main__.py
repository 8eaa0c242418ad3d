"""What the operator costs, with PASS or FAIL; exit code 1 where a limit is not kept. ``--help`` tells what there is."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterable
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.cluster_guard import PREFIX, ForeignClusterError, kubeconfig
from tests.kube import Kube
from tools.bench.figures import Fact, Figure
from tools.bench.gradual import Gradual
from tools.bench.measure import Bench, bench
from tools.bench.page import Page
from tools.bench.switches import Switches
from tools.testbed import steps


def main() -> int:
    """Print one line a figure."""
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__)
    parser.add_argument(
        "--long", action="store_true", help="ten minutes of rest instead of one, 20 rounds of releases and not 5"
    )
    parser.add_argument("--switches", action="store_true", help="switches and rollbacks, and nothing else")
    parser.add_argument("--gradual", action="store_true", help="gradual releases and rollbacks, and nothing else")
    parser.add_argument("--page", action="store_true", help="the maintenance page, and nothing else")
    parser.add_argument("--many", type=int, default=0, metavar="N", help="N suspended MemoApps, and nothing else")
    given = parser.parse_args()
    try:
        path = kubeconfig()
    except ForeignClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    cluster = str(yaml.safe_load(path.read_text(encoding="utf-8"))["current-context"]).removeprefix(PREFIX)
    kept = True
    with Kube.from_kubeconfig(path) as kube, bench(kube, cluster, steps.names()) as run:
        for figure in _figures(given, run):
            print(figure, flush=True)
            kept &= figure.holds
    return 0 if kept else 1


def _figures(given: argparse.Namespace, run: Bench) -> Iterable[Figure | Fact]:
    if given.many:
        return run.many(given.many)
    rest, rounds = (600.0, 20) if given.long else (60.0, 5)
    switches = Switches(run.kube, run.cluster, run.namespace, run.images, rounds)
    gradual = Gradual(run.kube, run.cluster, run.namespace, run.images, rounds)
    page = Page(run.kube, run.cluster, run.namespace, run.images, 4 * rounds)
    if given.page:
        return page.figures()
    if given.switches or given.gradual:
        return switches.figures() if given.switches else gradual.figures()
    return itertools.chain(run.figures(rest), switches.figures(), gradual.figures(), page.figures())


if __name__ == "__main__":
    sys.exit(main())
