"""Drives the real Reconciler over the simulated world until nothing is left to do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from memoapp_operator.domain.manifest import MAINTENANCE_WINDOW, MEMO_BACKUP, MEMO_RESTORE, POD, Kind, Manifest, Ref
from memoapp_operator.domain.names import COLOUR_LABEL, COMPONENT_LABEL, MANAGED_BY, MANAGED_BY_LABEL
from memoapp_operator.ports import ClusterError, Outside
from memoapp_operator.render.context import Platform
from memoapp_operator.runtime.metrics import Metrics
from memoapp_operator.runtime.queue import BACKOFF_FIRST, BACKOFF_MOST, SETTLE, Key
from memoapp_operator.runtime.reconcile import Reconciler

from .apps import APP, memoapp
from .cluster import NAMESPACE
from .faults import Killed, Write
from .invariants import watch_over
from .kinds import MADE, ref_of
from .release_invariants import ReleaseWatch
from .world import SimMint, World

logger = logging.getLogger(__name__)

IMAGE = "docker.io/memoapp/operator:0.1.0"
RESYNC = 30.0
QUIET = 12.0
"""Virtual seconds without a write that took effect, after which the app is taken to rest."""
STARTS_IN = 1.0
"""Seconds until a process that was killed runs again."""
MOST_PASSES = 3000


@dataclass(slots=True)
class _Turn:
    """When a key is due, and what its last pass began with."""

    due: float | None
    seen: int
    started: float = float("-inf")
    failures: int = 0


class Operator:
    """One operator process, its queue with the keys of one app, and its restarts.

    Attributes:
        passes: begun so far.
        restarts: of the process, because it was killed.
        failed: passes that ended with an error.
    """

    def __init__(self, world: World, mint: SimMint, name: str = APP.name) -> None:
        self._world = world
        self._mint = mint
        self._app = Key(NAMESPACE, name)
        self.passes = 0
        self.restarts = 0
        self.failed = 0
        self.image = IMAGE
        self.start()

    def start(self) -> None:
        """A new process: nothing is remembered, and every MemoApp is looked at once."""
        world = self._world
        platform = Platform(self.image, "memoapp-system")
        self.metrics = Metrics()
        outside = Outside(world.people, world.alerts)
        self._reconciler = Reconciler(
            world.cluster, world, self._mint, platform, world.clock, RESYNC, self.metrics, outside
        )
        self._reconciler.wake = self._wake
        self._turns = {key: _Turn(world.clock.seconds, world.cluster.touched) for key in self._keys()}

    def _wake(self, key: Key) -> None:
        if key in self._turns:
            self._turns[key].due = self._world.clock.seconds

    def _keys(self) -> list[Key]:
        """The MemoApp, and each object of the other kinds that have passes of their own."""
        kinds = (MEMO_BACKUP, MEMO_RESTORE, MAINTENANCE_WINDOW)
        found = [item for kind in kinds for item in self._world.cluster.all(kind)]
        return [self._app, *(Key(NAMESPACE, item["metadata"]["name"], item["kind"]) for item in found)]

    @property
    def remembered(self) -> bool:
        """Whether anything is kept of any app."""
        return bool(self._reconciler._memories)

    def due(self) -> float | None:
        """When the next pass begins, in virtual seconds; None: with the next event."""
        return min((at for _, at in self._waiting()), default=None)

    def _waiting(self) -> Iterator[tuple[Key, float]]:
        now = self._world.clock.seconds
        for key in self._keys():
            turn = self._turns.setdefault(key, _Turn(now, -1))
            if turn.seen == self._world.cluster.touched:
                if turn.due is not None:
                    yield key, turn.due
                continue
            soon = max(now, turn.started + SETTLE)
            yield key, soon if turn.due is None else min(soon, max(turn.due, now))

    async def run_pass(self) -> None:
        """One pass, with the queue's back-off and the restart of a process that was killed."""
        clock, self.passes = self._world.clock, self.passes + 1
        key = min(self._waiting(), key=lambda item: item[1])[0]
        turn = self._turns[key]
        turn.seen, turn.started = self._world.cluster.touched, clock.seconds
        try:
            delay = await self._reconciler.reconcile(key)
        except Killed:
            self.restarts += 1
            self.start()
            for each in self._turns.values():
                each.due = clock.seconds + STARTS_IN
        except ClusterError:
            logger.exception("the pass failed and is tried again")
            self.failed += 1
            turn.due = clock.seconds + min(BACKOFF_MOST, BACKOFF_FIRST * 2.0**turn.failures)
            turn.failures += 1
        else:
            turn.failures = 0
            turn.due = None if delay is None else max(clock.seconds + delay, turn.started + SETTLE)


