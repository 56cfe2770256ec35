"""What a certificate says of itself, and when its successor is due. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from luodi.certificate.ari import Window, certificate_id
from luodi.words import Words

RENEW_AFTER = 2 / 3
"""The part of its life after which a certificate is renewed, as Let's Encrypt asks of clients without ARI:
https://letsencrypt.org/docs/integration-guide/"""
SHORT_LIFE, RENEW_SHORT_AFTER = timedelta(days=10), 1 / 2
"""A life this short, which needs no revocation (Baseline Requirements, 1.6.1, "Short-lived Subscriber Certificate"),
is renewed at its half, so that an outage of days still finds it valid."""

_TWO_THIRDS_OVER = Words("有效期 {life}，届时已过三分之二", "of its life of {life}, two thirds are over then")
_HALF_OVER = Words("有效期 {life}，届时已过一半", "of its life of {life}, half is over then")
_SUGGESTED = Words(
    "签发机构建议 {start} 至 {end} UTC（ARI）{page}", "its authority suggests {start} to {end} UTC (ARI){page}"
)


@dataclass(frozen=True)
class Renewal:
    """When a certificate is renewed, and why then."""

    at: datetime
    why: Words

    def due(self, now: datetime) -> bool:
        """Whether that time has come."""
        return now >= self.at


@dataclass(frozen=True)
class Certificate:
    """The leaf of a chain."""

    names: tuple[str, ...]
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    key: str = ""
    """Its kind and size: `ECDSA P-256`, `RSA 2048`."""
    fingerprint: str = ""
    """The SHA-256 of its DER in hex: what a TLS client sees served."""
    id: str | None = None
    """The identifier by which its authority is asked about it (ARI)."""

    @classmethod
    def of(cls, chain: str) -> Self:
        """Read the first certificate of a PEM chain. Raises ValueError when there is none."""
        leaf = x509.load_pem_x509_certificates(chain.encode())[0]
        common = leaf.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
        try:
            names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            listed: Sequence[str] = names.get_values_for_type(x509.DNSName)
        except x509.ExtensionNotFound:
            listed = ()
        return cls(
            names=tuple(listed),
            issuer=str(common[0].value) if common else leaf.issuer.rfc4514_string(),
            serial=f"{leaf.serial_number:x}",
            not_before=leaf.not_valid_before_utc,
            not_after=leaf.not_valid_after_utc,
            key=_key(leaf),
            fingerprint=leaf.fingerprint(hashes.SHA256()).hex(),
            id=_id(chain),
        )

    @property
    def life(self) -> timedelta:
        """From its first moment to its last."""
        return self.not_after - self.not_before

    @property
    def renewal(self) -> datetime:
        """When two thirds of its life are over, or half of a short one."""
        return self.not_before + self.life * (RENEW_SHORT_AFTER if self.life < SHORT_LIFE else RENEW_AFTER)

    def due(self, now: datetime) -> bool:
        """Whether it is to be renewed, as far as its own life tells."""
        return now >= self.renewal

    def plan(self, window: Window | None = None) -> Renewal:
        """When it is renewed: in the window that its authority suggests, else by its own life; and why then.

        A window that leaves nothing of the life, or comes after it, is not believed.
        """
        if window is None or self.id is None or window.start >= self.not_after:
            over = _HALF_OVER if self.life < SHORT_LIFE else _TWO_THIRDS_OVER
            return Renewal(self.renewal, over.fill(life=span(self.life)))
        start, end = (f"{at:%Y-%m-%d %H:%M}" for at in (window.start, window.end))
        suggested = _SUGGESTED.fill(start=start, end=end, page=f": {window.explanation}" if window.explanation else "")
        return Renewal(min(window.pick(self.id), self.not_after - self.life / 10), suggested)


def span(life: timedelta) -> Words:
    """A time in whole days, or hours where it is less than two days."""
    days = life / timedelta(days=1)
    if days >= 2:
        return Words(f"{days:.0f} 天", f"{days:.0f} days")
    hours = life / timedelta(hours=1)
    return Words(f"{hours:.0f} 小时", f"{hours:.0f} hours")


def _key(leaf: x509.Certificate) -> str:
    key = leaf.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ECDSA P-{key.key_size}"
    return type(key).__name__.removesuffix("PublicKey")


def _id(chain: str) -> str | None:
    try:
        return certificate_id(chain)
    except ValueError:
        return None
