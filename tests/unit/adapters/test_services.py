"""The running parts of an app, asked over real sockets: what is told of each answer, and never a secret."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from memoapp_operator.adapters import certificates
from memoapp_operator.adapters.services import AGENT_PORT, ROUTER_ADMIN_PORT, LiveServices, counters_in, steering_in
from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.domain.counters import Counters
from memoapp_operator.domain.observation import Probe, Volume
from memoapp_operator.ports import ClientCertificate, LeaseLostError, Login, Steering

from tests.unit.adapters.servers import listening, own_address, postgres, redis, router, says_nothing

PASSWORD = "gehe1m-wort"
DATABASE = Login("127.0.0.1", 0, "memoapp_monitor", PASSWORD, "memo_app")
CACHE = Login("127.0.0.1", 0, "", PASSWORD)
WELL = Probe(healthy=True, reason="Answering")


@pytest.fixture
async def services() -> AsyncIterator[LiveServices]:
    found = LiveServices()
    yield found
    await found.close()


async def asked_database(services: LiveServices, login: Login = DATABASE, **server: Any) -> Probe:
    async with listening(postgres(PASSWORD, **server)) as port:
        return await services.database(replace(login, port=port))


async def asked_cache(services: LiveServices, login: Login = CACHE, **server: Any) -> Probe:
    async with listening(redis(**server)) as port:
        return await services.cache(replace(login, port=port))


async def test_a_database_that_answers_a_query_is_well(services: LiveServices) -> None:
    assert await asked_database(services) == WELL


async def test_a_database_that_takes_no_writes_is_not(services: LiveServices) -> None:
    assert (await asked_database(services, recovering=True)).reason == "InRecovery"


async def test_a_wrong_password_is_told_as_such_and_not_shown(services: LiveServices) -> None:
    probe = await asked_database(services, replace(DATABASE, password="falsch-1"))
    assert (probe.healthy, probe.reason) == (False, "AuthenticationFailed")
    assert "falsch-1" not in probe.message


REFUSALS = {
    "too many connections": (("53300", "sorry, too many clients already"), "TooManyConnections"),
    "no such database": (("3D000", 'database "memo_app" does not exist'), "NotReachable"),
    "starting": (("57P03", "the database system is starting up"), "NotReachable"),
    "a server that repeats the password": (("28000", f"no entry for {PASSWORD}"), "NotReachable"),
}


@pytest.mark.parametrize(("error", "reason"), REFUSALS.values(), ids=REFUSALS)
async def test_a_refusal_is_told_in_the_servers_words_without_address_and_password(
    services: LiveServices, error: tuple[str, str], reason: str
) -> None:
    probe = await asked_database(services, error=error)
    assert (probe.healthy, probe.reason) == (False, reason)
    assert probe.message == f"FATAL:  {error[1]}".replace(PASSWORD, "***")


async def test_the_same_refusal_from_another_port_is_the_same_message(services: LiveServices) -> None:
    error = ("57P03", "the database system is starting up")
    assert await asked_database(services, error=error) == await asked_database(services, error=error)


async def test_a_query_that_fails_is_told_without_the_password(services: LiveServices) -> None:
    probe = await asked_database(services, query_error=("42501", f"permission denied by {PASSWORD}"))
    assert (probe.healthy, probe.reason) == (False, "QueryFailed")
    assert PASSWORD not in probe.message


async def test_redis_that_takes_the_password_is_well(services: LiveServices) -> None:
    assert await asked_cache(services, password=PASSWORD) == WELL
    assert await asked_cache(services, replace(CACHE, user="someone"), password=PASSWORD, user="someone") == WELL
    assert await asked_cache(services, replace(CACHE, password="")) == WELL


@pytest.mark.parametrize("wrong", ["", "falsch-1"])
async def test_redis_that_refuses_the_password_says_so(services: LiveServices, wrong: str) -> None:
    probe = await asked_cache(services, replace(CACHE, password=wrong), password=PASSWORD)
    assert probe == Probe(healthy=False, reason="AuthenticationFailed", message="Redis refuses the password")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"-LOADING Redis is loading the dataset in memory\r\n", "Loading"),
        (b"-ERR something else\r\n", "NotReachable"),
        (b"HTTP/1.1 400 Bad Request\r\n", "NotReachable"),
        (b"\xff\xfe\r\n", "NotReachable"),
        (b"x" * 200_000 + b"\r\n", "NotReachable"),
    ],
    ids=["loading", "error", "no Redis", "no text", "a line without end"],
)
async def test_another_answer_of_redis_is_not_taken_for_well(
    services: LiveServices, answer: bytes, reason: str
) -> None:
    assert (await asked_cache(services, replace(CACHE, password=""), answer=answer)).reason == reason


ODD = {
    "nobody listens": replace(DATABASE, port=1),
    "no such host": replace(DATABASE, host="nowhere.invalid"),
    "a label of a host name that is too long": replace(DATABASE, host="a" * 70 + ".invalid"),
    "a NUL in the host": replace(DATABASE, host="a\0b", port=5432),
    "a NUL in the password": replace(DATABASE, password="a\0b", port=1),
    "a line break in the host": replace(DATABASE, host="a\nb"),
    "signs that no host has": replace(DATABASE, host="[::1", port=5432),
    "half a sign": replace(DATABASE, password="\udc80", port=1),
}


@pytest.mark.parametrize("login", ODD.values(), ids=ODD)
async def test_whatever_stands_in_a_secret_the_answer_is_a_probe(services: LiveServices, login: Login) -> None:
    for probe in (await services.database(login), await services.cache(login)):
        assert not probe.healthy
        assert login.password not in probe.message


async def answering(code: int, headers: Mapping[str, str] | None = None) -> TestServer:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=code if request.path == "/api/health" else 418, headers=headers)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    server = TestServer(app)
    await server.start_server()
    return server


@pytest.mark.parametrize("code", [200, 204, 301, 404, 500, 503])
async def test_a_health_path_is_told_by_its_code_and_no_redirect_is_followed(services: LiveServices, code: int) -> None:
    server = await answering(code, {"Location": "/elsewhere"} if code == 301 else None)
    try:
        assert await services.health("127.0.0.1", server.port or 0, "/api/health") == code
    finally:
        await server.close()


async def test_a_health_path_that_nobody_answers_is_none(services: LiveServices) -> None:
    assert await services.health("127.0.0.1", 1, "/") is None
    assert await services.health("not an address", 80, "/") is None


@asynccontextmanager
async def agent(body: Any, code: int = 200) -> AsyncIterator[str]:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(body, status=code)

    app = web.Application()
    app.router.add_get("/volume", answer)
    address = own_address()
    async with TestServer(app, host=address, port=AGENT_PORT):
        yield address


async def test_the_agent_tells_how_full_the_volume_is(services: LiveServices) -> None:
    async with agent({"sizeBytes": 100, "usedBytes": 40, "availableBytes": 55}) as address:
        assert await services.volume(address) == Volume(size=100, used=40, available=55)


@pytest.mark.parametrize("body", [{}, {"error": "no"}, [], None, "x", {"sizeBytes": 1}])
async def test_an_agent_that_tells_something_else_tells_nothing(services: LiveServices, body: Any) -> None:
    async with agent(body) as address:
        assert await services.volume(address) is None


async def test_no_agent_is_no_volume(services: LiveServices) -> None:
    assert await services.volume(own_address()) is None


def minted(name: str = "router") -> Mapping[str, str]:
    return certificates.make([name], datetime.now(UTC))


def client_of(made: Mapping[str, str]) -> ClientCertificate:
    return ClientCertificate(made["ca.crt"], made["client.crt"], made["client.key"])


def server_of(made: Mapping[str, str], folder: Path, trusts: Mapping[str, str] | None = None) -> ssl.SSLContext:
    file = folder / "server.pem"
    file.write_text(made["server.pem"])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=(trusts or made)["ca.crt"])
    context.load_cert_chain(file)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


LISTING = "0x7f01 weight 35\n0x7f02 confirmed 1\n\n0x7f03 release abc\n"
STEERING = Steering(35, "abc", confirmed=True)


async def told(services: LiveServices, tls: ssl.SSLContext, certificate: ClientCertificate) -> Steering | None:
    address = own_address()
    async with listening(router(LISTING), address, ROUTER_ADMIN_PORT, tls):
        return await services.steering(address, certificate)


async def test_a_router_tells_how_it_steers_by_mutual_tls(services: LiveServices, tmp_path: Path) -> None:
    made = minted()
    assert await told(services, server_of(made, tmp_path), client_of(made)) == STEERING


async def test_a_router_talks_to_nobody_elses_certificate(services: LiveServices, tmp_path: Path) -> None:
    made, other = minted(), minted()
    stranger = replace(client_of(other), authority=made["ca.crt"])
    assert await told(services, server_of(made, tmp_path), stranger) is None


async def test_no_other_server_is_taken_for_a_router(services: LiveServices, tmp_path: Path) -> None:
    made, other = minted(), minted()
    assert await told(services, server_of(other, tmp_path, trusts=made), client_of(made)) is None
    elsewhere = minted("elsewhere")
    assert await told(services, server_of(elsewhere, tmp_path), client_of(elsewhere)) is None


@pytest.mark.parametrize("damaged", ["", "no PEM", "-----BEGIN CERTIFICATE-----\nü\n-----END CERTIFICATE-----\n"])
async def test_a_damaged_certificate_is_no_answer(services: LiveServices, damaged: str) -> None:
    whole = client_of(minted())
    for broken in (replace(whole, authority=damaged), replace(whole, certificate=damaged), replace(whole, key=damaged)):
        assert await services.steering(own_address(), broken) is None


async def test_no_router_is_no_answer_and_steering_it_no_error(services: LiveServices) -> None:
    assert await services.steering(own_address(), client_of(minted())) is None
    await services.steer(own_address(), client_of(minted()), STEERING)


@pytest.mark.parametrize(
    ("listing", "expected"),
    [
        (LISTING, STEERING),
        ("0x1 weight 0\n0x1 release x\n", Steering(0, "x", confirmed=False)),
        ("0x1 weight 100\n0x1 confirmed 0\n\n0x1 release x\n", Steering(100, "x", confirmed=False)),
        ("0x1 weight 100\n", None),
        ("0x1 release x\n", None),
        ("", None),
        ("Unknown map identifier.\n", None),
        ("0x1 weight\n", None),
        ("0x1 weight -5\n0x1 release x\n", None),
        ("0x1 weight ²\n0x1 release x\n", None),
        ("0x1 weights 5\n0x1 release x\n", None),
    ],
)
def test_how_a_router_steers_is_read_out_of_a_listing(listing: str, expected: Steering | None) -> None:
    assert steering_in(listing) == expected


async def test_a_router_is_steered_release_first_then_weight_then_the_confirmation(
    services: LiveServices, tmp_path: Path
) -> None:
    """The release fixes the clients' buckets: with the weight first, some would move twice."""
    made, address, heard = minted(), own_address(), []

    async def listens(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append((await reader.readline()).decode())
        writer.close()

    async with listening(listens, address, ROUTER_ADMIN_PORT, server_of(made, tmp_path)):
        await services.steer(address, client_of(made), Steering(50, "abc"))
    maps = "/etc/memoapp/state"
    words = [
        f"set map {maps}/release.map release abc",
        f"set map {maps}/release.map page-html %20",
        f"set map {maps}/release.map page-json this%20service%20is%20in%20maintenance",
        f"set map {maps}/state.map weight 50",
        f"set map {maps}/state.map maintenance 0",
    ]
    assert heard == ["; ".join([*words, f"set map {maps}/state.map confirmed 1"]) + "\n"]


async def test_a_router_is_not_steered_once_the_lease_is_over(tmp_path: Path) -> None:
    """Also where it ended while the connection was made: a process may sleep anywhere."""
    made, address, heard, left = minted(), own_address(), [], iter([0.0])
    services = LiveServices(lambda: next(left))

    async def listens(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readline())
        writer.close()

    async with listening(listens, address, ROUTER_ADMIN_PORT, server_of(made, tmp_path)):
        with pytest.raises(LeaseLostError):
            await services.steer(address, client_of(made), Steering(50, "abc"))
    assert heard in ([], [b""])
    await services.close()


async def test_who_says_nothing_is_asked_for_seconds_alone(services: LiveServices, tmp_path: Path) -> None:
    address, made = own_address(), minted()
    async with (
        listening(says_nothing, address, 15432),
        listening(says_nothing, address, AGENT_PORT),
        listening(says_nothing, address, ROUTER_ADMIN_PORT, server_of(made, tmp_path)),
        asyncio.timeout(20),
    ):
        database, cache, *others = await asyncio.gather(
            services.database(replace(DATABASE, host=address, port=15432)),
            services.cache(replace(CACHE, host=address, port=15432)),
            services.health(address, 15432, "/"),
            services.volume(address),
            services.steering(address, client_of(made)),
        )
    assert (database.healthy, database.reason) == (False, "Timeout")
    assert (cache.healthy, cache.reason) == (False, "NotReachable")
    assert others == [None, None, None]


def test_a_login_shows_nothing_of_itself() -> None:
    shown = f"{DATABASE!r} {DATABASE} {client_of({'ca.crt': 'a', 'client.crt': 'b', 'client.key': PASSWORD})!r}"
    assert PASSWORD not in shown


def row(key: str, *counts: int) -> str:
    """A line as HAProxy 3.0.11 prints it."""
    told = " ".join(f"gpc{index}={count}" for index, count in enumerate(counts))
    return f"0x7ff13ffb6568: key={key} use=0 exp=2073599999 shard=0 {told}\n"


TABLE = (
    "# table: measure, type: string, size:16, used:2\n"
    f"{row('blue-api', 5, 1, 2, 4, 3, 2, 1, 0, 0)}{row('green-page', 3, 1, 0, 0, 0, 0, 0, 0, 0)}\n"
)


def test_a_table_is_read_by_colour_and_class() -> None:
    assert counters_in(TABLE) == {
        (Colour.BLUE, "api"): Counters(5, 1, 2, (4, 3, 2, 1, 0, 0)),
        (Colour.GREEN, "page"): Counters(3, 1, 0),
    }
    assert counters_in("# table: measure, type: string, size:16, used:0\n\n") == {}


@pytest.mark.parametrize(
    "listing",
    [
        "",
        "Unknown table\n",
        TABLE.replace("measure", "other"),
        TABLE.partition("gpc5=2")[0],
        TABLE.rstrip(),
        TABLE.replace(" gpc4=3", ""),
        TABLE.replace("gpc4=3", "xgpc4=3"),
        TABLE.replace("gpc4=3", "gpc4=three"),
    ],
)
def test_a_table_that_is_not_whole_is_no_reading(listing: str) -> None:
    assert counters_in(listing) is None


def test_keys_of_somebody_else_are_passed_over() -> None:
    assert counters_in(TABLE.replace("blue-api", "red-api")) == {(Colour.GREEN, "page"): Counters(3, 1, 0)}
