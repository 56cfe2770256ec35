"""Free certificates (免费证书): applied for, validated by a DNS record, issued.

What the authority wants to see is a TXT record; it looks when somebody asks how the order stands, a moment after it
was made at the earliest. Only the zones of this cloud are seen.
"""

from __future__ import annotations

import re
import secrets
import time
from contextlib import suppress
from typing import Any

import dns.name
import dns.rdatatype
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from tencentcloud.ssl.v20191205 import models

from localcloud.dns import Zones
from localcloud.errors import CloudError
from localcloud.filing import apex_of
from localcloud.formats import local_timestamp, new_id
from localcloud.issuer import Key, as_pem
from localcloud.services.base import action
from localcloud.services.dnspod import Dnspod
from localcloud.services.ssl.parts import NAMES, PENDING, SslPart, Status, described_by, with_status
from localcloud.store import Document
from localcloud.wire import build
from localcloud.zones import DEFAULT_LINE

PACKAGE = "83"
"""TrustAsia C1 DV Free, the one kind that is free (docstring of ApplyCertificateRequest.PackageType)."""
MONTHS = "3"
MOST_FREE = 50
"""Free certificates of an account at a time (https://cloud.tencent.com/document/product/400/6814)."""
MOST_FREE_OF_A_DOMAIN = 20
REVIEW_SECONDS = 1.0
"""How long the authority takes at least."""
_NAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


