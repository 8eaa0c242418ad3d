"""What a disaster drill makes: a namespace, the keys of the destination, and the app as it would come back."""

from __future__ import annotations

from typing import Any

from memoapp_operator.api.v1alpha1.memoapp import MemoApp
from memoapp_operator.api.v1alpha1.recovery import RestoreFrom
from memoapp_operator.render import disaster

from . import apps

S3 = {
    "endpoint": "https://s3.example",
    "bucket": "abc",
    "credentialsSecretRef": "store",
    "caSecretRef": {"name": "authority", "key": "ca.crt"},
}
SOURCE = RestoreFrom.model_validate(
    {
        "destination": {"s3": S3},
        "app": {"namespace": "prod", "name": "memo"},
        "identitySecretRef": {"name": "vault", "key": "identity"},
    }
)


def made(**spec: Any) -> dict[str, Any]:
    declared = {
        **apps.spec_full(),
        "backup": {"destination": {"s3": S3}},
        "release": {
            "backup": "Required",
            "onFailure": "RestoreBackup",
            "dataLoss": "Accept",
            "approval": "Manual",
            "migration": {"command": ["migrate"]},
            "tests": [{"name": "smoke", "command": ["true"]}],
        },
        **spec,
    }
    found = disaster.memoapp(apps.memoapp(declared), SOURCE, "prod-drill-1a2b3c4d")
    spec_: dict[str, Any] = found["spec"]
    assert found["metadata"] == {"name": "memo", "namespace": "prod-drill-1a2b3c4d"}
    MemoApp.model_validate({**found, "metadata": {**found["metadata"], "uid": "u"}})
    return spec_


def test_the_app_is_as_it_is_declared_and_takes_its_data_from_the_bucket() -> None:
    spec = made()
    assert spec["version"] == apps.spec_full()["version"]
    assert spec["database"]["managed"]["restoreFrom"]["app"] == {"namespace": "prod", "name": "memo"}
    assert spec["release"]["migration"]["command"] == ["migrate"]
    assert [suite["name"] for suite in spec["release"]["tests"]] == ["smoke"]


def test_nothing_of_it_saves_waits_for_people_or_is_reached_from_outside() -> None:
    spec = made(
        paused=True,
        gates={"prometheus": {"url": "http://prometheus:9090", "queries": [{"name": "a", "query": "up", "max": "1"}]}},
    )
    assert not {"backup", "paused", "suspend", "gates"} & spec.keys()
    assert not {"approval", "backup", "onFailure", "dataLoss"} & spec["release"].keys()
    assert "ingress" not in spec["traffic"]
    assert "autoscaling" not in spec["backend"]
    assert (spec["database"]["deletionPolicy"], spec["redis"]["deletionPolicy"]) == ("Delete", "Delete")


def test_only_the_keys_of_the_destination_go_along() -> None:
    assert disaster.keys(SOURCE) == ["authority", "store", "vault"]
    original = {
        "metadata": {"name": "store", "namespace": "prod", "uid": "u", "ownerReferences": [{}]},
        "type": "Opaque",
        "data": {"access-key": "YQ=="},
    }
    found = disaster.secret(original, "there")
    assert found["metadata"] == {"name": "store", "namespace": "there"}
    assert found["data"] == {"access-key": "YQ=="}


def test_its_namespace_says_whose_it_is_and_takes_restricted_pods_alone() -> None:
    labels = disaster.namespace("prod-drill-1a2b3c4d", "5-6")["metadata"]["labels"]
    assert labels["memoapp.dev/disaster-drill"] == "5-6"
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
