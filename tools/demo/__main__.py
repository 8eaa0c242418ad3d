"""`make demo`: cluster, images, the operator, a MemoApp, backups, a gradual release, one that comes back."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from tests.load.background import BackgroundError
from tools.testbed import sample, steps

from . import maintenance, page, recovery
from .kube import APP, CLUSTER, NAMESPACE, DemoError, apply, condition, kubectl
from .table import follow

_PATIENCE = 300.0
"""Seconds for anything to come up."""
_STEPS = [{"weight": 10, "hold": "12s"}, {"weight": 50, "hold": "12s"}]
_TESTS = [{"name": "smoke", **sample.CHECKS}, {"name": "whole", **sample.CHECKS, "when": "AfterSwitch"}]
_RELEASE = {**sample.MIGRATES, "tests": _TESTS, "steps": _STEPS, "soak": "12s", "backupMaxAge": "0s"}
_NIGHTLY, _EVERY_MINUTE = "0 2 * * *", "* * * * *"
_BACKUP = f"""apiVersion: memoapp.dev/v1alpha1
kind: MemoBackup
metadata:
  name: by-hand
  namespace: {NAMESPACE}
spec:
  appRef:
    name: {APP}
"""
_GATES = {"interval": "4s"}
"""Shorter than anybody would choose, so that the demo is."""


def say(text: str) -> None:
    """A headline."""
    print(f"\n== {text}", flush=True)


def memoapp(
    names: dict[str, str], version: str, *, next_: bool = False, schedule: str = _EVERY_MINUTE, **backend: Any
) -> dict[str, Any]:
    """The demo's MemoApp, with the images that this machine has."""
    suffix = "-next" if next_ else ""
    return {
        "apiVersion": "memoapp.dev/v1alpha1",
        "kind": "MemoApp",
        "metadata": {"name": APP, "namespace": NAMESPACE},
        "spec": {
            "version": version,
            "frontend": {"image": names[f"frontend{suffix}"]},
            "backend": {"image": names[f"backend{suffix}"], **backend},
            "database": {"managed": {"image": names["postgres"], "storage": {"size": "1Gi"}}},
            "redis": {"managed": {"image": names["redis"]}},
            "traffic": {"image": names["haproxy"]},
            "release": _RELEASE,
            "backup": {"schedule": schedule, "destination": {"volume": {"size": "1Gi"}}},
            "gates": _GATES,
        },
    }


def _is_ready(told: dict[str, Any]) -> bool:
    return condition(told, "Ready").get("status") == "True"


def _is_over(told: dict[str, Any]) -> bool:
    return (told.get("release") or {}).get("phase") in {"Completed", "Retired"} and _is_ready(told)


def _is_back(told: dict[str, Any]) -> bool:
    return (told.get("release") or {}).get("phase") == "RolledBack"


def up() -> None:
    """The whole demo."""
    began = time.monotonic()
    say("Cluster")
    steps.up(CLUSTER)
    say("Images")
    steps.images(CLUSTER)
    say("Operator, by its Helm chart")
    steps.operator(CLUSTER, {})
    names = steps.names()
    _first(names)
    _saved()
    _gradual(names)
    _back(names)
    _recovered()
    say("Maintenance: a backup, VACUUM and REINDEX in a window of their own, behind a page that has an end")
    maintenance.done()
    farewell(time.monotonic() - began)


def _first(names: dict[str, str]) -> None:
    say("A MemoApp, version 1.0.0")
    if kubectl("get", "namespace", NAMESPACE, "--ignore-not-found") == "":
        kubectl("create", "namespace", NAMESPACE)
    apply(memoapp(names, "1.0.0"))
    apply(page.service())
    print("$ kubectl get memoapp --watch")
    follow(_is_over, _PATIENCE)
    say("A memo, written and read through the page's API")
    written = page.request("/api/memos", {"text": f"written at {time.strftime('%H:%M:%S')}"})
    read = page.request("/api/memos")["memos"]
    if written["id"] not in [memo["id"] for memo in read]:
        raise DemoError(f"memo {written['id']} was written and is not read back")
    print(f"memo {written['id']}: {written['text']!r}; {len(read)} in all")


def _saved(name: str = "by-hand") -> None:
    manifest = _BACKUP.replace("by-hand", name)
    if name == "by-hand":
        say("A backup, ordered by hand: dumped, stored, read back")
        print(manifest, end="")
    kubectl("delete", "memobackup", name, "-n", NAMESPACE, "--ignore-not-found")
    kubectl("apply", "-f", "-", stdin=manifest)
    kubectl("wait", f"memobackup/{name}", "-n", NAMESPACE, "--for=condition=Ready", f"--timeout={_PATIENCE:.0f}s")
    print("$ kubectl get memobackup")
    print(kubectl("get", "memobackup", name, "-n", NAMESPACE), end="")


def _scheduled() -> None:
    """Wait for the schedule's next backup, and show all."""
    deadline = time.monotonic() + _PATIENCE
    say("The backups so far: the release's own, and the schedule's, one a minute for the demo")
    while not any(line.split()[2:4] == ["Scheduled", "Verified"] for line in _backups()):
        if time.monotonic() > deadline:
            raise DemoError("the schedule takes no backup")
        time.sleep(1)
    print("$ kubectl get memobackup")
    print(kubectl("get", "memobackup", "-n", NAMESPACE), end="")


