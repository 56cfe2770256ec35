"""Uploaded certificates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.cloud import Cloud
from tests.localcloud.refusals import refused

PEM = serialization.Encoding.PEM


def _certificate(*names: str) -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    begin = datetime(2026, 11, 21, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=90))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(PEM).decode(), private.decode()


def test_a_certificate_from_beginning_to_end(cloud: Cloud) -> None:
    certificate, key = _certificate("example.cn", "www.example.cn")
    upload = {"CertificatePublicKey": certificate, "CertificatePrivateKey": key, "Alias": "网站"}
    identifier = cloud.call("ssl", "UploadCertificate", upload)["CertificateId"]
    again = cloud.call("ssl", "UploadCertificate", upload)
    assert again["RepeatCertId"] == again["CertificateId"] == identifier
    shown = cloud.call("ssl", "DescribeCertificateDetail", {"CertificateId": identifier})
    assert (shown["Domain"], shown["SubjectAltName"], shown["Status"]) == ("example.cn", ["www.example.cn"], 1)
    # Midnight in Greenwich is eight in Beijing, whose time the console shows.
    assert (shown["CertBeginTime"], shown["CertEndTime"]) == ("2026-11-21 08:00:00", "2027-02-19 08:00:00")
    assert (shown["CertificatePublicKey"], shown["Alias"]) == (certificate, "网站")
    listed = cloud.call("ssl", "DescribeCertificates", {"SearchKey": "example"})
    assert [one["CertificateId"] for one in listed["Certificates"]] == [identifier]
    cloud.call("ssl", "ModifyCertificateAlias", {"CertificateId": identifier, "Alias": "b"})
    assert cloud.call("ssl", "DescribeCertificateDetail", {"CertificateId": identifier})["Alias"] == "b"
    assert cloud.call("ssl", "DeleteCertificate", {"CertificateId": identifier})["DeleteResult"] is True
    code = "FailedOperation.CertificateNotFound"
    assert refused(cloud, "ssl", "DescribeCertificateDetail", {"CertificateId": identifier}) == code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (
            {"CertificatePublicKey": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"},
            "FailedOperation.CertificateParseError",
        ),
        ({"CertificatePrivateKey": "no key"}, "FailedOperation.CertificateMismatch"),
        ({"CertificatePrivateKey": _certificate("other.cn")[1]}, "FailedOperation.CertificateMismatch"),
        ({"CertificatePrivateKey": None}, "MissingParameter"),
        ({"CertificateType": "CLIENT"}, "InvalidParameter"),
    ],
)
def test_certificates_that_cant_be(cloud: Cloud, change: dict[str, str | None], code: str) -> None:
    certificate, key = _certificate("example.cn")
    upload = {"CertificatePublicKey": certificate, "CertificatePrivateKey": key, **change}
    assert refused(cloud, "ssl", "UploadCertificate", upload) == code
