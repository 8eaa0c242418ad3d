"""What the operator, and people, may do: no more than the code uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from memoapp_operator.api.v1alpha1.memoapp import MemoApp
from memoapp_operator.domain.manifest import (
    CHILD_KINDS,
    ENDPOINT_SLICE,
    EVENT,
    JOB,
    LEASE,
    MAINTENANCE_WINDOW,
    MEMO_APP,
    MEMO_BACKUP,
    MEMO_RESTORE,
    POD,
    REVISION,
    ROLE,
    ROLE_BINDING,
    SECRET,
    SERVICE_ACCOUNT,
    Kind,
)
from memoapp_operator.render.context import Context, Platform
from memoapp_operator.render.recovery import account
from memoapp_operator.render.schedule import backups
from memoapp_operator.runtime.lease import LEASE_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

Documents = list[dict[str, Any]]
Rights = dict[tuple[str, str], set[str]]

NAMESPACES = ["memo-prod", "memo-test"]
SCOPES = pytest.mark.parametrize("values", [{}, {"watchNamespaces": NAMESPACES}], ids=["cluster", "namespaces"])
CLUSTER_KINDS = {"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"}


def _of(documents: Documents, *kinds: str) -> Documents:
    return [document for document in documents if document["kind"] in kinds]


def _named(documents: Documents, kind: str, name: str) -> dict[str, Any]:
    (found,) = [item for item in _of(documents, kind) if item["metadata"]["name"] == name]
    return found


def _rights(role: dict[str, Any]) -> Rights:
    """Verbs by (group, resource)."""
    found: Rights = {}
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                found.setdefault((group, resource), set()).update(rule["verbs"])
    return found


@pytest.fixture
def operator(render: Callable[..., Documents]) -> Rights:
    return _rights(_named(render(), "ClusterRole", "memoapp-operator"))


@SCOPES
def test_no_rule_has_a_wildcard(render: Callable[..., Documents], values: dict[str, Any]) -> None:
    roles = _of(render(values), "Role", "ClusterRole")
    assert roles
    for rule in (rule for role in roles for rule in role["rules"]):
        assert set(rule) - {"resourceNames"} == {"apiGroups", "resources", "verbs"}
        assert not any("*" in item for field in rule.values() for item in field), rule


@SCOPES
def test_secrets_are_never_listed_or_watched(render: Callable[..., Documents], values: dict[str, Any]) -> None:
    for role in _of(render(values), "Role", "ClusterRole"):
        assert _rights(role).get(("", "secrets"), set()) <= {"create", "delete", "get", "patch"}


def test_the_operator_writes_a_memoapps_status_and_by_patch_its_finalizer(operator: Rights) -> None:
    assert operator["memoapp.dev", "memoapps"] == {"get", "list", "patch", "watch"}
    assert operator["memoapp.dev", "memoapps/status"] == {"get", "patch", "update"}
    assert operator["memoapp.dev", "memoapps/finalizers"] == {"update"}


def test_windows_are_read_and_only_their_status_written(operator: Rights) -> None:
    assert operator["memoapp.dev", "maintenancewindows"] == {"get", "list", "watch"}
    assert operator["memoapp.dev", "maintenancewindows/status"] == {"get", "patch", "update"}


def test_the_operator_may_keep_every_kind_of_child_and_touch_nothing_else(operator: Rights) -> None:
    kept, saved = (*CHILD_KINDS, REVISION), (MEMO_BACKUP, MEMO_RESTORE)
    seen = {(kind.group, kind.plural) for kind in (*kept, ENDPOINT_SLICE, POD, EVENT, MEMO_APP, *saved, JOB)}
    seen.add((MAINTENANCE_WINDOW.group, MAINTENANCE_WINDOW.plural))
    parts = [
        "maintenancewindows/status",
        *(
            f"{kind}/{part}"
            for kind in ("memoapps", "memobackups", "memorestores")
            for part in ("status", "finalizers")
        ),
    ]
    own = {*(("memoapp.dev", part) for part in parts), ("apps", "deployments/scale"), ("metrics.k8s.io", "pods")}
    assert set(operator) == seen | own
    for kind in (*kept, *saved, JOB):
        assert operator[kind.group, kind.plural] == {"create", "delete", "get", "patch"} | _seen(kind)
    assert operator["discovery.k8s.io", "endpointslices"] == {"list"}
    assert operator["apps", "deployments/scale"] == {"patch"}
    assert operator["metrics.k8s.io", "pods"] == {"list"}
    assert operator["", "pods"] == {"get", "list", "watch"}
    assert operator["", "events"] == {"create", "list", "patch"}


def _seen(kind: Kind) -> set[str]:
    """How children are found: Secrets by name alone, what agents are given without a watch."""
    if kind is SECRET:
        return set()
    if kind is LEASE:
        return {"list", "update"}  # it is held for a migration, and by whom it is given to
    return {"list"} if kind in {SERVICE_ACCOUNT, ROLE, ROLE_BINDING} else {"list", "watch"}


def test_what_agents_are_given_the_operator_has(operator: Rights) -> None:
    app = MemoApp.model_validate(
        {
            "metadata": {"name": "memo", "namespace": "prod", "uid": "1"},
            "spec": {"version": "1", "backend": {"image": "a"}, "database": {"managed": {}}, "backup": {}},
        }
    )
    known = Context(app=app, platform=Platform("a", "b"), offers=True)
    roles = [item for item in (*backups(known), *account(known)) if item["kind"] == "Role"]
    assert len(roles) == 2
    for role in roles:
        for key, verbs in _rights(role).items():
            assert verbs <= operator[key]


def test_disaster_drills_take_namespaces_and_a_new_memoapp_and_nothing_else(
    render: Callable[..., Documents], operator: Rights
) -> None:
    more = _rights(_named(render({"disasterDrills": {"enabled": True}}), "ClusterRole", "memoapp-operator"))
    assert more.pop(("", "namespaces")) == {"create", "delete", "get"}
    assert more.pop(("memoapp.dev", "memoapps")) == operator["memoapp.dev", "memoapps"] | {"create"}
    assert more.items() <= operator.items()
    with pytest.raises(Exception, match="cannot make others"):
        render({"disasterDrills": {"enabled": True}, "watchNamespaces": NAMESPACES})


def test_the_operators_own_lease_is_a_right_in_the_operators_own_namespace_only(
    render: Callable[..., Documents],
) -> None:
    holders = [role for role in _of(render(), "Role") if ("coordination.k8s.io", "leases") in _rights(role)]
    (role,) = holders
    assert (role["kind"], role["metadata"]["namespace"]) == ("Role", "memoapp-system")
    leases = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"]}
    assert role["rules"] == [
        {**leases, "verbs": ["create"]},
        {**leases, "resourceNames": [LEASE_NAME], "verbs": ["get", "update"]},
    ]


def test_a_list_of_namespaces_needs_no_right_over_the_cluster(
    render: Callable[..., Documents], operator: Rights
) -> None:
    documents = render({"watchNamespaces": NAMESPACES, "crds": {"install": False}})
    assert not _of(documents, *CLUSTER_KINDS)
    roles = [role for role in _of(documents, "Role") if role["metadata"]["name"] == "memoapp-operator"]
    assert [role["metadata"]["namespace"] for role in roles] == NAMESPACES
    assert all(_rights(role) == operator for role in roles)


@SCOPES
def test_every_role_is_bound_to_the_account_of_the_pods(
    render: Callable[..., Documents], values: dict[str, Any]
) -> None:
    documents = render({**values, "rbac": {"aggregatedRoles": "Never"}})
    account = _of(documents, "Deployment")[0]["spec"]["template"]["spec"]["serviceAccountName"]
    assert _named(documents, "ServiceAccount", account)["metadata"]["namespace"] == "memoapp-system"
    bindings = _of(documents, "RoleBinding", "ClusterRoleBinding")
    subject = {"kind": "ServiceAccount", "name": account, "namespace": "memoapp-system"}
    assert all(binding["subjects"] == [subject] for binding in bindings)
    bound = {
        (binding["roleRef"]["kind"], binding["roleRef"]["name"], binding["metadata"].get("namespace"))
        for binding in bindings
    }
    roles = {
        (role["kind"], role["metadata"]["name"], role["metadata"].get("namespace"))
        for role in _of(documents, "Role", "ClusterRole")
    }
    assert bound == roles


def test_people_get_memoapps_through_the_built_in_roles(render: Callable[..., Documents]) -> None:
    documents, label = render(), "rbac.authorization.k8s.io/aggregate-to-"
    roles = {level: _named(documents, "ClusterRole", f"memoapp-{level}") for level in ("view", "edit", "admin")}
    for level, role in roles.items():
        found = [key for key in role["metadata"]["labels"] if key.startswith(label)]
        assert found == [label + level]
        assert _rights(role)["memoapp.dev", "memoapps/status"] == {"get"}
    view, edit, admin = (_rights(role)["memoapp.dev", "memoapps"] for role in roles.values())
    assert view == {"get", "list", "watch"}
    assert edit == view | {"create", "delete", "patch", "update"}
    assert admin == edit | {"deletecollection"}


@pytest.mark.parametrize(
    ("values", "rendered"),
    [
        ({"rbac": {"aggregatedRoles": "Never"}}, False),
        ({"watchNamespaces": NAMESPACES}, False),
        ({"watchNamespaces": NAMESPACES, "rbac": {"aggregatedRoles": "Always"}}, True),
    ],
)
def test_roles_for_people_can_be_left_out(
    render: Callable[..., Documents], values: dict[str, Any], rendered: bool
) -> None:
    names = {role["metadata"]["name"] for role in _of(render(values), "ClusterRole")}
    assert ({"memoapp-view", "memoapp-edit", "memoapp-admin"} <= names) is rendered
