"""Everything around the operator: the API server, controllers, one node, and the running parts of an app."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta

from memoapp_operator.domain.counters import Counters, Key
from memoapp_operator.domain.manifest import POD, SERVICE, VOLUME_CLAIM, Manifest, Ref
from memoapp_operator.domain.names import COLOUR_LABEL
from memoapp_operator.domain.observation import Probe, Volume
from memoapp_operator.domain.queries import Answer
from memoapp_operator.domain.usage import DatabaseReading, DatabaseStats
from memoapp_operator.ports import ClientCertificate, Login, PrometheusSource, Silence, Steering

from . import kubelet
from .agents import Agents, is_agents
from .clock import SimClock
from .cluster import SimCluster
from .controllers import Controllers, component_of, is_ready
from .kinds import ref_of
from .kubelet import Behaviour, Running
from .routers import ALONE, Routers
from .server import Server
from .traffic import Traffic

YEAR = timedelta(days=365)
SERVER = Ref(SERVICE, "memo-database")
ANSWERS = Probe(healthy=True, reason="Answering")
NOT_REACHABLE = Probe(healthy=False, reason="NotReachable", message="Connection refused")
AUTHENTICATION_FAILED = Probe(healthy=False, reason="AuthenticationFailed", message="password authentication failed")


class World:
    """The port ``Services`` too.

    Attributes:
        behaviours: how images behave, by image; those that are not named behave well.
        quota: why pods are refused, by component.
        health_codes: status code of a health path, by component or ``green-backend`` and the like; None: no answer.
            By default 200 where the pod is ready.
        unready: names of pods that are not ready, however well their image behaves.
        routers: what the routers hold.
        people: who is told what.
        alerts: what an Alertmanager is not to tell.
        agents: the pods of Jobs.
        volumes: passwords that a database was initialised with, by uid of its claim.
        elsewhere: passwords of external databases and Redis, by host.
        traffic: the clients, and how versions answer them.
        prometheus: what a Prometheus answers, by query; without an entry it is not reached.
        codes: status codes of paths that are no health path, by ``green`` and the like; 200 by default.
        questions: how often PostgreSQL was asked for its numbers, and for its definitions.
        statistics_told: PostgreSQL's own numbers, as long as it answers.
    """

    def __init__(self) -> None:
        self.clock = SimClock()
        self.cluster = SimCluster(self.clock)
        self.behaviours: dict[str, Behaviour] = {}
        self.quota: dict[str, str] = {}
        self.controllers = Controllers(self.cluster, self.clock, self.quota.get)
        self.health_codes: dict[str, int | None] = {}
        self.unready: set[str] = set()
        self.routers = Routers(self.cluster)
        self.people = People()
        self.alerts = Alerts()
        self.server = Server()
        self.agents = Agents(self.cluster, self.clock, self.server)
        self.volumes: dict[str, dict[str, str]] = {}
        self.elsewhere: dict[str, str] = {}
        self.traffic = Traffic()
        self.prometheus: dict[str, Answer] = {}
        self.codes: dict[str, int | None] = {}
        self.statistics_told: DatabaseReading = DatabaseStats(5, 100, lacking={"replicationLag": "there is no replica"})
        self.questions: Counter[str] = Counter()
        self.routers.listeners.append(self._before_a_router_is_told)
        self._running: dict[str, Running] = {}
        self._addresses = 0

    def resume(self, other: World) -> None:
        """Go on from where another one is."""
        self.clock.advance_to(other.clock.seconds)
        self.cluster.resume(other.cluster)
        self.controllers.resume(other.controllers)
        self.routers.resume(other.routers)
        self.agents.resume(other.agents)
        self.server.resume(other.server)
        self.traffic.resume(other.traffic)
        self.prometheus, self.codes = {**other.prometheus}, {**other.codes}
        self.statistics_told = other.statistics_told
        self.cluster.metrics = other.cluster.metrics
        self.volumes, self.elsewhere = {**other.volumes}, {**other.elsewhere}
        self._running, self._addresses = {**other._running}, other._addresses

    # The passing of time.

    def step(self) -> None:
        """Controllers and the node do all that they can do now."""
        before = -1
        while before != self.cluster.version:
            before = self.cluster.version
            self.controllers.step()
            self.agents.step()
            for pod in [*self.cluster.all(POD)]:
                if not is_agents(pod):
                    self._show(pod)

    def next_change(self) -> float | None:
        """When something happens by the passing of time alone; None where nothing will."""
        now = self.clock.seconds
        found = [moment for pod in self.cluster.all(POD) for moment in self._moments(pod) if moment > now]
        due = [self.controllers.next_change(), self.agents.next_change()]
        return min([*found, *(moment for moment in due if moment is not None)], default=None)

    def _moments(self, pod: Manifest) -> Iterator[float]:
        running = self._running.get(pod["metadata"]["uid"])
        if running is not None:
            for after in kubelet.moments(self.behaviour(pod), component_of(pod)):
                yield running.since + after
            held = self.routers.held(pod)
            if held is not None and not held.confirmed:
                yield running.since + ALONE

    def behaviour(self, pod: Manifest) -> Behaviour:
        """The worst of the pod's images."""
        found = [self.behaviours.get(each["image"], Behaviour.WELL) for each in pod["spec"]["containers"]]
        return max(found, key=lambda each: each is not Behaviour.WELL)

    def _show(self, pod: Manifest) -> None:
        self.cluster.set_status(ref_of(pod), self._status(pod))

    def _status(self, pod: Manifest) -> Manifest:
        behaviour = self.behaviour(pod)
        if behaviour is Behaviour.UNSCHEDULABLE:
            return kubelet.unschedulable()
        running = self._running.get(pod["metadata"]["uid"])
        if running is None:
            lacks = [*kubelet.lacking(pod, self.cluster)]
            if lacks:
                ref, volume = min(lacks, key=lambda each: not each[1])
                reason = "ContainerCreating" if volume else "CreateContainerConfigError"
                return kubelet.waiting(pod, reason, "" if volume else f'{ref.kind.plural} "{ref.name}" not found')
            running = self._start(pod)
        age = self.clock.seconds - running.since
        after = kubelet.READY.get(component_of(pod), kubelet.READY["backend"])
        ready = behaviour is Behaviour.WELL and age >= after and self._passes_probe(pod, running, age)
        return kubelet.showing(pod, behaviour, running, age, ready, self.clock.stamp())

    def secrets(self, pod: Manifest) -> dict[str, dict[str, str]]:
        """The Secrets that a pod started with, decoded, by their names."""
        return self._running[pod["metadata"]["uid"]].secrets

    def _start(self, pod: Manifest) -> Running:
        self._addresses += 1
        stamp, address = self.clock.stamp(kubelet.PULLED), f"10.244.0.{self._addresses}"
        running = Running(self.clock.seconds, stamp, address, kubelet.taken_along(pod, self.cluster))
        self._running[pod["metadata"]["uid"]] = running
        claim = _claim(pod)
        if component_of(pod) == "router":
            self.routers.start(pod)
            self.traffic.start(pod["metadata"]["uid"], self.clock.seconds)
        if component_of(pod) == "database" and claim is not None:
            uid = self.cluster.find(Ref(VOLUME_CLAIM, claim))["metadata"]["uid"]  # type: ignore[index]
            secret = next(iter(running.secrets.values()))
            self.volumes.setdefault(uid, dict(secret))
        return running

    def _passes_probe(self, pod: Manifest, running: Running, age: float) -> bool:
        """The backend is ready only while it reaches its database with the password that it started with."""
        if pod["metadata"]["name"] in self.unready:
            return False
        if component_of(pod) == "router":
            return self.routers.is_ready(pod, age)
        if component_of(pod) != "backend":
            return True
        for variable in pod["spec"]["containers"][0].get("env", []):
            source = variable.get("valueFrom", {}).get("secretKeyRef", {})
            if variable["name"] == "DATABASE_URL" and source.get("key") == "uri":
                values = running.secrets[source["name"]]
                login = Login(values["host"], int(values["port"]), values["user"], values["password"])
                return self._ask_database(login).healthy
        return True

    # The port ``Services``.

    async def database(self, login: Login) -> Probe:
        return self._ask_database(login)

    async def statistics(self, login: Login, user: str, slow: int) -> DatabaseReading:
        del user, slow
        self.questions["statistics"] += 1
        probe = self._ask_database(login)
        return self.statistics_told if probe.healthy else probe

    async def statement(self, login: Login, query: str) -> str:
        del login
        return f"SELECT of {query}"

    async def definitions(self, login: Login) -> str | None:
        self.questions["definitions"] += 1
        return f"definitions-{self.agents.migrated}" if self._ask_database(login).healthy else None

    async def databases(self, login: Login) -> Mapping[str, bool] | None:
        assert (login.user, login.dbname) == ("postgres", "postgres")
        self.questions["databases"] += 1
        return self.server.names()

    async def swap(self, login: Login, live: str, fresh: str, kept: str) -> None:
        """Killed before it, between its two halves, or after it."""
        assert login.user == "postgres"
        await self.cluster.reach(SERVER, lambda: self.server.close(live) is None)
        await self.cluster.reach(SERVER, lambda: self.server.swap(live, fresh, kept) is None)

    async def open(self, login: Login, name: str) -> None:
        assert login.user == "postgres"
        await self.cluster.reach(SERVER, lambda: self.server.open(name) is None)

    async def drop(self, login: Login, name: str) -> None:
        assert login.user == "postgres"
        await self.cluster.reach(SERVER, lambda: self.server.drop(name) is None)

    async def cache(self, login: Login) -> Probe:
        if login.host in self.elsewhere:
            return ANSWERS if self.elsewhere[login.host] == login.password else AUTHENTICATION_FAILED
        for pod in self._behind(login.host):
            auth = next(iter(self._running[pod["metadata"]["uid"]].secrets.values()))["auth.conf"]
            return ANSWERS if auth == f"requirepass {login.password}\n" else AUTHENTICATION_FAILED
        return NOT_REACHABLE

    async def health(self, address: str, port: int, path: str) -> int | None:
        assert path.startswith("/")
        for pod in self._at(address, port):
            if not path.endswith("health"):
                return self.codes.get(pod["metadata"].get("labels", {}).get(COLOUR_LABEL), 200)
            return self.health_code(pod)
        return None

    def health_code(self, pod: Manifest) -> int | None:
        """What a pod answers on its health path."""
        code = 200 if is_ready(pod) else 503
        return self.health_codes.get(_coloured(pod), self.health_codes.get(component_of(pod), code))

    def _at(self, address: str, port: int) -> Iterator[Manifest]:
        """The pods that may answer at an address: one by its own, or the ready ones behind a Service's."""
        for pod in self.cluster.all(POD):
            if pod.get("status", {}).get("podIP") == address:
                yield pod
        for service in self.cluster.all(SERVICE):
            if service["spec"]["clusterIP"] == address and any(
                each["port"] == port for each in service["spec"]["ports"]
            ):
                yield from self._behind(service["metadata"]["name"])

    async def volume(self, address: str) -> Volume | None:
        assert address
        return Volume(size=10 << 30, used=1 << 30, available=9 << 30)

    async def steering(self, address: str, certificate: ClientCertificate) -> Steering | None:
        pod = self._router_at(address, certificate)
        return None if pod is None else self.routers.held(pod)

    async def steer(self, address: str, certificate: ClientCertificate, wanted: Steering) -> None:
        pod = self._router_at(address, certificate)
        if pod is not None:
            await self.cluster.reach(ref_of(pod), lambda: self.routers.steer(pod, wanted))

    async def counters(self, address: str, certificate: ClientCertificate) -> Mapping[Key, Counters] | None:
        pod = self._router_at(address, certificate)
        if pod is None:
            return None
        self._count(pod)
        return self.traffic.counters(pod["metadata"]["uid"])

    async def query(self, source: PrometheusSource, text: str) -> Answer:
        assert source.url
        return self.prometheus.get(text, Answer(None, "connection refused"))

    def _before_a_router_is_told(self, pod: Manifest, wanted: Steering) -> None:
        del wanted
        self._count(pod)

    def _count(self, pod: Manifest) -> None:
        """Let the clients of a router come up to now."""
        green = self.routers.weight(pod) if is_ready(pod) else None
        self.traffic.run(pod["metadata"]["uid"], green, self.clock.seconds)

    def _router_at(self, address: str, certificate: ClientCertificate) -> Manifest | None:
        for pod in self.cluster.all(POD):
            if pod.get("status", {}).get("podIP") == address and address not in self.routers.deaf:
                held = next(iter(self._running[pod["metadata"]["uid"]].secrets.values()))
                return pod if held["ca.crt"] == certificate.authority else None
        return None

    def _ask_database(self, login: Login) -> Probe:
        if login.host in self.elsewhere:
            return ANSWERS if self.elsewhere[login.host] == login.password else AUTHENTICATION_FAILED
        for pod in self._behind(login.host):
            claim = self.cluster.find(Ref(VOLUME_CLAIM, _claim(pod) or ""))
            if claim is None:
                return NOT_REACHABLE
            passwords = self.volumes[claim["metadata"]["uid"]]
            key = "monitor-password" if login.user == "memoapp_monitor" else "password"
            return ANSWERS if passwords[key] == login.password else AUTHENTICATION_FAILED
        return NOT_REACHABLE

    def _behind(self, host: str) -> Iterator[Manifest]:
        """Ready pods behind a Service's host name."""
        service = self.cluster.find(Ref(SERVICE, host.partition(".")[0]))
        selector = service["spec"]["selector"].items() if service is not None else None
        for pod in self.cluster.all(POD):
            if selector is not None and selector <= pod["metadata"]["labels"].items() and is_ready(pod):
                yield pod


