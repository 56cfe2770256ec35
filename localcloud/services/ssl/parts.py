"""What the parts of the product `ssl` share: a certificate as it stands now, and what its PEM says."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from localcloud.errors import CloudError
from localcloud.formats import local_timestamp
from localcloud.services.base import Service
from localcloud.store import Document, Kind


class Status(IntEnum):
    """Where a certificate stands (docstring of DescribeCertificateDetailResponse.Status), as far as is known here."""

    REVIEWING = 0
    ISSUED = 1
    EXPIRED = 3
    RECORD_ADDED = 4
    CANCELLED = 7


NAMES = {
    Status.REVIEWING: "审核中",
    Status.ISSUED: "已通过",
    Status.EXPIRED: "已过期",
    Status.RECORD_ADDED: "自动添加DNS记录",
    Status.CANCELLED: "已取消",
}
PENDING = frozenset({Status.REVIEWING, Status.RECORD_ADDED})


class SslPart(Service):
    """A part of the product."""

    def certificate(self, identifier: str) -> Document:
        """Return a certificate as it stands now; raise CloudError where there is none."""
        document = self.store.get(Kind.CERTIFICATE, identifier)
        if document is None:
            raise CloudError("FailedOperation.CertificateNotFound", f"{identifier} is not a certificate.")
        return self.current(document)

    def certificates(self) -> list[Document]:
        """Return every certificate as it stands now."""
        return [self.current(one) for one in self.store.all(Kind.CERTIFICATE)]

    def current(self, document: Document) -> Document:
        """Bring a certificate's document up to date."""
        if document["Status"] == Status.ISSUED and document["CertEndTime"] < local_timestamp():
            document = with_status(document, Status.EXPIRED)
        return document

    def put(self, document: Document) -> None:
        """Keep a certificate."""
        self.store.put(Kind.CERTIFICATE, document["CertificateId"], document)


def with_status(document: Document, status: Status) -> Document:
    """Return a certificate that stands elsewhere."""
    return {**document, "Status": int(status), "StatusName": NAMES[status], "Deployable": status is Status.ISSUED}


def described_by(leaf: x509.Certificate) -> Document:
    """Return the fields of a certificate's document that its PEM says."""
    names = _names(leaf)
    months = round((leaf.not_valid_after_utc - leaf.not_valid_before_utc).days / 30)
    return {
        "ProductZhName": _organisation(leaf),
        "Domain": names[0],
        "SubjectAltName": names[1:],
        "IsWildcard": names[0].startswith("*."),
        "CertBeginTime": local_timestamp(leaf.not_valid_before_utc),
        "CertEndTime": local_timestamp(leaf.not_valid_after_utc),
        "ValidityPeriod": str(months),
        "CertFingerprint": fingerprint(leaf),
    }


def fingerprint(leaf: x509.Certificate) -> str:
    """Return a certificate's fingerprint as Tencent shows it: SHA-1."""
    return leaf.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - as Tencent shows it


def is_over(leaf: x509.Certificate) -> bool:
    """Whether a certificate has expired."""
    return leaf.not_valid_after_utc < datetime.now(UTC)


def _names(leaf: x509.Certificate) -> list[str]:
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names: list[Any] = extension.value.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        names = []
    if names:
        return list(names)
    common = leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return [str(common[0].value) if common else ""]


def _organisation(leaf: x509.Certificate) -> str:
    found = re.search(r"O=((?:[^,+\\]|\\.)+)|CN=((?:[^,+\\]|\\.)+)", leaf.issuer.rfc4514_string())
    return re.sub(r"\\(.)", r"\1", found[1] or found[2]) if found else ""
