"""The samples: valid, complete, and of one piece."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from memoapp_operator.api.v1alpha1.maintenancewindow import MaintenanceWindow
from memoapp_operator.api.v1alpha1.memoapp import MemoApp, MemoAppSpec
from memoapp_operator.api.v1alpha1.memobackup import MemoBackup
from memoapp_operator.api.v1alpha1.memorestore import DataLoss, MemoRestore, Mode
from memoapp_operator.domain.external import cache_login, database_login
from memoapp_operator.domain.references import connection_name, references
from memoapp_operator.render.context import Context, Credentials, Platform
from memoapp_operator.render.secrets import secrets
from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Documents = list[dict[str, Any]]
NAMES = ("memoapp-least.yaml", "memoapp-full.yaml", "memoapp-external.yaml")
# Exactly one of managed and external: the other one stands in its own sample.
ALTERNATIVES = {
    "spec.database.external",
    "spec.redis.external",
    "spec.backup.destination.volume",
    "spec.backup.clientImage",
    "spec.database.managed.restoreFrom",
    "spec.release.dataLoss",
}
# The tiers share their fields: what one of them shows need not stand in the other.
TIERS = ("spec.frontend.", "spec.backend.")


def _documents(repository: Path, name: str) -> Documents:
    text = (repository / "manifests" / "samples" / name).read_text(encoding="utf-8")
    return list(yaml.safe_load_all(text))


def _memoapp(documents: Documents) -> dict[str, Any]:
    (found,) = [item for item in documents if item["kind"] == "MemoApp"]
    return found


def _parse(manifest: dict[str, Any]) -> MemoApp:
    metadata = {"namespace": "memo", "uid": "00000000-0000-0000-0000-000000000000", **manifest["metadata"]}
    return MemoApp.model_validate({**manifest, "metadata": metadata})


def test_every_file_is_tested(repository: Path) -> None:
    assert {file.name for file in (repository / "manifests" / "samples").iterdir()} == {
        *NAMES,
        "memobackup.yaml",
        "memorestore.yaml",
        "maintenancewindow.yaml",
    }


def test_a_backup_is_ordered_by_eight_lines(repository: Path) -> None:
    text = (repository / "manifests" / "samples" / "memobackup.yaml").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 8
    metadata = {"namespace": "memo", "uid": "1", **yaml.safe_load(text)["metadata"]}
    assert MemoBackup.model_validate({**yaml.safe_load(text), "metadata": metadata}).spec.app_ref.name == "memo"


def test_a_restore_is_ordered_with_its_consent(repository: Path) -> None:
    text = (repository / "manifests" / "samples" / "memorestore.yaml").read_text(encoding="utf-8")
    found = yaml.safe_load(text)
    metadata = {"namespace": "memo", "uid": "1", **found["metadata"]}
    spec = MemoRestore.model_validate({**found, "metadata": metadata}).spec
    assert (spec.mode, spec.data_loss) == (Mode.IN_PLACE, DataLoss.ACCEPT)
    assert spec.model_dump(mode="json", by_alias=True, exclude_unset=True) == found["spec"]


def test_windows_are_taken_as_they_are_written(repository: Path) -> None:
    found = _documents(repository, "maintenancewindow.yaml")
    assert [item["spec"]["policy"] for item in found] == ["Allow", "Deny", "Allow"]
    for item in found:
        metadata = {"namespace": "memo", "uid": "1", **item["metadata"]}
        spec = MaintenanceWindow.model_validate({**item, "metadata": metadata}).spec
        assert spec.model_dump(mode="json", by_alias=True, exclude_unset=True) == item["spec"]


@pytest.mark.parametrize("name", NAMES)
def test_the_model_takes_each_and_drops_nothing(repository: Path, name: str) -> None:
    manifest = _memoapp(_documents(repository, name))
    spec = _parse(manifest).spec
    assert spec.model_dump(mode="json", by_alias=True, exclude_unset=True) == manifest["spec"]


@pytest.mark.parametrize("name", NAMES)
def test_what_a_sample_refers_to_stands_beside_it(repository: Path, name: str) -> None:
    documents = _documents(repository, name)
    manifest = _memoapp(documents)
    spec = _parse(manifest).spec
    there = {(item["kind"], item["metadata"]["name"]) for item in documents}
    wanted = {(found.ref.kind.kind, found.ref.name) for found in references("memo", spec)}
    wanted |= {("Secret", item.name) for item in spec.image_pull_secrets or []}
    store = spec.backup.destination.s3 if spec.backup else None
    wanted |= {("Secret", store.credentials_secret_ref)} if store else set()
    sealed = spec.backup.encryption if spec.backup else None
    wanted |= {("Secret", sealed.recipients_secret_ref.name)} if sealed else set()
    ingress = spec.traffic.ingress
    wanted |= {("Secret", ingress.tls_secret_name)} if ingress and ingress.tls_secret_name else set()
    wanted |= {("Secret", target.url_secret_ref.name) for target in spec.notifications or ()}
    alerts = spec.alertmanager
    named = (alerts.bearer_secret_ref, alerts.ca_secret_ref) if alerts else ()
    wanted |= {("Secret", ref.name) for ref in named if ref}
    staff = spec.traffic.staff
    wanted |= {("Secret", staff.secret_ref.name)} if staff else set()
    tiers = [tier for tier in (spec.frontend, spec.backend) if tier]
    wanted |= {("ServiceAccount", tier.service_account_name) for tier in tiers if tier.service_account_name}
    assert wanted == there - {("MemoApp", "memo")}
    assert ("Secret", connection_name("memo")) not in there


def test_the_least_has_ten_lines_and_three_for_its_migration(repository: Path) -> None:
    text = (repository / "manifests" / "samples" / "memoapp-least.yaml").read_text(encoding="utf-8")
    assert len(text.splitlines()) == 13


def _unset(model: BaseModel, path: str) -> Iterator[str]:
    """Paths of the fields that were not given, through nested models and lists of them."""
    for name, field in type(model).model_fields.items():
        where = f"{path}.{field.alias or name}"
        if name not in model.model_fields_set:
            yield where
            continue
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from _unset(value, where)
        elif isinstance(value, list) and value and isinstance(value[0], BaseModel):
            yield from set.intersection(*(set(_unset(item, where)) for item in value))


def test_the_full_one_shows_every_field(repository: Path) -> None:
    spec = _parse(_memoapp(_documents(repository, "memoapp-full.yaml"))).spec
    assert isinstance(spec, MemoAppSpec)
    missing = set(_unset(spec, "spec")) - ALTERNATIVES
    frontend, backend = ({path.removeprefix(tier) for path in missing if path.startswith(tier)} for tier in TIERS)
    others = {path for path in missing if not path.startswith(TIERS)}
    assert others | (frontend & backend) == set(), "add the new fields to memoapp-full.yaml"


def test_the_full_one_takes_keys_that_the_connection_has(repository: Path) -> None:
    app = _parse(_memoapp(_documents(repository, "memoapp-full.yaml")))
    values = {"superuser-password": "a", "password": "b", "monitor-password": "c"}
    credentials = Credentials(database=values, cache={"password": "d"})
    (connection,) = secrets(Context(app, Platform("operator", "memoapp-system"), credentials))
    used = {
        variable.value_from.secret_key_ref.key
        for variable in app.spec.backend.env or []
        if variable.value_from and variable.value_from.secret_key_ref
        if variable.value_from.secret_key_ref.name == connection["metadata"]["name"]
    }
    assert set() < used <= set(connection["data"])


def test_the_external_one_is_external(repository: Path) -> None:
    documents = _documents(repository, "memoapp-external.yaml")
    spec = _parse(_memoapp(documents)).spec
    data = {item["metadata"]["name"]: item["stringData"] for item in documents if item["kind"] == "Secret"}
    assert spec.database.external is not None
    assert spec.redis is not None
    assert spec.redis.external is not None
    database = database_login(data[spec.database.external.secret_ref.name], name="memo_app", user="memo_user")
    assert (database["host"], database["user"]) == ("postgres.example", "memo_user")
    cache = cache_login(data[spec.redis.external.secret_ref.name])
    assert cache == {"host": "redis.example", "port": "6379", "user": "", "password": "change-me"}
