"""Measure: what a release's gates rest on, gathered from routers, pods, Prometheus and questions of the operator's own.

A window begins with a reading of every router's counts and ends with the reading that a measurement takes; the next one
begins where the last one that told enough ended. What is kept between two passes is lost with the process: then the
window begins anew, and nothing passes before it has been measured again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http import HTTPStatus

from memoapp_operator.api.v1alpha1.memoapp import Colour, MemoApp, ReleasePhase, ReleaseStatus
from memoapp_operator.domain import upkeep
from memoapp_operator.domain.compared import known
from memoapp_operator.domain.counters import CLASSES, SLOW_MS, Counters, Reading, between, class_of
from memoapp_operator.domain.durations import seconds
from memoapp_operator.domain.gates import Measured, Pods, Sources, measure
from memoapp_operator.domain.gradual import Stage, stage_of
from memoapp_operator.domain.measurements import Measurement
from memoapp_operator.domain.observation import Observation
from memoapp_operator.domain.phases import is_over
from memoapp_operator.domain.plan import wants_numbers
from memoapp_operator.domain.revision import Revision
from memoapp_operator.domain.state import other
from memoapp_operator.domain.usage import Gauged
from memoapp_operator.ports import Clock, Services

from .credentials import router_certificate
from .gauges import Gauges, Gauging
from .queries import Queries
from .snapshot import Snapshot

PROBE_EVERY = 2.0
"""Least seconds between two rounds of probes."""


@dataclass(slots=True)
class Window:
    """What one process has gathered of one release.

    Attributes:
        stage: what is being measured; empty before the first clients moved.
        began: when this process began to watch it.
        due: when the present interval ends.
        base: the routers' counts at the beginning of the window; before the first clients moved, at the release's.
        old: responses of the old colour, by class, in the last window in which it had enough of them.
        probes: answers to the operator itself in this window, by class.
        probed: when the last round was sent.
        gauging: numbers of database and resources.
    """

    stage: str = ""
    began: datetime | None = None
    due: datetime | None = None
    base: Reading | None = None
    old: dict[str, Counters] = field(default_factory=dict)
    probes: dict[str, Counters] = field(default_factory=dict)
    probed: datetime | None = None
    gauging: Gauging = field(default_factory=Gauging)


class Meter:
    """Takes the measurements of a release under way, or of one whose old colour is still warm.

    Args:
        services: routers, Services and Prometheus.
        queries: the gates out of a Prometheus.
        gauges: those of database and resources.
        clock: the time.
    """

    def __init__(self, services: Services, queries: Queries, gauges: Gauges, clock: Clock) -> None:
        self._services = services
        self._queries = queries
        self._gauges = gauges
        self._clock = clock

    async def look(self, snapshot: Snapshot, window: Window) -> Measured | None:
        """The measurements that are due in this pass; None where none are. ``window`` is brought up to date."""
        app = snapshot.observation.app
        stage, release = stage_of(app), app.status.release
        if stage is None or release is None:
            await self._wait(snapshot, window, release)
            return None
        if window.stage != stage.id:
            await self._begin(snapshot, window, stage)
            return None
        now = self._clock.now()
        self._mend_clock(app, window, now)
        await self._probe(snapshot, window, stage, now)
        regular = window.due is None or now >= window.due
        if not regular and (stage.ends is None or now < stage.ends):
            return None
        return await self._measure(snapshot, window, stage, release, regular=regular)

    async def gauge(self, snapshot: Snapshot, window: Window) -> Gauged | None:
        """Numbers of database and resources, where they are wanted: before the first clients come, or for a check.

        Those of a check are nothing that a release is compared with.
        """
        seen = snapshot.observation
        if not wants_numbers(seen) or seen.app.spec.suspend:
            return None
        memory = Gauging() if upkeep.check_is_due(seen.app, seen.now) else window.gauging
        return await self._gauges.look(snapshot, memory, self._clock.now())

    async def _wait(self, snapshot: Snapshot, window: Window, release: ReleaseStatus | None) -> None:
        """Before the first clients move: the counts at the release's beginning tell how the old colour does."""
        if release is None or is_over(release.phase) or release.phase is ReleasePhase.ROLLING_BACK:
            _forget(window)
        elif window.base is None:
            window.base = await self._read(snapshot)

    async def _begin(self, snapshot: Snapshot, window: Window, stage: Stage) -> None:
        reading, now = await self._read(snapshot), self._clock.now()
        if window.base is not None:
            _remember(window, _of(between(window.base, reading), other(stage.colour)), snapshot.observation.app)
        interval = timedelta(seconds=seconds(snapshot.observation.app.spec.gates.interval))
        window.stage, window.base, window.began, window.due = stage.id, reading, now, now + interval
        window.probes = {}
        await self._gauges.begin(snapshot, window.gauging)
        await self._probe(snapshot, window, stage, now)

    @staticmethod
    def _mend_clock(app: MemoApp, window: Window, now: datetime) -> None:
        """A wall clock that was set back must not stop the measurements until it is where it was."""
        interval = timedelta(seconds=seconds(app.spec.gates.interval))
        if window.due is not None and window.due - now > interval:
            window.due = now + interval
        if window.began is not None and window.began > now:
            window.began = now
        if window.probed is not None and window.probed > now:
            window.probed = None

    async def _measure(
        self, snapshot: Snapshot, window: Window, stage: Stage, release: ReleaseStatus, *, regular: bool
    ) -> Measured:
        app, reading = snapshot.observation.app, await self._read(snapshot)
        base = _completed(window.base or reading, reading)
        counted = between(base, reading)
        _remember(window, _of(counted, other(stage.colour)), app)
        asked = await self._ask_others(snapshot, window, release, regular=regular) if stage.ends is not None else ()
        sources = Sources(
            new=_of(counted, stage.colour),
            old=window.old or known(release),
            probes=window.probes,
            named=app.spec.release.probes is not None,
            silent=reading.silent,
            told=len(reading.routers) - len(reading.silent),
            pods=pods(snapshot.observation, release),
            asked=asked,
        )
        now = self._clock.now()
        looked = (now - window.began).total_seconds() if window.began else 0.0
        found = Measured(stage.id, regular, looked, measure(app.spec.gates, sources, stage.colour), sources.old)
        window.base = base
        if regular:
            window.due = now + timedelta(seconds=seconds(app.spec.gates.interval))
            if _total(sources) >= app.spec.gates.min_requests and not reading.silent:
                window.base, window.probes = reading, {}
        return found

    async def _ask_others(
        self, snapshot: Snapshot, window: Window, release: ReleaseStatus, *, regular: bool
    ) -> tuple[Measurement, ...]:
        """What is measured elsewhere than in the routers."""
        queries, numbers = await asyncio.gather(
            self._queries.ask(snapshot, release.colour),
            self._gauges.measure(snapshot, release, window.gauging, self._clock.now(), regular=regular),
        )
        return (*numbers, *queries)

    async def _read(self, snapshot: Snapshot) -> Reading:
        """The counts of every router that has clients."""
        certificate = router_certificate(snapshot.context.app, snapshot.live)
        if certificate is None:
            return Reading()
        known = snapshot.observation.routers
        routers = {name: address for name, (address, _) in snapshot.routers.items() if name in known}
        told = await asyncio.gather(*(self._services.counters(address, certificate) for address in routers.values()))
        return Reading(dict(zip(routers, told, strict=True)))

    async def _probe(self, snapshot: Snapshot, window: Window, stage: Stage, now: datetime) -> None:
        """One round of questions, not more often than they are meant to be asked."""
        if window.probed is not None and (now - window.probed).total_seconds() < PROBE_EVERY:
            return
        window.probed = now
        seen = snapshot.observation
        revision = seen.stored.get((seen.app.status.colours or {}).get(stage.colour.value, ""))
        if revision is None:
            return
        targets = probe_targets(seen, revision, stage.colour)
        for class_, found in await asyncio.gather(*(self._ask(*target) for target in targets)):
            window.probes[class_] = window.probes.get(class_, Counters()) + found

    async def _ask(self, address: str, port: int, path: str) -> tuple[str, Counters]:
        clock = asyncio.get_running_loop()
        began = clock.time()
        code = await self._services.health(address, port, path)
        took = (clock.time() - began) * 1000
        client = code is not None and HTTPStatus.BAD_REQUEST <= code < HTTPStatus.INTERNAL_SERVER_ERROR
        server = code is None or code >= HTTPStatus.INTERNAL_SERVER_ERROR
        return class_of(path), Counters(1, int(client), int(server), tuple(int(took > limit) for limit in SLOW_MS))


