"""An S3 server in a pod, and a pod that looks into a volume: destinations as somebody else sees and changes them."""

from __future__ import annotations

import subprocess
from base64 import b64encode
from dataclasses import dataclass

from tests.cluster_guard import kubeconfig
from tests.e2e.elsewhere import secret
from tests.kube import Kube, Object
from tests.unit.certificates import self_signed

BUCKET, PREFIX = "backups", "team/a"
ACCESS, SECRET = "memo-agent", "s3cret-of-the-store"
_CONTEXT = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
_USER = {"runAsNonRoot": True, "runAsUser": 65532, "fsGroup": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
_RUNS = "kubectl"


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder in a pod: a destination, as somebody sees it who is not an agent.

    Attributes:
        namespace: of the pod.
        pod: its name.
        root: the destination's folder in it.
    """

    namespace: str
    pod: str
    root: str

    def sh(self, script: str) -> str:
        """Run a script in the folder; what it prints."""
        command = [_RUNS, "--kubeconfig", str(kubeconfig()), "-n", self.namespace, "exec", self.pod, "--"]
        done = subprocess.run(
            [*command, "sh", "-ec", f"mkdir -p {self.root} || true; cd {self.root} 2>/dev/null || exit 0; {script}"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def objects(self) -> list[str]:
        """Every object, by its key."""
        found = self.sh("find . -type f | sort").split()
        return [path.removeprefix("./") for path in found]

    def flip(self, key: str, at: int = 100) -> None:
        """Change one byte."""
        self.sh(f"printf '\\377' | dd of={key} bs=1 seek={at} conv=notrunc status=none")


def store(kube: Kube, namespace: str, image: str) -> Shelf:
    """``https://objects.<namespace>.svc:7070`` with the bucket, and the Secrets ``store`` and ``store-ca``."""
    certificate, key = (text.decode() for text in self_signed("objects", host=f"objects.{namespace}.svc"))
    secret(kube, namespace, "store", **{"access-key": ACCESS, "secret-key": SECRET})
    secret(kube, namespace, "store-ca", **{"ca.crt": certificate})
    secret(kube, namespace, "store-tls", **{"tls.crt": certificate, "tls.key": key})
    server = {
        "name": "objects",
        "image": image,
        "args": [
            "--port",
            ":7070",
            "--cert",
            "/tls/tls.crt",
            "--key",
            "/tls/tls.key",
            "posix",
            "--sidecar",
            "/data/.meta",
            "/data/objects",
        ],
        "env": [{"name": "ROOT_ACCESS_KEY", "value": ACCESS}, {"name": "ROOT_SECRET_KEY", "value": SECRET}],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}, {"name": "tls", "mountPath": "/tls"}],
        "readinessProbe": {"tcpSocket": {"port": 7070}, "periodSeconds": 1},
    }
    made = {
        "name": "bucket",
        "image": image,
        "command": ["mkdir", "-p", f"/data/objects/{BUCKET}", "/data/.meta"],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    volumes = [{"name": "data", "emptyDir": {}}, {"name": "tls", "secret": {"secretName": "store-tls"}}]
    _pod(kube, namespace, "objects", [server], volumes, [made])
    spec = {"selector": {"shelf": "objects"}, "ports": [{"port": 7070}]}
    kube.create(
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "objects", "namespace": namespace}, "spec": spec}
    )
    _wait(kube, namespace, "objects")
    return Shelf(namespace, "objects", f"/data/objects/{BUCKET}/{PREFIX}")


def destination(namespace: str) -> Object:
    """The store as a MemoApp names it."""
    return {
        "s3": {
            "endpoint": f"https://objects.{namespace}.svc:7070",
            "bucket": BUCKET,
            "prefix": PREFIX,
            "credentialsSecretRef": "store",
            "caSecretRef": {"name": "store-ca", "key": "ca.crt"},
        }
    }


def looker(kube: Kube, namespace: str, image: str, claim: str) -> Shelf:
    """A pod that has a claim mounted."""
    container = {
        "name": "looker",
        "image": image,
        "command": ["sleep", "3600"],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]
    _pod(kube, namespace, "looker", [container], volumes)
    _wait(kube, namespace, "looker")
    return Shelf(namespace, "looker", "/data")


def _pod(
    kube: Kube,
    namespace: str,
    name: str,
    containers: list[Object],
    volumes: list[Object],
    before: list[Object] | None = None,
) -> None:
    def whole(container: Object) -> Object:
        return {
            **container,
            "securityContext": _CONTEXT,
            "resources": {"requests": {"cpu": "5m", "memory": "32Mi"}},
        }

    spec = {
        "securityContext": _USER,
        "terminationGracePeriodSeconds": 1,
        "initContainers": [whole(each) for each in before or []],
        "containers": [whole(each) for each in containers],
        "volumes": volumes,
    }
    metadata = {"name": name, "namespace": namespace, "labels": {"shelf": name}}
    kube.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


def _wait(kube: Kube, namespace: str, name: str) -> None:
    def ready(found: Object | None) -> bool:
        conditions = ((found or {}).get("status") or {}).get("conditions", [])
        return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)

    kube.wait("v1/Pod", name, namespace, until=ready, timeout=120)


def encoded(text: str) -> str:
    """As a Secret's data holds it."""
    return b64encode(text.encode()).decode()


def sql(namespace: str, text: str, database: str = "memo_app") -> str:
    """What the managed database answers its superuser."""
    script = f'psql -U postgres -qAt {database} -c "{text}"'
    return Shelf(namespace, "memo-database-0", "/tmp").sh(script).strip()  # noqa: S108 -- the pod's own
