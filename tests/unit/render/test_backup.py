"""The pods of backups: what they may, what they are told, and that no secret stands in them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from memoapp_operator.domain.manifest import CRON_JOB, VOLUME_CLAIM, kind_of
from memoapp_operator.render import backup
from memoapp_operator.render.backup import Order, Task
from memoapp_operator.render.children import render
from memoapp_operator.render.context import Context
from memoapp_operator.render.schedule import backups

from . import apps

S3 = {"endpoint": "https://s3.example:9000", "bucket": "backups", "credentialsSecretRef": "s3"}
AUTHORITY = {**S3, "caSecretRef": {"name": "store", "key": "ca.crt"}}
SEALED = {"recipientsSecretRef": {"name": "vault", "key": "recipients"}}
DESTINATIONS = [{"volume": {}}, {"volume": {"claimName": "mine"}}, {"s3": S3}, {"s3": AUTHORITY}]
MEMO_BACKUP = {"metadata": {"name": "before-the-fair", "namespace": "prod", "uid": "5-6"}}


def context(destination: dict[str, Any] | None = None, *, sealed: bool = False, **more: Any) -> Context:
    declared = {"destination": destination or {"volume": {}}, **({"encryption": SEALED} if sealed else {}), **more}
    return _known({**apps.spec_full(), "backup": declared})


def _known(spec: dict[str, Any]) -> Context:
    return apps.known(apps.memoapp(spec))


def job(task: Task, destination: dict[str, Any] | None = None, *, sealed: bool = False) -> dict[str, Any]:
    found = context(destination, sealed=sealed)
    declared = found.app.spec.backup
    assert declared is not None
    return backup.job(found, Order(task, MEMO_BACKUP, declared.destination, folder="prod/memo/2026/11/x/"))


def pod(found: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = found["spec"]["template"]["spec"]
    return spec


def containers(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in (*pod(found).get("initContainers", []), *pod(found)["containers"])}


def values(found: dict[str, Any]) -> dict[str, str | None]:
    return {item["name"]: item.get("value") for item in containers(found)["agent"]["env"]}


@pytest.mark.parametrize("task", Task)
def test_a_job_ends_bears_evictions_and_goes_with_its_memobackup(task: Task) -> None:
    found = job(task)
    spec = found["spec"]
    assert 0 < spec["activeDeadlineSeconds"] <= 24 * 3600
    assert spec["podReplacementPolicy"] == "Failed"
    assert spec["podFailurePolicy"]["rules"][0]["onPodConditions"] == [{"type": "DisruptionTarget", "status": "True"}]
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    assert spec["ttlSecondsAfterFinished"] > 0
    (owner,) = found["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("MemoBackup", "5-6")
    assert found["metadata"]["labels"]["memoapp.dev/backup"] == "before-the-fair"


def test_a_backup_is_tried_once_and_what_can_be_repeated_is() -> None:
    assert job(Task.TAKE)["spec"]["backoffLimit"] == 0
    assert job(Task.REMOVE)["spec"]["backoffLimit"] > 0


def test_the_tools_are_those_of_the_database_and_end_with_the_agent() -> None:
    found = context().app.spec.database.managed
    assert found is not None
    for task in (Task.TAKE, Task.VERIFY):
        tools = containers(job(task))["tools"]
        assert (tools["image"], tools["restartPolicy"]) == (found.image, "Always")
    assert "tools" not in containers(job(Task.REMOVE))
    assert containers(job(Task.VERIFY))["tools"]["env"] == []


@pytest.mark.parametrize("destination", DESTINATIONS)
@pytest.mark.parametrize("task", Task)
def test_it_meets_the_restricted_standard(task: Task, destination: dict[str, Any]) -> None:
    found = job(task, destination, sealed=True)
    assert pod(found)["securityContext"]["runAsNonRoot"] is True
    for container in containers(found).values():
        allowed = container["securityContext"]
        assert allowed["allowPrivilegeEscalation"] is False
        assert allowed["capabilities"] == {"drop": ["ALL"]}
        assert allowed["readOnlyRootFilesystem"] is True
        assert container["resources"]["limits"]["memory"]


def test_a_token_of_the_api_is_where_it_is_needed_alone() -> None:
    assert {task for task in Task if pod(job(task))["automountServiceAccountToken"]} == {Task.TAKE, Task.CATALOGUE}
    assert pod(job(Task.TAKE))["serviceAccountName"] == "memo-backup"
    assert "serviceAccountName" not in pod(job(Task.VERIFY))


@pytest.mark.parametrize("task", Task)
def test_no_secret_is_an_argument_or_a_value(task: Task) -> None:
    for container in containers(job(task, {"s3": AUTHORITY}, sealed=True)).values():
        words = json.dumps([container["command"], container.get("args")])
        assert "PASSWORD" not in words
        for item in container["env"]:
            if "PASSWORD" in item["name"] or item["name"].endswith("_KEY"):
                assert "value" not in item
                assert item["valueFrom"]["secretKeyRef"]["key"]


def test_only_the_one_that_takes_it_can_log_in() -> None:
    assert {task for task in Task if "PGPASSWORD" in values(job(task))} == {Task.TAKE}


def test_a_volume_is_mounted_and_s3_is_told() -> None:
    volume = job(Task.VERIFY, {"volume": {"claimName": "mine"}})
    assert values(volume)["MEMOAPP_VOLUME"] == "/backups"
    assert {"name": "backups", "persistentVolumeClaim": {"claimName": "mine"}} in pod(volume)["volumes"]
    store = job(Task.VERIFY, {"s3": S3})
    assert values(store)["MEMOAPP_S3_ENDPOINT"] == "https://s3.example:9000"
    assert "MEMOAPP_VOLUME" not in values(store)
    assert "backups" not in [each["name"] for each in pod(store)["volumes"]]


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("destination", DESTINATIONS)
@pytest.mark.parametrize("task", Task)
def test_every_mount_has_its_volume(task: Task, destination: dict[str, Any], sealed: bool) -> None:
    found = job(task, destination, sealed=sealed)
    volumes = [each["name"] for each in pod(found)["volumes"]]
    assert len(volumes) == len(set(volumes))
    assert {each["name"] for item in containers(found).values() for each in item["volumeMounts"]} == set(volumes)


def test_secrets_are_saved_only_where_they_are_sealed() -> None:
    def mounted(*, sealed: bool) -> list[str]:
        mounts = containers(job(Task.TAKE, sealed=sealed))["agent"]["volumeMounts"]
        return [each["mountPath"] for each in mounts if each["mountPath"].startswith("/config")]

    assert mounted(sealed=False) == ["/config/configmaps/memo-texts"]
    assert mounted(sealed=True) == [
        "/config/configmaps/memo-texts",
        "/config/secrets/memo-database",
        "/config/secrets/memo-mail",
        "/config/secrets/memo-redis",
        "/config/secrets/memo-registry",
    ]


def test_what_is_saved_need_not_be_there() -> None:
    volumes = {each["name"]: each for each in pod(job(Task.TAKE, sealed=True))["volumes"]}
    saved = [each for name, each in volumes.items() if name.startswith("saved-")]
    assert all((each.get("secret") or each["configMap"])["optional"] for each in saved)


def test_an_external_database_is_read_with_the_client_that_is_named() -> None:
    spec = {**apps.spec_full(), "database": {"external": {"secretRef": {"name": "mine"}}}}
    found = _known({**spec, "backup": {"clientImage": "registry.example/postgres:16"}})
    declared = found.app.spec.backup
    assert declared is not None
    agent = containers(backup.job(found, Order(Task.TAKE, MEMO_BACKUP, declared.destination)))
    assert agent["tools"]["image"] == "registry.example/postgres:16"
    given = {item["name"]: item["valueFrom"]["secretKeyRef"] for item in agent["tools"]["env"]}
    assert given["PGUSER"] == {"name": "memo-connection", "key": "user"}


def test_the_schedule_is_a_cronjob_that_stands_alone() -> None:
    found = context(schedule="0 2 * * *", timeZone="Europe/Berlin")
    (cron,) = [item for item in backups(found) if kind_of(item) is CRON_JOB]
    spec = cron["spec"]
    assert (spec["schedule"], spec["timeZone"], spec["suspend"]) == ("0 2 * * *", "Europe/Berlin", False)
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["startingDeadlineSeconds"] > 0
    agent = containers({"spec": spec["jobTemplate"]["spec"]})["agent"]
    given = {item["name"]: item for item in agent["env"]}
    assert given["MEMOAPP_JOB"]["valueFrom"]["fieldRef"]["fieldPath"].endswith("job-name']")
    assert given["MEMOAPP_BACKUP_PREFIX"]["value"] == "memo"
    assert "MEMOAPP_BACKUP_NAME" not in given
    assert given["MEMOAPP_BACKUP_REASON"]["value"] == "Scheduled"


def test_a_name_stays_a_label_whatever_the_apps_name_is() -> None:
    found = backup.prefix(apps.LONG_NAME)
    assert len(f"{found}-20261123-020000") <= 63
    assert len(backup.job_name("b" * 63, Task.CATALOGUE)) <= 63


def test_while_suspended_the_schedule_rests() -> None:
    spec = {**apps.spec_full(), "suspend": True, "backup": {"schedule": "0 2 * * *"}}
    (cron,) = [item for item in backups(_known(spec)) if kind_of(item) is CRON_JOB]
    assert cron["spec"]["suspend"] is True


def test_the_account_may_record_backups_and_hold_one_lease() -> None:
    (role,) = [item for item in backups(context()) if item["kind"] == "Role"]
    assert role["rules"] == [
        {"apiGroups": ["memoapp.dev"], "resources": ["memobackups"], "verbs": ["create"]},
        {"apiGroups": ["memoapp.dev"], "resources": ["memobackups/status"], "verbs": ["patch"]},
        {
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "resourceNames": ["memo-data"],
            "verbs": ["get", "update"],
        },
    ]


def test_the_volume_has_no_owner_and_is_made_only_where_it_is_ours() -> None:
    claims = [item for item in backups(context()) if kind_of(item) is VOLUME_CLAIM]
    assert [item["metadata"]["name"] for item in claims] == ["memo-backups"]
    assert "ownerReferences" not in claims[0]["metadata"]
    for destination in ({"volume": {"claimName": "mine"}}, {"s3": S3}):
        assert not [item for item in backups(context(destination)) if kind_of(item) is VOLUME_CLAIM]


def test_the_saved_memoapp_is_the_declared_one() -> None:
    (saved,) = [item for item in backups(context()) if item["metadata"]["name"] == "memo-saved"]
    found = json.loads(saved["data"]["app.json"])
    assert found["spec"]["version"] == "1.4.0"
    assert found["metadata"]["uid"] == apps.UID
    assert "status" not in found


def test_without_backups_there_is_nothing_of_them() -> None:
    assert backups(apps.full()) == ()
    names = [item["metadata"]["name"] for item in render(apps.full())]
    assert not [name for name in names if name.endswith(("-backup", "-backups", "-saved", "-data"))]


def test_redis_is_read_only_where_it_is_saved() -> None:
    assert "MEMOAPP_REDIS_URI" not in values(job(Task.TAKE))
    found = context(redis=True)
    declared = found.app.spec.backup
    assert declared is not None
    agent = containers(backup.job(found, Order(Task.TAKE, MEMO_BACKUP, declared.destination)))["agent"]
    given = {item["name"]: item for item in agent["env"]}
    assert given["MEMOAPP_REDIS_URI"]["valueFrom"]["secretKeyRef"] == {"name": "memo-connection", "key": "redis-uri"}
