"""Authorities as data, signing requests, and what is refused before an order is spent."""

from __future__ import annotations

import datetime as dt
import tomllib
from importlib import resources
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from luodi import authorities, limits
from luodi.authorities import Authority, Binding, Limit
from luodi.certificate import request
from luodi.certificate.problems import OrderError
from luodi.certificate.request import SigningRequest
from tests.unit.orders import csr, pem

NOW = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.UTC)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


# --- the data ----------------------------------------------------------------------------------------


def test_every_authority_says_where_that_is_said_and_when_it_was_looked_up() -> None:
    data = tomllib.loads(resources.files("luodi.data").joinpath("authorities.toml").read_text("utf-8"))
    for id_, entry in data["authority"].items():
        assert entry["source"].startswith("https://"), id_
        assert dt.date(2026, 11, 1) <= entry["checked"] <= dt.date(2027, 12, 31), id_
        assert set(entry) <= {
            *("name", "directory", "staging", "binding-required", "binding-page", "issuers", "names", "duplicates"),
            *("limits", "limits-source", "trusted", "ocsp", "source", "checked", "profiles", "ended"),
        }, id_
        if entry.keys() & {"duplicates", "limits"}:
            assert entry["limits-source"].startswith("https://"), id_


def test_the_page_has_what_the_data_has() -> None:
    page = (Path(__file__).parents[2] / "docs" / "authorities.md").read_text("utf-8")
    assert limits.table() in page, "run: python -m luodi.limits, and put the table into docs/authorities.md"
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| `")]
    first = {row[0].strip("`"): row for row in rows[: len(authorities.known())]}
    assert list(first) == list(authorities.known())
    for id_, authority in authorities.known().items():
        _, _, binding, profiles, issuer = first[id_]
        assert binding.startswith("yes") == authority.binding_required, id_
        assert issuer == authority.issuers[0], id_
        said = first["letsencrypt"][3] if profiles == "the same" else profiles
        assert [name for name in ("classic", "tlsserver", "shortlived") if name in said] == list(authority.profiles)


def test_what_is_not_known_of_a_limit_is_said_so() -> None:
    rows = {row.split("|")[1].strip(" `"): row for row in limits.table().splitlines()}
    assert "| 100; tlsserver, shortlived 25 | 5 in 7 days, then one every 34 hours |" in rows["letsencrypt"]
    assert "| not known | not known | not known |" in rows["litessl"]


def test_the_authorities() -> None:
    known = authorities.known()
    assert list(known) == ["letsencrypt", "letsencrypt-staging", "zerossl", "google", "google-staging", "litessl"]
    directories = [authority.directory for authority in known.values()]
    assert len(set(directories)) == len(directories)
    for id_, authority in known.items():
        assert authority.id == id_
        assert authority.directory.startswith("https://")
        assert authority.issuers
        assert all(issuer == issuer.lower() and "." in issuer for issuer in authority.issuers)
        assert authority.binding_required == (authority.binding_page is not None)
        if authority.staging:
            assert authority.trusted
            assert not known[authority.staging].trusted
    assert [id_ for id_, authority in known.items() if authority.binding_required] == [
        *("zerossl", "google", "google-staging", "litessl"),
    ]


def test_lets_encrypt() -> None:
    authority = authorities.find("letsencrypt")
    assert authority.most_names(None) == authority.most_names("classic") == authority.most_names("other") == 100
    assert authority.most_names("tlsserver") == authority.most_names("shortlived") == 25
    assert authority.duplicates == Limit(5, 7 * DAY)
    assert authority.ocsp is False


def test_by_its_directory() -> None:
    authority = authorities.find("letsencrypt")
    assert authorities.find(authority.directory) is authority
    own = authorities.find("https://ca.example.cn/dir", Path("root.pem"))
    assert own == Authority("https://ca.example.cn/dir", Path("root.pem"))
    assert str(own) == "https://ca.example.cn/dir"
    assert str(authority) == "Let's Encrypt"


def test_what_is_none() -> None:
    with pytest.raises(ValueError, match=r"is no authority; known are letsencrypt, .*litessl, or write"):
        authorities.find("letsencrpyt")
    with pytest.raises(ValueError, match=r"Buypass issues no certificates since 31 October 2025 \(https://.*choose"):
        authorities.find("buypass")


def test_a_binding_does_not_show_its_secret() -> None:
    assert "s3cr3t" not in f"{Binding('kid', 's3cr3t')!r} {Binding('kid', 's3cr3t')}"


# --- limits ------------------------------------------------------------------------------------------

FIVE = Limit(5, 7 * DAY)


@pytest.mark.parametrize(
    ("ago", "left", "hours"),
    [
        ([], 5, 0),
        ([0], 4, 0),
        ([0, 0, 0, 0], 1, 0),
        ([0, 0, 0, 0, 0], 0, 33.6),
        ([33.6] * 5, 1, 0),
        ([16.8] * 5, 0.5, 16.8),
        ([24 * 8] * 5, 5, 0),
        ([24 * 8] * 5 + [0], 4, 0),
        ([-1], 5, 0),  # one of the future, by another clock
    ],
)
def test_what_is_left_of_a_limit(ago: list[float], left: float, hours: float) -> None:
    has = FIVE.left([NOW - one * HOUR for one in ago], NOW)
    assert has == pytest.approx(left)
    assert FIVE.wait(has) / HOUR == pytest.approx(hours)


