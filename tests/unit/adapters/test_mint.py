"""New secrets: passwords without patterns, and certificates that server and client accept from each other alone."""

from __future__ import annotations

import ssl
import string
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from memoapp_operator.adapters import certificates
from memoapp_operator.adapters.mint import PASSWORD_LENGTH, SystemMint

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
KEYS = {"ca.crt", "server.pem", "client.crt", "client.key", "notAfter"}


@pytest.fixture(scope="module")
def made() -> Mapping[str, str]:
    return certificates.make(["router"], NOW)


def certificate(made: Mapping[str, str], key: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(made[key].encode())


def extension(found: x509.Certificate, kind: type[Any]) -> Any:
    return found.extensions.get_extension_for_class(kind)


def test_a_password_is_long_and_needs_no_quoting() -> None:
    found = SystemMint().password()
    assert len(found) == PASSWORD_LENGTH == 32
    assert set(found) <= set(string.ascii_letters + string.digits)


def test_no_two_passwords_are_the_same() -> None:
    mint = SystemMint()
    assert len({mint.password() for _ in range(1000)}) == 1000


def test_all_parts_are_there_and_each_key_fits_its_certificate(made: Mapping[str, str]) -> None:
    assert set(made) == KEYS
    for crt, key in (("server.pem", "server.pem"), ("client.crt", "client.key")):
        private = load_pem_private_key(made[key][made[key].index("-----BEGIN PRIVATE KEY") :].encode(), None)
        assert private.public_key() == certificate(made, crt).public_key()


@pytest.mark.parametrize("name", ["server.pem", "client.crt"])
def test_the_authority_signed_both(made: Mapping[str, str], name: str) -> None:
    certificate(made, name).verify_directly_issued_by(certificate(made, "ca.crt"))


def test_the_authority_may_sign_leaves_and_nothing_else(made: Mapping[str, str]) -> None:
    authority = certificate(made, "ca.crt")
    constraints = extension(authority, x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, 0)
    assert extension(authority, x509.KeyUsage).value.key_cert_sign
    for name in ("server.pem", "client.crt"):
        assert not extension(certificate(made, name), x509.BasicConstraints).value.ca


@pytest.mark.parametrize(
    ("name", "usage"),
    [("server.pem", ExtendedKeyUsageOID.SERVER_AUTH), ("client.crt", ExtendedKeyUsageOID.CLIENT_AUTH)],
)
def test_each_certificate_is_good_for_its_own_end_of_a_connection_alone(
    made: Mapping[str, str], name: str, usage: x509.ObjectIdentifier
) -> None:
    assert list(extension(certificate(made, name), x509.ExtendedKeyUsage).value) == [usage]


def test_the_server_has_the_names_that_were_asked_for() -> None:
    made = certificates.make(["router", "router.prod.svc"], NOW)
    names = extension(certificate(made, "server.pem"), x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["router", "router.prod.svc"]


@pytest.mark.parametrize("name", ["ca.crt", "server.pem", "client.crt"])
def test_certificates_hold_for_a_year_and_bear_clocks_that_differ(made: Mapping[str, str], name: str) -> None:
    found = certificate(made, name)
    assert found.not_valid_before_utc == NOW - timedelta(hours=1)
    assert found.not_valid_after_utc == NOW + timedelta(days=365)
    assert datetime.fromisoformat(made["notAfter"]) == found.not_valid_after_utc


def test_no_certificate_names_an_app_or_a_person(made: Mapping[str, str]) -> None:
    subjects = [certificate(made, name).subject for name in ("ca.crt", "server.pem", "client.crt")]
    names = [subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value for subject in subjects]
    assert names == ["memoapp-router-ca", "memoapp-router", "memoapp-operator"]


def test_two_apps_share_no_authority(made: Mapping[str, str]) -> None:
    other = certificates.make(["router"], NOW)
    assert not {made[key] for key in KEYS - {"notAfter"}} & {other[key] for key in KEYS - {"notAfter"}}
    with pytest.raises(InvalidSignature):
        certificate(other, "client.crt").verify_directly_issued_by(certificate(made, "ca.crt"))


@contextmanager
def processes_started() -> Iterator[list[tuple[str, ...]]]:
    """The arguments of every process that is started meanwhile, as the interpreter itself reports them."""
    started: list[tuple[str, ...]] = []
    watching = True

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event == "subprocess.Popen":
            started.append(tuple(map(str, arguments[1])))

    sys.addaudithook(audit)  # it cannot be taken away again, only told to look no more
    try:
        yield started
    finally:
        watching = False


async def test_keys_are_made_by_a_process_that_is_told_only_time_and_names(tmp_path: Path) -> None:
    with processes_started() as started:
        made = await SystemMint().router_certificates(("router",), NOW)
    assert set(made) == KEYS
    module = "memoapp_operator.adapters.certificates"
    assert started == [(sys.executable, "-m", module, NOW.isoformat(), "router")]
    context = ssl.create_default_context(cadata=made["ca.crt"])
    file = tmp_path / "client.pem"
    file.write_text(made["client.crt"] + made["client.key"])
    context.load_cert_chain(file)


async def test_a_failure_says_so_and_shows_no_output(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RuntimeError, match=r"^making certificates ended with 1$"):
        await SystemMint().router_certificates(("router",), NOW)
