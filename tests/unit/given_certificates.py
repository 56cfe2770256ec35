"""Certificates as they are bought: an authority, one between, a leaf; and what can be wrong with them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
NAMES = ("example.cn", "www.example.cn")


@dataclass(frozen=True)
class Bought:
    """A leaf with its key, the one between and the root, in PEM."""

    leaf: str
    between: str
    root: str
    key: str

    @property
    def chain(self) -> str:
        """As nginx wants it."""
        return self.leaf + self.between


@cache
def _authority() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem(key: Key, passphrase: bytes | None = None) -> str:
    """A private key, PKCS #8."""
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption).decode()


def bought(
    *names: str,
    key: Key | None = None,
    age: dt.timedelta = dt.timedelta(hours=1),
    life: dt.timedelta = dt.timedelta(days=365),
) -> Bought:
    """One that was issued so long ago."""
    own = key or ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)

    def signed(subject: str, issuer: str, public: ec.EllipticCurvePublicKey | rsa.RSAPublicKey, ca: bool) -> str:
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - age)
            .not_valid_after(now - age + life)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if not ca:
            listed = x509.SubjectAlternativeName([x509.DNSName(name) for name in names or NAMES])
            where = x509.UniformResourceIdentifier("http://ca.example/between.crt")
            issuers = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, where)
            builder = builder.add_extension(listed, critical=False)
            builder = builder.add_extension(x509.AuthorityInformationAccess([issuers]), critical=False)
        return builder.sign(_authority(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    above = _authority().public_key()
    return Bought(
        leaf=signed("the site", "between", own.public_key(), ca=False),
        between=signed("between", "a root", above, ca=True),
        root=signed("a root", "a root", above, ca=True),
        key=pem(own),
    )
