"""SSL Certificate Service (SSL 证书): certificates that were uploaded."""

from __future__ import annotations

import re
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from tencentcloud.ssl.v20191205 import models

from localcloud.errors import CloudError
from localcloud.formats import local_timestamp, new_id
from localcloud.services.base import Service, action, page
from localcloud.store import Document, Kind
from localcloud.wire import build


class Ssl(Service):
    """Product `ssl`."""

    product = "ssl"
    version = "2019-12-05"
    sdk = models
    regional = False

    @action("UploadCertificate", requires=("CertificatePublicKey",))
    def upload_certificate(self, request: models.UploadCertificateRequest) -> models.UploadCertificateResponse:
        """Keep a certificate with its chain, and its private key if it is a server's."""
        kind = request.CertificateType or "SVR"
        if kind not in {"SVR", "CA"}:
            raise CloudError("InvalidParameter", f"CertificateType is {kind}; give SVR (server) or CA.")
        chain = _parse(request.CertificatePublicKey)
        leaf = chain[0]
        if kind == "SVR":
            _check_key(leaf, request.CertificatePrivateKey)
        fingerprint = leaf.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - as Tencent shows it
        for one in self.store.all(Kind.CERTIFICATE):
            if one["CertFingerprint"] == fingerprint and not request.Repeatable:
                return build(
                    models.UploadCertificateResponse,
                    CertificateId=one["CertificateId"],
                    RepeatCertId=one["CertificateId"],
                )
        names = _names(leaf)
        identifier = new_id("x").removeprefix("x-")
        document: Document = {
            "OwnerUin": self.cloud.account.uin,
            "ProjectId": str(request.ProjectId or 0),
            "From": "upload",
            "CertificateType": kind,
            "PackageType": "0",
            "ProductZhName": _organisation(leaf),
            "Domain": names[0],
            "Alias": request.Alias or "",
            "Status": 1,
            "StatusMsg": "",
            "StatusName": "证书已颁发",
            "VerifyType": "",
            "VulnerabilityStatus": "",
            "CertBeginTime": local_timestamp(leaf.not_valid_before_utc),
            "CertEndTime": local_timestamp(leaf.not_valid_after_utc),
            "ValidityPeriod": str(_months(leaf)),
            "InsertTime": local_timestamp(),
            "CertificateId": identifier,
            "CertificatePublicKey": request.CertificatePublicKey,
            "CertificatePrivateKey": request.CertificatePrivateKey or "",
            "SubjectAltName": names[1:],
            "CertFingerprint": fingerprint,
            "IsWildcard": names[0].startswith("*."),
            "Deployable": True,
            "_Tags": [{"TagKey": tag.TagKey, "TagValue": tag.TagValue or ""} for tag in request.Tags or ()],
        }
        self.store.put(Kind.CERTIFICATE, identifier, document)
        return build(models.UploadCertificateResponse, CertificateId=identifier, RepeatCertId="")

    @action("DescribeCertificates")
    def describe_certificates(self, request: models.DescribeCertificatesRequest) -> models.DescribeCertificatesResponse:
        """List certificates, without their keys."""
        found = [
            one
            for one in self.store.all(Kind.CERTIFICATE)
            if (not request.CertIds or one["CertificateId"] in request.CertIds)
            and request.CertificateType in {None, one["CertificateType"]}
            and any((request.SearchKey or "") in text for text in (one["CertificateId"], one["Alias"], one["Domain"]))
        ]
        hidden = {"CertificatePublicKey", "CertificatePrivateKey", "CertFingerprint"}
        return build(
            models.DescribeCertificatesResponse,
            TotalCount=len(found),
            Certificates=[
                {
                    **{name: value for name, value in one.items() if name not in hidden},
                    "Tags": one["_Tags"],
                }
                for one in page(found, request.Offset, request.Limit, default=10, maximum=1000)
            ],
        )

    @action("DescribeCertificateDetail", requires=("CertificateId",))
    def describe_certificate_detail(
        self, request: models.DescribeCertificateDetailRequest
    ) -> models.DescribeCertificateDetailResponse:
        """Describe one certificate."""
        document = self._certificate(request.CertificateId)
        return build(models.DescribeCertificateDetailResponse, document, Tags=document["_Tags"], IsDv=True)

    @action("ModifyCertificateAlias", requires=("CertificateId",))
    def modify_certificate_alias(
        self, request: models.ModifyCertificateAliasRequest
    ) -> models.ModifyCertificateAliasResponse:
        """Rename a certificate."""
        document = self._certificate(request.CertificateId)
        document["Alias"] = request.Alias or ""
        self.store.put(Kind.CERTIFICATE, request.CertificateId, document)
        return build(models.ModifyCertificateAliasResponse, CertificateId=request.CertificateId)

    @action("ModifyCertificateProject", requires=("CertificateIdList", "ProjectId"))
    def modify_certificate_project(
        self, request: models.ModifyCertificateProjectRequest
    ) -> models.ModifyCertificateProjectResponse:
        """Put certificates into another project."""
        for identifier in request.CertificateIdList:
            document = self._certificate(identifier)
            document["ProjectId"] = str(request.ProjectId)
            self.store.put(Kind.CERTIFICATE, identifier, document)
        return build(
            models.ModifyCertificateProjectResponse,
            SuccessCertificates=request.CertificateIdList,
            FailCertificates=[],
        )

    @action("DeleteCertificate", requires=("CertificateId",))
    def delete_certificate(self, request: models.DeleteCertificateRequest) -> models.DeleteCertificateResponse:
        """Remove a certificate."""
        self._certificate(request.CertificateId)
        self.store.delete(Kind.CERTIFICATE, request.CertificateId)
        return build(models.DeleteCertificateResponse, DeleteResult=True, TaskId="")

    def _certificate(self, identifier: str) -> Document:
        document = self.store.get(Kind.CERTIFICATE, identifier)
        if document is None:
            raise CloudError("FailedOperation.CertificateNotFound", f"{identifier} is not a certificate.")
        return document


def _parse(pem: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except ValueError as error:
        raise CloudError(
            "FailedOperation.CertificateParseError",
            f"CertificatePublicKey is not a PEM certificate: {error}.",
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


def _names(leaf: x509.Certificate) -> list[str]:
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = extension.value.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        names = []
    if names:
        return list(names)
    common = leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return [str(common[0].value) if common else ""]


def _organisation(leaf: x509.Certificate) -> str:
    found = re.search(r"O=([^,+]+)|CN=([^,+]+)", leaf.issuer.rfc4514_string())
    return (found[1] or found[2]) if found else ""


def _months(leaf: x509.Certificate) -> int:
    return round((leaf.not_valid_after_utc - leaf.not_valid_before_utc).days / 30)
