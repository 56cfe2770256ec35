"""A site's certificate as a resource: a sandboxed server with the real openssl and nginx, Pebble, and a DNSPod that
real name servers follow."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.rcode
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from luodi import dynamic
from luodi.certificate import ari, order
from luodi.certificate.lifetime import Certificate
from luodi.certificate.propagation import NotPropagated
from luodi.certificate.server_certificate import _OUTPUTS, _CertificateProvider
from luodi.delivery.scripts import Scripts
from luodi.delivery.tat import CommandFailed
from tests.parts import fake_tat, machine, pebble
from tests.parts.machine import Machine
from tests.parts.pebble import Pebble
from tests.parts.test_certificate_scripts import TLS, serves, serving
from tests.unit.fake_account import FakeAccount, refused
from tests.unit.fake_dnspod import DnsPod
from tests.unit.nameserver import NameServer

DIRECTORY = "https://acme.example/directory"
"""What the stack says; the environment names another one."""
TEMPLATES = str(Path(__file__).parents[2] / "templates")
ACCOUNT_KEY = order.new_account_key()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Machine]:
    (tmp_path / "server").mkdir()
    with machine.running(tmp_path / "server") as running:
        yield running


@pytest.fixture
def authority(tmp_path: Path, name_servers: list[NameServer], monkeypatch: pytest.MonkeyPatch) -> Iterator[Pebble]:
    first = name_servers[0]
    with pebble.running(tmp_path, (first.address, first.port), bad_nonces=5) as running:
        monkeypatch.setenv("LUODI_ACME_DIRECTORY", running.authority.directory)
        monkeypatch.setenv("LUODI_ACME_CA", str(running.authority.roots))
        monkeypatch.setenv("LUODI_DNS", f"{first.address}:{first.port}")
        yield running


@pytest.fixture
def account(server: Machine, name_servers: list[NameServer], monkeypatch: pytest.MonkeyPatch) -> FakeAccount:
    """An account with one server, and with the zone."""
    found = DnsPod(name_servers).account
    found.answers.update(fake_tat.answers(server))
    monkeypatch.setattr(dynamic.CloudProvider, "account", lambda _self, _region: found)
    return found


@pytest.fixture
def provider() -> _CertificateProvider:
    return _CertificateProvider()


def wanted(*names: str, **changes: Any) -> dict[str, Any]:
    """What the engine gives a provider: it drops what is None."""
    props = {
        "instance": "ins-1",
        "region": "ap-guangzhou",
        "site": "example.cn",
        "source": "acme",
        "names": list(names or ("example.cn", "www.example.cn")),
        "kinds": ["ecdsa"],
        "pin": False,
        "account_key": ACCOUNT_KEY,
        "url": None,
        "directory": None,
        "authorities": [DIRECTORY],
        "bindings": {},
        "email": None,
        "profile": None,
        "zone": "example.cn",
        "propagation_timeout": 5,
        "templates": TEMPLATES,
        **dict.fromkeys(_OUTPUTS),
        **changes,
    }
    return {name: value for name, value in props.items() if value is not None}


def made(provider: _CertificateProvider, news: dict[str, Any], olds: dict[str, Any] | None = None) -> dict[str, Any]:
    outs = (provider.create(news) if olds is None else provider.update("the id", olds, news)).outs
    return {name: value for name, value in (outs or {}).items() if value is not None}


def public(chain: str) -> object:
    return x509.load_pem_x509_certificate(chain.encode()).public_key()


# --- ordered and installed ---------------------------------------------------------------------------


def test_a_certificate_is_installed_and_tells_of_itself(
    server: Machine,
    authority: Pebble,
    account: FakeAccount,
    name_servers: list[NameServer],
    provider: _CertificateProvider,
) -> None:
    news = wanted()
    outs = made(provider, news)
    leaf = Certificate.of(outs["chains"]["ecdsa"])
    assert sorted(leaf.names) == news["names"]
    assert outs["fingerprints"] == {"ecdsa": leaf.fingerprint}
    assert outs["issuer"] == leaf.issuer
    assert outs["serial"] == leaf.serial
    assert outs["authority"] == authority.authority.directory
    first, renewal, last = (dt.datetime.fromisoformat(outs[name]) for name in ("not_before", "renewal", "not_after"))
    assert (first, last) == (leaf.not_before, leaf.not_after)
    assert first < renewal < last
    assert outs["renewal_reason"].startswith("its authority suggests")
    assert server.says(f"cat {TLS}/current/ecdsa.pem").strip() == outs["chains"]["ecdsa"].strip()
    assert [one.values("_acme-challenge.example.cn") for one in name_servers] == [[], [], []]
    assert not provider.diff("the id", outs, news).changes


def test_no_key_is_seen_anywhere_but_on_the_server(
    server: Machine, authority: Pebble, account: FakeAccount, provider: _CertificateProvider
) -> None:
    outs = made(provider, wanted(kinds=["ecdsa", "rsa-2048"]))
    keys = server.says(f"cat {TLS}/current/*.key")
    assert keys.count("PRIVATE KEY") == 4
    tasks = [account.answers["DescribeInvocationTasks"]({"Filters": [{"Values": [f"inv-{n}"]}]}) for n in range(1, 6)]
    seen = str({**outs, "account_key": ""}) + str(account.calls) + str(tasks)
    for line in keys.splitlines():
        assert line not in seen


def test_a_renewal_has_a_new_key_and_is_served(
    server: Machine, authority: Pebble, account: FakeAccount, provider: _CertificateProvider
) -> None:
    olds = made(provider, wanted())
    serving(server, "ecdsa")
    news = wanted("example.cn")
    difference = provider.diff("the id", olds, news)
    assert difference.changes
    assert not difference.replaces
    outs = made(provider, news, olds)
    assert Certificate.of(outs["chains"]["ecdsa"]).names == ("example.cn",)
    assert public(outs["chains"]["ecdsa"]) != public(olds["chains"]["ecdsa"])
    assert serves(server, outs["chains"])
    pinned = made(provider, {**wanted("www.example.cn"), "pin": True}, outs)
    assert public(pinned["chains"]["ecdsa"]) == public(outs["chains"]["ecdsa"])
    assert serves(server, pinned["chains"])


def test_both_kinds_at_once(
    server: Machine, authority: Pebble, account: FakeAccount, provider: _CertificateProvider
) -> None:
    outs = made(provider, wanted(kinds=["ecdsa", "rsa-2048"]))
    assert list(outs["chains"]) == list(outs["fingerprints"]) == ["ecdsa", "rsa"]
    assert [issued.partition(" ")[2] for issued in outs["issued"]] == [outs["authority"]] * 2, "both count"
    assert [Certificate.of(chain).key for chain in outs["chains"].values()] == ["ECDSA P-256", "RSA 2048"]
    serving(server, "ecdsa", "rsa")
    assert serves(server, outs["chains"])


def test_the_next_authority_issues_when_the_first_is_out_of_order(
    server: Machine,
    authority: Pebble,
    account: FakeAccount,
    provider: _CertificateProvider,
    capfd: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dead, live = "http://127.0.0.1:1/dir", authority.authority.directory
    monkeypatch.delenv("LUODI_ACME_DIRECTORY")
    news = wanted(authorities=[dead, live], roots=str(authority.authority.roots))
    outs = made(provider, news)
    assert outs["authority"] == live
    assert f"Trying {live} instead" in capfd.readouterr().out
    assert not provider.diff("the id", outs, news).changes, "until it is renewed, the first is not tried again"


def test_what_fails_leaves_the_last_one_serving(
    server: Machine,
    authority: Pebble,
    account: FakeAccount,
    name_servers: list[NameServer],
    provider: _CertificateProvider,
) -> None:
    olds = made(provider, wanted("example.cn"))
    serving(server, "ecdsa")
    name_servers[2].rcode = dns.rcode.SERVFAIL
    with pytest.raises(NotPropagated, match=r"ns3\.dnspod\.test .*: SERVFAIL"):
        made(provider, wanted(propagation_timeout=0), olds)
    name_servers[2].rcode = dns.rcode.NOERROR
    assert name_servers[0].values("_acme-challenge.www.example.cn") == []
    assert serves(server, olds["chains"])
    server.says("echo 'listenn 80;' >> /opt/luodi/current/nginx/nginx.conf")
    with pytest.raises(CommandFailed, match="nginx refuses the new certificate"):
        made(provider, wanted(), olds)
    server.says("sed -i '$d' /opt/luodi/current/nginx/nginx.conf")
    assert serves(server, olds["chains"])
    # The one that was issued is installed by the next run; no second one is ordered.
    ordered = len(account.asked("CreateRecord"))
    outs = made(provider, wanted(), olds)
    assert len(account.asked("CreateRecord")) == ordered
    assert serves(server, outs["chains"])


def test_a_run_that_was_killed_after_the_installation_is_completed_without_another_order(
    server: Machine, authority: Pebble, account: FakeAccount, provider: _CertificateProvider
) -> None:
    lost = made(provider, wanted())
    ordered = len(account.asked("CreateRecord"))
    again = made(provider, wanted())
    assert again["chains"] == lost["chains"]
    assert again["authority"] == lost["authority"]
    assert len(account.asked("CreateRecord")) == ordered
    other = made(provider, wanted("example.cn"))
    assert other["chains"] != lost["chains"]


def test_a_run_that_was_killed_before_the_reload_is_completed_by_one(
    server: Machine,
    authority: Pebble,
    account: FakeAccount,
    provider: _CertificateProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    olds = made(provider, wanted())
    serving(server, "ecdsa")
    whole = Scripts.install_certificate

    def killed(*arguments: Any) -> str:
        script = whole(*arguments)
        assert "systemctl reload nginx" in script
        return script.replace("systemctl reload nginx", "kill -KILL $$; systemctl reload nginx")

    monkeypatch.setenv("LUODI_RENEW", "example.cn")
    with monkeypatch.context() as broken:
        broken.setattr(Scripts, "install_certificate", killed)
        with pytest.raises(CommandFailed):
            made(provider, wanted(), olds)
    assert serves(server, olds["chains"])
    ordered = len(account.asked("CreateRecord"))
    outs = made(provider, wanted(), olds)
    assert len(account.asked("CreateRecord")) == ordered, "the one that was issued"
    assert outs["chains"] != olds["chains"]
    assert serves(server, outs["chains"])
    assert server.says(f"ls {TLS}").split() == sorted([olds["generation"], outs["generation"], "current"])


# --- when ----------------------------------------------------------------------------------------------


def chain(age: dt.timedelta, life: dt.timedelta = dt.timedelta(days=90)) -> str:
    """A certificate that was issued so long ago."""
    key, issued = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC) - age
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(issued)
        .not_valid_after(issued + life)
        .add_extension(x509.AuthorityKeyIdentifier(b"an authority", None, None), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def issued(
    age: dt.timedelta = dt.timedelta(), life: dt.timedelta = dt.timedelta(days=90), **more: Any
) -> dict[str, Any]:
    of = chain(age, life)
    known = {"chains": {"ecdsa": of}, "fingerprints": {"ecdsa": Certificate.of(of).fingerprint}, "windows": {}}
    return wanted() | known | {"generation": "g", "held": "g", "authority": DIRECTORY, "issued": []} | more


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """No authority says when."""
    monkeypatch.delenv("LUODI_ACME_DIRECTORY", raising=False)
    monkeypatch.setattr(ari, "ask", lambda *_, **__: None)


@pytest.mark.parametrize(
    ("age", "life", "due"),
    [
        (59.9, 90, False),
        (60.1, 90, True),
        (200, 90, True),
        (31, 47, False),
        (32, 47, True),
        (2.9, 6, False),
        (3.1, 6, True),
    ],
)
def test_it_is_renewed_by_its_life(
    provider: _CertificateProvider, silent: None, age: float, life: float, due: bool
) -> None:
    olds = issued(dt.timedelta(days=age), dt.timedelta(days=life))
    difference = provider.diff("the id", olds, wanted())
    assert bool(difference.changes) is due
    assert not difference.replaces


def test_it_is_renewed_when_its_authority_suggests(
    provider: _CertificateProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LUODI_ACME_DIRECTORY", raising=False)
    now, hour = dt.datetime.now(dt.UTC), dt.timedelta(hours=1)
    asked: list[str] = []
    window = ari.Window(now - 3 * hour, now - 2 * hour, now + hour)

    def ask(authority: order.Authority, *_: Any, **__: Any) -> ari.Window:
        asked.append(authority.directory)
        return window

    monkeypatch.setattr(ari, "ask", ask)
    assert provider.diff("the id", issued(), wanted()).changes
    assert asked == [DIRECTORY]
    known = {"ecdsa": ari.Window(now + 9 * hour, now + 10 * hour, now + hour).to_dict()}
    assert not provider.diff("the id", issued(windows=known), wanted()).changes
    assert len(asked) == 1, "what was said before holds until it is to be asked again"


@pytest.mark.parametrize(
    ("name", "value", "anew"),
    [
        ("names", ["example.cn"], True),
        ("kinds", ["rsa-2048"], True),
        ("profile", "shortlived", True),
        ("authorities", ["letsencrypt", DIRECTORY], True),
        ("authorities", [DIRECTORY, "letsencrypt"], False),
        ("email", "ops@example.cn", False),
        ("pin", True, False),
        ("propagation_timeout", 9, False),
        ("account_key", "another", False),
        ("zone", "cn", False),
    ],
)
def test_what_another_certificate_is_ordered_for(
    provider: _CertificateProvider, silent: None, name: str, value: Any, anew: bool
) -> None:
    difference = provider.diff("the id", issued(), wanted(**{name: value}))
    assert bool(difference.changes) is anew
    assert not difference.replaces


@pytest.mark.parametrize(("name", "value"), [("instance", "ins-2"), ("site", "www.example.cn")])
def test_another_server_or_site_has_a_certificate_of_its_own(
    provider: _CertificateProvider, silent: None, name: str, value: str
) -> None:
    assert provider.diff("the id", issued(), wanted(**{name: value})).replaces == [name]


# --- what is on the server ---------------------------------------------------------------------------


def test_a_refresh_sees_what_is_installed_and_the_next_up_mends_it(
    server: Machine, authority: Pebble, account: FakeAccount, provider: _CertificateProvider
) -> None:
    outs = made(provider, wanted())
    serving(server, "ecdsa")
    assert provider.read("the id", outs).outs == outs
    generation = server.says(f"readlink {TLS}/current")
    server.says(f"rm {TLS}/current; mkdir {TLS}/x; ln -s x {TLS}/current")
    seen = provider.read("the id", outs).outs or {}
    assert seen["held"] == ""
    assert provider.diff("the id", seen, wanted()).changes
    ordered = len(account.asked("CreateRecord"))
    mended = made(provider, wanted(), seen)
    assert mended == outs
    assert server.says(f"readlink {TLS}/current") == generation
    assert len(account.asked("CreateRecord")) == ordered

    server.says(f"rm -r {TLS}")
    seen = provider.read("the id", outs).outs or {}
    assert seen["held"] == ""
    anew = made(provider, wanted(), seen)
    assert anew["chains"] != outs["chains"]
    assert serves(server, anew["chains"])


def test_a_refresh_of_a_server_that_is_gone(
    server: Machine, authority: Pebble, account: FakeAccount, provider: _CertificateProvider
) -> None:
    outs = made(provider, wanted())
    account.answers["DescribeAutomationAgentStatus"] = refused("ResourceNotFound.InstanceNotFound")
    assert (provider.read("the id", outs).outs or {})["held"] == ""
    provider.delete("the id", outs)


def test_the_keys_of_a_site_that_is_no_more_are_taken_away(
    server: Machine, authority: Pebble, account: FakeAccount, provider: _CertificateProvider
) -> None:
    outs = made(provider, wanted())
    provider.delete("the id", outs)
    assert server.says("ls /etc/luodi/tls") == ""


def test_a_free_certificate_is_given_back_when_another_takes_its_place(
    server: Machine, authority: Pebble, account: FakeAccount, provider: _CertificateProvider
) -> None:
    account.answers["DeleteCertificate"] = lambda _: {"DeleteResult": True}
    outs = made(provider, wanted())
    made(provider, wanted("example.cn"), outs | {"source": "tencent", "order": "free-1", "authority": ""})
    assert account.asked("DeleteCertificate") == [{"CertificateId": "free-1"}]