def _backups() -> list[str]:
    return kubectl("get", "memobackup", "-n", NAMESPACE, "--no-headers").splitlines()


def _recovered() -> None:
    say("Somebody deletes all memos. The backup of before comes back in the place of the live database, by consent")
    _saved("before-the-accident")
    recovery.destroyed_and_back("before-the-accident")
    say("That was a mistake? It can be undone, and that too")
    recovery.undone()
    say("A drill: the backup is restored on a server of its own and compared; weekly by itself, if nothing is said")
    recovery.proved("before-the-accident")


def _gradual(names: dict[str, str]) -> None:
    say(
        "Version 1.1.0: a backup, its migration, its tests; then it comes step by step, 10, 50, 100 %, "
        f"while clients send {page.RATE:.0f} requests a second"
    )
    with page.clients("1.0.0", "1.1.0") as results:
        apply(memoapp(names, "1.1.0", next_=True))
        print("$ kubectl get memoapp --watch")
        told = follow(lambda told: _is_over(told) and told["active"]["version"] == "1.1.0", _PATIENCE)
    (result,) = results
    _done(told["release"])
    _gates(told)
    print(page.told(result))
    if result.failed:
        raise DemoError("a release must not fail a request")
    print(f"It rests on the backup {told['release']['backup']}.")
    _scheduled()


def _back(names: dict[str, str]) -> None:
    say("Version 1.2.0 gets healthy, and then answers every fifth request with 500")
    bad: dict[str, Any] = {
        "env": [{"name": "FAULT", "value": "errors-20%"}, {"name": "MEMO_VERSION", "value": "1.2.0"}]
    }
    with page.clients("1.1.0", "1.2.0") as results:
        apply(memoapp(names, "1.2.0", next_=True, **bad))
        print("$ kubectl get memoapp --watch")
        told = follow(_is_back, _PATIENCE)
    (result,) = results
    ready = condition(told, "Ready")
    print(f"Ready is False: {ready['reason']}: {ready['message']}")
    _gates(told)
    print(page.told(result))
    others = [request for request in result.failures if (request.status, request.version) != (500, "1.2.0")]
    if others or result.failed > len(result.failures):
        raise DemoError("a release must not fail what the new version did not fail itself")
    if not result.failed:
        raise DemoError("no client met the fault of version 1.2.0, so nothing was shown")
    print(f"All of the {result.failed} were 500s of version 1.2.0 itself, before it lost its clients.")
    say("Back to version 1.1.0, which never ceased to serve")
    apply(memoapp(names, "1.1.0", next_=True, schedule=_NIGHTLY))
    told = follow(_is_ready, _PATIENCE)
    print("$ kubectl get memoapp memo -o jsonpath='{.status.history}'   # the newest first")
    for entry in told["history"]:
        print(f"  {entry['version']:<7} {entry['result']:<11} {entry.get('reason', '')}")


def _done(release: dict[str, Any]) -> None:
    """The migration and the tests of a release."""
    migration = release["migration"]
    if migration["schemaBefore"] == migration["schemaAfter"]:
        raise DemoError("the migration of version 1.1.0 changed nothing")
    print(f"Migrated, once, before its first pod: {migration['job']} {migration['outcome']}")
    for test in release["tests"]:
        print(f"Tested: {test['job']} {test['outcome']}")


def _gates(told: dict[str, Any]) -> None:
    print(
        "What the gates said at the end, from the routers' own counters, PostgreSQL's, metrics.k8s.io and the volume:"
    )
    for gate in told["release"].get("gates", []):
        print(f"  {gate['verdict']:<13} {gate['message']}")


def farewell(seconds: float) -> None:
    """Where everything is, and what to try."""
    kubeconfig = steps.environment(CLUSTER)["KUBECONFIG"]
    folder = Path(steps.tool(CLUSTER, "kubectl")).parent
    say(f"Done in {seconds:.0f} s")
    print(f"""
The page:    {page.address()}
kubectl:     export KUBECONFIG={kubeconfig} PATH={folder}:$PATH

Three things to try:
  kubectl -n {NAMESPACE} delete deployment,service,configmap -l memoapp.dev/app={APP}   # all of it comes back
  kubectl -n {NAMESPACE} patch memoapp {APP} --type merge -p '{{"spec":{{"backend":{{"image":"not-there:1"}}}}}}'
      # READY turns False with the reason, AVAILABLE stays True: kubectl -n {NAMESPACE} describe memoapp {APP}
  kubectl -n {NAMESPACE} delete memoapp {APP}; kubectl -n {NAMESPACE} get pvc,secret   # the data and its key stay

make demo-down removes everything.""")


def main() -> int:
    """Exit code 1 with one line where the demo could not go on."""
    try:
        up()
    except (BackgroundError, DemoError, steps.StepError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndemo: stopped; run `make demo` again to go on, or `make demo-down`", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
