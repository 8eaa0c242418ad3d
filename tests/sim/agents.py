"""Agents of the simulation: what Jobs come to, and what their pods say."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from memoapp_operator.domain.manifest import JOB, MEMO_BACKUP, Manifest, Ref, kind_of
from memoapp_operator.domain.names import COMPONENT_LABEL

from .clock import SimClock
from .cluster import SimCluster
from .server import EMPTY, LIVE, Server

BACKUP_LABEL = "memoapp.dev/backup"
JOB_LABEL = "batch.kubernetes.io/job-name"
DIGEST = "d" * 64


@dataclass(slots=True)
class Agents:
    """The Job controller, and the pods that it runs.

    Attributes:
        cluster: the API server.
        clock: the time.
        server: PostgreSQL.
        seconds: how long each task takes.
        failing: tasks that fail, with the line that the agent says; None: its pod is gone without a word.
        stuck: tasks whose pods never end.
        silent: agents that cannot reach the API server themselves.
        stored: folders in the destination, with what hides them.
        endings: how Jobs of releases end that do not succeed, by task: exit code and log; None: nobody knows.
        migrated: migrations that succeeded.
        loss: what a restore in place would lose, as an assessment says.
        silent_restores: how many agents that restore end without a word.
        saved: Secrets and ConfigMaps that a backup has.
    """

    cluster: SimCluster
    clock: SimClock
    server: Server = field(default_factory=Server)
    seconds: dict[str, float] = field(default_factory=lambda: {"take": 3.0})
    failing: dict[str, tuple[str, str] | None] = field(default_factory=dict)
    stuck: set[str] = field(default_factory=set)
    silent: bool = False
    stored: dict[str, str] = field(default_factory=dict)
    endings: dict[str, tuple[int, str] | None] = field(default_factory=dict)
    migrated: int = 0
    loss: dict[str, int] = field(default_factory=lambda: {"minutes": 42, "rows": 118, "back": 3, "tables": 2})
    silent_restores: int = 0
    saved: tuple[Manifest, ...] = ()
    _since: dict[str, float] = field(default_factory=dict)

    def resume(self, other: Agents) -> None:
        """Go on from where another one is."""
        self.seconds, self.failing, self.stuck = {**other.seconds}, {**other.failing}, {*other.stuck}
        self.silent, self.stored, self._since = other.silent, {**other.stored}, {**other._since}
        self.endings, self.migrated = {**other.endings}, other.migrated
        self.loss, self.silent_restores = {**other.loss}, other.silent_restores
        self.saved = other.saved

    def step(self) -> None:
        """Everything that can be done now."""
        for job in [*self.cluster.all(JOB)]:
            if job.get("status", {}).get("conditions"):
                continue
            began = self._since.setdefault(job["metadata"]["uid"], self.clock.seconds)
            task = task_of(job)
            if task not in self.stuck and self.clock.seconds >= began + self.seconds.get(task, 1.0):
                self._end_of_release(job, task) if component_of(job) in RELEASE else self._end(job, task)

    def next_change(self) -> float | None:
        """When a Job ends."""
        found = [
            self._since[job["metadata"]["uid"]] + self.seconds.get(task_of(job), 1.0)
            for job in self.cluster.all(JOB)
            if job["metadata"]["uid"] in self._since
            and not job.get("status", {}).get("conditions")
            and task_of(job) not in self.stuck
        ]
        return min((moment for moment in found if moment > self.clock.seconds), default=None)

    def _end(self, job: Manifest, task: str) -> None:
        if task in RESTORES and self.silent_restores:
            self.silent_restores -= 1
            self.cluster.set_status(Ref(JOB, job["metadata"]["name"]), self._condition("Complete"))
            return
        failed = task in self.failing
        line = self._failed(self.failing[task]) if failed else self._worked(job, task)
        if line is not None:
            self._pod(job, line)
        if not failed or line is not None:
            self._tell(job, task, line or {})
        kind = "Failed" if failed else "Complete"
        self.cluster.set_status(Ref(JOB, job["metadata"]["name"]), self._condition(kind))

    def _condition(self, kind: str) -> Manifest:
        return {"conditions": [{"type": kind, "status": "True", "lastTransitionTime": self.clock.stamp()}]}

    def _end_of_release(self, job: Manifest, task: str) -> None:
        """The Job's pod ends by itself, or is gone."""
        succeeded = task not in self.endings
        self.migrated += succeeded and task == "migration"
        ended = (0, "") if succeeded else self.endings[task]
        if ended is not None:
            state = {"terminated": {"message": ended[1], "exitCode": ended[0]}}
            self._put_pod(job, {"name": component_of(job), "state": state}, "Succeeded" if succeeded else "Failed")
        condition = {"type": "Complete" if succeeded else "Failed", "status": "True"}
        told = {**condition, "reason": "" if succeeded else "BackoffLimitExceeded"}
        stamped = {**told, "lastTransitionTime": self.clock.stamp()}
        self.cluster.set_status(Ref(JOB, job["metadata"]["name"]), {"conditions": [stamped]})

    @staticmethod
    def _failed(said: tuple[str, str] | None) -> dict[str, Any] | None:
        return {"reason": said[0], "message": said[1]} if said is not None else None

    def _worked(self, job: Manifest, task: str) -> dict[str, Any]:
        values = _values(job)
        folder = values.get("MEMOAPP_FOLDER", "")
        if task in RESTORES:
            return self._restored(task, values)
        if task == "take":
            folder = f"prod/memo/2026/01/{values['MEMOAPP_BACKUP_NAME']}/"
            self.stored[folder] = "shown"
        if task == "hide":
            self.stored[folder] = "hidden"
        if task == "remove":
            self.stored.pop(folder, None)
        where = json.loads(values["MEMOAPP_DESTINATION"])
        told = {"reason": "Verified", "destination": where, "folder": folder}
        return {**told, "takenAt": self.clock.stamp(), "size": 2048, "digest": DIGEST}

    def _restored(self, task: str, values: dict[str, str]) -> dict[str, Any]:
        """What an agent says that restores, or counts what would be lost."""
        known = {"takenAt": values.get("MEMOAPP_SINCE") or self.clock.stamp(-3600.0), "content": DIGEST}
        if task == "assess":
            return {"reason": "Assessed", **known, **self.loss, "bytes": 1 << 20}
        if task == "recover":
            return self._recovered(values, known)
        if task == "import":
            folder = f"prod/memo/2023/11/{values['MEMOAPP_BACKUP_NAME']}/"
            self.stored[folder] = "shown"
            offered = {"configuration": "made: Secret/back-env"} if "MEMOAPP_ENV_FILE" in values else {}
            return {"reason": "Imported", "folder": folder, "takenAt": "2023-11-01T02:00:00Z", **offered}
        if task == "restore":
            assert values["MEMOAPP_DATABASE"] == LIVE
            self.server.restore(values["MEMOAPP_BESIDE"], values["MEMOAPP_FOLDER"])
        seconds = {"verify": 1.0, "prepare": 2.0, "restore": 3.5, "compare": 1.5}
        return {"reason": "Proved", **known, "tables": 2, "rows": 500, "checks": 1, "seconds": seconds}

    def _recovered(self, values: dict[str, str], known: dict[str, Any]) -> dict[str, Any]:
        """The agent of a recovery: nothing where there is data, else what was saved beside it comes back."""
        if self.server.held.get(values["MEMOAPP_DATABASE"]) != EMPTY:
            return {"reason": "NotNeeded"}
        for item in self.saved:
            if self.cluster.find(Ref(kind_of(item), item["metadata"]["name"])) is None:
                self.cluster.put(item, manager="agent")
        app = f"{values['MEMOAPP_APP_NAMESPACE']}/{values['MEMOAPP_APP_NAME']}"
        folder = f"{app}/2026/01/{values.get('MEMOAPP_BACKUP_NAME') or 'newest'}/"
        told = {"configuration": "made: Secret/mail", "chosen": "the newest of 3 that are proved"}
        return {"reason": "Assessed", **known, "folder": folder, "bytes": 1 << 20, **told}

    def _pod(self, job: Manifest, line: dict[str, Any]) -> None:
        state = {"terminated": {"message": json.dumps(line), "exitCode": int(line["reason"] not in GOOD)}}
        self._put_pod(job, {"name": "agent", "state": state}, "Succeeded")

    def _put_pod(self, job: Manifest, container: Manifest, phase: str) -> None:
        metadata, template = job["metadata"], job["spec"]["template"]
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": metadata["name"], "uid": metadata["uid"]}
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"{metadata['name']}-x",
                "namespace": metadata["namespace"],
                "labels": {**template["metadata"]["labels"], JOB_LABEL: metadata["name"]},
                "ownerReferences": [{**owner, "controller": True}],
            },
            "spec": template["spec"],
            "status": {"phase": phase, "containerStatuses": [container]},
        }
        self.cluster.put(pod, manager="kube-controller-manager")

    def _tell(self, job: Manifest, task: str, line: dict[str, Any]) -> None:
        """What an agent writes itself: the status of the MemoBackup that it took."""
        ref = Ref(MEMO_BACKUP, job["metadata"].get("labels", {}).get(BACKUP_LABEL, ""))
        found = self.cluster.find(ref)
        if task != "take" or self.silent or found is None:
            return
        if line["reason"] != "Verified":
            changes: dict[str, Any] = {"phase": "Failed", "reason": line["reason"], "message": line["message"]}
        else:
            known = {key: line[key] for key in ("takenAt", "size", "digest")}
            location = {key: line[key] for key in ("destination", "folder")}
            changes = {"phase": "Verified", "location": location, "verifiedAt": self.clock.stamp(), **known}
        self.cluster.set_status(ref, {**(found.get("status") or {}), **changes})


