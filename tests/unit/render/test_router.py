"""The router and the Services before and behind it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memoapp_operator.domain.counters import SLOW_MS
from memoapp_operator.domain.manifest import Manifest
from memoapp_operator.render import haproxy
from memoapp_operator.render.context import NO_RELEASE, Context, Credentials

from tests.unit.render import apps


def configuration(context: Context) -> str:
    found: str = apps.find(context, "ConfigMap", "memo-router")["data"]["haproxy.cfg"]
    return found


def sections(text: str) -> dict[str, list[str]]:
    """The lines of each section by its heading, without comments."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line and not line.startswith(" "):
            lines = found.setdefault(line, [])
        elif line.strip() and not line.strip().startswith("#"):
            lines.append(line.strip())
    return found


def router_template(context: Context) -> Manifest:
    found: Manifest = apps.find(context, "Deployment", "memo-router")["spec"]["template"]
    return found


def state(context: Context) -> dict[str, str]:
    found: dict[str, str] = apps.find(context, "ConfigMap", "memo-router-state")["data"]
    return found


def service(context: Context, name: str) -> dict[str, Any]:
    found: dict[str, Any] = apps.find(context, "Service", name)["spec"]
    return found


def test_each_colour_leads_to_the_address_of_its_frontend() -> None:
    found = sections(configuration(apps.full()))
    assert "server service 10.96.1.2:8087" in found["backend blue"]
    assert "server service 10.96.2.2:8088" in found["backend green"]


def test_without_a_frontend_each_colour_leads_to_its_backend() -> None:
    found = sections(configuration(apps.backend_only()))
    assert "server service 10.96.1.1:3007" in found["backend blue"]
    assert "server service 10.96.2.1:3001" in found["backend green"]


def test_only_a_failed_connection_is_tried_again_and_never_with_the_other_colour() -> None:
    for colour in ("blue", "green"):
        lines = sections(configuration(apps.full()))[f"backend {colour}"]
        assert "retry-on conn-failure" in lines
        assert "option http-server-close" in lines
        assert len([line for line in lines if line.startswith("server ")]) == 1
        assert not [line for line in lines if "check" in line.split() or "redispatch" in line]


def test_weights_come_from_maps_that_can_be_set_at_run_time() -> None:
    mounts = {mount["mountPath"] for mount in router_template(apps.full())["spec"]["containers"][0]["volumeMounts"]}
    assert haproxy.STATE_PATH in mounts


def test_a_client_has_one_bucket_for_a_release_and_green_serves_those_below_its_weight() -> None:
    app = sections(configuration(apps.full()))["frontend app"]
    # As tried on HAProxy 3.0: what is set stands before what reads it.
    steered = [line.removeprefix("http-request set-var") for line in app if "set-var" in line and "page)" not in line]
    assert steered == [
        "(txn.until) str(maintenance),map_str_int(/etc/memoapp/state/state.map,0)",
        "(txn.left) date(),neg,add(txn.until)",
        "(txn.new) bool(true) unless { req.cook(memoapp) -m found }",
        "(txn.id) req.cook(memoapp)",
        "(txn.id) uuid() if { var(txn.new) -m bool }",
        "(txn.release) str(release),map(/etc/memoapp/state/release.map,none)",
        "(txn.weight) str(weight),map_str_int(/etc/memoapp/state/state.map,0)",
        "(txn.bucket) var(txn.id),concat(:,txn.release,),crc32(1),mod(100)",
        "(txn.side) var(txn.bucket),sub(txn.weight)",
        "(txn.colour) str(blue)",
        "(txn.colour) str(green) if { var(txn.side) -m int lt 0 }",
        "(txn.class) str(api) if { path /api } or { path_beg /api/ }",
        "(txn.key) var(txn.colour),concat(-,txn.class,)",
    ]
    assert app[-1] == "use_backend %[var(txn.colour)]"


