"""Runs: a scenario under a plan, from a fresh namespace to its end, compared with the undisturbed run."""

from __future__ import annotations

import functools
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import yaml

from tests.e2e.app import KIND
from tests.faults import clock, endstate, testcluster
from tests.faults.calls import Write, created, deleted, intruders
from tests.faults.clients import Clients
from tests.faults.hands import Hands
from tests.faults.network import listener
from tests.faults.place import Place, place
from tests.faults.plans import Freeze, Jump, Plan, Undisturbed
from tests.faults.process import Crew, Operator
from tests.faults.proxy import Proxy
from tests.faults.scenarios import APP, Predicate, Scenario, Stage
from tests.kube import ApiError, Kube, Object

QUIET = 3.0
"""Seconds after which a run is over, if an operator leads and writes nothing."""
STAYS_QUIET_WITHIN = 180.0
"""Seconds for that; an API server that is away for a minute, and a lease that has to end, come first."""
WITHIN = 300.0
_POLL = 0.4


@dataclass(frozen=True, slots=True)
class Site:
    """The cluster that runs play in.

    Attributes:
        kubeconfig: of its administrator.
        context: its name there.
        node: process id of its node.
        name_server: address of its DNS Service.
        images: references by image.
        keep: namespaces and logs of runs stay.
    """

    kubeconfig: Path
    context: str
    node: int
    name_server: str
    images: dict[str, str]
    keep: bool = False

    @property
    def network(self) -> Path:
        """The node's network namespace."""
        return Path(f"/proc/{self.node}/ns/net")


@dataclass(slots=True)
class Outcome:
    """What a run came to.

    Attributes:
        problems: why it is not as it should be; empty: it is.
        remarks: worth a look, no fault.
    """

    scenario: str
    plan: str
    seconds: float = 0.0
    writes: tuple[Write, ...] = ()
    noted: tuple[str, ...] = ()
    state: endstate.State = field(default_factory=dict)
    starts: int = 1
    ends: tuple[int, ...] = ()
    answers: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    log: str = ""

    def __str__(self) -> str:
        verdict = "ok  " if not self.problems else "FAIL"
        parts = [f"{verdict} {self.scenario:10} {self.plan}: {len(self.writes)} writes, {self.starts} starts"]
        parts.append(f"{sum(self.answers.values())} answers, {self.seconds:.0f} s")
        details = [f"       - {item}" for item in self.problems] + [f"       . {item}" for item in self.remarks]
        return "\n".join([", ".join(parts), *details])


class StuckError(AssertionError):
    """The end was not reached in time."""