def test_one_that_was_had_this_very_moment_counts() -> None:
    assert FIVE.left([NOW, NOW], NOW) == pytest.approx(3)


@given(st.lists(st.floats(0, 400), max_size=20))
def test_a_limit_is_never_overdrawn_and_after_the_wait_there_is_one(ago: list[float]) -> None:
    times = [NOW - one * HOUR for one in ago]
    left = FIVE.left(times, NOW)
    assert 0 <= left <= 5
    assert FIVE.left(times, NOW + FIVE.wait(left)) >= 1 - 1e-9 or left >= 1


# --- signing requests --------------------------------------------------------------------------------


def test_a_signing_request() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    found = SigningRequest.of(csr("Example.cn", "*.example.cn", key=key))
    assert found.names == ("example.cn", "*.example.cn")
    assert found.key == key.public_key()
    found.match(["*.EXAMPLE.cn", "example.cn."])
    found.match_key(request.public_key(pem(key)))


def test_a_request_that_is_signed_anew_is_the_same() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    first = SigningRequest.of(csr("example.cn", "www.example.cn", key=key))
    again = SigningRequest.of(csr("www.example.cn", "example.cn", key=key))
    assert first.der != again.der
    assert first.digest == again.digest
    assert first.digest != SigningRequest.of(csr("example.cn", key=key)).digest
    assert first.digest != SigningRequest.of(csr("example.cn", "www.example.cn")).digest


def test_chinese_names_are_compared_in_punycode() -> None:
    SigningRequest.of(csr("xn--fiqs8s.cn", "*.xn--fiqs8s.cn")).match(["中国.cn", "*.中国.CN"])


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["example.cn"], "it has www.example.cn besides"),
        (["example.cn", "www.example.cn", "a.cn"], "it lacks a.cn"),
        (["a.cn"], "it lacks a.cn and has example.cn, www.example.cn besides"),
        (["*.example.cn", "example.cn", "www.example.cn"], r"it lacks \*\.example\.cn"),
        (["中 国.cn"], "中 国.cn is no host name"),
    ],
)
def test_names_that_do_not_match(names: list[str], told: str) -> None:
    with pytest.raises(OrderError, match=told):
        SigningRequest.of(csr("example.cn", "www.example.cn")).match(names)


def test_a_key_that_does_not_match() -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(OrderError, match="for another key than the one that is to be certified"):
        SigningRequest.of(csr("example.cn")).match_key(other.public_key())
    with pytest.raises(OrderError, match="the certificate's key is no PEM private key"):
        request.public_key("-----BEGIN PRIVATE KEY-----\nMIG\n-----END PRIVATE KEY-----")


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (rsa.generate_private_key(65537, 1024), r"\(RSA 1024\)"),
        (ec.generate_private_key(ec.SECP521R1()), r"\(secp521r1\)"),
        (ec.generate_private_key(ec.SECP256K1()), r"\(secp256k1\)"),
        (dsa.generate_private_key(1024), r"\(DSA\)"),
    ],
)
def test_keys_that_no_authority_takes(key: rsa.RSAPrivateKey, told: str) -> None:
    with pytest.raises(OrderError, match=f"a key that no authority takes {told}"):
        SigningRequest.of(csr("example.cn", key=key))


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 2048),
        rsa.generate_private_key(65537, 4096),
        ec.generate_private_key(ec.SECP384R1()),
    ],
)
def test_keys_that_authorities_take(key: rsa.RSAPrivateKey) -> None:
    assert SigningRequest.of(csr("example.cn", key=key)).names == ("example.cn",)


def test_ed25519_is_none_of_them() -> None:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    made = builder.sign(ed25519.Ed25519PrivateKey.generate(), None).public_bytes(serialization.Encoding.PEM)
    with pytest.raises(OrderError, match=r"\(Ed25519\)"):
        SigningRequest.of(made.decode())


@given(st.text())
def test_text_that_is_no_request(text: str) -> None:
    with pytest.raises(OrderError, match="no PEM CSR"):
        SigningRequest.of(text)


def test_a_request_that_was_changed() -> None:
    made = x509.load_pem_x509_csr(csr("example.cn").encode()).public_bytes(serialization.Encoding.DER)
    changed = x509.load_der_x509_csr(made.replace(b"example.cn", b"another.cn"))
    with pytest.raises(OrderError, match="not signed by its own key"):
        SigningRequest.of(changed.public_bytes(serialization.Encoding.PEM).decode())


def test_a_request_without_names() -> None:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    made = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    with pytest.raises(OrderError, match="has no host name"):
        SigningRequest.of(made.public_bytes(serialization.Encoding.PEM).decode())


def test_a_common_name_counts() -> None:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "example.cn")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    made = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    assert SigningRequest.of(made.public_bytes(serialization.Encoding.PEM).decode()).names == ("example.cn",)
