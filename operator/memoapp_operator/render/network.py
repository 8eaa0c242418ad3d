"""NetworkPolicies: who may talk to whom.

===========  =====================  =============================================
to           port                   from
===========  =====================  =============================================
router       8080                   anywhere
router       9999 (runtime API)     operator
frontend     its own                router, operator, test, maintenance
backend      its own                router, frontend, operator, test, maintenance
database     5432                   backend, backup, restore, migration, maintenance, operator
database     9188 (volume agent)    operator
redis        6379                   backend, migration, operator, backup where it saves Redis
backup       none                   nobody
migration    none                   nobody
test         none                   nobody
maintenance  none                   nobody
drill        none                   nobody
restore      none                   nobody
===========  =====================  =============================================

Database and Redis may call nobody; the others may call whom they like. Probes of the kubelet are not governed.
"""

from __future__ import annotations

from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.domain.jobs import Purpose
from memoapp_operator.domain.manifest import NETWORK_POLICY, Manifest

from .agent_pod import COMPONENT as BACKUP
from .context import Context
from .endpoints import (
    AGENT_PORT,
    BACKEND,
    CACHE,
    CACHE_PORT,
    DATABASE,
    DATABASE_PORT,
    FRONTEND,
    ROUTER,
    ROUTER_ADMIN_PORT,
    ROUTER_PORT,
    ports_of,
)
from .maintenance import COMPONENT as MAINTENANCE
from .metadata import child, selector
from .restore import DRILL, RESTORE

OPERATOR_LABELS = {"app.kubernetes.io/name": "memoapp-operator"}


def policies(context: Context) -> tuple[Manifest, ...]:
    """The policies of the components that the app has."""
    spec, operator = context.app.spec, _operator(context)
    rules = [_rule(ROUTER_PORT), _rule(ROUTER_ADMIN_PORT, operator)]
    found = [_policy(context, ROUTER, rules)]
    tests = _tests(context)
    callers = [_pods(context, ROUTER), _pods(context, FRONTEND), *tests, operator]
    found.append(_policy(context, BACKEND, [_rule(port, *callers) for port in _ports(context, BACKEND)]))
    fronts = _ports(context, FRONTEND)
    if fronts:
        callers = [_pods(context, ROUTER), *tests, operator]
        found.append(_policy(context, FRONTEND, [_rule(port, *callers) for port in fronts]))
    users = [_pods(context, BACKEND), *_migrations(context), operator]
    savers = [_pods(context, BACKUP)] if spec.backup is not None else []
    recovers = spec.database.managed is not None and spec.database.managed.restore_from is not None
    restorers = [_pods(context, RESTORE)] if spec.backup is not None or recovers else []
    if spec.database.managed:
        rules = [
            _rule(DATABASE_PORT, *users, *savers, *restorers, _pods(context, MAINTENANCE)),
            _rule(AGENT_PORT, operator),
        ]
        found.append(_policy(context, DATABASE, rules, silent=True))
    if spec.redis and spec.redis.managed:
        readers = savers if spec.backup is not None and spec.backup.redis else []
        found.append(_policy(context, CACHE, [_rule(CACHE_PORT, *users, *readers)], silent=True))
    if spec.backup is not None:
        found += [_policy(context, component, []) for component in (BACKUP, DRILL)]
    found += [_policy(context, RESTORE, []) for _ in restorers]
    if _migrations(context):
        found.append(_policy(context, Purpose.MIGRATION.value, []))
    if tests:
        found.append(_policy(context, Purpose.TEST.value, []))
    found.append(_policy(context, MAINTENANCE, []))
    return tuple(found)


def _migrations(context: Context) -> list[Manifest]:
    declared = context.app.spec.release.migration
    has = context.migrates or (declared is not None and declared.command is not None)
    return [_pods(context, Purpose.MIGRATION.value)] if has else []


def _tests(context: Context) -> list[Manifest]:
    """A window runs them too, after its tasks."""
    declared = context.app.spec.release.tests
    return [_pods(context, component) for component in (Purpose.TEST.value, MAINTENANCE)] if declared else []


def _ports(context: Context, component: str) -> list[int]:
    """The ports of a component in both colours: two versions may listen on different ones."""
    found = {ports_of(context, colour).get(component) for colour in Colour}
    return sorted(port for port in found if port is not None)


def _policy(context: Context, component: str, ingress: list[Manifest], *, silent: bool = False) -> Manifest:
    """One component's policy. ``silent``: governed for egress too, and without a rule for it, so all is denied."""
    spec = {
        "podSelector": {"matchLabels": selector(context, component)},
        "policyTypes": ["Ingress", "Egress"] if silent else ["Ingress"],
        "ingress": ingress,
    }
    return {**child(NETWORK_POLICY, context, component, component=component), "spec": spec}


def _rule(port: int, *callers: Manifest) -> Manifest:
    """Callers may reach the port; without callers anybody may."""
    rule: Manifest = {"ports": [{"protocol": "TCP", "port": port}]}
    if callers:
        rule["from"] = list(callers)
    return rule


def _pods(context: Context, component: str) -> Manifest:
    return {"podSelector": {"matchLabels": selector(context, component)}}


def _operator(context: Context) -> Manifest:
    namespace = {"kubernetes.io/metadata.name": context.platform.operator_namespace}
    return {"namespaceSelector": {"matchLabels": namespace}, "podSelector": {"matchLabels": dict(OPERATOR_LABELS)}}