class Orders(SslPart):
    """Actions that lead to a free certificate."""

    @action("ApplyCertificate", requires=("DvAuthMethod", "DomainName"))
    def apply_certificate(self, request: models.ApplyCertificateRequest) -> models.ApplyCertificateResponse:
        """Apply for a certificate of one name."""
        domain = _domain(request.DomainName)
        _check(request)
        self._check_quota(domain)
        zone, prefix = self._zone(domain)
        label = f"_dnsauth{prefix}"
        value = time.strftime("%Y%m%d000000", time.gmtime()) + secrets.token_hex(25)
        document: Document = {
            "OwnerUin": self.cloud.account.uin,
            "ProjectId": str(request.ProjectId or 0),
            "From": "trustasia",
            "CertificateType": "SVR",
            "PackageType": PACKAGE,
            "ProductZhName": "TrustAsia C1 DV Free",
            "Domain": domain,
            "Alias": request.Alias or "",
            "Status": int(Status.REVIEWING),
            "StatusMsg": "PENDING-DCV",
            "StatusName": NAMES[Status.REVIEWING],
            "VerifyType": request.DvAuthMethod,
            "VulnerabilityStatus": "INACTIVE",
            "CertBeginTime": None,
            "CertEndTime": None,
            "ValidityPeriod": MONTHS,
            "InsertTime": local_timestamp(),
            "CertificateId": new_id("x").removeprefix("x-"),
            "CertificatePublicKey": None,
            "CertificatePrivateKey": None,
            "CertFingerprint": None,
            "SubjectAltName": [],
            "IsWildcard": False,
            "Deployable": False,
            "DvAuthDetail": _validation(zone, label, value),
            "_Tags": [],
            "_Ecc": request.CsrEncryptAlgo == "ECC",
            "_Applied": time.time(),
            "_Record": None,
        }
        if request.DvAuthMethod == "DNS_AUTO":
            record = self._add_record(zone, label, value)
            document = with_status(document, Status.RECORD_ADDED)
            if request.DeleteDnsAutoRecord:
                document["_Record"] = record
        self.put(document)
        return build(models.ApplyCertificateResponse, CertificateId=document["CertificateId"])

    @action("CheckCertificateDomainVerification", requires=("CertificateId",))
    def check_certificate_domain_verification(
        self, request: models.CheckCertificateDomainVerificationRequest
    ) -> models.CheckCertificateDomainVerificationResponse:
        """Say whether the record is seen."""
        document = self.certificate(request.CertificateId)
        _check_ordered(document)
        seen = self._values(document)
        issued = document["Status"] == Status.ISSUED
        found = int(issued or document["DvAuthDetail"]["DvAuthValue"] in seen)
        return build(
            models.CheckCertificateDomainVerificationResponse,
            VerificationResults=[
                {
                    "Domain": document["Domain"],
                    "VerifyType": document["VerifyType"],
                    "LocalCheck": 1 if found else -1,
                    "CaCheck": 1 if found else -1,
                    "LocalCheckFailReason": "" if found else "记录未生效" if not seen else "记录值不匹配",
                    "CheckValue": sorted(seen),
                    "Frequently": False,
                    "Issued": issued,
                }
            ],
        )

    @action("CompleteCertificate", requires=("CertificateId",))
    def complete_certificate(self, request: models.CompleteCertificateRequest) -> models.CompleteCertificateResponse:
        """Have the authority look for the record now."""
        document = self.certificate(request.CertificateId)
        _check_ordered(document)
        return build(models.CompleteCertificateResponse, CertificateId=request.CertificateId)

    @action("CancelCertificateOrder", requires=("CertificateId",))
    def cancel_certificate_order(
        self, request: models.CancelCertificateOrderRequest
    ) -> models.CancelCertificateOrderResponse:
        """Give up an order that is under way."""
        document = self.certificate(request.CertificateId)
        if document["Status"] not in PENDING:
            raise CloudError(
                "FailedOperation.CertificateNotFoundOrCantCancel",
                f"{request.CertificateId} is {document['StatusName']}: only an order under way is cancelled.",
            )
        self.put(with_status({**document, "StatusMsg": ""}, Status.CANCELLED))
        return build(models.CancelCertificateOrderResponse, CertificateId=request.CertificateId)

    @action("DescribePackages")
    def describe_packages(self, request: models.DescribePackagesRequest) -> models.DescribePackagesResponse:
        """List packages that were bought: none, and free certificates need none."""
        del request
        return build(models.DescribePackagesResponse, Packages=[], TotalCount=0, TotalBalance=0)

    def current(self, document: Document) -> Document:
        """Bring a certificate up to date: issue it, if its record is there."""
        document = super().current(document)
        if document["Status"] not in PENDING or time.time() < document["_Applied"] + REVIEW_SECONDS:
            return document
        if document["DvAuthDetail"]["DvAuthValue"] not in self._values(document):
            return document
        key: Key = (
            ec.generate_private_key(ec.SECP256R1())
            if document["_Ecc"]
            else rsa.generate_private_key(public_exponent=65537, key_size=2048)
        )
        chain = self.cloud.issuer.certify(document["Domain"], key)
        said = described_by(x509.load_pem_x509_certificate(chain.encode()))
        document = with_status(
            {
                **document,
                **said,
                "ProductZhName": document["ProductZhName"],
                "StatusMsg": "",
                "CertificatePublicKey": chain.strip(),
                "CertificatePrivateKey": as_pem(key).decode().strip(),
            },
            Status.ISSUED,
        )
        if document["_Record"] is not None:
            zone = document["DvAuthDetail"]["DvAuthDomain"]
            with suppress(CloudError):  # its owner may have been quicker
                self._dnspod("DeleteRecord", Domain=zone, RecordId=document["_Record"])
            document["_Record"] = None
        self.put(document)
        return document

    def _values(self, document: Document) -> set[str]:
        """Return the TXT values that the name servers answer where the authority looks."""
        name = dns.name.from_text(document["DvAuthDetail"]["DvAuthKey"])
        zone = Zones(self.store).of(name)
        rdataset = (zone.find(name) or {}).get(dns.rdatatype.TXT) if zone else None
        return {b"".join(rdata.strings).decode("utf-8", "replace") for rdata in rdataset or ()}

    def _zone(self, domain: str) -> tuple[str, str]:
        """Return the zone that a name is in, and what stands before it: `.www`, or nothing."""
        apex = apex_of(domain)
        if apex is None:
            raise CloudError("InvalidParameter.DomainInvalid", f"{domain!r} is no domain that can be registered.")
        head = domain.removesuffix(apex).rstrip(".")
        return apex, f".{head}" if head else ""

    def _check_quota(self, domain: str) -> None:
        free = [one for one in self.certificates() if one["PackageType"] == PACKAGE and one["Status"] in {0, 1, 4}]
        if len(free) >= MOST_FREE:
            raise CloudError(
                "FailedOperation.ExceedsFreeLimit",
                f"The account has {len(free)} free certificates, as many as it may; delete some, or buy one.",
            )
        apex = apex_of(domain)
        if sum(apex_of(one["Domain"]) == apex for one in free) >= MOST_FREE_OF_A_DOMAIN:
            raise CloudError(
                "FailedOperation.MainDomainCertificateCountLimit",
                f"{apex} has {MOST_FREE_OF_A_DOMAIN} free certificates, as many as a domain may; buy one.",
            )

    def _add_record(self, zone: str, label: str, value: str) -> int:
        """Add the record that is looked for; return its id. Raises CloudError where the zone isn't in this account."""
        try:
            made = self._dnspod("CreateTXTRecord", Domain=zone, SubDomain=label, RecordLine=DEFAULT_LINE, Value=value)
        except CloudError as error:
            raise CloudError(
                "InvalidParameter.WithDetailReason",
                f"DNS_AUTO can't add a record to {zone}: {error.message} Add the zone to DNSPod, or choose DNS.",
            ) from error
        return int(made["RecordId"])

    def _dnspod(self, action_name: str, **parameters: Any) -> dict[str, Any]:
        return Dnspod(self.cloud, "", self.request_id).call(action_name, parameters)


