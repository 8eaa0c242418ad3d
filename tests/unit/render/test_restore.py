"""The pods of restores: what they may, what they are told, and that nothing of a drill is left."""

from __future__ import annotations

import json
from typing import Any

import pytest
from memoapp_operator.agent import settings
from memoapp_operator.api.v1alpha1.destination import Destination
from memoapp_operator.api.v1alpha1.memorestore import Dump
from memoapp_operator.render import backup, restore
from memoapp_operator.render.agent_pod import WORK
from memoapp_operator.render.backup import Task as BackupTask
from memoapp_operator.render.children import render, revision
from memoapp_operator.render.context import Context
from memoapp_operator.render.restore import Order, Task

from . import apps

MEMO_RESTORE = {"metadata": {"name": "try", "namespace": "prod", "uid": "5-6"}}
S3 = {"endpoint": "https://s3.example:9000", "bucket": "backups", "credentialsSecretRef": "s3"}
SEALED = {
    "recipientsSecretRef": {"name": "vault", "key": "recipients"},
    "identitySecretRef": {"name": "vault", "key": "identity"},
}


def context(**backup: Any) -> Context:
    return apps.known(apps.memoapp({**apps.spec_full(), "backup": backup}))


def job(task: Task, destination: dict[str, Any] | None = None, **backup: Any) -> dict[str, Any]:
    where = Destination.model_validate(destination or {"volume": {}})
    order = Order(task, MEMO_RESTORE, f"try-{task.value}-1", where, "prod/memo/x/", "memo_app", "memo_app_fresh_1")
    return restore.job(context(**backup), order)


