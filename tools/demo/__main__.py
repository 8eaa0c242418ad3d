"""`make demo`: a cluster, the images, the operator by its chart, and a MemoApp that serves."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tools.testbed import steps

CLUSTER = "demo"
NAMESPACE = "demo"
NODE_PORT = 30080
READY_WITHIN = 300.0


class DemoError(Exception):
    """The demo cannot go on; the message says why in one line."""


def say(text: str) -> None:
    """A headline."""
    print(f"\n== {text}", flush=True)


def kubectl(*arguments: str, stdin: str | None = None) -> str:
    """Run kubectl against the demo's cluster; its output.

    Raises:
        DemoError: it failed; the message is what it said.
    """
    done = subprocess.run(
        [steps.tool(CLUSTER, "kubectl"), *arguments],
        input=stdin,
        env=steps.environment(CLUSTER),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise DemoError(f"kubectl {' '.join(arguments[:3])}: {done.stderr.strip()}")
    return done.stdout


def memoapp(names: dict[str, str]) -> dict[str, Any]:
    """The demo's MemoApp, with the images that this machine has."""
    return {
        "apiVersion": "memoapp.dev/v1alpha1",
        "kind": "MemoApp",
        "metadata": {"name": "memo", "namespace": NAMESPACE},
        "spec": {
            "version": "1.0.0",
            "frontend": {"image": names["frontend"]},
            "backend": {"image": names["backend"]},
            "database": {"managed": {"image": names["postgres"], "storage": {"size": "1Gi"}}},
            "redis": {"managed": {"image": names["redis"]}},
            "traffic": {"image": names["haproxy"]},
        },
    }


def page_service() -> dict[str, Any]:
    """The page on this machine's loopback: the demo's own Service, beside that of the MemoApp."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "memo-page", "namespace": NAMESPACE},
        "spec": {
            "type": "NodePort",
            "selector": {"memoapp.dev/app": "memo", "app.kubernetes.io/component": "router"},
            "ports": [{"port": 80, "targetPort": 8080, "nodePort": NODE_PORT}],
        },
    }


def follow() -> None:
    """Show the table line by line as it changes, until the MemoApp is Ready."""
    began, shown = time.monotonic(), ""
    print(kubectl("get", "memoapp", "-n", NAMESPACE).splitlines()[0])
    while time.monotonic() - began < READY_WITHIN:
        line = kubectl("get", "memoapp", "memo", "-n", NAMESPACE, "--no-headers").rstrip("\n")
        if line.split()[:-1] != shown.split()[:-1]:
            print(line, flush=True)
            shown = line
        status = json.loads(kubectl("get", "memoapp", "memo", "-n", NAMESPACE, "-o", "json")).get("status", {})
        conditions = {item["type"]: item for item in status.get("conditions", [])}
        if conditions.get("Ready", {}).get("status") == "True":
            return
        time.sleep(0.5)
    reason = conditions.get("Ready", {})
    raise DemoError(f"not Ready after {READY_WITHIN:g} s: {reason.get('reason')}: {reason.get('message')}")


def request(address: str, path: str, body: dict[str, str] | None = None) -> Any:
    """One request to the page's API; the decoded answer. Tried for ten seconds: the node port is new."""
    data = json.dumps(body).encode() if body is not None else None
    deadline = time.monotonic() + 10
    while True:
        try:
            call = urllib.request.Request(  # noqa: S310 -- the address is ours
                address + path, data=data, headers={"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(call, timeout=5) as answer:  # noqa: S310
                return json.load(answer)
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > deadline:
                raise DemoError(f"{address}{path}: {error}") from error
            time.sleep(0.3)


def up() -> None:
    """The whole demo."""
    began = time.monotonic()
    say("Cluster")
    steps.up(CLUSTER)
    say("Images")
    steps.images(CLUSTER)
    say("Operator, by its Helm chart")
    steps.operator(CLUSTER, {})
    say("A MemoApp")
    names = steps.names()
    if kubectl("get", "namespace", NAMESPACE, "--ignore-not-found") == "":
        kubectl("create", "namespace", NAMESPACE)
    manifest = json.dumps(memoapp(names))
    kubectl("apply", "-f", "-", stdin=manifest)
    kubectl("apply", "-f", "-", stdin=json.dumps(page_service()))
    print("$ kubectl get memoapp --watch")
    follow()
    say("A memo, written and read through the page's API")
    address = f"http://127.0.0.1:{steps.ports(CLUSTER)[NODE_PORT]}"
    written = request(address, "/api/memos", {"text": f"written at {time.strftime('%H:%M:%S')}"})
    read = request(address, "/api/memos")["memos"]
    if written["id"] not in [memo["id"] for memo in read]:
        raise DemoError(f"memo {written['id']} was written and is not read back")
    print(f"memo {written['id']}: {written['text']!r}; {len(read)} in all")
    farewell(address, time.monotonic() - began)


def farewell(address: str, seconds: float) -> None:
    """Where everything is, and what to try."""
    kubeconfig = steps.environment(CLUSTER)["KUBECONFIG"]
    folder = Path(steps.tool(CLUSTER, "kubectl")).parent
    say(f"Done in {seconds:.0f} s")
    print(f"""
The page:    {address}
kubectl:     export KUBECONFIG={kubeconfig} PATH={folder}:$PATH

Three things to try:
  kubectl -n {NAMESPACE} delete deployment,service,configmap -l memoapp.dev/app=memo   # all of it comes back
  kubectl -n {NAMESPACE} patch memoapp memo --type merge -p '{{"spec":{{"backend":{{"image":"not-there:1"}}}}}}'
      # READY turns False with the reason, AVAILABLE stays True: kubectl -n {NAMESPACE} describe memoapp memo
  kubectl -n {NAMESPACE} delete memoapp memo; kubectl -n {NAMESPACE} get pvc,secret   # the data and its key stay

make demo-down removes everything.""")


def main() -> int:
    """Exit code 1 with one line where the demo could not go on."""
    try:
        up()
    except (DemoError, steps.StepError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndemo: stopped; run `make demo` again to go on, or `make demo-down`", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
