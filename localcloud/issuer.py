"""The authority behind Tencent Cloud's own free certificates, as far as the rehearsal has one.

It makes its root once and keeps it, beside Pebble's, so that whoever trusts the rehearsal's roots trusts it too.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

ORGANISATION = "TrustAsia Technologies, Inc."
COMMON_NAME = "TrustAsia DV TLS (localcloud rehearsal)"
LIFETIME = timedelta(days=90)
_PEM = serialization.Encoding.PEM

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Issuer:
    """Certifies names for 90 days."""

    def __init__(self, home: Path, roots: Path) -> None:
        """Keep the root's key in `home`, and the root itself in `roots`."""
        self._key_file = home / "issuer.key"
        self._root_file = roots / "issuer.pem"

    def prepare(self) -> None:
        """Make the root, unless it is there."""
        if self._key_file.exists() and self._root_file.exists():
            return
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name(
            [
                x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, ORGANISATION),
                x509.NameAttribute(x509.NameOID.COMMON_NAME, COMMON_NAME),
            ]
        )
        now = datetime.now(UTC)
        root = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True)
            .sign(key, hashes.SHA256())
        )
        self._root_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._key_file.touch(mode=0o600)
        self._key_file.write_bytes(as_pem(key))
        self._root_file.write_bytes(root.public_bytes(_PEM))

    def certify(self, name: str, key: Key) -> str:
        """Return a certificate for `name` and `key`, with its chain, in PEM."""
        root = x509.load_pem_x509_certificate(self._root_file.read_bytes())
        signer = serialization.load_pem_private_key(self._key_file.read_bytes(), password=None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)  # noqa: S101 - made above
        now = datetime.now(UTC)
        leaf = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
            .issuer_name(root.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=1))
            .not_valid_after(now + LIFETIME)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .sign(signer, hashes.SHA256())
        )
        return (leaf.public_bytes(_PEM) + root.public_bytes(_PEM)).decode()


def as_pem(key: Key) -> bytes:
    """Return a private key in PEM, without a password."""
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