class Simulation:
    """A world with one operator, or with several that all believe to lead."""

    def __init__(self, leaders: int = 1) -> None:
        self.world = World()
        self.cluster = self.world.cluster
        self.mint = SimMint(self.world.clock)
        self.operators = [Operator(self.world, self.mint) for _ in range(leaders)]
        watch_over(self.cluster)
        self.watch = ReleaseWatch(self.world, APP, alone=leaders == 1)

    # What people do.

    def declare(self, spec: dict[str, Any], **metadata: Any) -> None:
        """``kubectl apply`` of the MemoApp."""
        self.cluster.put(memoapp(spec, **metadata))

    def order(self, what: str, nonce: str = "1") -> None:
        """``kubectl annotate memoapp memo memoapp.dev/<what>=<nonce>``."""
        annotations = {f"memoapp.dev/{what}": nonce}
        self.cluster.edit(APP, lambda app: app["metadata"].setdefault("annotations", {}).update(annotations))

    def restart(self) -> None:
        """Every operator process anew, with empty memory."""
        for operator in self.operators:
            operator.start()

    def upgrade(self, image: str) -> None:
        """The operators come back with another image."""
        for operator in self.operators:
            operator.image = image
            operator.start()

    # The passing of time.

    async def until_rest(self, quiet: float = QUIET) -> None:
        """Until no write took effect for ``quiet`` seconds and the world has nothing left to do."""
        since, written = self.world.clock.seconds, self._written()
        for _ in range(MOST_PASSES):
            moment = self._next()
            if written != (written := self._written()):
                since = self.world.clock.seconds
            if moment is None or (moment > since + quiet and self.world.next_change() is None):
                return
            await self._go_to(moment)
        tail = [f"{write.verb} {write.ref}" for write in self.cluster.log[-8:]]
        raise AssertionError(f"no rest after {MOST_PASSES} moments; the last writes: {tail}")

    async def run_for(self, seconds: float) -> None:
        """For this long, whatever is left to do."""
        end = self.world.clock.seconds + seconds
        while (moment := self._next()) is not None and moment <= end:
            await self._go_to(moment)
        self.world.clock.advance_to(end)

    def _next(self) -> float | None:
        """The next moment at which something happens; None where nothing ever will."""
        self.world.step()
        self.watch.look()
        moments = [*(operator.due() for operator in self.operators), self.world.next_change()]
        return min((moment for moment in moments if moment is not None), default=None)

    async def _go_to(self, moment: float) -> None:
        self.world.clock.advance_to(moment)
        self.world.step()
        self.watch.look()
        due = [each for each in self.operators if (at := each.due()) is not None and at <= moment]
        if len(due) == 1:
            await due[0].run_pass()
        else:
            await asyncio.gather(*(operator.run_pass() for operator in due))

    def _written(self) -> int:
        return sum(write.outcome == "written" for write in self.cluster.log)

    # What can be seen.

    @property
    def app(self) -> Manifest:
        found = self.cluster.find(APP)
        assert found is not None
        return found

    @property
    def status(self) -> Manifest:
        found: Manifest = self.app.get("status") or {}
        return found

    @property
    def phase(self) -> str | None:
        """Phase of the release."""
        found: str | None = self.status.get("release", {}).get("phase")
        return found

    @property
    def colour(self) -> str:
        """The colour that serves, as committed."""
        found: str = self.status["active"]["colour"]
        return found

    def condition(self, type_: str) -> Manifest:
        """The condition of that type; one without status where there is none."""
        found = {item["type"]: item for item in self.status.get("conditions", [])}
        return found.get(type_, {"status": None, "reason": None, "message": ""})

    @property
    def ready(self) -> str:
        """``True``, or the reason why not."""
        found = self.condition("Ready")
        return "True" if found["status"] == "True" else str(found["reason"])

    def children(self, *kinds: Kind) -> dict[Ref, Manifest]:
        """Everything that the operator made and is there."""
        return {
            ref_of(item): item
            for item in self.cluster.all(*(kinds or MADE))
            if item["metadata"].get("labels", {}).get(MANAGED_BY_LABEL) == MANAGED_BY
        }

    def pods(self, component: str) -> dict[str, Manifest]:
        """Pods by uid; ``component`` as ``backend`` or ``blue-backend``."""
        colour, _, tier = component.rpartition("-")
        wanted = {COMPONENT_LABEL: tier, **({COLOUR_LABEL: colour} if colour else {})}.items()
        return {
            pod["metadata"]["uid"]: pod
            for pod in self.cluster.all(POD)
            if wanted <= pod["metadata"].get("labels", {}).items()
        }

    def find(self, kind: Kind, name: str) -> Manifest:
        found = self.cluster.find(Ref(kind, name))
        assert found is not None, f"{kind.kind}/{name} is not there"
        return found

    def writes(self, since: int = 0) -> list[Write]:
        """The write requests after the first ``since``."""
        return self.cluster.log[since:]

    def child_writes(self, since: int = 0) -> list[tuple[str, str]]:
        """Verb and reference of every write request to a child; what goes to routers is none."""
        writes = (write for write in self.writes(since) if write.ref != APP and write.verb != "steer")
        return [(write.verb, str(write.ref)) for write in writes]

    @property
    def written(self) -> int:
        """How many write requests there were so far."""
        return len(self.cluster.log)
