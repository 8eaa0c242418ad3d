"""The shortest MemoApp, and one whose data lies elsewhere."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import MakeApp
from tests.e2e.elsewhere import PASSWORD, postgres, redis, secret, url
from tests.kube import Kube, Object
from tools.testbed import sample


def test_the_shortest_memoapp_serves(memoapp: MakeApp, images: dict[str, str]) -> None:
    app = memoapp("memo", sample.least(images))
    app.ready()
    app.write_memo("short")
    assert app.memos() == ["short"]


@pytest.fixture
def elsewhere(kube: Kube, namespace: str, images: dict[str, str]) -> None:
    """PostgreSQL and Redis as people's own pods."""
    postgres(kube, namespace, images["postgres"])
    redis(kube, namespace, images["redis"])


@pytest.fixture
def external(small: Object) -> Object:
    data = {"database": {"external": {"secretRef": {"name": "my-postgres"}}}}
    return {**small, **data, "redis": {"external": {"secretRef": {"name": "my-redis"}}}}


def test_data_elsewhere_is_used(
    kube: Kube, namespace: str, elsewhere: None, external: Object, memoapp: MakeApp
) -> None:
    secret(kube, namespace, "my-postgres", uri=url("postgresql", "memo_user", namespace, "/memo_app"))
    secret(kube, namespace, "my-redis", host=f"redis.{namespace}.svc", password=PASSWORD)
    app = memoapp("memo", external)
    app.ready()
    app.write_memo("far away")
    assert app.memos() == ["far away"]
    assert {child["kind"] for child in app.children()}.isdisjoint({"StatefulSet", "PersistentVolumeClaim"})


def test_a_wrong_password_is_named_and_its_correction_is_a_release(
    kube: Kube, namespace: str, elsewhere: None, external: Object, memoapp: MakeApp
) -> None:
    login = {"host": f"postgres.{namespace}.svc", "port": "5432", "user": "memo_user"}
    wrong = "wr0ng-but-secret"
    secret(kube, namespace, "my-postgres", password=wrong, **login)
    secret(kube, namespace, "my-redis", uri=f"redis://:{wrong}@redis.{namespace}.svc:6379")
    app = memoapp("memo", external)
    for condition in ("DatabaseReady", "CacheReady"):
        shown = app.shows(condition, "False", "AuthenticationFailed")
        assert wrong not in shown["message"]
    assert not app.pods("backend")

    secret(kube, namespace, "my-postgres", password=PASSWORD, **login)
    secret(kube, namespace, "my-redis", uri=url("redis", "", namespace, ""))
    app.ready()
    assert wrong not in str(app.read())
    assert wrong not in str(app.kube.list("v1/Event", app.namespace))
