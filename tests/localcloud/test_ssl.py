"""Certificates: uploaded ones, and the free ones that the service orders itself."""

from __future__ import annotations

import base64
import io
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.verification import PolicyBuilder, Store

from localcloud.formats import BEIJING
from tests.cloud import Cloud
from tests.localcloud.certificates import certificate, detail
from tests.localcloud.refusals import refused

SECOND = timedelta(seconds=1)


def test_a_certificate_from_beginning_to_end(cloud: Cloud) -> None:
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    chain, key = certificate("example.cn", "www.example.cn", begin=begin)
    upload = {"CertificatePublicKey": chain, "CertificatePrivateKey": key, "Alias": "网站"}
    identifier = cloud.call("ssl", "UploadCertificate", upload)["CertificateId"]
    again = cloud.call("ssl", "UploadCertificate", upload)
    assert again["RepeatCertId"] == again["CertificateId"] == identifier
    shown = cloud.call("ssl", "DescribeCertificateDetail", {"CertificateId": identifier})
    assert (shown["Domain"], shown["SubjectAltName"], shown["Status"]) == ("example.cn", ["www.example.cn"], 1)
    # In Beijing's time, as the console shows them.
    assert shown["CertBeginTime"] == begin.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
    assert shown["CertEndTime"] == (begin + timedelta(days=90)).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
    assert (shown["CertificatePublicKey"], shown["Alias"]) == (chain, "网站")
    listed = cloud.call("ssl", "DescribeCertificates", {"SearchKey": "example"})
    assert [one["CertificateId"] for one in listed["Certificates"]] == [identifier]
    cloud.call("ssl", "ModifyCertificateAlias", {"CertificateId": identifier, "Alias": "b"})
    assert cloud.call("ssl", "DescribeCertificate", {"CertificateId": identifier})["Alias"] == "b"
    assert cloud.call("ssl", "DeleteCertificate", {"CertificateId": identifier})["DeleteResult"] is True
    code = "FailedOperation.CertificateNotFound"
    assert refused(cloud, "ssl", "DescribeCertificateDetail", {"CertificateId": identifier}) == code


_expired = certificate("example.cn", begin=datetime.now(UTC) - timedelta(days=91))
EXPIRED = {"CertificatePublicKey": _expired[0], "CertificatePrivateKey": _expired[1]}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (
            {"CertificatePublicKey": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"},
            "FailedOperation.CertificateParseError",
        ),
        ({"CertificatePrivateKey": "no key"}, "FailedOperation.CertificateMismatch"),
        ({"CertificatePrivateKey": certificate("other.cn")[1]}, "FailedOperation.CertificateMismatch"),
        ({"CertificatePrivateKey": None}, "MissingParameter"),
        (
            EXPIRED,
            "FailedOperation.CertificateInvalid",
        ),
        (
            {"CertificatePublicKey": certificate("example.cn")[0] + certificate("other.cn")[0]},
            "FailedOperation.CertificateChainError",
        ),
        ({"CertificateType": "CA", "CertificatePrivateKey": None}, "FailedOperation.CertificateCaError"),
        ({"CertificateType": "CLIENT"}, "InvalidParameter"),
    ],
)
def test_certificates_that_cant_be(cloud: Cloud, change: dict[str, str | None], code: str) -> None:
    chain, key = certificate("example.cn")
    upload = {"CertificatePublicKey": chain, "CertificatePrivateKey": key, **change}
    assert refused(cloud, "ssl", "UploadCertificate", upload) == code


def test_an_uploaded_certificate_expires(cloud: Cloud) -> None:
    begin = datetime.now(UTC) - timedelta(days=1) + 3 * SECOND
    chain, key = certificate("short.cn", begin=begin, days=1)
    upload = {"CertificatePublicKey": chain, "CertificatePrivateKey": key}
    identifier = cloud.call("ssl", "UploadCertificate", upload)["CertificateId"]
    cloud.until(lambda: detail(cloud, identifier)["Status"] == 3)
    cloud.call("ssl", "DeleteCertificate", {"CertificateId": identifier})


