"""What a certificate says of itself, and when its successor is due. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from cryptography import x509
from cryptography.x509.oid import NameOID

RENEW_AFTER = 2 / 3
"""The part of its life after which a certificate is renewed, as Let's Encrypt asks of clients without ARI:
https://letsencrypt.org/docs/integration-guide/"""


@dataclass(frozen=True)
class Certificate:
    """The leaf of a chain."""

    names: tuple[str, ...]
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime

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
        )

    @property
    def renewal(self) -> datetime:
        """When two thirds of its life are over."""
        return self.not_before + (self.not_after - self.not_before) * RENEW_AFTER

    def due(self, now: datetime) -> bool:
        """Whether it is to be renewed."""
        return now >= self.renewal
