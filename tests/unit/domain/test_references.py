"""Every place in which a MemoApp can name a Secret or ConfigMap."""

from __future__ import annotations

from typing import Any

import pytest
from memoapp_operator.api.v1alpha1.memoapp import MemoAppSpec
from memoapp_operator.domain.manifest import CONFIG_MAP, SECRET, Ref
from memoapp_operator.domain.references import Reference, connection_name, references

from tests.unit.domain.building import spec

MAIL = Ref(SECRET, "mail")
TEXTS = Ref(CONFIG_MAP, "texts")


def found(declared: dict[str, Any]) -> tuple[Reference, ...]:
    return references("memo", MemoAppSpec.model_validate(declared))


def in_tier(tier: str, **fields: Any) -> dict[str, Any]:
    declared = spec()
    declared[tier] = {**declared[tier], **fields}
    return declared


def secret_key(**more: Any) -> dict[str, Any]:
    return {"secretKeyRef": {"name": "mail", "key": "token", **more}}


def text_key(**more: Any) -> dict[str, Any]:
    return {"configMapKeyRef": {"name": "texts", "key": "title", **more}}


PLACES: dict[str, tuple[dict[str, Any], Ref, str]] = {
    "env, a key of a Secret": ({"env": [{"name": "A", "valueFrom": secret_key()}]}, MAIL, "token"),
    "env, a key of a ConfigMap": ({"env": [{"name": "A", "valueFrom": text_key()}]}, TEXTS, "title"),
    "envFrom, a Secret": ({"envFrom": [{"secretRef": {"name": "mail"}}]}, MAIL, ""),
    "envFrom, a ConfigMap": ({"envFrom": [{"configMapRef": {"name": "texts"}}]}, TEXTS, ""),
    "a volume of a Secret": ({"volumes": [{"name": "v", "secret": {"secretName": "mail"}}]}, MAIL, ""),
    "a volume of a ConfigMap": ({"volumes": [{"name": "v", "configMap": {"name": "texts"}}]}, TEXTS, ""),
    "a projected Secret": (
        {"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "mail"}}]}}]},
        MAIL,
        "",
    ),
    "a projected ConfigMap": (
        {"volumes": [{"name": "v", "projected": {"sources": [{"configMap": {"name": "texts"}}]}}]},
        TEXTS,
        "",
    ),
}
OPTIONAL: dict[str, dict[str, Any]] = {
    "env, Secret": {"env": [{"name": "A", "valueFrom": secret_key(optional=True)}]},
    "env, ConfigMap": {"env": [{"name": "A", "valueFrom": text_key(optional=True)}]},
    "envFrom, Secret": {"envFrom": [{"secretRef": {"name": "mail", "optional": True}}]},
    "envFrom, ConfigMap": {"envFrom": [{"configMapRef": {"name": "texts", "optional": True}}]},
    "volume, Secret": {"volumes": [{"name": "v", "secret": {"secretName": "mail", "optional": True}}]},
    "volume, ConfigMap": {"volumes": [{"name": "v", "configMap": {"name": "texts", "optional": True}}]},
    "projected": {
        "volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "mail", "optional": True}}]}}]
    },
}


@pytest.mark.parametrize("tier", ["backend", "frontend"])
@pytest.mark.parametrize(("fields", "ref", "key"), PLACES.values(), ids=PLACES)
def test_a_place_is_seen_in_either_tier(fields: dict[str, Any], ref: Ref, key: str, tier: str) -> None:
    assert found(in_tier(tier, **fields)) == (Reference(ref, tier, key),)


@pytest.mark.parametrize("fields", OPTIONAL.values(), ids=OPTIONAL)
def test_what_pods_start_without_is_optional(fields: dict[str, Any]) -> None:
    (only,) = found(in_tier("backend", **fields))
    assert only.optional


@pytest.mark.parametrize("field", ["database", "redis"])
def test_the_secret_of_an_external_service_counts_for_the_backend(field: str) -> None:
    declared = spec(**{field: {"external": {"secretRef": {"name": "mail"}}}})
    assert found(declared) == (Reference(MAIL, "backend"),)


def test_the_generated_connection_secret_is_nobodys_to_bring() -> None:
    own = {"secretKeyRef": {"name": connection_name("memo"), "key": "uri"}}
    assert found(in_tier("backend", env=[{"name": "A", "valueFrom": own}])) == ()


def test_what_names_nothing_refers_to_nothing() -> None:
    env = [{"name": "A", "value": "x"}, {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]
    volumes = [{"name": "v", "emptyDir": {}}, {"name": "w", "projected": {"sources": [{"downwardAPI": {}}]}}]
    assert found(in_tier("backend", env=env, volumes=volumes)) == ()


@pytest.mark.parametrize(
    "volume",
    [
        {"name": "v", "secret": None},
        {"name": "v", "secret": "mail"},
        {"name": "v", "secret": {"secretName": None}},
        {"name": "v", "configMap": {}},
        {"name": "v", "projected": {"sources": None}},
        {"name": "v", "projected": None},
    ],
)
def test_a_volume_that_the_api_server_will_refuse_does_no_harm(volume: dict[str, Any]) -> None:
    assert found(in_tier("backend", volumes=[volume])) == ()


def test_each_mention_counts_once_and_the_order_in_the_spec_does_not() -> None:
    env = [{"name": "A", "valueFrom": secret_key()}, {"name": "B", "valueFrom": text_key()}]
    twice = [*env, {"name": "C", "valueFrom": secret_key()}]
    assert found(in_tier("backend", env=twice)) == found(in_tier("backend", env=env[::-1]))


def test_an_app_without_a_frontend_has_references_of_its_backend_alone() -> None:
    declared = {**in_tier("backend", envFrom=[{"secretRef": {"name": "mail"}}]), "frontend": None}
    assert found(declared) == (Reference(MAIL, "backend"),)