def _domain(text: str) -> str:
    name = text.strip().lower()
    try:
        name = name.encode("idna").decode()
    except UnicodeError:
        name = ""
    if not _NAME.fullmatch(name):
        raise CloudError(
            "InvalidParameter.DomainInvalid", f"DomainName {text!r}: a free certificate is for one name, no wildcard."
        )
    return name


def _check(request: Any) -> None:
    if request.DvAuthMethod == "FILE":
        raise CloudError("UnsupportedOperation", "The rehearsal cloud validates by DNS alone.")
    if request.DvAuthMethod not in {"DNS_AUTO", "DNS"}:
        raise CloudError("InvalidParameter", f"DvAuthMethod is {request.DvAuthMethod!r}; give DNS_AUTO, DNS or FILE.")
    if request.PackageType not in {None, "", PACKAGE}:
        raise CloudError("InvalidParameter.ProductPidInvalid", f"PackageType is {request.PackageType}; give {PACKAGE}.")
    if request.ValidityPeriod not in {None, "", MONTHS}:
        raise CloudError(
            "InvalidParameter.PeriodInvalid", f"ValidityPeriod is {request.ValidityPeriod}; give {MONTHS}."
        )
    if request.CsrEncryptAlgo not in {None, "", "RSA", "ECC"}:
        raise CloudError("InvalidParameter", f"CsrEncryptAlgo is {request.CsrEncryptAlgo!r}; give RSA or ECC.")
    wanted = "prime256v1" if request.CsrEncryptAlgo == "ECC" else "2048"
    if request.CsrKeyParameter not in ({wanted} if wanted != "2048" else {None, "", wanted}):
        raise CloudError("InvalidParameter", f"CsrKeyParameter is {request.CsrKeyParameter!r}; give {wanted}.")
    if request.DnsNames:
        raise CloudError("InvalidParameter", "DnsNames isn't open to anybody yet.")


def _check_ordered(document: Document) -> None:
    if "DvAuthDetail" not in document:
        raise CloudError(
            "FailedOperation.CertificateStatusNotAllowVerify", f"{document['CertificateId']} was uploaded, not ordered."
        )


def _validation(zone: str, label: str, value: str) -> Document:
    """Return what is to be added where, as DescribeCertificate shows it."""
    key = f"{label}.{zone}"
    return {
        "DvAuthKey": key,
        "DvAuthValue": value,
        "DvAuthDomain": zone,
        "DvAuthPath": "",
        "DvAuthKeySubDomain": label,
        "DvAuths": [
            {
                "DvAuthKey": key,
                "DvAuthValue": value,
                "DvAuthDomain": zone,
                "DvAuthPath": "",
                "DvAuthSubDomain": label,
                "DvAuthVerifyType": "TXT",
            }
        ],
    }
