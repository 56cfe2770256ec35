"""A certificate signing request (PKCS #10), judged before an order is spent on it. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

import idna
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.x509.oid import NameOID

from luodi.certificate.problems import OrderError

_RSA_BITS = (2048, 3072, 4096)
_CURVES = ("secp256r1", "secp384r1")


def ascii_name(name: str) -> str:
    """A host name, possibly a wildcard, in lower case and punycode (IDNA 2008). Raises OrderError."""
    bare = name.rstrip(".").removeprefix("*.")
    try:
        text = bare.lower() if bare.isascii() else idna.encode(bare, uts46=True).decode()
    except idna.IDNAError as error:
        raise OrderError(f"{name} is no host name: {error}") from None
    return f"*.{text}" if name.startswith("*.") else text


@dataclass(frozen=True)
class SigningRequest:
    """What is asked for: the names in punycode, in the order of the request, and the public key."""

    pem: str
    names: tuple[str, ...]
    key: PublicKeyTypes

    @classmethod
    def of(cls, pem: str) -> Self:
        """Read a PEM CSR. Raises OrderError when it is none, its signature is wrong, it has no name, or a key that
        no authority takes."""
        try:
            csr = x509.load_pem_x509_csr(pem.encode())
            signed, key = csr.is_signature_valid, csr.public_key()
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise OrderError("the server's signing request is no PEM CSR") from None
        if not signed:
            raise OrderError("the server's signing request is not signed by its own key; make it again")
        _judge(key)
        return cls(pem, _names(csr), key)

    @property
    def der(self) -> bytes:
        """The request in DER."""
        return x509.load_pem_x509_csr(self.pem.encode()).public_bytes(serialization.Encoding.DER)

    @property
    def digest(self) -> str:
        """The SHA-256 of its public key and names, in hex: the same however often it is signed anew."""
        digest = hashes.Hash(hashes.SHA256())
        digest.update(
            self.key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        digest.update("\n".join(sorted(self.names)).encode())
        return digest.finalize().hex()

    def match(self, names: Collection[str]) -> None:
        """Raise OrderError unless these are its names, whatever their order and spelling."""
        wanted, has = {ascii_name(name) for name in names}, set(self.names)
        parts = [f"lacks {', '.join(sorted(wanted - has))}" if wanted - has else ""]
        parts.append(f"has {', '.join(sorted(has - wanted))} besides" if has - wanted else "")
        if told := " and ".join(part for part in parts if part):
            raise OrderError(f"the signing request does not match the names that are wanted: it {told}")

    def match_key(self, key: PublicKeyTypes) -> None:
        """Raise OrderError unless it is signed with this public key's private one."""
        if key != self.key:
            raise OrderError("the signing request is for another key than the one that is to be certified")

    def match_chain(self, chain: str) -> None:
        """Raise OrderError unless the first certificate of a PEM chain is for its key and all its names."""
        try:
            leaf = x509.load_pem_x509_certificates(chain.encode())[0]
            found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except (ValueError, x509.ExtensionNotFound):
            raise OrderError("what the authority issued is no certificate chain") from None
        if leaf.public_key() != self.key:
            raise OrderError("the authority issued a certificate for another key")
        if lacking := set(self.names) - {name.lower() for name in found.get_values_for_type(x509.DNSName)}:
            raise OrderError(f"the authority issued a certificate without {', '.join(sorted(lacking))}")


def public_key(pem: str) -> PublicKeyTypes:
    """The public part of a PEM private key without a passphrase. Raises OrderError, which has nothing of the key."""
    try:
        return serialization.load_pem_private_key(pem.encode(), password=None).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise OrderError("the certificate's key is no PEM private key without a passphrase") from None


def _judge(key: PublicKeyTypes) -> None:
    """Source: Baseline Requirements, section 6.1.5, and what authorities take of it
    (https://letsencrypt.org/docs/integration-guide/)."""
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size in _RSA_BITS:
            return
        got = f"RSA {key.key_size}"
    elif isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.name in _CURVES:
            return
        got = key.curve.name
    else:
        got = type(key).__name__.removesuffix("PublicKey").lstrip("_")
    raise OrderError(f"the signing request has a key that no authority takes ({got}): make it ECDSA P-256 or RSA 2048")


def _names(csr: x509.CertificateSigningRequest) -> tuple[str, ...]:
    try:
        listed = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = [ascii_name(name) for name in listed.get_values_for_type(x509.DNSName)]
    except (x509.ExtensionNotFound, ValueError):
        names = []
    common = csr.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if common and (name := ascii_name(str(common[0].value))) not in names:
        names.insert(0, name)
    if not names:
        raise OrderError("the signing request has no host name (subjectAltName)")
    return tuple(dict.fromkeys(names))
