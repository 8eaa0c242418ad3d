"""What each CEL rule takes and refuses. A rule without an entry here turns the tests red.

A rule is known by its message. A case is the value of the object that bears the rule, or two where the rule looks at
what was there before.
"""

from __future__ import annotations

from typing import Any

from .cases import Cases, Change
from .window_rules import WINDOW_RULES

_EXTERNAL = {"external": {"secretRef": {"name": "elsewhere"}}}
_MANAGED: dict[str, Any] = {"managed": {}}
_KEY = {"name": "keys", "key": "token"}
_SECRET = {"secretKeyRef": _KEY}
_CONFIG = {"configMapKeyRef": _KEY}
_FIELD = {"fieldRef": {"fieldPath": "metadata.name"}}
_REF = {"name": "keys"}

_RESERVED = (
    "config_file, data_directory, hba_file, ident_file, listen_addresses, port, "
    "shared_preload_libraries, unix_socket_directories"
)


def _database(**fields: Any) -> dict[str, Any]:
    return {**_MANAGED, **fields}


def _step(weight: int) -> dict[str, Any]:
    return {"weight": weight, "hold": "1m"}


def _query(**limits: str) -> dict[str, Any]:
    return {"name": "queue", "query": "up", **limits}


_APP = {"version": "1", "backend": {"image": "a"}}
_S3 = {"endpoint": "https://s3.example", "bucket": "abc", "credentialsSecretRef": "store"}
_WHERE = {"destination": {"volume": {}}, "folder": "a/b/"}


def _stored(size: str) -> dict[str, Any]:
    return {"destination": {"volume": {"size": size}}}


def _restore(**fields: Any) -> dict[str, Any]:
    return {"appRef": {"name": "memo"}, "source": {"backup": "one"}, **fields}


def _backup(**fields: Any) -> dict[str, Any]:
    return {"appRef": {"name": "memo"}, **fields}