def test_each_response_is_counted_once_by_colour_and_class() -> None:
    text = sections(configuration(apps.full()))
    counted = [line.removeprefix("http-after-response ") for line in text["frontend app"] if "sc-inc-gpc" in line]
    assert counted[:3] == [
        "sc-inc-gpc(0,0)",
        "sc-inc-gpc(1,0) if { status 400:499 }",
        "sc-inc-gpc(2,0) if { status 500:599 }",
    ]
    slow = [f"sc-inc-gpc({index},0) if {{ res.timer.hdr gt {limit} }}" for index, limit in enumerate(SLOW_MS, 3)]
    assert counted[3:] == slow
    assert text["backend measure"] == ["stick-table type string len 16 size 16 expire 24d store gpc(9)"]


def test_a_new_client_gets_a_cookie_that_no_script_and_no_other_site_can_use() -> None:
    app = sections(configuration(apps.full()))["frontend app"]
    (cookie,) = [line for line in app if "Set-Cookie" in line]
    assert '"memoapp=%[var(txn.id)]; Path=/; HttpOnly; SameSite=Lax"' in cookie
    assert cookie.endswith("if { var(txn.new) -m bool }")


def test_the_app_learns_who_asked_and_how() -> None:
    app = sections(configuration(apps.full()))["frontend app"]
    assert "option forwardfor" in app
    assert "http-request set-header X-Forwarded-Proto http unless { req.fhdr(X-Forwarded-Proto) -m found }" in app


def test_the_runtime_api_wants_a_certificate() -> None:
    (bind,) = [line for line in sections(configuration(apps.full()))["listen admin"] if line.startswith("bind")]
    assert bind.startswith("bind :9999 ssl ")
    assert bind.endswith("verify required")


def test_a_router_that_stops_has_let_its_clients_go_before_it_is_killed() -> None:
    pod, text = router_template(apps.full())["spec"], configuration(apps.full())
    command = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    waits = [int(seconds) for seconds in re.findall(r"sleep (\d+)", command[-1])]
    assert command[-1] == "sleep 5; kill -USR1 1; sleep 15"
    assert sum(waits) < pod["terminationGracePeriodSeconds"]
    assert "hard-stop-after 20s" in text
    assert "timeout http-keep-alive 10s" in text
    assert "option idle-close-on-response" in text


def test_what_nobody_should_read_is_not_logged() -> None:
    app = sections(configuration(apps.full()))["frontend app"]
    (log,) = [line for line in app if line.startswith("log-format")]
    assert "option dontlog-normal" in app
    assert not [field for field in ("%r", "%HU", "%HQ", "%HP ", "%hr", "%hs", "%CC", "%CS") if field in log]


def test_in_a_cluster_of_ipv6_the_router_listens_there() -> None:
    addresses = {key: f"fd00::{index}" for index, key in enumerate(apps.ADDRESSES)}
    found = sections(configuration(replace(apps.full(), addresses=addresses)))
    assert "bind [::]:8080" in found["frontend app"]
    assert "server service [fd00::1]:8087" in found["backend blue"]


NO_MESSAGE = "page-html %20\npage-json this%20service%20is%20in%20maintenance\n"


@apps.unhurried
@given(st.integers(0, 100), st.text("0123456789abcdef", min_size=1))
def test_weights_and_releases_never_roll_the_router(weight: int, release: str) -> None:
    context = replace(apps.full(), green_weight=weight, release=release)
    assert router_template(context) == router_template(apps.full())
    assert configuration(context) == configuration(apps.full())
    assert state(context) == {
        "state.map": f"weight {weight}\nmaintenance 0\nconfirmed 0\n",
        "release.map": f"release {release}\n{NO_MESSAGE}",
        "rejected": "",
    }