RESTORES = frozenset({"drill", "assess", "restore", "recover", "import"})
GOOD = frozenset({"Verified", "Assessed", "Proved", "NotProved", "NotNeeded", "Imported"})
RELEASE = frozenset({"migration", "test", "maintenance"})


def component_of(job: Manifest) -> str:
    """What the Job is a part of."""
    return str(job["metadata"]["labels"].get(COMPONENT_LABEL))


def task_of(job: Manifest) -> str:
    """What a Job does: an agent's task, ``migration``, or the name of a test or of a maintenance task."""
    if component_of(job) == "maintenance":
        return job["metadata"]["name"].removeprefix("memo-").rpartition("-")[0]
    if component_of(job) == "migration":
        return "migration"
    if component_of(job) == "test":
        return str(job["metadata"]["name"].partition("-test-")[2].rpartition("-")[0])
    return str(job["spec"]["template"]["spec"]["containers"][0]["command"][-1])


def _values(job: Manifest) -> dict[str, str]:
    variables = job["spec"]["template"]["spec"]["containers"][0]["env"]
    return {item["name"]: item["value"] for item in variables if "value" in item}


def is_agents(pod: Manifest) -> bool:
    """The pod is one of a Job: it runs by its Job's word alone."""
    return JOB_LABEL in pod["metadata"].get("labels", {})
