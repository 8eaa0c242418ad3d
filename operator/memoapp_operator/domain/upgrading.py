"""Images of PostgreSQL and Redis that a window's task brings, and takes back where they do not get ready. Pure.

The spec is never written: an image that was taken back is noted in the status, and what runs before it is rendered
instead, until another one is declared or ``memoapp.dev/retry`` has it tried again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from memoapp_operator.api.v1alpha1.memoapp import HeldImageStatus, MemoApp, MemoAppStatus, OrdersStatus
from memoapp_operator.api.v1alpha1.tasks import Task

from . import names
from .manifest import STATEFUL_SET, Ref
from .observation import Child, KnownRun, Trouble
from .restarts import major

DATABASE, REDIS = "database", "redis"
NAMES = {DATABASE: "PostgreSQL", REDIS: "Redis"}
TAKEN_BACK = "ImageTakenBack"


@dataclass(frozen=True, slots=True)
class Rollout:
    """What runs of PostgreSQL or Redis.

    Attributes:
        image: that its controller is to run.
        settled: its only pod is of that, and ready.
        trouble: why not, as far as the pod or the controller tell.
    """

    image: str
    settled: bool
    trouble: Trouble | None = None


def component_of(task: Task | None) -> str | None:
    """`database` or `redis`, where a task brings an image; else None."""
    if task is None or (task.update_database_image is None and task.update_redis_image is None):
        return None
    return DATABASE if task.update_database_image is not None else REDIS


def components(tasks: Iterable[Task]) -> frozenset[str]:
    """What tasks bring images for."""
    return frozenset(found for task in tasks if (found := component_of(task)) is not None)


def ref_of(app: str, component: str) -> Ref:
    """The StatefulSet of a component."""
    return Ref(STATEFUL_SET, names.child(app, component))


def component_at(app: str, child: Child) -> str | None:
    """Which component a child is; None where it is another child."""
    return next((each for each in NAMES if child.ref == ref_of(app, each)), None)


def declared(app: MemoApp, component: str) -> str | None:
    """The image that the spec declares; None where it is not managed."""
    if component == DATABASE:
        database = app.spec.database.managed
        return database.image if database is not None else None
    redis = app.spec.redis.managed if app.spec.redis is not None else None
    return redis.image if redis is not None else None


def running(app: MemoApp, component: str) -> str | None:
    """The image that was ready last: what pods beside it are to be of. The declared one, where none was yet."""
    known = (app.status.images or {}).get(component)
    image = declared(app, component)
    return known if known is not None and image is not None else image


def images_after(app: MemoApp, seen: Mapping[str, str]) -> dict[str, str] | None:
    """Images that were ready last, by component.

    Args:
        app: what is declared, with the status before.
        seen: images of which the only pod is, and is ready.
    """
    known = {**(app.status.images or {}), **seen}
    return {name: image for name, image in sorted(known.items()) if declared(app, name) is not None} or None


def held(app: MemoApp, component: str) -> HeldImageStatus | None:
    """What was taken back and is declared still; None where nothing is."""
    found = next((item for item in app.status.held_images or () if item.component == component), None)
    return found if found is not None and found.refused == declared(app, component) else None


def in_the_way(app: MemoApp, component: str, rollout: Rollout | None) -> str | None:
    """Why a task cannot bring the image that is declared; None where it can, or it runs already."""
    image, name = declared(app, component), NAMES[component]
    if image is None or rollout is None:
        return f"{name} is not managed here"
    before, after = major(rollout.image), major(image)
    if before and after and before != after:
        return f"{name} {before} to {after} is another major version, and no task's"
    return None


def effective(app: MemoApp, status: MemoAppStatus) -> MemoApp:
    """The MemoApp as it is rendered: with the images that run, where others were taken back."""
    for component in NAMES:
        found = held(app.model_copy(update={"status": status}), component)
        if found is not None:
            app = _with_image(app, component, found.image)
    return app


def _with_image(app: MemoApp, component: str, image: str) -> MemoApp:
    spec = app.spec
    if component == DATABASE and spec.database.managed is not None:
        managed = spec.database.managed.model_copy(update={"image": image})
        spec = spec.model_copy(update={"database": spec.database.model_copy(update={"managed": managed})})
    elif component == REDIS and spec.redis is not None and spec.redis.managed is not None:
        redis = spec.redis.managed.model_copy(update={"image": image})
        spec = spec.model_copy(update={"redis": spec.redis.model_copy(update={"managed": redis})})
    return app.model_copy(update={"spec": spec})


def status_after(app: MemoApp, runs: Iterable[KnownRun], orders: OrdersStatus) -> list[HeldImageStatus] | None:
    """What is taken back after this pass."""
    before = app.status.orders.retry if app.status.orders is not None else None
    retried = orders.retry != before
    known = {} if retried else {item.component: item for item in app.status.held_images or ()}
    for run in runs:
        for component, image, refused in run.taken_back:
            known[component] = HeldImageStatus(component=component, image=image, refused=refused, window=run.window)
    found = [item for item in known.values() if item.refused == declared(app, item.component)]
    return sorted(found, key=lambda item: item.component) or None


def troubles(app: MemoApp) -> Iterator[Trouble]:
    """What is declared, and does not run because it was taken back."""
    for component, name in NAMES.items():
        found = held(app, component)
        if found is not None:
            text = (
                f"{name} runs {found.image}: the window {found.window} took {found.refused} back; declare another "
                "image, or have it tried again by the annotation memoapp.dev/retry=<nonce>"
            )
            yield Trouble(TAKEN_BACK, text, stalls=True)
