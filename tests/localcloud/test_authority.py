"""Certificates by Pebble, which asks this cloud's name servers: by the `acme` library, DNS-01."""

from __future__ import annotations

import http.client
import json
import os
import signal
import ssl
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from acme import challenges, client, crypto_util, errors, messages
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.verification import PolicyBuilder
from cryptography.x509.verification import Store as TrustStore
from josepy.jwk import JWKRSA

from tests.cloud import Cloud, running_cloud

ZONE = "acme-test.cn"


@pytest.fixture(scope="module")
def zone(cloud: Cloud) -> Iterator[str]:
    cloud.call("dnspod", "CreateDomain", {"Domain": ZONE})
    yield ZONE
    cloud.call("dnspod", "DeleteDomain", {"Domain": ZONE})


def _account(cloud: Cloud) -> client.ClientV2:
    key = JWKRSA(key=rsa.generate_private_key(public_exponent=65537, key_size=2048))
    network = client.ClientNetwork(key)
    # A path is taken by the library underneath, though the hint says bool.
    network.verify_ssl = str(cloud.roots)  # type: ignore[assignment]
    directory = client.ClientV2.get_directory(cloud.endpoints.acme_directory, network)
    acme = client.ClientV2(directory, network)
    acme.new_account(messages.NewRegistration.from_data(terms_of_service_agreed=True))
    return acme


def _request(*names: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return bytes(crypto_util.make_csr(pem, list(names)))


def _add(cloud: Cloud, zone: str, name: str, value: str) -> int:
    record = {"Domain": zone, "SubDomain": name, "RecordLine": "默认", "Value": value}
    return int(cloud.call("dnspod", "CreateTXTRecord", record)["RecordId"])


def _issue(cloud: Cloud, zone: str, *names: str, wrong: bool = False) -> str:
    """A chain in PEM for names of a zone; with a wrong TXT value if so asked."""
    acme = _account(cloud)
    order = acme.new_order(_request(*names))
    records = []
    for authorization in order.authorizations:
        (challenge,) = (one for one in authorization.body.challenges if isinstance(one.chall, challenges.DNS01))
        response, validation = challenge.response_and_validation(acme.net.key)
        host = f"_acme-challenge.{authorization.body.identifier.value}".removesuffix(f".{zone}")
        records.append(_add(cloud, zone, host, "wrong" if wrong else validation))
        acme.answer_challenge(challenge, response)
    try:
        return str(acme.poll_and_finalize(order).fullchain_pem)
    finally:
        for record in records:
            cloud.call("dnspod", "DeleteRecord", {"Domain": zone, "RecordId": record})


def _verify(cloud: Cloud, chain_pem: str, name: str) -> x509.Certificate:
    leaf, *between = x509.load_pem_x509_certificates(chain_pem.encode())
    roots = x509.load_pem_x509_certificates(cloud.roots.read_bytes())
    verifier = PolicyBuilder().store(TrustStore(roots)).build_server_verifier(x509.DNSName(name))
    verifier.verify(leaf, between)
    return leaf


def test_a_certificate_for_two_names_and_a_wildcard(cloud: Cloud, zone: str) -> None:
    names = (zone, f"www.{zone}", f"*.{zone}")
    chain = _issue(cloud, zone, *names)
    leaf = _verify(cloud, chain, f"anything.{zone}")
    extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert set(extension.value.get_values_for_type(x509.DNSName)) == set(names)
    lifetime = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    assert abs(lifetime - timedelta(days=90)) < timedelta(minutes=1)


def test_validation_is_really_on(cloud: Cloud, zone: str) -> None:
    with pytest.raises(errors.ValidationError):
        _issue(cloud, zone, f"wrong.{zone}", wrong=True)
    # Nobody serves this zone, so nothing can be shown to be ours.
    acme = _account(cloud)
    order = acme.new_order(_request("nobodys-zone.cn"))
    offered = order.authorizations[0].body.challenges
    (challenge,) = (one for one in offered if isinstance(one.chall, challenges.DNS01))
    acme.answer_challenge(challenge, challenge.response(acme.net.key))
    with pytest.raises(errors.ValidationError):
        acme.poll_and_finalize(order)


def test_what_was_certified_before_a_restart_can_still_be_verified(tmp_path: Path) -> None:
    with running_cloud(tmp_path / "cloud", certificate_lifetime=3600) as cloud:
        cloud.call("dnspod", "CreateDomain", {"Domain": ZONE})
        old = _issue(cloud, ZONE, ZONE)
        leaf = _verify(cloud, old, ZONE)
        assert leaf.not_valid_after_utc - leaf.not_valid_before_utc <= timedelta(hours=1)
        roots = len(x509.load_pem_x509_certificates(cloud.roots.read_bytes()))
        cloud.stop()
        cloud.start()
        assert len(x509.load_pem_x509_certificates(cloud.roots.read_bytes())) == roots + 1
        new = _issue(cloud, ZONE, ZONE)
        _verify(cloud, old, ZONE)
        assert _verify(cloud, new, ZONE).issuer != leaf.issuer
        assert cloud.endpoints.certificate_lifetime == 3600


def test_pebble_is_started_again_when_it_dies(tmp_path: Path) -> None:
    with running_cloud(tmp_path / "cloud") as cloud:
        (pebble,) = _children(cloud.endpoints.pid, "pebble")
        os.kill(pebble, signal.SIGKILL)
        cloud.until(lambda: _answers(cloud) and _children(cloud.endpoints.pid, "pebble") != [pebble])


def test_pebble_ends_with_the_cloud(tmp_path: Path) -> None:
    with running_cloud(tmp_path / "cloud") as cloud:
        (pebble,) = _children(cloud.endpoints.pid, "pebble")
        os.kill(cloud.endpoints.pid, signal.SIGKILL)
        cloud.until(lambda: not Path(f"/proc/{pebble}/exe").exists())


def test_the_directorys_ca_certifies_nothing_else(cloud: Cloud) -> None:
    directory, *roots = x509.load_pem_x509_certificates(cloud.roots.read_bytes())
    constraints = directory.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, 0)
    assert roots
    assert len({one.fingerprint(hashes.SHA256()) for one in roots}) == len(roots)


def _children(pid: int, name: str) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text("utf-8", "replace")
        except OSError:
            continue
        command, _, rest = text.partition("(")[2].rpartition(")")
        if command == name and rest.split()[1] == str(pid) and rest.split()[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def _answers(cloud: Cloud) -> bool:
    context = ssl.create_default_context(cafile=str(cloud.roots))
    host = cloud.endpoints.acme_directory.split("/")[2]
    connection = http.client.HTTPSConnection(host, context=context, timeout=5)
    try:
        connection.request("GET", "/dir", headers={"User-Agent": "test"})
        document: dict[str, Any] = json.load(connection.getresponse())
        return "newOrder" in document
    except OSError:
        time.sleep(0.05)
        return False
    finally:
        connection.close()
