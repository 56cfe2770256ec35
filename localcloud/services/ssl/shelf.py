"""Certificates however they came: described, renamed, downloaded, deleted."""

from __future__ import annotations

import base64
import io
import zipfile
from datetime import UTC, datetime, timedelta

from tencentcloud.ssl.v20191205 import models

from localcloud.errors import CloudError
from localcloud.formats import BEIJING
from localcloud.services.base import action, page
from localcloud.services.ssl.parts import PENDING, SslPart, Status
from localcloud.store import Document, Kind
from localcloud.wire import build

PENDING_KEPT = timedelta(hours=1)
_BODY = frozenset({"CertificatePublicKey", "CertificatePrivateKey", "CertFingerprint"})


class Shelf(SslPart):
    """Actions on certificates that are there."""

    @action("DescribeCertificates")
    def describe_certificates(self, request: models.DescribeCertificatesRequest) -> models.DescribeCertificatesResponse:
        """List certificates, without their keys."""
        found = [
            one
            for one in self.certificates()
            if (not request.CertIds or one["CertificateId"] in request.CertIds)
            and request.CertificateType in {None, one["CertificateType"]}
            and any((request.SearchKey or "") in text for text in (one["CertificateId"], one["Alias"], one["Domain"]))
        ]
        shown = page(found, request.Offset, request.Limit, default=10, maximum=1000)
        return build(
            models.DescribeCertificatesResponse,
            TotalCount=len(found),
            Certificates=[_row(one) for one in shown],
        )

    @action("DescribeCertificate", requires=("CertificateId",))
    def describe_certificate(self, request: models.DescribeCertificateRequest) -> models.DescribeCertificateResponse:
        """Describe one certificate, without its key."""
        document = self.certificate(request.CertificateId)
        return build(
            models.DescribeCertificateResponse, _without_body(document), Tags=document["_Tags"], IsDv=True, IsVip=False
        )

    @action("DescribeCertificateDetail", requires=("CertificateId",))
    def describe_certificate_detail(
        self, request: models.DescribeCertificateDetailRequest
    ) -> models.DescribeCertificateDetailResponse:
        """Describe one certificate, with its key."""
        document = self.certificate(request.CertificateId)
        return build(models.DescribeCertificateDetailResponse, document, Tags=document["_Tags"], IsDv=True, IsVip=False)

    @action("DownloadCertificate", requires=("CertificateId",))
    def download_certificate(self, request: models.DownloadCertificateRequest) -> models.DownloadCertificateResponse:
        """Return a certificate and its key as files, packed (zip, base64)."""
        document = self.certificate(request.CertificateId)
        if document["Status"] != Status.ISSUED:
            raise CloudError(
                "FailedOperation.CertificateStatusNotAllowDownload",
                f"{request.CertificateId} is {document['StatusName']}: only an issued certificate is downloaded.",
            )
        domain = document["Domain"].replace("*", "_")
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for suffix, text in (
                ("bundle.crt", document["CertificatePublicKey"]),
                ("bundle.pem", document["CertificatePublicKey"]),
            ):
                archive.writestr(f"{domain}_nginx/{domain}_{suffix}", text)
            archive.writestr(f"{domain}_nginx/{domain}.key", document["CertificatePrivateKey"])
        return build(
            models.DownloadCertificateResponse,
            Content=base64.b64encode(packed.getvalue()).decode(),
            ContentType="application/zip",
        )

    @action("ModifyCertificateAlias", requires=("CertificateId",))
    def modify_certificate_alias(
        self, request: models.ModifyCertificateAliasRequest
    ) -> models.ModifyCertificateAliasResponse:
        """Rename a certificate."""
        document = self.certificate(request.CertificateId)
        self.put({**document, "Alias": request.Alias or ""})
        return build(models.ModifyCertificateAliasResponse, CertificateId=request.CertificateId)

    @action("ModifyCertificateProject", requires=("CertificateIdList", "ProjectId"))
    def modify_certificate_project(
        self, request: models.ModifyCertificateProjectRequest
    ) -> models.ModifyCertificateProjectResponse:
        """Put certificates into another project."""
        for identifier in request.CertificateIdList:
            document = self.certificate(identifier)
            self.put({**document, "ProjectId": str(request.ProjectId)})
        return build(
            models.ModifyCertificateProjectResponse,
            SuccessCertificates=request.CertificateIdList,
            FailCertificates=[],
        )

    @action("DeleteCertificate", requires=("CertificateId",))
    def delete_certificate(self, request: models.DeleteCertificateRequest) -> models.DeleteCertificateResponse:
        """Remove a certificate; an order that is under way is cancelled first, or an hour old."""
        document = self.certificate(request.CertificateId)
        if document["Status"] in PENDING and _age(document) < PENDING_KEPT:
            raise CloudError(
                "FailedOperation.CannotBeDeletedWithinHour",
                f"{request.CertificateId} was applied for less than an hour ago: CancelCertificateOrder first.",
            )
        self.store.delete(Kind.CERTIFICATE, request.CertificateId)
        self.cloud.tags.forget(request.CertificateId)
        return build(models.DeleteCertificateResponse, DeleteResult=True, TaskId="")


def _age(document: Document) -> timedelta:
    made = datetime.strptime(document["InsertTime"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
    return datetime.now(UTC) - made


def _without_body(document: Document) -> Document:
    return {name: value for name, value in document.items() if name not in _BODY}


def _row(document: Document) -> Document:
    """Return what a list shows of a certificate."""
    body = _without_body(document)
    body.pop("DvAuthDetail", None)
    return {**body, "Tags": document["_Tags"]}
