"""Certificates that were bought or issued elsewhere, and uploaded."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from tencentcloud.ssl.v20191205 import models

from localcloud.errors import CloudError
from localcloud.formats import local_timestamp, new_id
from localcloud.services.base import action
from localcloud.services.ssl.parts import NAMES, SslPart, Status, described_by, fingerprint, is_over
from localcloud.store import Document, Kind
from localcloud.wire import build


class Uploads(SslPart):
    """Actions that take a certificate."""

    @action("UploadCertificate", requires=("CertificatePublicKey",))
    def upload_certificate(self, request: models.UploadCertificateRequest) -> models.UploadCertificateResponse:
        """Keep a certificate with its chain, and its private key if it is a server's."""
        kind = request.CertificateType or "SVR"
        if kind not in {"SVR", "CA"}:
            raise CloudError("InvalidParameter", f"CertificateType is {kind}; give SVR (server) or CA.")
        chain = _parse(request.CertificatePublicKey)
        leaf = chain[0]
        _check_chain(chain)
        if is_over(leaf):
            raise CloudError(
                "FailedOperation.CertificateInvalid",
                f"The certificate expired on {leaf.not_valid_after_utc:%Y-%m-%d}; upload one that is valid.",
            )
        if kind == "SVR":
            _check_key(leaf, request.CertificatePrivateKey)
        elif not _is_authority(leaf):
            raise CloudError("FailedOperation.CertificateCaError", "The certificate is no CA's; give the type SVR.")
        for one in self.store.all(Kind.CERTIFICATE):
            if one["CertFingerprint"] == fingerprint(leaf) and not request.Repeatable:
                return build(
                    models.UploadCertificateResponse,
                    CertificateId=one["CertificateId"],
                    RepeatCertId=one["CertificateId"],
                )
        identifier = new_id("x").removeprefix("x-")
        document: Document = {
            "OwnerUin": self.cloud.account.uin,
            "ProjectId": str(request.ProjectId or 0),
            "From": "upload",
            "CertificateType": kind,
            "PackageType": "0",
            "Alias": request.Alias or "",
            "Status": int(Status.ISSUED),
            "StatusMsg": "",
            "StatusName": NAMES[Status.ISSUED],
            "VerifyType": "",
            "VulnerabilityStatus": "",
            "InsertTime": local_timestamp(),
            "CertificateId": identifier,
            "CertificatePublicKey": request.CertificatePublicKey,
            "CertificatePrivateKey": request.CertificatePrivateKey or "",
            "Deployable": True,
            "_Tags": [{"TagKey": tag.TagKey, "TagValue": tag.TagValue or ""} for tag in request.Tags or ()],
            **described_by(leaf),
        }
        self.put(document)
        return build(models.UploadCertificateResponse, CertificateId=identifier, RepeatCertId="")


def _parse(pem: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except ValueError as error:
        raise CloudError(
            "FailedOperation.CertificateParseError",
            f"CertificatePublicKey is not a PEM certificate: {error}.",
        ) from None


def _check_chain(chain: list[x509.Certificate]) -> None:
    """Raise CloudError where a certificate of the chain wasn't issued by the one after it."""
    for number, (certificate, issuer) in enumerate(pairwise(chain), start=1):
        try:
            certificate.verify_directly_issued_by(issuer)
        except (InvalidSignature, TypeError, ValueError):
            raise CloudError(
                "FailedOperation.CertificateChainError",
                f"Certificate {number} of the chain ({certificate.subject.rfc4514_string()}) wasn't issued by the one"
                f" after it ({issuer.subject.rfc4514_string()}).",
            ) from None


def _check_key(leaf: x509.Certificate, pem: str | None) -> None:
    if not pem:
        raise CloudError("MissingParameter", "A server's certificate needs the parameter `CertificatePrivateKey`.")
    try:
        key: Any = serialization.load_pem_private_key(pem.encode(), password=None)
    except (TypeError, ValueError) as error:
        raise CloudError(
            "FailedOperation.CertificateMismatch",
            f"CertificatePrivateKey is not a PEM key without password: {type(error).__name__}.",
        ) from None
    if key.public_key() != leaf.public_key():
        raise CloudError(
            "FailedOperation.CertificateMismatch",
            "The private key does not belong to the certificate.",
        )


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
