"""What ``kubectl get`` and ``kubectl explain`` are told by the API server."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import CRD
from tests.api.samples import LEAST, SAMPLED, STATUS, memo_app
from tests.kube import Kube, Object

pytestmark = pytest.mark.cluster

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


def table(kube: Kube, namespace: str, plural: str = "memoapps") -> Object:
    return kube.request("GET", f"/apis/memoapp.dev/v1alpha1/namespaces/{namespace}/{plural}", accept=TABLE)


def test_the_narrow_table(kube: Kube, namespace: str) -> None:
    shown = [column["name"] for column in table(kube, namespace)["columnDefinitions"] if not column["priority"]]
    assert " ".join(shown).upper() == "NAME VERSION AVAILABLE READY RELEASE TRAFFIC BACKUP PROVED AGE"


def test_the_table_of_windows(kube: Kube, namespace: str, name: str) -> None:
    sampled = SAMPLED["maintenancewindows"]
    made = kube.create(sampled.made(name, namespace, sampled.samples[0]["spec"]))
    kube.update_status({**made, "status": sampled.samples[0]["status"]})
    found = table(kube, namespace, "maintenancewindows")
    shown = [column["name"] for column in found["columnDefinitions"] if not column["priority"]]
    assert " ".join(shown).upper() == "NAME APPS POLICY STATUS NEXT ENDS AGE"
    cells: list[Any] = next(row["cells"] for row in found["rows"] if row["cells"][0] == name)
    assert cells[1:6] == ["memo", "Allow", "Scheduled", "2026-11-28 23:00 +0100", "2026-11-29 02:00 +0100"]


def test_the_wide_table_tells_why(kube: Kube, namespace: str) -> None:
    wide = [column["name"] for column in table(kube, namespace)["columnDefinitions"] if column["priority"]]
    assert wide == ["Reason", "Message"]


def test_a_row_shows_what_the_status_says(kube: Kube, namespace: str, name: str) -> None:
    kube.update_status({**kube.create(memo_app(name, namespace, LEAST)), "status": STATUS})
    cells: list[Any] = next(row["cells"] for row in table(kube, namespace)["rows"] if row["cells"][0] == name)
    shown = [
        "1.4.0",
        None,
        "True",
        "Completed",
        "blue 100",
        "2026-11-23T12:00:00Z",
        "2026-11-23T12:00:00Z",
        "Completed",
        "version 1.4.0 serves",
    ]
    assert cells[1:10] == shown


def test_the_schema_is_structural_and_the_names_are_ours(kube: Kube) -> None:
    crd = kube.get(CRD, "memoapps.memoapp.dev")
    conditions = {entry["type"]: entry["status"] for entry in crd["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}
    assert crd["status"]["acceptedNames"]["shortNames"] == ["ma"]
    assert crd["status"]["acceptedNames"]["categories"] == ["memo"]


def test_explain_is_told_what_a_field_is_for(kube: Kube) -> None:
    schemas = kube.request("GET", "/openapi/v3/apis/memoapp.dev/v1alpha1")["components"]["schemas"]
    spec = schemas["dev.memoapp.v1alpha1.MemoApp"]["properties"]["spec"]["properties"]
    assert spec["version"]["description"].startswith("Version of the application.")
