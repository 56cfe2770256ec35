"""The ACME account as a resource, at Pebble."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pulumi.dynamic import ConfigureRequest
from pulumi.dynamic.config import Config

from luodi.authorities import Authority
from luodi.certificate import order
from luodi.certificate.account import _AccountProvider
from luodi.certificate.order import OrderError
from tests.parts import pebble
from tests.parts.pebble import Pebble
from tests.unit.nameserver import NameServer

DIRECTORY = "https://acme.example/directory"
"""What the stack says; the environment names another one."""


@pytest.fixture
def authority(tmp_path: Path, name_servers: list[NameServer], monkeypatch: pytest.MonkeyPatch) -> Iterator[Pebble]:
    first = name_servers[0]
    with pebble.running(tmp_path, (first.address, first.port), bad_nonces=5) as running:
        monkeypatch.setenv("LUODI_ACME_DIRECTORY", running.authority.directory)
        monkeypatch.setenv("LUODI_ACME_CA", str(running.authority.roots))
        yield running


def wanted(**changes: Any) -> dict[str, Any]:
    """What the engine gives a provider: it drops what is None."""
    props = {
        "authorities": [DIRECTORY],
        "email": "ops@example.cn",
        "bindings": {},
        "key": None,
        **dict.fromkeys(("account_key", "url", "directory")),
        **changes,
    }
    return {name: value for name, value in props.items() if value is not None}


def test_an_account_gets_a_key_of_its_own(authority: Pebble) -> None:
    provider = _AccountProvider()
    first, second = provider.create(wanted()), provider.create(wanted())
    outs = first.outs or {}
    assert first.id == outs["url"]
    assert first.id.startswith(authority.authority.directory.removesuffix("dir"))
    assert outs["directory"] == authority.authority.directory
    assert first.id != second.id
    assert "PRIVATE KEY" in outs["account_key"]


def test_an_account_of_the_user_s_is_kept(authority: Pebble) -> None:
    provider, key = _AccountProvider(), order.new_account_key()
    first, second = provider.create(wanted(key=key)), provider.create(wanted(key=key))
    assert first.id == second.id
    assert (first.outs or {})["account_key"] == key


@pytest.mark.parametrize(("name", "value"), [("authorities", ["https://other.example/"]), ("email", "me@example.cn")])
def test_another_authority_or_address_is_another_account(name: str, value: Any) -> None:
    olds = wanted(account_key="made")
    assert not _AccountProvider().diff("url", olds, wanted()).changes
    assert _AccountProvider().diff("url", olds, wanted(**{name: value})).replaces == [name]


def test_a_further_authority_changes_no_account() -> None:
    news = wanted(authorities=[DIRECTORY, "https://other.example/"])
    assert not _AccountProvider().diff("url", wanted(account_key="made"), news).changes


def test_the_account_gets_the_key_that_the_stack_is_given(authority: Pebble) -> None:
    provider, key = _AccountProvider(), order.new_account_key()
    olds = provider.create(wanted()).outs or {}
    news = wanted(key=key)
    difference = provider.diff("url", olds, news)
    assert difference.changes
    assert not difference.replaces
    outs = provider.update("url", olds, news).outs or {}
    assert outs["account_key"] == key
    assert outs["url"] == olds["url"]
    assert order.register(order.Account(authority.authority, key)) == olds["url"]
    with pytest.raises(OrderError):
        order.roll_over(order.Account(authority.authority, olds["account_key"], url=olds["url"]), key)
    assert not provider.diff("url", outs, news).changes
    assert not provider.diff("url", outs, wanted()).changes, "without the setting the key stays"


def test_an_account_that_the_authority_has_forgotten_is_made_anew(authority: Pebble) -> None:
    provider, key = _AccountProvider(), order.new_account_key()
    gone = f"{authority.authority.directory.removesuffix('dir')}my-account/404"
    olds = wanted(account_key=order.new_account_key(), url=gone, directory=authority.authority.directory)
    outs = provider.update("url", olds, wanted(key=key)).outs or {}
    assert outs["url"] not in (gone, None)
    assert outs["account_key"] == key


def test_a_first_authority_that_is_out_of_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LUODI_ACME_DIRECTORY", raising=False)
    dead = "http://127.0.0.1:1/dir"
    with pytest.raises(OrderError, match=r"http://127\.0\.0\.1:1/dir can't be reached"):
        _AccountProvider().create(wanted(authorities=[dead]))
    outs = _AccountProvider().create(wanted(authorities=[dead, "letsencrypt"])).outs or {}
    assert outs["url"] is None
    assert "PRIVATE KEY" in outs["account_key"]


def test_a_binding_s_secret_comes_from_the_stack_s_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LUODI_ACME_DIRECTORY", raising=False)
    asked: list[order.Account] = []

    def register(account: order.Account) -> str:
        asked.append(account)
        return "https://zerossl.example/1"

    monkeypatch.setattr(order, "register", register)
    for secret in ("bWFj", '{"zerossl": "bWFj"}'):
        provider = _AccountProvider()
        provider.configure(ConfigureRequest(Config({"luodi:eab-hmac-key": secret}, "project")))
        outs = provider.create(wanted(authorities=["zerossl", "letsencrypt"], bindings={"zerossl": "kid-1"})).outs
        assert asked.pop().binding == order.Binding("kid-1", "bWFj")
        assert "bWFj" not in str(outs)


def test_an_authority_of_one_s_own_is_trusted_by_its_roots(authority: Pebble, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rehearsal's: a directory and the roots that it chains to."""
    assert isinstance(authority.authority, Authority)
    monkeypatch.delenv("LUODI_ACME_CA")
    with pytest.raises(OrderError, match="its TLS certificate is not trusted here"):
        _AccountProvider().create(wanted())