@pytest.mark.parametrize(("method", "pending"), [("DNS_AUTO", 4), ("DNS", 0)])
def test_a_free_certificate_is_issued_once_its_record_is_there(cloud: Cloud, method: str, pending: int) -> None:
    cloud.call("dnspod", "CreateDomain", {"Domain": "free.cn"})
    before = cloud.counts()
    order = {"DvAuthMethod": method, "DomainName": "www.free.cn", "Alias": "free", "DeleteDnsAutoRecord": True}
    identifier = cloud.call("ssl", "ApplyCertificate", order)["CertificateId"]
    ordered = cloud.call("ssl", "DescribeCertificate", {"CertificateId": identifier})
    assert (ordered["Status"], ordered["Domain"], ordered["CertBeginTime"]) == (pending, "www.free.cn", None)
    made = None
    if method == "DNS":
        wanted = ordered["DvAuthDetail"]["DvAuths"][0]
        assert (wanted["DvAuthVerifyType"], wanted["DvAuthKey"]) == ("TXT", "_dnsauth.www.free.cn")
        assert not _verified(cloud, identifier)
        record = {"Domain": wanted["DvAuthDomain"], "SubDomain": wanted["DvAuthSubDomain"], "RecordLine": "默认"}
        made = cloud.call("dnspod", "CreateTXTRecord", {**record, "Value": wanted["DvAuthValue"]})
        assert _verified(cloud, identifier)
    cloud.until(lambda: detail(cloud, identifier)["Status"] == 1)
    issued = detail(cloud, identifier)
    leaf, root = x509.load_pem_x509_certificates(issued["CertificatePublicKey"].encode())
    trusted = x509.load_pem_x509_certificates(cloud.roots.read_bytes())
    verifier = PolicyBuilder().store(Store(trusted)).build_server_verifier(x509.DNSName("www.free.cn"))
    assert verifier.verify(leaf, [root])[-1] in trusted
    key: Any = serialization.load_pem_private_key(issued["CertificatePrivateKey"].encode(), None)
    assert key.public_key() == leaf.public_key()
    packed = cloud.call("ssl", "DownloadCertificate", {"CertificateId": identifier})
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(packed["Content"]))) as archive:
        assert archive.read("www.free.cn_nginx/www.free.cn_bundle.crt").decode() == issued["CertificatePublicKey"]
    if made is not None:
        cloud.call("dnspod", "DeleteRecord", {"Domain": "free.cn", "RecordId": made["RecordId"]})
    cloud.call("ssl", "DeleteCertificate", {"CertificateId": identifier})
    assert cloud.counts() == before
    cloud.call("dnspod", "DeleteDomain", {"Domain": "free.cn"})


def test_a_free_certificate_that_is_given_up(cloud: Cloud) -> None:
    order = {"DvAuthMethod": "DNS", "DomainName": "given-up.cn", "CsrEncryptAlgo": "ECC"}
    order["CsrKeyParameter"] = "prime256v1"
    identifier = cloud.call("ssl", "ApplyCertificate", order)["CertificateId"]
    named = {"CertificateId": identifier}
    assert refused(cloud, "ssl", "DownloadCertificate", named) == "FailedOperation.CertificateStatusNotAllowDownload"
    assert refused(cloud, "ssl", "DeleteCertificate", named) == "FailedOperation.CannotBeDeletedWithinHour"
    cloud.call("ssl", "CancelCertificateOrder", named)
    assert detail(cloud, identifier)["Status"] == 7
    again = "FailedOperation.CertificateNotFoundOrCantCancel"
    assert refused(cloud, "ssl", "CancelCertificateOrder", named) == again
    cloud.call("ssl", "DeleteCertificate", named)


def test_a_domain_has_so_many_free_certificates_and_no_more(cloud: Cloud) -> None:
    order = {"DvAuthMethod": "DNS", "DomainName": "many.cn"}
    made = [cloud.call("ssl", "ApplyCertificate", order)["CertificateId"] for _ in range(20)]
    code = "FailedOperation.MainDomainCertificateCountLimit"
    assert refused(cloud, "ssl", "ApplyCertificate", {**order, "DomainName": "a.many.cn"}) == code
    for identifier in made:
        cloud.call("ssl", "CancelCertificateOrder", {"CertificateId": identifier})
        cloud.call("ssl", "DeleteCertificate", {"CertificateId": identifier})


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"DomainName": "*.free.cn"}, "InvalidParameter.DomainInvalid"),
        ({"DomainName": "com.cn"}, "InvalidParameter.DomainInvalid"),
        ({"DomainName": "nobodys.cn"}, "InvalidParameter.WithDetailReason"),
        ({"ValidityPeriod": "12"}, "InvalidParameter.PeriodInvalid"),
        ({"PackageType": "2"}, "InvalidParameter.ProductPidInvalid"),
        ({"DvAuthMethod": "FILE"}, "UnsupportedOperation"),
        ({"DvAuthMethod": "EMAIL"}, "InvalidParameter"),
        ({"CsrEncryptAlgo": "ECC"}, "InvalidParameter"),
    ],
)
def test_free_certificates_that_cant_be(cloud: Cloud, change: dict[str, str], code: str) -> None:
    order = {"DvAuthMethod": "DNS_AUTO", "DomainName": "www.free.cn", **change}
    assert refused(cloud, "ssl", "ApplyCertificate", order) == code


def _verified(cloud: Cloud, identifier: str) -> bool:
    answer = cloud.call("ssl", "CheckCertificateDomainVerification", {"CertificateId": identifier})
    return bool(answer["VerificationResults"][0]["CaCheck"] == 1)