CASES = {
    **WINDOW_RULES,
    "backup.clientImage is needed for an external database, and for no other": Cases(
        accept=(
            {**_APP, "database": _MANAGED, "backup": {}},
            {**_APP, "database": _EXTERNAL, "backup": {"clientImage": "a"}},
            {**_APP, "database": _EXTERNAL},
        ),
        reject=(
            {**_APP, "database": _MANAGED, "backup": {"clientImage": "a"}},
            {**_APP, "database": _EXTERNAL, "backup": {}},
        ),
    ),
    "release.backup Required needs spec.backup": Cases(
        accept=(
            {**_APP, "database": _MANAGED, "backup": {}, "release": {"backup": "Required"}},
            {**_APP, "database": _MANAGED, "release": {"backup": "Skip"}},
        ),
        reject=({**_APP, "database": _MANAGED, "release": {"backup": "Required"}},),
    ),
    "release.onFailure RestoreBackup needs spec.backup": Cases(
        accept=({**_APP, "database": _MANAGED, "backup": {}, "release": {"onFailure": "RestoreBackup"}},),
        reject=({**_APP, "database": _MANAGED, "release": {"onFailure": "RestoreBackup"}},),
    ),
    "backup.drill.backend needs a managed database": Cases(
        accept=(
            {**_APP, "database": _MANAGED, "backup": {"drill": {"backend": True}}},
            {**_APP, "database": _EXTERNAL, "backup": {"clientImage": "a", "drill": {"backend": False}}},
        ),
        reject=({**_APP, "database": _EXTERNAL, "backup": {"clientImage": "a", "drill": {"backend": True}}},),
    ),
    "dataLoss is for onFailure RestoreBackup: nothing else loses data": Cases(
        accept=({"onFailure": "RestoreBackup", "dataLoss": "Accept"},),
        reject=({"dataLoss": "Accept"}, {"onFailure": "Hold", "dataLoss": "Accept"}),
    ),
    "onFailure RestoreBackup needs a backup before each release: backup must not be Skip": Cases(
        accept=({"onFailure": "RestoreBackup", "backup": "Required"},),
        reject=({"onFailure": "RestoreBackup", "backup": "Skip"},),
    ),
    "deletionPolicy BackupThenDelete needs spec.backup and a managed database": Cases(
        accept=({**_APP, "database": _database(deletionPolicy="BackupThenDelete"), "backup": {}},),
        reject=(
            {**_APP, "database": _database(deletionPolicy="BackupThenDelete")},
            {
                **_APP,
                "database": {**_EXTERNAL, "deletionPolicy": "BackupThenDelete"},
                "backup": {"clientImage": "a"},
            },
        ),
    ),
    "destination.volume can grow but not shrink": Cases(
        accept=(
            Change(_stored("10Gi"), _stored("11Gi")),
            Change(_stored("10Gi"), {"destination": {"s3": _S3}}),
            Change({"destination": {"s3": _S3}}, _stored("1Gi")),
        ),
        reject=(Change(_stored("10Gi"), _stored("9Gi")), Change(_stored("1Ti"), {})),
    ),
    "backup.redis needs a redis": Cases(
        accept=(
            {**_APP, "database": _MANAGED, "redis": _MANAGED, "backup": {"redis": True}},
            {**_APP, "database": _MANAGED, "backup": {"redis": False}},
        ),
        reject=({**_APP, "database": _MANAGED, "backup": {"redis": True}},),
    ),
    "without a schedule there is none to suspend": Cases(
        accept=({"suspend": True, "schedule": "0 2 * * *"}, {"suspend": False}),
        reject=({"suspend": True},),
    ),
    "exactly one of volume and s3 is needed": Cases(
        accept=({"volume": {}}, {"s3": _S3}),
        reject=({}, {"volume": {}, "s3": _S3}),
    ),
    "one rule must keep something": Cases(
        accept=({}, {"last": 1, "daily": 0, "weekly": 0, "monthly": 0}, {"last": 0, "daily": 0, "weekly": 0}),
        reject=({"last": 0, "daily": 0, "weekly": 0, "monthly": 0},),
    ),
    "it must be more than 0": Cases(accept=("1s", "0h1s", "24h"), reject=("0s", "0m", "000h")),
    "metadata.name must be a DNS label: at most 63 of a-z, 0-9 and '-'": Cases(
        accept=("a", "memo-20261123-020000", "9" * 63),
        reject=("a" * 64, "a.b"),
    ),
    "appRef, reason and location are immutable: delete the MemoBackup, and order another one": Cases(
        accept=(
            Change(_backup(location=_WHERE), _backup(location=_WHERE, deletionPolicy="Delete")),
            Change(_backup(), _backup(deletionPolicy="Delete")),
        ),
        reject=(
            Change(_backup(), {"appRef": {"name": "other"}}),
            Change(_backup(), _backup(reason="Final")),
            Change(_backup(), _backup(location=_WHERE)),
            Change(_backup(location=_WHERE), _backup()),
            Change(_backup(location=_WHERE), _backup(location={**_WHERE, "folder": "a/c/"})),
        ),
    ),
    "metadata.name must be a DNS label of at most 52 of a-z, 0-9 and '-'": Cases(
        accept=("a", "memo-drill-20261122-040000", "9" * 52),
        reject=("a" * 53, "a.b"),
    ),
    "appRef, source and mode are immutable: make another MemoRestore": Cases(
        accept=(
            Change(_restore(mode="InPlace"), _restore(mode="InPlace", dataLoss="Accept")),
            Change(_restore(mode="InPlace"), _restore(mode="InPlace", undoFor="0s")),
        ),
        reject=(
            Change(_restore(), {**_restore(), "appRef": {"name": "other"}}),
            Change(_restore(), _restore(source={"backup": "other"})),
            Change(_restore(), _restore(mode="InPlace")),
        ),
    ),
    "source.undoOf needs mode InPlace": Cases(
        accept=(_restore(source={"undoOf": "one"}, mode="InPlace"),),
        reject=(_restore(source={"undoOf": "one"}), _restore(source={"undoOf": "one"}, mode="Drill")),
    ),
    "source.recovery is for mode Recovery or DisasterDrill, and they need it": Cases(
        accept=(
            _restore(source={"recovery": {"destination": {"s3": _S3}}}, mode="Recovery"),
            _restore(source={"recovery": {"destination": {"s3": _S3}}}, mode="DisasterDrill"),
        ),
        reject=(
            _restore(source={"recovery": {"destination": {"s3": _S3}}}),
            _restore(mode="Recovery"),
            _restore(mode="DisasterDrill"),
        ),
    ),
    "dataLoss is for mode InPlace: a drill loses nothing": Cases(
        accept=(_restore(dataLoss="Accept", mode="InPlace"),),
        reject=(_restore(dataLoss="Accept"),),
    ),
    "dataLoss cannot be taken back: delete the MemoRestore": Cases(
        accept=(Change(_restore(dataLoss="Accept", mode="InPlace"), _restore(dataLoss="Accept", mode="InPlace")),),
        reject=(Change(_restore(dataLoss="Accept", mode="InPlace"), _restore(mode="InPlace")),),
    ),
    "exactly one of backup, location, dump, undoOf and recovery is needed": Cases(
        accept=(
            {"backup": "one"},
            {"location": _WHERE},
            {"dump": {"destination": {"volume": {}}, "file": "20231101_020000.sql"}},
        ),
        reject=({}, {"backup": "one", "location": _WHERE}, {"backup": "one", "undoOf": "two"}),
    ),
    "metadata.name must be a DNS-1035 label: at most 63 of a-z, 0-9 and '-', "
    "beginning with a letter, not ending with '-'": Cases(
        accept=("a", "memo-2", "a" * 63),
        reject=("a" * 64, "9abc", "a.b"),
    ),
    "exactly one of managed and external must be set": Cases(
        accept=(_MANAGED, _EXTERNAL),
        reject=({}, {**_MANAGED, **_EXTERNAL}),
    ),
    "managed cannot become external, nor external managed": Cases(
        accept=(Change(_MANAGED, {"managed": {"image": "other"}}), Change(_EXTERNAL, _EXTERNAL)),
        reject=(Change(_MANAGED, _EXTERNAL), Change(_EXTERNAL, _MANAGED)),
    ),
    "name is immutable": Cases(
        accept=(Change(_database(name="a"), _database(name="a", deletionPolicy="Delete")),),
        reject=(
            Change(_database(name="a"), _database(name="b")),
            Change(_database(name="a"), _database()),
            Change(_database(), _database(name="a")),
        ),
    ),
    "user is immutable": Cases(
        accept=(Change(_database(user="a"), _database(user="a", deletionPolicy="Delete")),),
        reject=(
            Change(_database(user="a"), _database(user="b")),
            Change(_database(user="a"), _database()),
            Change(_database(), _database(user="a")),
        ),
    ),
    "user cannot be one of the operator's own roles (postgres, memoapp_monitor), "
    "nor begin with pg_, which PostgreSQL keeps for itself": Cases(
        accept=(_database(user="postgres2"), _database(user="pgx")),
        reject=(_database(user="postgres"), _database(user="memoapp_monitor"), _database(user="pg_memo")),
    ),
    "name cannot be one of PostgreSQL's own databases": Cases(
        accept=(_database(name="template2"),),
        reject=(_database(name="postgres"), _database(name="template0"), _database(name="template1")),
    ),
    "storageClassName is immutable": Cases(
        accept=(
            Change({"storageClassName": "fast"}, {"storageClassName": "fast", "size": "1Ti"}),
            Change({}, {"size": "1Ti"}),
        ),
        reject=(
            Change({}, {"storageClassName": "fast"}),
            Change({"storageClassName": "fast"}, {}),
            Change({"storageClassName": "fast"}, {"storageClassName": "slow"}),
        ),
    ),
    "a volume can grow but not shrink": Cases(
        accept=(
            Change({"size": "10Gi"}, {"size": "11Gi"}),
            Change({"size": "10Gi"}, {"size": "10240Mi"}),
            Change({"size": "900M"}, {"size": "1Gi"}),
        ),
        reject=(
            Change({"size": "10Gi"}, {"size": "9Gi"}),
            Change({"size": "10Gi"}, {"size": "10G"}),
            Change({"size": "1Ti"}, {}),
        ),
    ),
    "size must be more than 0": Cases(
        accept=({"size": "1"}, {"size": "0.5Gi"}),
        reject=({"size": "0"}, {"size": "0Gi"}, {"size": "0.0"}),
    ),
    "parameters must be named as in postgresql.conf": Cases(
        accept=({"work_mem": "64MB"}, {"auto_explain.log_min_duration": "1s"}, {"a" * 63: "1"}, {}),
        reject=({"Work_mem": "64MB"}, {"a.b.c": "1"}, {"a-b": "1"}, {"a b": "1"}, {"a" * 64: "1"}, {"1a": "1"}),
    ),
    f"these parameters are the operator's: {_RESERVED}": Cases(
        accept=({"ports": "1"},),
        reject=tuple({name: "1"} for name in _RESERVED.split(", ")),
    ),
    "exactly one of secretKeyRef, configMapKeyRef and fieldRef must be set": Cases(
        accept=(_SECRET, _CONFIG, _FIELD),
        reject=({}, {**_SECRET, **_CONFIG}, {**_SECRET, **_FIELD}, {**_SECRET, **_CONFIG, **_FIELD}),
    ),
    "value and valueFrom cannot both be set": Cases(
        accept=({"name": "A"}, {"name": "A", "value": ""}, {"name": "A", "valueFrom": _SECRET}),
        reject=({"name": "A", "value": "", "valueFrom": _SECRET},),
    ),
    "exactly one of secretRef and configMapRef must be set": Cases(
        accept=({"secretRef": _REF}, {"configMapRef": _REF}),
        reject=({}, {"prefix": "A_"}, {"secretRef": _REF, "configMapRef": _REF}),
    ),
    "minReplicas is at most maxReplicas": Cases(
        accept=({"minReplicas": 2, "maxReplicas": 2}, {"minReplicas": 1, "maxReplicas": 100}, {"maxReplicas": 2}),
        reject=({"minReplicas": 3, "maxReplicas": 2}, {"maxReplicas": 1}),
    ),
    "it is at most 168h, a week": Cases(
        accept=("168h", "167h59m60s", "604800s", "84h84h"),
        reject=("168h1s", "10081m", "604801s", "999999h", "999999h999999h9h"),
    ),
    "it is 2s to 10m": Cases(accept=("2s", "10m", "600s"), reject=("0s", "1s", "601s", "11m")),
    "the weights must grow from step to step": Cases(
        accept=([], [_step(1)], [_step(10), _step(50), _step(99)]),
        reject=([_step(10), _step(10)], [_step(50), _step(10)], [_step(1), _step(50), _step(49)]),
    ),
    "abortServerErrorPercent must not be less than serverErrorPercent": Cases(
        accept=({"serverErrorPercent": "5"}, {"serverErrorPercent": "10", "abortServerErrorPercent": "10.0"}),
        reject=({"serverErrorPercent": "5.1"}, {"serverErrorPercent": "10", "abortServerErrorPercent": "9.999"}),
    ),
    "one of min and max is needed": Cases(
        accept=(_query(min="0"), _query(max="0")),
        reject=(_query(),),
    ),
    "min must not be more than max": Cases(
        accept=(_query(min="0", max="0"), _query(min="-2", max="-1"), _query(min="9", max="10")),
        reject=(_query(min="0.1", max="0"), _query(min="-1", max="-2"), _query(min="10", max="9")),
    ),
    "deadline must be more than 0": Cases(
        accept=("1s", "0h1s", "10m"),
        reject=("0s", "0m", "000h", "0h0m0s"),
    ),
    "exactly one of command and atStart is needed: what migrates, or that the application does so itself": Cases(
        accept=({"command": ["a"]}, {"command": ["a"], "atStart": False}, {"atStart": True, "reversible": False}),
        reject=({}, {"atStart": False}, {"command": ["a"], "atStart": True}),
    ),
    "args and resources are those of a command: with atStart there is none": Cases(
        accept=({"command": ["a"], "args": ["b"], "resources": {}}, {"atStart": True, "timeout": "5m"}),
        reject=({"atStart": True, "args": ["b"]}, {"atStart": True, "resources": {}}),
    ),
    "timeout must be more than 0": Cases(
        accept=("1s", "0h1s", "10m"),
        reject=("0s", "0m", "000h", "0h0m0s"),
    ),
    "backendHost cannot be localhost": Cases(
        accept=({"image": "a", "backendHost": "api"}, {"image": "a", "backendHost": "localhost2"}),
        reject=({"image": "a", "backendHost": "localhost"},),
    ),
}
