"""``deletionPolicy: BackupThenDelete``: a MemoApp goes with its data once it was saved."""

from __future__ import annotations

from tests.e2e.app import KIND, WITHIN
from tests.e2e.conftest import MakeApp
from tests.kube import Kube, Object
from tools.testbed import sample


def test_a_last_backup_comes_first_and_then_the_data_goes(kube: Kube, memoapp: MakeApp, images: dict[str, str]) -> None:
    spec = sample.small(images)
    spec["database"]["deletionPolicy"] = "BackupThenDelete"
    app = memoapp("memo", {**spec, "backup": {"destination": {"volume": {"size": "1Gi"}}}})
    app.ready()
    app.write_memo("to be saved")
    kube.delete(KIND, "memo", app.namespace)
    kube.wait(KIND, "memo", app.namespace, until=lambda found: found is None, timeout=WITHIN)
    final = kube.get("memoapp.dev/v1alpha1/MemoBackup", "memo-final", app.namespace)
    assert (final["spec"]["reason"], final["status"]["phase"]) == ("Final", "Verified")
    assert final["status"]["rows"] == 2, "the memo, and the note of its migration"

    def gone() -> list[Object]:
        claims = kube.list("v1/PersistentVolumeClaim", app.namespace)
        secrets = [
            item for item in kube.list("v1/Secret", app.namespace) if item["metadata"]["name"] == "memo-database"
        ]
        return [*(item for item in claims if item["metadata"]["name"] == "memo-database"), *secrets]

    app.eventually(gone, lambda left: left == [])
    assert [item["metadata"]["name"] for item in kube.list("v1/PersistentVolumeClaim", app.namespace)] == [
        "memo-backups"
    ]
