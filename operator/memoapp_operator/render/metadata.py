"""The metadata that every child carries: name, labels and the owner reference to its MemoApp."""

from __future__ import annotations

from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.domain import names
from memoapp_operator.domain.manifest import Kind, Manifest

from .context import Context

DATABASE_ANNOTATION = "memoapp.dev/database"
USER_ANNOTATION = "memoapp.dev/user"


def child(
    kind: Kind,
    context: Context,
    suffix: str | None,
    *,
    component: str | None = None,
    colour: Colour | None = None,
    kept: bool = False,
) -> Manifest:
    """A child without its content: ``<app>-<suffix>``, or named like the app where suffix is None.

    A child that is ``kept`` outlives the MemoApp: it has no owner, and says which database and user it belongs to,
    so that it can be taken back.
    """
    app = context.app.metadata
    metadata: Manifest = {
        "name": name(context, suffix),
        "namespace": app.namespace,
        "labels": names.labels(app.name, component, colour and colour.value),
    }
    if kept:
        metadata["annotations"] = _identity(context)
    else:
        metadata["ownerReferences"] = [context.owner]
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}


def name(context: Context, suffix: str | None) -> str:
    """The name of the child ``suffix``; that of the app itself where it is None."""
    app = context.app.metadata.name
    return app if suffix is None else names.child(app, suffix)


def selector(context: Context, component: str, colour: Colour | None = None) -> dict[str, str]:
    """The labels that choose the pods of a component, and no pod of anything else."""
    found = {names.APP_LABEL: context.app.metadata.name, names.COMPONENT_LABEL: component}
    if colour:
        found[names.COLOUR_LABEL] = colour.value
    return found


def _identity(context: Context) -> dict[str, str]:
    database = context.app.spec.database
    return {DATABASE_ANNOTATION: database.name, USER_ANNOTATION: database.user}
