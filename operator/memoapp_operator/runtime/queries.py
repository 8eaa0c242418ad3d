"""The gates out of a Prometheus: its address and credentials as the spec says, and what it answers."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from binascii import Error as Undecodable
from fractions import Fraction
from typing import Protocol

from memoapp_operator.api.v1alpha1.gates import PrometheusQuery, SecretKey
from memoapp_operator.api.v1alpha1.memoapp import Colour, MemoApp
from memoapp_operator.domain.manifest import SECRET
from memoapp_operator.domain.measurements import Measurement
from memoapp_operator.domain.queries import Answer, filled, measured_query
from memoapp_operator.domain.state import other
from memoapp_operator.ports import Cluster, PrometheusSource, Services

from .snapshot import Snapshot


class MissingError(Exception):
    """A Secret that is named is not there, or has not the key."""


class Queries:
    """Asks what ``spec.gates.prometheus`` says.

    Args:
        cluster: where the Secrets are.
        services: what asks.
    """

    def __init__(self, cluster: Cluster, services: Services) -> None:
        self._cluster = cluster
        self._services = services

    async def ask(self, snapshot: Snapshot, colour: Colour) -> tuple[Measurement, ...]:
        """A measurement for each query; what cannot be asked is an Error."""
        app = snapshot.observation.app
        gates, release = app.spec.gates.prometheus, app.status.release
        if gates is None or release is None:
            return ()
        try:
            source = await source_of(self._cluster, app, gates)
        except MissingError as error:
            return tuple(_measured(item, Answer(None, str(error))) for item in gates.queries)
        words = {
            "colour": colour.value,
            "otherColour": other(colour).value,
            "app": app.metadata.name,
            "namespace": app.metadata.namespace,
            "version": release.version,
        }
        answers = await asyncio.gather(
            *(self._services.query(source, filled(item.query, words)) for item in gates.queries)
        )
        return tuple(_measured(item, answer) for item, answer in zip(gates.queries, answers, strict=True))


class Address(Protocol):
    """What a spec says of a server of Prometheus' kind."""

    @property
    def url(self) -> str:
        """Its address."""
        ...

    @property
    def ca_secret_ref(self) -> SecretKey | None:
        """Where its authority lies."""
        ...

    @property
    def bearer_secret_ref(self) -> SecretKey | None:
        """Where a token for it lies."""
        ...


async def source_of(cluster: Cluster, app: MemoApp, declared: Address) -> PrometheusSource:
    """How to reach it.

    Raises:
        MissingError: a Secret is not there, or has not the key.
    """
    authority, bearer = await asyncio.gather(
        _value(cluster, app, declared.ca_secret_ref), _value(cluster, app, declared.bearer_secret_ref)
    )
    return PrometheusSource(declared.url, authority, bearer.strip() if bearer is not None else None)


async def _value(cluster: Cluster, app: MemoApp, named: SecretKey | None) -> str | None:
    if named is None:
        return None
    secret = await cluster.get(SECRET, app.metadata.namespace, named.name)
    text = ((secret or {}).get("data") or {}).get(named.key)
    if text is None:
        raise MissingError(f"Secret/{named.name} has no key {named.key}" if secret else f"no Secret/{named.name}")
    try:
        return b64decode(text).decode()
    except (Undecodable, UnicodeDecodeError):
        raise MissingError(f"Secret/{named.name} holds no text in {named.key}") from None


def _measured(item: PrometheusQuery, answer: Answer) -> Measurement:
    return measured_query(item.name, answer, _number(item.min), _number(item.max))


def _number(text: str | None) -> Fraction | None:
    return Fraction(text) if text is not None else None
