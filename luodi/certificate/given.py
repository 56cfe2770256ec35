"""A certificate that came with its key from elsewhere, judged before it goes anywhere. Pure but for reading files."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID

from luodi.certificate.lifetime import Certificate

NOTICE = timedelta(days=30)
"""How long before its end the next one should be there."""


class GivenError(Exception):
    """A certificate or key that can't be used; the message names the file, and says what to do."""


@dataclass(frozen=True)
class Given:
    """A chain (PEM, leaf first, without a root) and its private key (PEM, PKCS #8)."""

    chain: str
    key: str = field(repr=False)

    @property
    def kind(self) -> str:
        """``ecdsa`` or ``rsa``."""
        return Certificate.of(self.chain).key.partition(" ")[0].lower()

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the leaf, in hex."""
        return Certificate.of(self.chain).fingerprint

    def ends_soon(self) -> str | None:
        """What to say when it ends within a month."""
        leaf = Certificate.of(self.chain)
        left = leaf.not_after - datetime.now(UTC)
        return f"the certificate ends in {left.days} days; put the next one there" if left < NOTICE else None

    @classmethod
    def read(cls, chain: Path, key: Path | None, names: Collection[str], secret: str | None = None) -> Self:
        """Read and judge PEM files; without a file for the key, it is the secret. Raises GivenError."""
        chain_text = _text(chain)
        if key is not None:
            return cls.judged(chain_text, _text(key), names, str(chain), str(key))
        return cls.judged(chain_text, secret or "", names, str(chain), "luodi:certificate-key")

    @classmethod
    def judged(cls, chain: str, key: str, names: Collection[str], chain_source: str, key_source: str) -> Self:
        """Judge texts; the sources are what they are called in errors. Raises GivenError."""
        certificates = _certificates(chain, chain_source)
        private = _private_key(key, key_source)
        leaf = certificates[0]
        _judge_order(certificates, chain_source)
        _judge_life(leaf, chain_source)
        _judge_names(chain, names, chain_source)
        if leaf.public_key() != private.public_key():
            raise GivenError(
                f"{key_source} is not the key of the certificate in {chain_source}; give the two that match"
            )
        return cls(
            "".join(one.public_bytes(serialization.Encoding.PEM).decode() for one in certificates),
            private.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ).decode(),
        )


def without_root(chain: str) -> str:
    """A PEM chain without the self-signed certificate that it may end with. What is no chain stays as it is."""
    try:
        certificates = x509.load_pem_x509_certificates(chain.encode())
    except ValueError:
        return chain
    if len(certificates) > 1 and certificates[-1].issuer == certificates[-1].subject:
        certificates.pop()
    return "".join(one.public_bytes(serialization.Encoding.PEM).decode() for one in certificates)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise GivenError(f"{path} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise GivenError(f"{path} is no PEM; convert it (openssl x509 -inform DER, openssl pkcs12)") from None


def _certificates(text: str, source: str) -> list[x509.Certificate]:
    try:
        found = x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        found = []
    if not found or len(found) != text.count("-----BEGIN CERTIFICATE-----"):  # one that was cut short is passed over
        raise GivenError(
            f"{source} holds no whole PEM certificate (-----BEGIN CERTIFICATE-----); get the bundle for nginx anew"
        )
    return found


def _private_key(text: str, source: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(text.encode(), password=None)
    except TypeError:
        raise GivenError(f"{source} has a passphrase; take it away: openssl pkey -in {source} -out new.key") from None
    except (ValueError, UnsupportedAlgorithm):
        raise GivenError(f"{source} holds no PEM private key") from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise GivenError(f"{source} is neither an RSA nor an ECDSA key")
    return key


def _judge_order(certificates: list[x509.Certificate], source: str) -> None:
    leaf = certificates[0]
    if leaf.issuer == leaf.subject:
        raise GivenError(f"{source}: its first certificate is self-signed, so no browser trusts it")
    if _is_authority(leaf):
        raise GivenError(f"{source}: its first certificate is an authority's; the site's own comes first")
    for position, (one, above) in enumerate(itertools.pairwise(certificates), 2):
        if above.issuer == above.subject:
            raise GivenError(f"{source}: certificate {position} is a self-signed root; browsers have it, leave it out")
        try:
            one.verify_directly_issued_by(above)
        except (ValueError, TypeError, InvalidSignature):
            raise GivenError(
                f"{source}: certificate {position} did not issue the one before it; the order is the site's own, "
                "then each one's issuer"
            ) from None
    if len(certificates) == 1 and _names_its_issuer(leaf):
        raise GivenError(
            f"{source} holds the site's certificate alone; phones fail without its issuer's: append the "
            "intermediate certificate (the bundle for nginx has it)"
        )


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _names_its_issuer(certificate: x509.Certificate) -> bool:
    """Whether it says where its issuer's certificate is had: no root that a browser knows says that."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return False
    return any(one.access_method == AuthorityInformationAccessOID.CA_ISSUERS for one in found)


def _judge_life(leaf: x509.Certificate, source: str) -> None:
    now = datetime.now(UTC)
    if now >= leaf.not_valid_after_utc:
        raise GivenError(f"{source}: the certificate expired on {leaf.not_valid_after_utc:%Y-%m-%d}; get a new one")
    if now < leaf.not_valid_before_utc:
        raise GivenError(
            f"{source}: the certificate is not valid before {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC; wait until "
            "then, or set this machine's clock"
        )


def _judge_names(chain: str, names: Collection[str], source: str) -> None:
    held = {name.lower() for name in Certificate.of(chain).names}
    if missing := [name for name in names if not {name, f"*.{name.partition('.')[2]}"} & held]:
        raise GivenError(
            f"{source} is for {', '.join(sorted(held)) or 'no host name'}, and the site has {', '.join(missing)} "
            "besides; get one for all of them, or leave them out of luodi:site.names"
        )