def _coloured(pod: Manifest) -> str:
    """``green-backend`` and the like."""
    return f"{pod['metadata'].get('labels', {}).get(COLOUR_LABEL)}-{component_of(pod)}"


def _claim(pod: Manifest) -> str | None:
    return next(
        (
            volume["persistentVolumeClaim"]["claimName"]
            for volume in pod["spec"].get("volumes", [])
            if "persistentVolumeClaim" in volume
        ),
        None,
    )


class People:
    """The port ``Messenger``: who is told what.

    Attributes:
        told: URL, title and text of each message that was taken.
        deaf: URLs that take none.
    """

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []
        self.deaf: set[str] = set()

    async def send(self, url: str, title: str, text: str) -> str:
        if url in self.deaf:
            return "it did not take the message"
        self.told.append((url, title, text))
        return ""

    def titles(self, url: str) -> list[str]:
        """What one of them was told."""
        return [title for to, title, _ in self.told if to == url]


class Alerts:
    """The port ``Silencer``: one silence for each owner.

    Attributes:
        silences: by owner.
        away: why nothing can be asked; empty where it can.
        asked: how often it was.
    """

    def __init__(self) -> None:
        self.silences: dict[str, Silence] = {}
        self.away = ""
        self.asked = 0

    async def silence(self, source: PrometheusSource, owner: str, wanted: Silence | None) -> str:
        self.asked += bool(source.url)
        if self.away:
            return self.away
        if wanted is None:
            self.silences.pop(owner, None)
        else:
            self.silences[owner] = wanted
        return ""


class SimMint:
    """The port ``Mint``: values that are told apart, and found wherever they leak."""

    def __init__(self, clock: SimClock) -> None:
        self._clock = clock
        self.values: list[str] = []

    def _new(self, what: str) -> str:
        self.values.append(f"minted{what}x{len(self.values):04d}")
        return self.values[-1]

    def password(self) -> str:
        return self._new("password")

    async def router_certificates(self, dns_names: tuple[str, ...], now: object) -> dict[str, str]:
        assert dns_names == ("router",)
        assert now == self._clock.now()
        found = {key: self._new(key.replace(".", "")) for key in ("ca.crt", "server.pem", "client.crt", "client.key")}
        return {**found, "notAfter": (self._clock.now() + YEAR).strftime("%Y-%m-%dT%H:%M:%SZ")}
