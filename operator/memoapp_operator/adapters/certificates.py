"""Makes one authority, a server and a client certificate: ``python -m ...certificates NOW DNS-NAME...``."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = timedelta(days=365)
BACKDATE = timedelta(hours=1)
"""Clocks of nodes differ."""


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _builder(subject: str, key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name("memoapp-router-ca"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + LIFETIME)
    )


def _authority(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        _builder("memoapp-router-ca", key, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _leaf(
    subject: str, names: list[str], usage: x509.ObjectIdentifier, authority: ec.EllipticCurvePrivateKey, now: datetime
) -> tuple[str, str]:
    key = _key()
    builder = (
        _builder(subject, key, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()),
            critical=False,
        )
    )
    return _text(builder.sign(authority, hashes.SHA256())), _pem(key)


def make(names: list[str], now: datetime) -> dict[str, str]:
    """PEM texts of a new authority's certificate, a server's with its key, a client's and its key.

    The authority's own key is forgotten: renewal makes a new authority.
    """
    key = _key()
    server, server_key = _leaf("memoapp-router", names, ExtendedKeyUsageOID.SERVER_AUTH, key, now)
    client, client_key = _leaf("memoapp-operator", ["operator"], ExtendedKeyUsageOID.CLIENT_AUTH, key, now)
    return {
        "ca.crt": _text(_authority(key, now)),
        "server.pem": server + server_key,
        "client.crt": client,
        "client.key": client_key,
        "notAfter": (now + LIFETIME).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


if __name__ == "__main__":
    json.dump(make(sys.argv[2:], datetime.fromisoformat(sys.argv[1])), sys.stdout)
