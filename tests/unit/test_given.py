"""A certificate from elsewhere, judged; and its key, sealed for one server."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from luodi.certificate.given import Given, GivenError
from luodi.certificate.lifetime import Certificate
from tests.unit.given_certificates import NAMES, bought, pem

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
GOOD = bought()
YEAR = dt.timedelta(days=365)


def refusal(chain: str, key: str = GOOD.key, names: tuple[str, ...] = NAMES) -> str:
    with pytest.raises(GivenError) as caught:
        Given.judged(chain, key, names, "site.pem", "site.key")
    assert "PRIVATE KEY" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("key", "kind"), [(ec.generate_private_key(ec.SECP384R1()), "ecdsa"), (RSA, "rsa")])
def test_one_that_is_right(tmp_path: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, kind: str) -> None:
    made = bought("*.example.cn", "example.cn", key=key)
    (tmp_path / "site.pem").write_text(f"Bag Attributes: x\n{made.chain}\n\n")
    (tmp_path / "site.key").write_text(made.key)
    given = Given.read(tmp_path / "site.pem", tmp_path / "site.key", NAMES)
    assert given.kind == kind
    assert given.fingerprint == Certificate.of(made.leaf).fingerprint
    assert given.chain == made.chain
    assert given == Given.read(tmp_path / "site.pem", None, NAMES, made.key)
    assert "PRIVATE" not in repr(given)
    assert given.ends_soon() is None


def test_one_that_ends_within_a_month_is_told() -> None:
    made = bought(age=dt.timedelta(days=345, hours=1))
    given = Given.judged(made.chain, made.key, NAMES, "site.pem", "site.key")
    assert given.ends_soon() == "the certificate ends in 19 days; put the next one there"


def test_a_life_that_is_over_or_has_not_begun() -> None:
    assert "site.pem: the certificate expired on" in refusal(bought(age=2 * YEAR).chain)
    assert "site.pem: the certificate is not valid before" in refusal(bought(age=-YEAR).chain)


def test_a_name_that_is_missing() -> None:
    names = (*NAMES, "m.example.cn", "a.b.example.cn")
    assert refusal(GOOD.chain, names=names).startswith(
        "site.pem is for example.cn, www.example.cn, and the site has m.example.cn, a.b.example.cn besides;"
    )
    wildcard = bought("*.example.cn")
    assert "the site has example.cn, a.b.example.cn besides" in refusal(wildcard.chain, wildcard.key, names)


def test_a_key_of_another_certificate() -> None:
    assert refusal(GOOD.chain, bought().key).startswith("site.key is not the key of the certificate in site.pem")
    assert refusal(GOOD.chain, pem(RSA)).startswith("site.key is not the key of the certificate in site.pem")


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("", "site.key holds no PEM private key"),
        (GOOD.key[:-60], "site.key holds no PEM private key"),
        (GOOD.chain, "site.key holds no PEM private key"),
        (pem(RSA, b"secret"), "site.key has a passphrase; take it away: openssl pkey -in site.key"),
    ],
)
def test_a_key_that_is_none(key: str, why: str) -> None:
    assert refusal(GOOD.chain, key).startswith(why)


def test_a_key_that_no_authority_certifies() -> None:
    from cryptography.hazmat.primitives import serialization

    key = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    assert refusal(GOOD.chain, key.decode()) == "site.key is neither an RSA nor an ECDSA key"


@pytest.mark.parametrize(
    ("chain", "why"),
    [
        ("", "site.pem holds no whole PEM certificate"),
        (GOOD.key, "site.pem holds no whole PEM certificate"),
        (GOOD.leaf[:-100], "site.pem holds no whole PEM certificate"),
        (GOOD.leaf + GOOD.between[:-100], "site.pem holds no whole PEM certificate"),
        (GOOD.leaf, "site.pem holds the site's certificate alone; phones fail without its issuer's"),
        (GOOD.between + GOOD.leaf, "site.pem: its first certificate is an authority's; the site's own comes first"),
        (GOOD.chain + GOOD.root, "site.pem: certificate 3 is a self-signed root; browsers have it, leave it out"),
        (GOOD.leaf + GOOD.leaf, "site.pem: certificate 2 did not issue the one before it"),
        (GOOD.leaf + GOOD.root, "site.pem: certificate 2 is a self-signed root"),
        (GOOD.root, "site.pem: its first certificate is self-signed, so no browser trusts it"),
    ],
)
def test_a_bundle_that_is_broken_or_in_the_wrong_order(chain: str, why: str) -> None:
    assert refusal(chain).startswith(why)


def test_files_that_cant_be_read(tmp_path: Path) -> None:
    with pytest.raises(GivenError, match=r"site\.pem can't be read: No such file or directory"):
        Given.read(tmp_path / "site.pem", None, NAMES, GOOD.key)
    (tmp_path / "site.der").write_bytes(b"\x30\x82\xff\xfe")
    with pytest.raises(GivenError, match=r"site\.der is no PEM; convert it"):
        Given.read(tmp_path / "site.der", None, NAMES, GOOD.key)
    (tmp_path / "site.pem").write_text(GOOD.chain)
    with pytest.raises(GivenError, match="luodi:certificate-key holds no PEM private key"):
        Given.read(tmp_path / "site.pem", None, NAMES, None)
