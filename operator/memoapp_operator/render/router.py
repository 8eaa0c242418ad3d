"""The router's Deployment. Its pods roll with their configuration and certificates, never with the weights."""

from __future__ import annotations

import hashlib

from memoapp_operator.domain import names
from memoapp_operator.domain.manifest import DEPLOYMENT, Manifest

from .context import Context
from .endpoints import ROUTER, ROUTER_ADMIN_PORT, ROUTER_HEALTH_PORT, ROUTER_PORT, container_port
from .haproxy import CONFIG, HEALTH_PATH, RUN_PATH, STATE, STATE_PATH, TLS_PATH, configuration
from .metadata import child, name, selector
from .page import STAFF_PATH
from .pod import (
    DRAIN_SECONDS,
    ROLLOUT,
    config_volume,
    empty_volume,
    mount,
    our_resources,
    restricted,
    secret_volume,
    spec,
    spread,
)
from .quantity import resources
from .secrets import ROUTER_TLS, STAFF, STAFF_KEY, staff

CONFIG_ANNOTATION = "memoapp.dev/config"
CERTIFICATES_ANNOTATION = "memoapp.dev/certificates"
STAFF_ANNOTATION = "memoapp.dev/staff"

# uid and gid of the user haproxy in the official image, which names it: runAsNonRoot needs the number.
_USER: Manifest = {"runAsUser": 99, "runAsGroup": 99, "fsGroup": 99}
# First the endpoints forget the pod, then idle connections are closed and running requests finished.
_STOP = f"sleep {DRAIN_SECONDS}; kill -USR1 1; sleep 15"
_GRACE_SECONDS = 30


def router(context: Context) -> tuple[Manifest, ...]:
    """The Deployment; none as long as its configuration or its certificates are missing."""
    text, certificates = configuration(context), context.credentials.router_digest
    if text is None or certificates is None:
        return ()
    annotations = {
        CONFIG_ANNOTATION: _digest(text),
        CERTIFICATES_ANNOTATION: certificates,
    }
    for secret in staff(context):
        annotations[STAFF_ANNOTATION] = _digest(f"{context.app.metadata.uid}{secret['data'][STAFF_KEY]}")
    template = {
        "metadata": {"labels": names.labels(context.app.metadata.name, ROUTER), "annotations": annotations},
        "spec": _pod(context),
    }
    found = {
        **ROLLOUT,
        "replicas": 0 if context.app.spec.suspend else context.app.spec.traffic.replicas,
        "selector": {"matchLabels": selector(context, ROUTER)},
        "template": template,
    }
    return ({**child(DEPLOYMENT, context, ROUTER, component=ROUTER), "spec": found},)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _pod(context: Context) -> Manifest:
    behind = [secret_volume("staff", name(context, STAFF), STAFF_KEY) for _ in staff(context)]
    return {
        **spec(context, _USER),
        "terminationGracePeriodSeconds": _GRACE_SECONDS,
        "topologySpreadConstraints": [spread(context, ROUTER)],
        "containers": [_container(context)],
        "volumes": [
            config_volume("config", name(context, CONFIG)),
            config_volume("state", name(context, STATE)),
            # The client's key is the operator's and stays out.
            secret_volume("tls", name(context, ROUTER_TLS), "ca.crt", "server.pem"),
            empty_volume("run"),
            *behind,
        ],
    }


def _container(context: Context) -> Manifest:
    ready = {"httpGet": {"path": HEALTH_PATH, "port": ROUTER_HEALTH_PORT}}
    return {
        "name": ROUTER,
        "image": context.app.spec.traffic.image,
        "ports": [
            container_port(ROUTER_PORT, "http"),
            container_port(ROUTER_HEALTH_PORT, "health"),
            container_port(ROUTER_ADMIN_PORT, "admin"),
        ],
        "resources": resources(context.app.spec.traffic.resources, our_resources("50m", "64Mi", "256Mi")),
        "securityContext": restricted(read_only=True),
        "lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", _STOP]}}},
        "readinessProbe": {**ready, "periodSeconds": 2, "timeoutSeconds": 2, "failureThreshold": 3},
        "volumeMounts": [
            mount("config", "/usr/local/etc/haproxy", read_only=True),
            mount("state", STATE_PATH, read_only=True),
            mount("tls", TLS_PATH, read_only=True),
            mount("run", RUN_PATH),
            *(mount("staff", STAFF_PATH, read_only=True) for _ in staff(context)),
        ],
    }