def probe_targets(seen: Observation, revision: Revision, colour: Colour) -> tuple[tuple[str, int, str], ...]:
    """Address, port and path of every question of a round: what is named is asked of the colour as its clients ask."""
    named, tiers = seen.app.spec.release.probes, revision.tiers
    found = [(revision.entry, path) for path in (named.paths if named is not None else ("/",))]
    if named is None:
        found += [(tier, held["healthPath"]) for tier, held in tiers.items()]
    ways = {tier: seen.addresses.get(f"{colour}-{tier}") for tier in tiers}
    return tuple((address, tiers[tier]["port"], path) for tier, path in found if (address := ways[tier]))


def pods(seen: Observation, release: ReleaseStatus) -> Pods:
    """The new colour's pods since its first clients came."""
    ended, short = [], []
    since = datetime.fromisoformat(release.shifting_since or release.started_at)
    for name, item in sorted(seen.workloads.items()):
        colour, _, tier = name.partition("-")
        if colour != release.colour.value or not tier:
            continue
        ended += [f"{tier}: {why}" for moment, why in item.ended if datetime.fromisoformat(moment) >= since]
        least = (release.replicas or {}).get(tier, 1)
        if item.ready < least:
            short.append(f"{item.ready} of {least} pods of {tier} are ready")
    return Pods(tuple(ended), tuple(short))


def _of(counted: Mapping[tuple[Colour, str], Counters], colour: Colour) -> dict[str, Counters]:
    return {class_: counted.get((colour, class_), Counters()) for class_ in CLASSES}


def _total(sources: Sources) -> int:
    beside = sources.probes if sources.named else {}
    return sum(item.requests for counted in (sources.new, beside) for item in counted.values())


def _remember(window: Window, old: dict[str, Counters], app: MemoApp) -> None:
    """What the old colour did last, while it had enough clients to tell."""
    if sum(item.requests for item in old.values()) >= app.spec.gates.min_requests:
        window.old = old


def _completed(base: Reading, reading: Reading) -> Reading:
    """The base, with routers that kept silent at its beginning counted from now on."""
    late = {name: reading.routers.get(name) for name in base.silent if reading.routers.get(name) is not None}
    return replace(base, routers={**base.routers, **late}) if late else base


def _forget(window: Window) -> None:
    window.stage, window.base, window.began, window.due = "", None, None, None
    window.old, window.probes, window.probed = {}, {}, None
    window.gauging.forget()