class Run:
    """One run."""

    def __init__(self, site: Site, scenario: Scenario, plan: Plan, folder: Path) -> None:
        self._site = site
        self._scenario = scenario
        self._plan = plan
        self._folder = folder
        self._outcome = Outcome(scenario.name, plan.title)

    def __call__(self) -> Outcome:
        """To the end, whatever comes; what went wrong stands in the outcome."""
        began = time.monotonic()
        try:
            with ExitStack() as stack:
                self._play(stack)
        except (StuckError, ApiError, httpx.HTTPError) as error:
            self._outcome.problems.append(f"{type(error).__name__}: {error}")
        self._outcome.seconds = time.monotonic() - began
        return self._outcome

    def _play(self, stack: ExitStack) -> None:
        site = self._site
        kube = stack.enter_context(Kube.from_kubeconfig(site.kubeconfig))
        where = stack.enter_context(place(kube, site.kubeconfig, keep=site.keep))
        crew = self._crew(where)
        stack.callback(self._remember, crew)
        stack.callback(crew.kill_all)
        hands = Hands(
            crew.kill,
            crew.freeze,
            crew.wake,
            strike=functools.partial(testcluster.strike, site.context),
            jump=functools.partial(clock.jump, self._folder),
        )
        proxy = stack.enter_context(Proxy(where.upstream, functools.partial(listener, site.network), hands))
        crew.man(proxy.port)
        self._acts(stack, kube, where, proxy, crew)

    def _crew(self, where: Place) -> Crew:
        """The operators that the plan needs: with one that is frozen another stands by."""
        site, action = self._site, self._plan.action
        settings = {"MEMOAPP_OPERATOR_IMAGE": site.images["operator"], "MEMOAPP_RESYNC_SECONDS": "5"}
        if isinstance(action, Jump):
            settings |= clock.settings(self._folder)
        seats = "ab" if isinstance(action, Freeze) else "a"
        return Crew(
            [Operator(seat, self._folder, where.namespace, site.network, site.name_server, settings) for seat in seats]
        )

    def _acts(self, stack: ExitStack, kube: Kube, where: Place, proxy: Proxy, crew: Crew) -> None:
        scenario, stage = self._scenario, Stage(kube, where.namespace, self._site.images)
        for deed, end in scenario.before:
            deed(stage)
            self._until(kube, where, proxy, crew, end)
        clients = None
        if scenario.clients:
            address = kube.get("v1/Service", APP, where.namespace)["spec"]["clusterIP"]
            clients = stack.enter_context(Clients(self._site.network, f"http://{address}", at_fault=scenario.at_fault))
        proxy.arm(self._plan)
        try:
            scenario.deed(stage)
            self._until(kube, where, proxy, crew, scenario.end, scenario.watched)
        finally:
            self._outcome.writes, self._outcome.noted = proxy.writes, proxy.noted
            if clients is not None:
                self._heard(clients)
        crew.kill_all()
        self._outcome.state = endstate.collect(kube, where.namespace)

    def _until(
        self,
        kube: Kube,
        where: Place,
        proxy: Proxy,
        crew: Crew,
        end: Predicate,
        watched: tuple[str, str] = (KIND, APP),
    ) -> None:
        """Wait for the end, then until nothing is written any more; an operator that is gone is started again."""
        deadline = time.monotonic() + WITHIN
        reached = False
        while True:
            crew.man(proxy.port)
            found = self._seen(kube, where, watched, deadline)
            if end(found):
                if not reached:
                    reached, deadline = True, time.monotonic() + STAYS_QUIET_WITHIN
                # The second pass begins when the first has found nothing to do.
                if proxy.quiet_for(crew.running, passes=2 if found else 0) > QUIET:
                    return
            elif reached:
                raise StuckError(f"the end was reached and left again: {_brief(found)}")
            if time.monotonic() > deadline:
                what = "writes go on after the end" if reached else "the end was not reached"
                raise StuckError(f"{what}: {_brief(found)}")
            time.sleep(_POLL)

    @staticmethod
    def _seen(kube: Kube, where: Place, watched: tuple[str, str], deadline: float) -> Object | None:
        """The object by kind and name; an API server that is busy, or comes up, is asked again until the deadline."""
        while True:
            try:
                return kube.find(*watched, where.namespace)
            except (httpx.HTTPError, ApiError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(_POLL)

    def _heard(self, clients: Clients) -> None:
        clients.stop()
        self._outcome.answers = dict(clients.answers)
        if clients.failures:
            self._outcome.problems.append(
                f"{len(clients.failures)} requests of clients failed, first {clients.failures[:3]}"
            )
        if self._scenario.at_fault and not clients.faults:
            self._outcome.problems.append(f"no client met the fault of {self._scenario.at_fault}")
        if clients.own:
            self._outcome.remarks.append(f"{clients.own} times the app said of itself that its database is away")
        if clients.slow:
            self._outcome.remarks.append(f"{clients.slow} requests of clients took more than 2 s")

    def _remember(self, crew: Crew) -> None:
        self._outcome.starts, self._outcome.ends, self._outcome.log = crew.starts, crew.ends, crew.log()


class Campaign:
    """Runs of scenarios, each compared with the undisturbed run, which is made once.

    Args:
        site: the cluster.
        folder: for logs.
        parallel: runs at once.
    """

    def __init__(self, site: Site, folder: Path | None = None, parallel: int = 3) -> None:
        self._site = site
        self._folder = folder or Path(tempfile.mkdtemp(prefix="faults-"))
        self._parallel = parallel
        self._undisturbed: dict[str, Outcome] = {}
        self._lock = threading.Lock()

    def undisturbed(self, scenario: Scenario) -> Outcome:
        """The run that the others are compared with.

        Raises:
            AssertionError: it failed by itself.
        """
        with self._lock:
            if scenario.name not in self._undisturbed:
                found = self._run(scenario, Undisturbed())
                assert not found.problems, f"{found}\n{found.log[-3000:]}"
                self._undisturbed[scenario.name] = found
            return self._undisturbed[scenario.name]

    def run(self, scenario: Scenario, plans: Iterable[Plan], *, together: bool = True) -> Iterator[Outcome]:
        """The runs under these plans, in their order, each as soon as it is there; several at once, or not.

        The undisturbed run goes beside them, where there was none yet.
        """
        with ThreadPoolExecutor(self._parallel if together else 1) as pool:
            wanted = pool.submit(self.undisturbed, scenario)
            for outcome in pool.map(functools.partial(self._run, scenario), plans):
                compare(wanted.result(), outcome)
                yield outcome

    def _run(self, scenario: Scenario, plan: Plan) -> Outcome:
        folder = Path(tempfile.mkdtemp(prefix=f"{scenario.name}-", dir=self._folder))
        outcome = Run(self._site, scenario, plan, folder)()
        (folder / "outcome.txt").write_text(report(outcome), encoding="utf-8")
        return outcome


def compare(wanted: Outcome, found: Outcome) -> None:
    """Note in ``found`` in what it differs from the undisturbed run."""
    if not found.state:
        return
    found.problems += endstate.differences(wanted.state, found.state)
    for word, count in (("created", created), ("deleted", deleted)):
        before, after = count(wanted.writes), count(found.writes)
        found.problems += [
            f"{name} was {word} {number} times, undisturbed {before[name]}"
            for name, number in sorted(after.items())
            if number > before[name]
        ]
    found.problems += [f"{name} wrote after another process had begun to" for name in intruders(found.writes)]
    if found.plan != Undisturbed().title and not found.noted:
        found.remarks.append("the plan's call did not come")


def report(outcome: Outcome) -> str:
    """Everything about a run, for people."""
    parts = (
        ("writes", map(str, outcome.writes)),
        ("what the plan did", outcome.noted),
        ("log", outcome.log.splitlines()),
        ("end", yaml.safe_dump(outcome.state, width=200).splitlines()),
    )
    return "\n".join([str(outcome), *(line for title, lines in parts for line in (f"--- {title}", *lines))])


def _brief(found: Object | None) -> str:
    status = (found or {}).get("status") or {}
    release = status.get("release") or {}
    conditions = [
        f"{item['type']}={item['status']}({item['reason']}: {item.get('message', '')})"
        for item in status.get("conditions") or []
    ]
    return f"{release.get('phase')} {release.get('reason', '')} {status.get('traffic')} {conditions}"
