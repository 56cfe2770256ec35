"""The ACME account and the certificate as resources: at Pebble, with records at a DNSPod that real name servers
follow."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.rcode
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from luodi import dynamic
from luodi.certificate import order, resources
from luodi.certificate.lifetime import Certificate
from luodi.certificate.order import OrderError
from luodi.certificate.propagation import NotPropagated
from tests.unit import pebble
from tests.unit.fake_account import FakeAccount, refused
from tests.unit.nameserver import NameServer
from tests.unit.pebble import Pebble

DIRECTORY = "https://acme.example/directory"
"""What the stack says; the environment names another one."""


@pytest.fixture
def authority(tmp_path: Path, name_servers: list[NameServer], monkeypatch: pytest.MonkeyPatch) -> Iterator[Pebble]:
    first = name_servers[0]
    with pebble.running(tmp_path, (first.address, first.port), bad_nonces=5) as running:
        monkeypatch.setenv("LUODI_ACME_DIRECTORY", running.authority.directory)
        monkeypatch.setenv("LUODI_ACME_CA", str(running.authority.roots))
        monkeypatch.setenv("LUODI_DNS", f"{first.address}:{first.port}")
        yield running


@pytest.fixture
def account(name_servers: list[NameServer], monkeypatch: pytest.MonkeyPatch) -> FakeAccount:
    """An account whose records every name server has at once."""
    made: dict[int, tuple[str, str]] = {}
    numbers = itertools.count(1)

    def create(request: dict[str, Any]) -> dict[str, Any]:
        record = f"{request['SubDomain']}.{request['Domain']}", request["Value"]
        for server in name_servers:
            server.publish(*record)
        made[number := next(numbers)] = record
        return {"RecordId": number}

    def delete(request: dict[str, Any]) -> dict[str, Any]:
        for server in name_servers:
            server.withdraw(*made[request["RecordId"]])
        return {}

    answers = {"CreateRecord": create, "DeleteRecord": delete, "DescribeRecordList": lambda _: {"RecordList": []}}
    answers["DescribeDomain"] = lambda _: {"DomainInfo": {"DnspodNsList": ["ns1.dnspod.test", "ns2.dnspod.test"]}}
    found = FakeAccount(answers=answers)
    monkeypatch.setattr(dynamic.CloudProvider, "account", lambda _self, _region: found)
    return found


def csr(*names: str) -> str:
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    )
    return request.public_bytes(serialization.Encoding.PEM).decode()


def wanted(*names: str, key: str = "") -> dict[str, Any]:
    return {
        "directory": DIRECTORY,
        "email": None,
        "account_key": key or order.new_account_key(),
        "csr": csr(*names),
        "names": list(names),
        "zone": "example.cn",
        "region": "ap-guangzhou",
        "propagation_timeout": 5,
        **dict.fromkeys(("chain", "issuer", "serial", "not_before", "not_after", "renewal")),
    }


# --- the account -------------------------------------------------------------------------------------


def test_an_account_gets_a_key_of_its_own(authority: Pebble) -> None:
    provider = resources._AccountProvider()
    props = {"directory": DIRECTORY, "email": "ops@example.cn", "key": None, "account_key": None}
    first, second = provider.create(props), provider.create(props)
    assert first.id.startswith(authority.authority.directory.removesuffix("dir"))
    assert first.id != second.id
    assert "PRIVATE KEY" in (first.outs or {})["account_key"]


def test_an_account_of_the_user_s_is_kept(authority: Pebble) -> None:
    provider, key = resources._AccountProvider(), order.new_account_key()
    props = {"directory": DIRECTORY, "email": None, "key": key, "account_key": None}
    first, second = provider.create(props), provider.create(props)
    assert first.id == second.id
    assert (first.outs or {})["account_key"] == key


@pytest.mark.parametrize("changed", ["directory", "email", "key"])
def test_another_account_replaces_it(changed: str) -> None:
    provider = resources._AccountProvider()
    props = {"directory": DIRECTORY, "email": None, "key": None}
    assert not provider.diff("url", {**props, "account_key": "made"}, props).changes
    assert provider.diff("url", props, {**props, changed: "another"}).replaces == [changed]


# --- the certificate ---------------------------------------------------------------------------------


def test_a_certificate_is_issued_and_tells_of_itself(
    authority: Pebble, account: FakeAccount, name_servers: list[NameServer]
) -> None:
    made = resources._CertificateProvider().create(wanted("example.cn", "www.example.cn"))
    outs = made.outs or {}
    leaf = Certificate.of(outs["chain"])
    assert sorted(leaf.names) == ["example.cn", "www.example.cn"]
    assert made.id == outs["serial"] == leaf.serial
    assert outs["issuer"] == leaf.issuer
    assert outs["issuer"].startswith("Pebble Intermediate CA")
    told = [dt.datetime.fromisoformat(outs[name]) for name in ("not_before", "renewal", "not_after")]
    assert told == [leaf.not_before, leaf.renewal, leaf.not_after]
    assert sorted(request["SubDomain"] for request in account.asked("CreateRecord")) == [
        "_acme-challenge",
        "_acme-challenge.www",
    ]
    assert sorted(request["RecordId"] for request in account.asked("DeleteRecord")) == [1, 2]
    assert [server.values("_acme-challenge.example.cn") for server in name_servers] == [[], [], []]


def test_other_names_are_issued_anew(authority: Pebble, account: FakeAccount) -> None:
    provider = resources._CertificateProvider()
    olds = provider.create(wanted("example.cn")).outs or {}
    news = wanted("www.example.cn", key=olds["account_key"])
    difference = provider.diff("serial", olds, news)
    assert difference.changes
    assert not difference.replaces
    updated = provider.update("serial", olds, news).outs or {}
    assert Certificate.of(updated["chain"]).names == ("www.example.cn",)
    assert updated["serial"] != olds["serial"]


def test_a_name_server_that_lags_is_told_and_nothing_is_left(
    authority: Pebble, account: FakeAccount, name_servers: list[NameServer]
) -> None:
    name_servers[2].rcode = dns.rcode.SERVFAIL
    with pytest.raises(NotPropagated, match=r"ns3\.dnspod\.test .*: SERVFAIL"):
        resources._CertificateProvider().create(wanted("example.cn") | {"propagation_timeout": 0})
    assert name_servers[0].values("_acme-challenge.example.cn") == []


def test_a_record_that_can_not_be_deleted_costs_no_certificate(authority: Pebble, account: FakeAccount) -> None:
    account.answers["DeleteRecord"] = refused("FailedOperation.DomainIsLocked", "locked")
    outs = resources._CertificateProvider().create(wanted("example.cn")).outs
    assert outs is not None
    assert outs["chain"]


def chain(age: dt.timedelta) -> str:
    """A certificate for 90 days, issued so long ago."""
    key, issued = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC) - age
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(issued)
        .not_valid_after(issued + dt.timedelta(days=90))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize(("days", "due"), [(0, False), (59.9, False), (60.1, True), (200, True)])
def test_it_is_renewed_after_two_thirds_of_its_life(days: float, due: bool) -> None:
    news = wanted("example.cn")
    olds = {**news, "chain": chain(dt.timedelta(days=days))}
    difference = resources._CertificateProvider().diff("serial", olds, news)
    assert bool(difference.changes) is due
    assert not difference.replaces


def test_nothing_else_issues_anew() -> None:
    olds = {**wanted("example.cn"), "chain": chain(dt.timedelta())}
    news = {**olds, "chain": None, "email": "ops@example.cn", "propagation_timeout": 9, "region": "ap-beijing"}
    assert not resources._CertificateProvider().diff("serial", olds, news).changes


def test_without_a_rehearsal_the_stack_s_authority_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LUODI_ACME_DIRECTORY", "LUODI_ACME_CA", "LUODI_DNS"):
        monkeypatch.delenv(name, raising=False)
    props = {"directory": "http://127.0.0.1:1/dir", "email": None, "key": None}
    with pytest.raises(OrderError, match=r"http://127\.0\.0\.1:1/dir can't be reached"):
        resources._AccountProvider().create(props)
