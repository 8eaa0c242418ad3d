"""``python -m tests.faults``: the cluster for fault runs, and runs by hand."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.faults import testcluster
from tests.faults.plans import (
    Action,
    At,
    Away,
    DropWatches,
    Every,
    Freeze,
    Jump,
    Kill,
    Plan,
    Reply,
    Silence,
    Stale,
    Strike,
    Undisturbed,
)
from tests.faults.runner import Campaign, report
from tests.faults.scenarios import SCENARIOS
from tests.faults.site import NotHereError, site

REPEATED = ("reply", "drop")
LENGTHY = ("away", "strike", "silence")
KINDS = ("undisturbed", "kill", "kill-told", "kill-before", "freeze", "stale", "jump", *REPEATED, *LENGTHY)


def main(arguments: Sequence[str]) -> int:
    """0 where everything was as undisturbed."""
    options = parser().parse_args(arguments)
    if options.command == "up":
        say(f"export MEMOAPP_KUBECONFIG={testcluster.up()}")
        return 0
    if options.command == "down":
        testcluster.down()
        return 0
    try:
        return _run(options)
    except NotHereError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2


def say(text: str) -> None:
    """A line on standard output, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _run(options: argparse.Namespace) -> int:
    campaign = Campaign(site(keep=options.keep), Path(options.logs) if options.logs else None, options.parallel)
    scenario = SCENARIOS[options.scenario]
    first = campaign.undisturbed(scenario)
    say("\n".join([str(first), *map(str, first.writes)]))
    failed = 0
    for outcome in campaign.run(scenario, plans(options, len(first.writes)), together=options.plans != "strike"):
        say(str(outcome))
        if outcome.problems:
            failed += 1
            if options.verbose:
                say(report(outcome))
    return 1 if failed else 0


def plans(options: argparse.Namespace, writes: int) -> Iterator[Plan]:
    """The plans of a kind: one for each write, one for the write in the middle, or one for all of them."""
    every, middle = range(1, writes + 1, options.step), [max(1, writes // 2)]
    if options.plans == "undisturbed":
        yield Undisturbed()
    elif options.plans in REPEATED:
        yield Every(options.step, action(options), upto=writes + 4)
    else:
        numbers = options.at or (middle if options.plans in LENGTHY else every)
        yield from (At(number, action(options)) for number in numbers)


def action(options: argparse.Namespace) -> Action:
    """What a plan of a kind does."""
    makers: dict[str, Callable[[], Action]] = {
        "kill": Kill,
        "kill-told": lambda: Kill(told=True),
        "kill-before": lambda: Kill(sent=False),
        "freeze": lambda: Freeze(options.seconds),
        "reply": lambda: Reply(options.code, sent=options.sent, retry_after=options.retry_after),
        "away": lambda: Away(options.seconds),
        "strike": Strike,
        "silence": lambda: Silence(options.seconds),
        "drop": DropWatches,
        "stale": lambda: Stale(options.seconds, lists_only=not options.all),
        "jump": lambda: Jump(options.seconds),
    }
    return makers[options.plans]()


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m tests.faults", description="Faults on purpose; see the README.")
    commands = top.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="make the cluster `faults`, with the images and no operator")
    commands.add_parser("down", help="remove it")
    run = commands.add_parser("run", help="run one scenario under plans of one kind")
    run.add_argument("scenario", choices=tuple(SCENARIOS))
    run.add_argument("plans", choices=KINDS)
    run.add_argument("--at", type=int, nargs="*", help="numbers of writes; else every --step-th")
    run.add_argument("--step", type=int, default=1)
    run.add_argument("--code", type=int, default=409)
    run.add_argument("--sent", action="store_true", help="replies: the API server does it all the same")
    run.add_argument("--retry-after", type=int)
    run.add_argument("--seconds", type=float, default=10)
    run.add_argument("--all", action="store_true", help="stale: single objects too")
    run.add_argument("--parallel", type=int, default=3)
    run.add_argument("--keep", action="store_true", help="leave namespaces")
    run.add_argument("--logs", default=os.environ.get("MEMOAPP_FAULT_LOGS"))
    run.add_argument("--verbose", action="store_true")
    return top


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
