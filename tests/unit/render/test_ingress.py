"""The Ingress: one host, every path, to the app's own Service; and none unasked."""

from __future__ import annotations

from typing import Any

import pytest
from memoapp_operator.domain.manifest import CHILD_KINDS, INGRESS
from memoapp_operator.render.context import Context

from tests.unit.render import apps


def asked(**ingress: str) -> Context:
    return apps.with_spec(apps.full(), "traffic.ingress", {"host": "memo.example", **ingress})


def spec(context: Context) -> dict[str, Any]:
    found: dict[str, Any] = apps.find(context, "Ingress", "memo")["spec"]
    return found


@pytest.mark.parametrize("context", apps.EVERY_APP.values(), ids=apps.EVERY_APP)
def test_nobody_gets_one_unasked(context: Context) -> None:
    assert apps.of_kind(context, "Ingress") == []


def test_a_host_leads_to_the_apps_service_and_says_nothing_that_nobody_asked_for() -> None:
    assert spec(asked()) == {
        "rules": [
            {
                "host": "memo.example",
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "pathType": "Prefix",
                            "backend": {"service": {"name": "memo", "port": {"number": 80}}},
                        }
                    ]
                },
            }
        ]
    }


def test_its_service_is_there_with_that_port() -> None:
    backend = spec(asked())["rules"][0]["http"]["paths"][0]["backend"]["service"]
    ports = apps.find(asked(), "Service", backend["name"])["spec"]["ports"]
    assert backend["port"]["number"] in [port["port"] for port in ports]


def test_a_class_and_a_certificate_are_handed_on() -> None:
    found = spec(asked(className="internal", tlsSecretName="memo-tls"))
    assert found["ingressClassName"] == "internal"
    assert found["tls"] == [{"hosts": ["memo.example"], "secretName": "memo-tls"}]
    assert not {"ingressClassName", "tls"} & set(spec(asked()))


def test_weights_and_releases_never_touch_it() -> None:
    assert spec(apps.released(asked())) == spec(asked())


def test_it_is_a_child_like_the_others() -> None:
    assert INGRESS in CHILD_KINDS
    metadata = apps.find(asked(), "Ingress", "memo")["metadata"]
    assert metadata["labels"]["memoapp.dev/app"] == "memo"
    assert [owner["uid"] for owner in metadata["ownerReferences"]] == [apps.UID]


def test_suspended_it_stays() -> None:
    assert spec(apps.with_spec(asked(), "suspend", value=True)) == spec(asked())
