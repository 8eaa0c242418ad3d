"""Full recovery: what its agent is told, and what it may do in the app's namespace as long as nothing serves."""

from __future__ import annotations

from memoapp_operator.api.v1alpha1.recovery import RestoreFrom, SavedApp
from memoapp_operator.domain import names
from memoapp_operator.domain.manifest import CONFIG_MAP, ROLE, ROLE_BINDING, SECRET, SERVICE_ACCOUNT, Manifest

from .context import Context
from .endpoints import CACHE, DATABASE
from .metadata import child, name

COMPONENT = "recovery"


def account_name(context: Context) -> str:
    """The account of the agent that brings back Secrets and ConfigMaps."""
    return name(context, COMPONENT)


def saved_app(context: Context, source: RestoreFrom) -> SavedApp:
    """The app that was saved."""
    metadata = context.app.metadata
    return source.app or SavedApp(namespace=metadata.namespace, name=metadata.name)


def values(context: Context, source: RestoreFrom) -> dict[str, str]:
    """What the agent of a recovery is told beside what all are: the Secrets that are made anew are not brought back."""
    saved = saved_app(context, source).name
    own = [names.child(saved, each) for each in (DATABASE, CACHE)]
    return {
        "MEMOAPP_EMPTY": "true",
        "MEMOAPP_BACKUP_NAME": source.backup or "",
        "MEMOAPP_OWNER": context.app.spec.database.user,
        "MEMOAPP_OWN": ",".join(own),
        "MEMOAPP_INTO": context.app.metadata.name,
    }


def account(context: Context) -> tuple[Manifest, ...]:
    """It may create Secrets and ConfigMaps, and neither read nor change one; nothing once the recovery is over."""
    if not context.offers:
        return ()
    own = account_name(context)
    made = {**child(SERVICE_ACCOUNT, context, COMPONENT, component=COMPONENT), "automountServiceAccountToken": False}
    role = {
        **child(ROLE, context, COMPONENT, component=COMPONENT),
        "rules": [{"apiGroups": [""], "resources": [CONFIG_MAP.plural, SECRET.plural], "verbs": ["create"]}],
    }
    binding = {
        **child(ROLE_BINDING, context, COMPONENT, component=COMPONENT),
        "roleRef": {"apiGroup": ROLE.group, "kind": ROLE.kind, "name": own},
        "subjects": [{"kind": SERVICE_ACCOUNT.kind, "name": own, "namespace": context.app.metadata.namespace}],
    }
    return made, role, binding
