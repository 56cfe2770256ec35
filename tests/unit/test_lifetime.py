"""What a certificate says of itself, and when its successor is due."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import example, given
from hypothesis import strategies as st

from luodi.certificate.lifetime import Certificate

KEY = ec.generate_private_key(ec.SECP256R1())
START = dt.datetime(2026, 11, 21, 6, 30, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def pem(
    names: tuple[str, ...] = ("example.cn",),
    *,
    issuer: tuple[tuple[x509.ObjectIdentifier, str], ...] = ((NameOID.COMMON_NAME, "R13"),),
    life: dt.timedelta = 90 * DAY,
) -> str:
    """A certificate, PEM."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([x509.NameAttribute(oid, value) for oid, value in issuer]))
        .public_key(KEY.public_key())
        .serial_number(0x2BADC0FFEE)
        .not_valid_before(START)
        .not_valid_after(START + life)
    )
    if names:
        listed = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = builder.add_extension(listed, critical=False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def test_it_tells_of_the_leaf() -> None:
    chain = pem(("example.cn", "www.example.cn")) + pem((), issuer=((NameOID.COMMON_NAME, "the root"),))
    leaf = x509.load_pem_x509_certificates(chain.encode())[0]
    assert Certificate.of(chain) == Certificate(
        names=("example.cn", "www.example.cn"),
        issuer="R13",
        serial="2badc0ffee",
        not_before=START,
        not_after=START + 90 * DAY,
        key="ECDSA P-256",
        fingerprint=leaf.fingerprint(hashes.SHA256()).hex(),
    )


def test_an_issuer_without_a_common_name_is_told_whole() -> None:
    issuer = ((NameOID.COUNTRY_NAME, "CN"), (NameOID.ORGANIZATION_NAME, "示例"))
    assert Certificate.of(pem(issuer=issuer)).issuer == "O=示例,C=CN"


def test_a_certificate_without_names() -> None:
    assert Certificate.of(pem(())).names == ()


def test_it_is_due_at_exactly_two_thirds() -> None:
    certificate = Certificate.of(pem(life=90 * DAY))
    assert certificate.renewal == START + 60 * DAY
    assert not certificate.due(START)
    assert not certificate.due(START + 60 * DAY - dt.timedelta(microseconds=1))
    assert certificate.due(START + 60 * DAY)
    assert certificate.due(START + 91 * DAY)


def test_another_time_zone_is_the_same_moment() -> None:
    beijing = dt.timezone(dt.timedelta(hours=8))
    certificate = Certificate.of(pem())
    assert certificate.due((START + 60 * DAY).astimezone(beijing))
    assert not certificate.due((START + 60 * DAY - dt.timedelta(seconds=1)).astimezone(beijing))


@given(st.integers(10 * 86400, 10 * 365 * 86400))
@example(45 * 86400)
@example(47 * 86400)
def test_two_thirds_of_any_life(seconds: int) -> None:
    certificate = Certificate((), "R13", "1", START, START + dt.timedelta(seconds=seconds))
    assert abs((certificate.renewal - START) * 3 - 2 * dt.timedelta(seconds=seconds)) <= dt.timedelta(microseconds=2)
    if seconds % 3 == 0:
        assert certificate.renewal == START + dt.timedelta(seconds=seconds // 3 * 2)


@given(st.integers(1, 10 * 86400 - 1))
@example(160 * 3600)  # Let's Encrypt's profile shortlived
def test_half_of_a_short_life(seconds: int) -> None:
    certificate = Certificate((), "R13", "1", START, START + dt.timedelta(seconds=seconds))
    assert certificate.renewal - START == dt.timedelta(seconds=seconds) / 2


@pytest.mark.parametrize("text", ["", "not PEM", pem()[:200], pem().replace("CERTIFICATE", "PUBLIC KEY")])
def test_what_is_no_certificate(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Certificate.of(text)
