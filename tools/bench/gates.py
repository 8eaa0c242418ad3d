"""What the gates of database and resources cost: a round of questions to PostgreSQL, and the time of a decision.

A PostgreSQL of this machine, whatever it is; ratios within one run, each by the better half of many rounds.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import psycopg
from memoapp_operator.adapters import postgres
from memoapp_operator.api.v1alpha1.gates import Gates
from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.domain import database_gates, resource_gates
from memoapp_operator.domain.counters import API, PAGE, SLOW_MS, Counters
from memoapp_operator.domain.gates import Measured, Sources, measure
from memoapp_operator.domain.observation import Volume
from memoapp_operator.domain.tally import counted, judged
from memoapp_operator.domain.usage import ContainerUsage, DatabaseStats, Statement
from memoapp_operator.ports import Login

from tests.unit.agent.server import Server, programs, started
from tools.bench.figures import Fact, Figure

ROUND, BUSY, DECISION = 6.0, 0.1, 0.02
"""Limits: times a connection with one query; of the application's time in PostgreSQL; of an interval of 2 s, the least
there can be, on 100 pods and 1,000 statements."""
_ROUNDS, _STATEMENTS, _PODS = 40, 1000, 100
_APPLICATION = 600
"""Statements that the application runs in a minute: ten a second."""


def main() -> int:
    """Print one line a figure."""
    found = programs()
    if found is None:
        print("error: no PostgreSQL server is installed here", file=sys.stderr)
        return 2
    kept = True
    with started(found, Path(tempfile.gettempdir()), shared_preload_libraries="pg_stat_statements") as server:
        _prepare(server)
        for figure in _figures(server):
            print(figure, flush=True)
            kept &= figure.holds
    return 0 if kept else 1


def _prepare(server: Server) -> None:
    with server.connect() as admin:
        admin.execute("CREATE ROLE memo_user LOGIN")
        admin.execute("CREATE ROLE memoapp_monitor LOGIN IN ROLE pg_monitor")
        admin.execute("CREATE DATABASE memo_app OWNER memo_user")
    with server.connect("memo_app") as admin:
        admin.execute("CREATE EXTENSION pg_stat_statements")
        admin.execute("SELECT pg_stat_statements_reset()")


def _figures(server: Server) -> Iterator[Figure | Fact]:
    monitor = Login(str(server.folder), 5432, "memoapp_monitor", "", "memo_app")
    with psycopg.connect(f"host={server.folder} user=memo_user dbname=memo_app", autocommit=True) as app:
        for _ in range(_APPLICATION):
            app.execute("SELECT count(*) FROM pg_class, generate_series(1, 20)")
    for _ in range(6):  # a minute of rounds, one in ten seconds
        asyncio.run(postgres.statistics(monitor, "memo_user", 1000))
    with server.connect("memo_app") as admin:
        rows = admin.execute(
            "SELECT userid::regrole::text, sum(total_exec_time), sum(calls) FROM pg_stat_statements GROUP BY 1"
        ).fetchall()
    spent = {role: float(total) for role, total, _ in rows}
    asked = {role: int(calls) for role, _, calls in rows}
    yield Fact("queries of a round", asked["memoapp_monitor"] / 6, "and one connection")
    yield Figure("PostgreSQL's time of a minute of gates", spent["memoapp_monitor"] / spent["memo_user"], BUSY, "x app")
    probe = _best(lambda: postgres.probe(monitor))
    round_ = _best(lambda: postgres.statistics(monitor, "memo_user", 1000))
    yield Figure("a round beside a connection with one query", round_ / probe, ROUND, "x")
    seconds = _decision()
    yield Figure("a decision about all gates", seconds / 2, DECISION, f"of 2 s ({seconds * 1000:.1f} ms)")


def _best(ask: Callable[[], Awaitable[object]]) -> float:
    """Seconds of the better half of the rounds, on average."""

    async def timed() -> list[float]:
        found = []
        for _ in range(_ROUNDS):
            began = time.perf_counter()
            await ask()
            found.append(time.perf_counter() - began)
        return found

    return statistics.mean(sorted(asyncio.run(timed()))[: _ROUNDS // 2])


def _decision() -> float:
    """Seconds of measuring and judging everything once."""
    now, gates = datetime.now(UTC), Gates()
    ran = {str(number): Statement(100 + number, 50_000.0 + number) for number in range(_STATEMENTS)}
    reading = DatabaseStats(10, 100, lag=0.1, statements=ran)
    past = replace(reading, statements={key: Statement(90, 45_000.0) for key in ran})
    usage = tuple(
        ContainerUsage(colour.value, "backend", Fraction(1, 10), Fraction(10**7), now - timedelta(seconds=5))
        for colour in Colour
        for _ in range(_PODS // 2)
    )
    limits = {(colour.value, "backend"): (Fraction(1), Fraction(10**8)) for colour in Colour}
    counts = {name: Counters(10_000, 3, 1, tuple(range(len(SLOW_MS), 0, -1))) for name in (PAGE, API)}
    seen = resource_gates.Seen(now, usage, limits, Volume(10**9, 10**8, 9 * 10**8))
    found = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        numbers = (
            *database_gates.measure(
                gates.database, database_gates.Seen(reading, database_gates.Past(past, past, past))
            ),
            *resource_gates.measure(gates.resources, seen, Colour.GREEN, Colour.BLUE),
        )
        sources = Sources(new=counts, old=counts, probes={API: Counters(5, 0, 0, (0,) * len(SLOW_MS))}, told=2)
        told = measure(gates, replace(sources, asked=numbers), Colour.GREEN)
        measured = Measured("stage", regular=True, seconds=10.0, found=told)
        judged(counted(None, measured, gates, Colour.GREEN), measured, gates, Colour.GREEN)
        found.append(time.perf_counter() - began)
    return statistics.mean(sorted(found)[: _ROUNDS // 2])


if __name__ == "__main__":
    sys.exit(main())
