"""The restricted pod security standard as a function: what a pod breaks, if anything.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/ (Linux pods; baseline and restricted).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
_SECCOMP = {"RuntimeDefault", "Localhost"}


def violations(pod: dict[str, Any]) -> list[str]:
    """One line for each rule that the pod spec breaks."""
    return [*_pod(pod), *(line for container in _containers(pod) for line in _container(pod, container))]


def _containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for key in ("initContainers", "containers", "ephemeralContainers") for each in pod.get(key, [])]


def _pod(pod: dict[str, Any]) -> Iterator[str]:
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(key):
            yield key
    for volume in pod.get("volumes", []):
        if not (set(volume) - {"name"}) <= _VOLUMES:
            yield f"volume {volume['name']}"
    context = pod.get("securityContext", {})
    for key in ("sysctls", "windowsOptions", "seLinuxOptions", "appArmorProfile"):
        if context.get(key):
            yield key
    if context.get("runAsUser") == 0:
        yield "runAsUser 0"


def _container(pod: dict[str, Any], container: dict[str, Any]) -> Iterator[str]:
    name, own = container["name"], container.get("securityContext", {})
    context = {**pod.get("securityContext", {}), **own}
    if own.get("privileged"):
        yield f"{name}: privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield f"{name}: allowPrivilegeEscalation"
    if context.get("runAsNonRoot") is not True or context.get("runAsUser") == 0:
        yield f"{name}: may run as root"
    if context.get("seccompProfile", {}).get("type") not in _SECCOMP:
        yield f"{name}: seccomp"
    capabilities = own.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", []):
        yield f"{name}: capabilities are not dropped"
    if not set(capabilities.get("add", [])) <= {"NET_BIND_SERVICE"}:
        yield f"{name}: capabilities are added"
    if own.get("procMount", "Default") != "Default":
        yield f"{name}: procMount"
    if any(port.get("hostPort") for port in container.get("ports", [])):
        yield f"{name}: hostPort"
    yield from _hosts(container)


def _hosts(container: dict[str, Any]) -> Iterator[str]:
    """Probes and hooks may name no host (since Kubernetes 1.34)."""
    hooks = [container.get(key, {}) for key in ("startupProbe", "readinessProbe", "livenessProbe")]
    hooks += container.get("lifecycle", {}).values()
    for hook in hooks:
        if any(hook.get(key, {}).get("host") for key in ("httpGet", "tcpSocket")):
            yield f"{container['name']}: probe or hook names a host"
