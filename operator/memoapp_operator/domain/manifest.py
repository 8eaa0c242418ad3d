"""Kubernetes objects as plain dicts, and the reference that names one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

Manifest: TypeAlias = dict[str, Any]
"""A Kubernetes object, as its JSON."""


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """A resource of the API: ``group`` is empty for the core API."""

    group: str
    version: str
    kind: str
    plural: str

    @property
    def api_version(self) -> str:
        """``apps/v1``, or ``v1`` for the core API."""
        return f"{self.group}/{self.version}" if self.group else self.version


CONFIG_MAP = Kind("", "v1", "ConfigMap", "configmaps")
SECRET = Kind("", "v1", "Secret", "secrets")
SERVICE = Kind("", "v1", "Service", "services")
POD = Kind("", "v1", "Pod", "pods")
VOLUME_CLAIM = Kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims")
DEPLOYMENT = Kind("apps", "v1", "Deployment", "deployments")
STATEFUL_SET = Kind("apps", "v1", "StatefulSet", "statefulsets")
REVISION = Kind("apps", "v1", "ControllerRevision", "controllerrevisions")
ENDPOINT_SLICE = Kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices")
DISRUPTION_BUDGET = Kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets")
NETWORK_POLICY = Kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies")
AUTOSCALER = Kind("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
INGRESS = Kind("networking.k8s.io", "v1", "Ingress", "ingresses")
SERVICE_ACCOUNT = Kind("", "v1", "ServiceAccount", "serviceaccounts")
ROLE = Kind("rbac.authorization.k8s.io", "v1", "Role", "roles")
ROLE_BINDING = Kind("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings")
LEASE = Kind("coordination.k8s.io", "v1", "Lease", "leases")
JOB = Kind("batch", "v1", "Job", "jobs")
CRON_JOB = Kind("batch", "v1", "CronJob", "cronjobs")
MEMO_BACKUP = Kind("memoapp.dev", "v1alpha1", "MemoBackup", "memobackups")
MEMO_RESTORE = Kind("memoapp.dev", "v1alpha1", "MemoRestore", "memorestores")
MAINTENANCE_WINDOW = Kind("memoapp.dev", "v1alpha1", "MaintenanceWindow", "maintenancewindows")
MEMO_APP = Kind("memoapp.dev", "v1alpha1", "MemoApp", "memoapps")
POD_METRICS = Kind("metrics.k8s.io", "v1beta1", "PodMetrics", "pods")
EVENT = Kind("", "v1", "Event", "events")
NAMESPACE = Kind("", "v1", "Namespace", "namespaces")

CHILD_KINDS = (
    SECRET,
    CONFIG_MAP,
    SERVICE_ACCOUNT,
    ROLE,
    ROLE_BINDING,
    LEASE,
    VOLUME_CLAIM,
    SERVICE,
    STATEFUL_SET,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    NETWORK_POLICY,
    INGRESS,
    AUTOSCALER,
    CRON_JOB,
)
"""The kinds of children, in the order in which they are applied."""

UNWATCHED = frozenset({SECRET, LEASE, SERVICE_ACCOUNT, ROLE, ROLE_BINDING})
"""Of these, no event is waited for. Secrets are neither listed nor watched, but read by name in each pass; a Lease
changes all the while that it is held; and the rights of agents are looked at in each pass."""

_OTHERS = (REVISION, POD, JOB, MEMO_APP, MEMO_BACKUP, MEMO_RESTORE, MAINTENANCE_WINDOW, EVENT, NAMESPACE)
_BY_NAME = {(kind.api_version, kind.kind): kind for kind in (*CHILD_KINDS, *_OTHERS)}


def kind_of(manifest: Manifest) -> Kind:
    """The kind of a manifest; KeyError where it is none that the operator knows."""
    return _BY_NAME[manifest["apiVersion"], manifest["kind"]]


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """One object of a namespace, by kind and name."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind.kind}/{self.name}"


def ref_of(manifest: Manifest) -> Ref:
    """The reference of a manifest."""
    return Ref(kind_of(manifest), manifest["metadata"]["name"])