def test_a_rejection_is_kept_beside_the_weights_and_rolls_nothing() -> None:
    context = replace(apps.full(), rejected="0123456789 CrashLoopBackOff blue-backend: ends")
    assert state(context)["rejected"] == "0123456789 CrashLoopBackOff blue-backend: ends"
    assert router_template(context) == router_template(apps.full())


def test_before_the_first_release_there_are_no_weights_to_start_with() -> None:
    assert "ConfigMap/memo-router-state" not in apps.names_of(replace(apps.full(), release=NO_RELEASE))


def test_another_configuration_or_other_certificates_roll_it() -> None:
    context = apps.full()
    moved = replace(context, addresses={**apps.ADDRESSES, "green-frontend": "10.96.2.9"})
    renewed = replace(context, credentials=Credentials(apps.DATABASE, apps.CACHE, "certificates-2"))
    templates = [router_template(each) for each in (context, moved, renewed)]
    assert len({repr(template) for template in templates}) == 3


def test_the_router_is_asked_for_its_own_health() -> None:
    (container,) = router_template(apps.full())["spec"]["containers"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/healthz", "port": 8081}
    health = sections(configuration(apps.full()))["frontend health"]
    assert "http-request deny deny_status 404 unless { path /healthz }" in health


def test_a_router_is_ready_once_its_weights_are_confirmed_or_after_a_sync_of_the_kubelet() -> None:
    health = sections(configuration(apps.full()))["frontend health"]
    assert [line for line in health if "return" in line or "503" in line] == [
        "http-request return status 200 if { var(txn.confirmed) -m int gt 0 }",
        "http-request return status 200 if { var(txn.age) -m int gt 90 }",
        "http-request deny deny_status 503",
    ]
    assert "http-request set-var(txn.confirmed) str(confirmed),map_str_int(/etc/memoapp/state/state.map,0)" in health
    assert "confirmed 0\n" in state(apps.full())["state.map"]


def test_the_apps_service_leads_to_the_router() -> None:
    found = service(apps.full(), "memo")
    assert found["ports"] == [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}]
    assert found["selector"] == {"memoapp.dev/app": "memo", "app.kubernetes.io/component": "router"}


@pytest.mark.parametrize(
    ("name", "port"), [("memo-blue-backend", 3007), ("memo-green-backend", 3003), ("memo-green-frontend", 8088)]
)
def test_a_colours_service_leads_to_its_pods_at_the_tiers_port(name: str, port: int) -> None:
    found = service(apps.full(), name)
    _, colour, component = name.split("-")
    assert found["ports"] == [{"name": "http", "port": port, "targetPort": "http", "protocol": "TCP"}]
    assert found["selector"]["memoapp.dev/colour"] == colour
    assert found["selector"]["app.kubernetes.io/component"] == component


def test_a_colours_service_that_was_deleted_comes_back_with_its_address() -> None:
    assert service(apps.full(), "memo-green-backend")["clusterIP"] == apps.ADDRESSES["green-backend"]
    fresh = replace(apps.full(), addresses={})
    assert not [each for each in apps.of_kind(fresh, "Service") if "clusterIP" in each["spec"]]


@pytest.mark.parametrize(("path", "budget"), [("backend", "memo-blue-backend"), ("traffic", "memo-router")])
def test_a_single_pod_has_no_budget_that_would_forbid_a_drain(path: str, budget: str) -> None:
    several, single = apps.full(), apps.with_spec(apps.full(), f"{path}.replicas", 1)
    assert apps.find(several, "PodDisruptionBudget", budget)["spec"]["maxUnavailable"] == 1
    assert f"PodDisruptionBudget/{budget}" not in apps.names_of(single)


def test_without_revision_and_service_of_a_colour_there_is_no_configuration_for_now() -> None:
    """Both were deleted: until the revision is back nobody knows the port."""
    context = apps.full()
    assert haproxy.configuration(context) is not None
    for lost in context.colours:
        assert haproxy.configuration(replace(context, lost=frozenset({lost}), ports={})) is None
