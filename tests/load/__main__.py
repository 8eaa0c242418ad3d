"""Constant load on a MemoApp: ``python -m tests.load --target http://127.0.0.1:18080 --rate 200 --seconds 30``.

It ends with 0 where nothing failed, 1 where something did, 2 where the call is wrong, and 3 where the run proves
nothing. SIGINT and SIGTERM end the sending; the result is as usual.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import resource
import signal
import sys
from pathlib import Path

from .plan import Plan, PlanError
from .result import Result, Verdict
from .run import run
from .target import Target, TargetError

_CODES = {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.INCONCLUSIVE: 3}
_SHOWN = 20


def main() -> int:
    """Parse the call, send, print."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.load", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--target", required=True, metavar="URL", help="http://address:port")
    parser.add_argument("--own", action="append", default=[], metavar="NETWORK", help="of a cluster of your own")
    parser.add_argument("--rate", type=float, default=200.0, help="requests per second (200)")
    parser.add_argument("--seconds", type=float, default=30.0, help="(30)")
    parser.add_argument("--log", type=Path, default=Path("load.jsonl"), help="a line per request (load.jsonl)")
    parser.add_argument("--by-second", action="store_true", help="print a line per second too")
    given = parser.parse_args()
    try:
        target, plan = Target.parse(given.target, given.own), Plan(given.rate, given.seconds)
    except (TargetError, PlanError) as error:
        parser.error(str(error))
    result = asyncio.run(_until_told(target, plan, given.log))
    _print(result, by_second=given.by_second)
    return _CODES[result.verdict]


async def _until_told(target: Target, plan: Plan, log: Path) -> Result:
    # On a busy machine the tool must not be what comes late; it uses little of what it is given.
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return await run(target, plan, log, stop)


def _print(result: Result, *, by_second: bool) -> None:
    lines = [json.dumps(result.summary(), indent=1)]
    lines += [request.line() for request in result.failures[:_SHOWN]]
    if by_second:
        lines += [json.dumps(row) for row in result.by_second()]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
