"""MemoBackups and MemoRestores that between them have every path of their schemas."""

from __future__ import annotations

from tests.kube import Object

_TIME = "2026-11-23T02:00:41Z"
S3: Object = {
    "endpoint": "https://s3.example:9000",
    "bucket": "backups",
    "prefix": "team/a",
    "region": "eu-central-1",
    "pathStyle": False,
    "credentialsSecretRef": "store",
    "caSecretRef": {"name": "store", "key": "ca.crt"},
}
CONDITIONS: list[Object] = [
    {
        "type": "Ready",
        "status": "True",
        "reason": "Completed",
        "message": "version 1.4.0 serves",
        "lastTransitionTime": _TIME,
        "observedGeneration": 1,
    }
]
_VOLUME: Object = {"size": "20Gi", "storageClassName": "slow", "claimName": "mine"}
_LOCATION: Object = {"destination": {"volume": _VOLUME}, "folder": "prod/memo/one/"}
_ELSEWHERE: Object = {"destination": {"s3": S3}, "folder": "prod/memo/2026/11/one/"}
_BACKUP: Object = {"appRef": {"name": "memo"}, "reason": "Scheduled", "deletionPolicy": "Delete"}

BACKUP_STATUS: Object = {
    "observedGeneration": 1,
    "conditions": CONDITIONS,
    "phase": "Verified",
    "reason": "NotVerified",
    "message": "database.dump was altered",
    "startedAt": _TIME,
    "takenAt": _TIME,
    "verifiedAt": _TIME,
    "size": 18874368,
    "digest": "d" * 64,
    "content": "c" * 64,
    "tables": 4,
    "rows": 1204,
    "sealed": True,
    "secrets": True,
    "postgresVersion": "17.6 (Debian 17.6-1)",
    "version": "1.4.0",
    "displaySize": "18Mi",
    "proved": {
        "at": _TIME,
        "by": "memo-drill-20261122-040000",
        "seconds": 41,
        "tables": 4,
        "rows": 1204,
        "checks": 1,
        "notes": "large objects were not compared",
    },
}

BACKUPS = tuple(
    {"spec": {**_BACKUP, "location": location}, "status": {**BACKUP_STATUS, "location": location}}
    for location in (_LOCATION, _ELSEWHERE)
)
"""Between them they have every path of the schema of a MemoBackup."""

RESTORE_STATUS: Object = {
    "observedGeneration": 1,
    "conditions": CONDITIONS,
    "phase": "Failed",
    "reason": "NotHealthy",
    "message": "the app is not healthy on the restored database",
    "takenAt": _TIME,
    "attempt": 2,
    "loss": {"at": _TIME, "minutes": 42, "rows": 118, "back": 3, "tables": 2},
    "namespace": "prod-drill-1a2b3c4d",
    "imported": "old-imported",
    "chosen": "the newest of 3 that are proved",
    "configuration": "made: Secret/mail",
    "safety": "undo-1-before",
    "database": "memo_app_fresh_1a2b3c4d",
    "kept": "memo_app_before_1a2b3c4d",
    "keptUntil": _TIME,
    "pageUntil": _TIME,
    "swappedAt": _TIME,
    "evidence": {
        "tables": 4,
        "rows": 1204,
        "sequences": 2,
        "largeObjects": 0,
        "checks": 1,
        "health": "/api/health answers 200 after 1.2 s",
        "postgresVersion": "17.6 (Debian 17.6-1)",
        "notes": "definitions were not compared",
        "seconds": {"verify": 2, "restore": 30},
    },
    "steps": [{"name": "Assessing", "startedAt": _TIME, "finishedAt": _TIME}],
    "startedAt": _TIME,
    "finishedAt": _TIME,
    "downtimeSeconds": 4,
    "display": {"recovery": "38s"},
}
_IN_PLACE: Object = {"appRef": {"name": "memo"}, "mode": "InPlace", "undoFor": "24h"}
RESTORES: tuple[Object, ...] = tuple(
    {"spec": {**_IN_PLACE, "source": source}, "status": {**RESTORE_STATUS, "location": location}}
    for source, location in (
        ({"backup": "memo-20261122-020000"}, _LOCATION),
        ({"location": _LOCATION}, _LOCATION),
        ({"location": _ELSEWHERE}, _ELSEWHERE),
        ({"undoOf": "back"}, _ELSEWHERE),
        ({"dump": {"destination": {"volume": _VOLUME}, "file": "20231101_020000.sql"}}, _ELSEWHERE),
        ({"dump": {"destination": {"s3": S3}, "file": "a/20231101_020000.sql.gz", "env": "a/.env"}}, _ELSEWHERE),
    )
)
RESTORES += tuple(
    {"spec": {"appRef": {"name": "memo"}, "mode": mode, "undoFor": "0s", "source": {"recovery": source}}}
    for mode, source in (
        ("Recovery", {"destination": {"volume": _VOLUME}}),
        (
            "DisasterDrill",
            {
                "destination": {"s3": S3},
                "app": {"namespace": "prod", "name": "memo"},
                "backup": "memo-20261122-020000",
                "identitySecretRef": {"name": "vault", "key": "identity"},
            },
        ),
    )
)
RESTORES += ({"spec": {**_IN_PLACE, "source": {"backup": "memo-20261122-020000"}, "dataLoss": "Accept"}},)
"""Between them they have every path of the schema of a MemoRestore."""
