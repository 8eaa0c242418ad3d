"""Everything around the operator: the API server, controllers, one node, and the running parts of an app."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from memoapp_operator.adapters.services import weight_in
from memoapp_operator.domain.manifest import CONFIG_MAP, POD, SERVICE, VOLUME_CLAIM, Manifest, Ref, ref_of
from memoapp_operator.domain.observation import Probe, Volume
from memoapp_operator.ports import ClientCertificate, Login

from . import kubelet
from .clock import SimClock
from .cluster import SimCluster
from .controllers import Controllers, component_of, is_ready
from .kubelet import Behaviour, Running

YEAR = timedelta(days=365)
ANSWERS = Probe(healthy=True, reason="Answering")
NOT_REACHABLE = Probe(healthy=False, reason="NotReachable", message="Connection refused")
AUTHENTICATION_FAILED = Probe(healthy=False, reason="AuthenticationFailed", message="password authentication failed")


class World:
    """The port ``Services`` too.

    Attributes:
        behaviours: how images behave, by image; those that are not named behave well.
        quota: why pods are refused, by component.
        health: status code of a component's health path; None: no answer. By default 200 where the pod is ready.
        volumes: passwords that a database was initialised with, by uid of its claim.
        elsewhere: passwords of external databases and Redis, by host.
    """

    def __init__(self) -> None:
        self.clock = SimClock()
        self.cluster = SimCluster(self.clock)
        self.behaviours: dict[str, Behaviour] = {}
        self.quota: dict[str, str] = {}
        self.controllers = Controllers(self.cluster, self.clock, self.quota.get)
        self.health_codes: dict[str, int | None] = {}
        self.volumes: dict[str, dict[str, str]] = {}
        self.elsewhere: dict[str, str] = {}
        self._running: dict[str, Running] = {}
        self._addresses = 0

    def resume(self, other: World) -> None:
        """Go on from where another one is."""
        self.clock.advance_to(other.clock.seconds)
        self.cluster.resume(other.cluster)
        self.controllers.resume(other.controllers)
        self.volumes, self.elsewhere = {**other.volumes}, {**other.elsewhere}
        self._running, self._addresses = {**other._running}, other._addresses

    # The passing of time.

    def step(self) -> None:
        """Controllers and the node do all that they can do now."""
        before = -1
        while before != self.cluster.version:
            before = self.cluster.version
            self.controllers.step()
            for pod in [*self.cluster.all(POD)]:
                self._show(pod)

    def next_change(self) -> float | None:
        """When something happens by the passing of time alone; None where nothing will."""
        now = self.clock.seconds
        found = [moment for pod in self.cluster.all(POD) for moment in self._moments(pod) if moment > now]
        due = self.controllers.next_change()
        return min([*found, *([] if due is None else [due])], default=None)

    def _moments(self, pod: Manifest) -> Iterator[float]:
        running = self._running.get(pod["metadata"]["uid"])
        if running is not None:
            for after in kubelet.moments(self.behaviour(pod), component_of(pod)):
                yield running.since + after

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
        ready = behaviour is Behaviour.WELL and age >= after and self._passes_probe(pod, running)
        return kubelet.showing(pod, behaviour, running, age, ready, self.clock.stamp())

    def _start(self, pod: Manifest) -> Running:
        self._addresses += 1
        stamp, address = self.clock.stamp(kubelet.PULLED), f"10.244.0.{self._addresses}"
        running = Running(self.clock.seconds, stamp, address, kubelet.taken_along(pod, self.cluster))
        self._running[pod["metadata"]["uid"]] = running
        claim = _claim(pod)
        if component_of(pod) == "database" and claim is not None:
            uid = self.cluster.find(Ref(VOLUME_CLAIM, claim))["metadata"]["uid"]  # type: ignore[index]
            secret = next(iter(running.secrets.values()))
            self.volumes.setdefault(uid, dict(secret))
        return running

    def _passes_probe(self, pod: Manifest, running: Running) -> bool:
        """The backend is ready only while it reaches its database with the password that it started with."""
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

    async def cache(self, login: Login) -> Probe:
        if login.host in self.elsewhere:
            return ANSWERS if self.elsewhere[login.host] == login.password else AUTHENTICATION_FAILED
        for pod in self._behind(login.host):
            auth = next(iter(self._running[pod["metadata"]["uid"]].secrets.values()))["auth.conf"]
            return ANSWERS if auth == f"requirepass {login.password}\n" else AUTHENTICATION_FAILED
        return NOT_REACHABLE

    async def health(self, address: str, port: int, path: str) -> int | None:
        assert port
        assert path.startswith("/")
        for pod in self.cluster.all(POD):
            if pod.get("status", {}).get("podIP") == address:
                return self.health_codes.get(component_of(pod), 200 if is_ready(pod) else 503)
        return None

    async def volume(self, address: str) -> Volume | None:
        assert address
        return Volume(size=10 << 30, used=1 << 30, available=9 << 30)

    async def green_weight(self, address: str, certificate: ClientCertificate) -> int | None:
        for pod in self.cluster.all(POD):
            if pod.get("status", {}).get("podIP") == address and is_ready(pod):
                held = next(iter(self._running[pod["metadata"]["uid"]].secrets.values()))
                if held["ca.crt"] != certificate.authority:
                    return None
                return self._weight(pod)
        return None

    def _weight(self, pod: Manifest) -> int | None:
        for volume in pod["spec"]["volumes"]:
            state = self.cluster.find(Ref(CONFIG_MAP, volume.get("configMap", {}).get("name", "")))
            if state is not None and "state.map" in state["data"]:
                return weight_in(f"0x0 {state['data']['state.map']}")
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


def _claim(pod: Manifest) -> str | None:
    return next(
        (
            volume["persistentVolumeClaim"]["claimName"]
            for volume in pod["spec"].get("volumes", [])
            if "persistentVolumeClaim" in volume
        ),
        None,
    )


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
