"""What ``kubectl get`` and ``kubectl explain`` are told by the API server."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import CRD
from tests.api.samples import LEAST, STATUS, memo_app
from tests.kube import Kube, Object

pytestmark = pytest.mark.cluster

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


def table(kube: Kube, namespace: str) -> Object:
    return kube.request("GET", f"/apis/memoapp.dev/v1alpha1/namespaces/{namespace}/memoapps", accept=TABLE)


def test_the_narrow_table(kube: Kube, namespace: str) -> None:
    shown = [column["name"] for column in table(kube, namespace)["columnDefinitions"] if not column["priority"]]
    assert " ".join(shown).upper() == "NAME VERSION AVAILABLE READY RELEASE TRAFFIC BACKUP PROVED AGE"


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