def pod(found: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = found["spec"]["template"]["spec"]
    return spec


def containers(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in (*pod(found).get("initContainers", []), *pod(found)["containers"])}


def values(found: dict[str, Any], name: str = "agent") -> dict[str, str | None]:
    return {item["name"]: item.get("value") for item in containers(found)[name]["env"]}


@pytest.mark.parametrize("task", Task)
def test_a_job_ends_is_tried_once_and_goes_with_its_memorestore(task: Task) -> None:
    found = job(task)
    spec = found["spec"]
    assert (spec["backoffLimit"], spec["activeDeadlineSeconds"], spec["ttlSecondsAfterFinished"]) == (0, 21600, 3600)
    (owner,) = found["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("MemoRestore", "5-6", True)
    assert found["metadata"]["labels"]["memoapp.dev/restore"] == "try"
    assert spec["podFailurePolicy"]["rules"][0]["action"] == "Ignore"


@pytest.mark.parametrize("task", Task)
@pytest.mark.parametrize("destination", [{"volume": {}}, {"s3": S3}])
def test_it_meets_the_restricted_standard_and_has_no_token(task: Task, destination: dict[str, Any]) -> None:
    found = job(task, destination, encryption=SEALED)
    makes = task is Task.RECOVER
    assert pod(found)["automountServiceAccountToken"] is makes
    assert pod(found).get("serviceAccountName") == ("memo-recovery" if makes else None)
    assert pod(found)["securityContext"]["runAsNonRoot"] is True
    for container in containers(found).values():
        own = container["securityContext"]
        assert (own["allowPrivilegeEscalation"], own["capabilities"]) == (False, {"drop": ["ALL"]})
        assert own["readOnlyRootFilesystem"] is True
        assert {each["name"] for each in container["volumeMounts"]} <= {each["name"] for each in pod(found)["volumes"]}
        assert container["resources"]["limits"]["memory"]


def test_a_drill_has_a_server_of_its_own_that_only_its_pod_reaches() -> None:
    found = job(Task.DRILL)
    server = containers(found)["server"]
    assert server["restartPolicy"] == "Always"
    assert "listen_addresses=127.0.0.1" in server["args"]
    assert server["image"] == context().app.spec.database.managed.image  # type: ignore[union-attr]
    assert values(found)["PGHOST"] == "127.0.0.1"
    assert values(found, "tools")["PGHOST"] == "127.0.0.1"
    secrets = [item for item in containers(found)["agent"]["env"] if "valueFrom" in item]
    assert secrets == [], "a drill knows no password of the live database"


def imported(**dump: Any) -> dict[str, Any]:
    told = {"destination": {"s3": {**S3, "bucket": "old-dumps"}}, "file": "old/memo_app_20231101_020000.sql.gz", **dump}
    where = Destination.model_validate({"s3": S3})
    order = Order(
        Task.IMPORT, MEMO_RESTORE, "try-import-1", where, dump=Dump.model_validate(told), imported="try-imported"
    )
    return restore.job(context(encryption=SEALED), order)


def test_a_dump_is_run_beside_no_secret_and_becomes_a_backup() -> None:
    found = imported()
    told = values(found)
    assert (told["MEMOAPP_SOURCE_S3_BUCKET"], told["MEMOAPP_S3_BUCKET"]) == ("old-dumps", S3["bucket"])
    assert (told["MEMOAPP_FILE"], told["MEMOAPP_BACKUP_NAME"]) == (
        "old/memo_app_20231101_020000.sql.gz",
        "try-imported",
    )
    assert told["MEMOAPP_RECIPIENTS"] == "/recipients/recipients"
    assert pod(found)["automountServiceAccountToken"] is False
    for name in ("tools", "server"):
        assert all("valueFrom" not in item for item in containers(found)[name]["env"]), name
        mounted = {each["name"] for each in containers(found)[name]["volumeMounts"]}
        assert mounted <= {"work", "tmp", "scratch", "run", "shared-memory"}, name
    assert values(found, "tools")["PGHOST"] == "127.0.0.1"
    assert values(found, "tools")["PGDATABASE"] == "notes"
    assert found["metadata"]["labels"]["app.kubernetes.io/component"] == "drill", "it reaches no database of ours"


def test_variables_are_offered_by_an_account_that_may_only_create() -> None:
    found = imported(env="old/.env")
    assert (pod(found)["serviceAccountName"], pod(found)["automountServiceAccountToken"]) == ("memo-recovery", True)
    assert (values(found)["MEMOAPP_ENV_FILE"], values(found)["MEMOAPP_ENV_SECRET"]) == ("old/.env", "try-env")


def rehearsed(**backend: Any) -> dict[str, Any]:
    spec = apps.spec_full()
    spec["backend"] = {**spec["backend"], **backend}
    known = apps.known(apps.memoapp({**spec, "backup": {"drill": {"backend": True}}}))
    tier = revision(known).tiers["backend"]
    where = Destination.model_validate({"s3": S3})
    order = Order(Task.DRILL, MEMO_RESTORE, "try-drill-1", where, "prod/memo/x/", "notes", backend=tier)
    return restore.job(known, order)


def test_the_backend_comes_up_on_what_was_restored_and_has_the_last_word() -> None:
    found = rehearsed()
    order = [each["name"] for each in pod(found)["initContainers"]]
    assert order == ["tools", "server", "redis", "restorer", "backend"]
    assert "restartPolicy" not in containers(found)["restorer"], "the backend waits for its end"
    assert [each["name"] for each in pod(found)["containers"]] == ["agent"]
    assert containers(found)["agent"]["command"][-1] == "rehearse"
    assert values(found)["MEMOAPP_HEALTH"] == "http://127.0.0.1:3003/api/up"
    assert values(found, "restorer")["MEMOAPP_TOLD"] == f"{WORK}/drilled"
    assert not {"readinessProbe", "lifecycle", "ports"} & containers(found)["backend"].keys()
    assert len({each["name"] for each in pod(found)["volumes"]}) == len(pod(found)["volumes"])


def test_it_knows_nothing_of_the_live_database() -> None:
    found = rehearsed(
        env=[{"name": "PGPASSWORD", "valueFrom": {"secretKeyRef": {"name": "memo-connection", "key": "password"}}}],
        envFrom=[{"secretRef": {"name": "memo-connection"}, "prefix": "DB_"}, {"configMapRef": {"name": "texts"}}],
        volumes=[
            {"name": "work", "secret": {"secretName": "memo-connection"}},
            {"name": "data", "persistentVolumeClaim": {"claimName": "uploads"}},
            {"name": "texts", "configMap": {"name": "texts"}},
            {"name": "both", "projected": {"sources": [{"secret": {"name": "memo-connection"}}]}},
        ],
        volumeMounts=[{"name": "work", "mountPath": "/secret"}],
    )
    told = values(found, "backend")
    assert told["DATABASE_URL"] == "postgresql://order:none@127.0.0.1:5432/notes"
    assert told["REDIS_URL"] == "redis://127.0.0.1:6379/0"
    assert (told["PGPASSWORD"], told["DB_host"]) == ("none", "127.0.0.1")
    assert "memo-connection" not in str(found)
    kinds = {each["name"]: sorted(each.keys() - {"name"}) for each in pod(found)["volumes"]}
    assert [kinds[f"app-{number}"] for number in range(4)] == [["emptyDir"], ["emptyDir"], ["configMap"], ["emptyDir"]]
    assert containers(found)["backend"]["volumeMounts"][0] == {"name": "app-0", "mountPath": "/secret"}


def test_everybody_in_it_is_the_user_that_he_would_be() -> None:
    found = rehearsed(securityContext={"runAsUser": 4711})
    assert "runAsUser" not in pod(found)["securityContext"]
    users = {name: each["securityContext"].get("runAsUser") for name, each in containers(found).items()}
    assert users == {"tools": 65532, "server": 999, "redis": 999, "restorer": 65532, "backend": 4711, "agent": 65532}


def test_its_volume_is_made_for_it_and_goes_with_its_pod() -> None:
    own = {"storage": {"size": "7Gi", "storageClassName": "fast"}}
    (volume,) = [each for each in pod(job(Task.DRILL, drill=own))["volumes"] if each["name"] == "scratch"]
    claim = volume["ephemeral"]["volumeClaimTemplate"]["spec"]
    assert (claim["resources"]["requests"]["storage"], claim["storageClassName"]) == ("7Gi", "fast")
    (volume,) = [each for each in pod(job(Task.DRILL))["volumes"] if each["name"] == "scratch"]
    assert volume["ephemeral"]["volumeClaimTemplate"]["spec"]["resources"]["requests"]["storage"]


def test_the_server_is_tuned_as_the_databases_own_but_keeps_nothing() -> None:
    spec = apps.spec_full()
    managed = {**spec["database"]["managed"], "parameters": {"shared_buffers": "64MB", "archive_mode": "on"}}
    told = {**spec, "database": {**spec["database"], "managed": managed}, "backup": {}}
    order = Order(Task.DRILL, MEMO_RESTORE, "try-drill-1", Destination.model_validate({"volume": {}}), "a/b/")
    arguments = containers(restore.job(apps.known(apps.memoapp(told)), order))["server"]["args"]
    assert {"fsync=off", "wal_level=minimal", "shared_buffers=64MB"} <= set(arguments)
    assert "archive_mode=on" not in arguments


def test_resources_of_the_drill_are_its_own_where_it_has_some() -> None:
    own = {"resources": {"limits": {"memory": "3Gi"}, "requests": {"memory": "1Gi"}}}
    assert containers(job(Task.DRILL, drill=own))["server"]["resources"]["limits"] == {"memory": "3Gi"}


def test_in_place_the_agent_logs_in_by_a_secret_and_has_no_server() -> None:
    for task in (Task.ASSESS, Task.RESTORE):
        found = job(task)
        assert "server" not in containers(found)
        assert values(found)["MEMOAPP_BESIDE"] == "memo_app_fresh_1"
        password = next(item for item in containers(found)["agent"]["env"] if item["name"] == "PGPASSWORD")
        assert password["valueFrom"]["secretKeyRef"]["key"] == "superuser-password"


def test_an_undo_reads_no_destination() -> None:
    order = Order(Task.ASSESS, MEMO_RESTORE, "try-assess-1", live="memo_app", beside="b", kept=("b", "2026-11-23"))
    found = restore.job(context(), order)
    assert "initContainers" not in pod(found)
    assert (values(found)["MEMOAPP_KEPT"], values(found)["MEMOAPP_SINCE"]) == ("b", "2026-11-23")
    assert "backups" not in [each["name"] for each in pod(found)["volumes"]]


def test_checks_and_the_key_are_handed_on_and_the_key_is_a_file() -> None:
    checks = [{"name": "some", "query": "SELECT true"}]
    found = job(Task.DRILL, drill={"checks": checks}, encryption=SEALED)
    assert json.loads(values(found)["MEMOAPP_CHECKS"] or "") == checks
    assert values(found)["MEMOAPP_IDENTITY"] == "/identity/identity"
    (volume,) = [each for each in pod(found)["volumes"] if each["name"] == "identity"]
    assert volume["secret"]["items"] == [{"key": "identity", "path": "identity"}]


def test_only_those_that_work_in_place_reach_the_database() -> None:
    policies = {each["metadata"]["name"]: each for each in render(context()) if each["kind"] == "NetworkPolicy"}
    callers = [
        source["podSelector"]["matchLabels"].get("app.kubernetes.io/component")
        for rule in policies["memo-database"]["spec"]["ingress"]
        for source in rule["from"]
        if rule["ports"][0]["port"] == 5432
    ]
    assert "restore" in callers
    assert "drill" not in callers
    assert policies["memo-drill"]["spec"]["ingress"] == []
    assert policies["memo-restore"]["spec"]["ingress"] == []


def test_a_name_stays_a_label_whatever_the_restores_name_is() -> None:
    assert len(restore.job_name("r" * 52, Task.RESTORE, 12)) <= 63


@pytest.mark.parametrize("task", [*Task, *BackupTask])
def test_an_agent_is_told_in_words_that_it_knows(task: Task | BackupTask) -> None:
    """Every variable of ours stands in the agent's own list of them, and where it works is always told."""
    destination = Destination.model_validate({"s3": S3})
    told = context(encryption=SEALED, redis=True)
    if isinstance(task, Task):
        order = Order(task, MEMO_RESTORE, "try-1", destination, "a/b/", "memo_app", "beside", ("kept", "since"))
        found = restore.job(told, order)
    else:
        found = backup.job(told, backup.Order(task, MEMO_RESTORE, destination, "a/b/", "Manual"))
    names = {name for name in values(found) if name.startswith("MEMOAPP_") and not name.startswith("MEMOAPP_S3_")}
    documented = {line.split()[0] for line in (settings.__doc__ or "").splitlines() if line.startswith("MEMOAPP_")}
    documented |= {word for word in (settings.__doc__ or "").split() if word.startswith("MEMOAPP_")}
    assert names - {word.strip(";,.()") for word in documented} == set()
    assert "MEMOAPP_WORK" in names
