"""The pod that takes a backup: what it may, what it is told, and that no secret stands in it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from memoapp_operator.api.v1alpha1.destination import Destination, Encryption
from memoapp_operator.render import backup

from . import apps

S3 = {"endpoint": "https://s3.example:9000", "bucket": "backups", "credentialsSecretRef": "s3"}
SEALED = Encryption.model_validate({"recipientsSecretRef": {"name": "vault", "key": "recipients"}})


def job(destination: dict[str, Any], encryption: Encryption | None = None) -> dict[str, Any]:
    context = apps.full()
    database = context.app.spec.database.managed
    assert database is not None
    to = Destination.model_validate(destination)
    return backup.job(context, database, to, encryption, backup="memo-1", reason="Manual")


def containers(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    pod = found["template"]["spec"]
    return {each["name"]: each for each in (*pod["initContainers"], *pod["containers"])}


def test_it_is_tried_once_and_ends() -> None:
    found = job({"volume": {}})
    assert (found["backoffLimit"], found["podReplacementPolicy"]) == (0, "Failed")
    assert 0 < found["activeDeadlineSeconds"] <= 24 * 3600
    assert found["template"]["spec"]["restartPolicy"] == "Never"


def test_the_tools_are_those_of_the_database_and_end_with_the_agent() -> None:
    tools = containers(job({"volume": {}}))["tools"]
    context = apps.full()
    assert context.app.spec.database.managed is not None
    assert tools["image"] == context.app.spec.database.managed.image
    assert tools["restartPolicy"] == "Always"


@pytest.mark.parametrize("destination", [{"volume": {}}, {"s3": S3}])
def test_it_meets_the_restricted_standard(destination: dict[str, Any]) -> None:
    found = job(destination, SEALED)
    pod = found["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    for container in containers(found).values():
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["readOnlyRootFilesystem"] is True
        assert container["resources"]["limits"]["memory"]


def test_no_secret_is_an_argument_or_a_value() -> None:
    for container in containers(job({"s3": S3}, SEALED)).values():
        words = json.dumps([container["command"], container.get("args")])
        assert "PASSWORD" not in words
        given = {item["name"]: item for item in container["env"]}
        for name, item in given.items():
            if "PASSWORD" in name or name.endswith("_KEY"):
                assert "value" not in item
                assert item["valueFrom"]["secretKeyRef"]["key"]


def test_a_volume_is_mounted_and_s3_is_told() -> None:
    volume = containers(job({"volume": {"claimName": "mine"}}))["agent"]
    assert {"name": "MEMOAPP_VOLUME", "value": "/backups"} in volume["env"]
    claims = job({"volume": {"claimName": "mine"}})["template"]["spec"]["volumes"]
    assert {"name": "backups", "persistentVolumeClaim": {"claimName": "mine"}} in claims
    values = {item["name"]: item.get("value") for item in containers(job({"s3": S3}))["agent"]["env"]}
    assert values["MEMOAPP_S3_ENDPOINT"] == "https://s3.example:9000"
    assert "MEMOAPP_VOLUME" not in values
    assert "backups" not in [each["name"] for each in job({"s3": S3})["template"]["spec"]["volumes"]]


def test_every_mount_has_its_volume() -> None:
    authority = {**S3, "caSecretRef": {"name": "store", "key": "ca.crt"}}
    for destination in ({"volume": {}}, {"s3": S3}, {"s3": authority}):
        for encryption in (None, SEALED):
            found = job(destination, encryption)
            volumes = {each["name"] for each in found["template"]["spec"]["volumes"]}
            mounted = {each["name"] for item in containers(found).values() for each in item["volumeMounts"]}
            assert mounted == volumes
