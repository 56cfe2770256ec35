"""What an authority may offer or demand beyond the plain order, and its faults, at Pebble."""

from __future__ import annotations

import base64
import datetime as dt
import json
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from luodi.certificate import ari, order
from luodi.certificate.dnspod import ChallengeRecords
from luodi.certificate.lifetime import Certificate
from luodi.certificate.order import Account, Binding, OrderError, Timing
from luodi.certificate.propagation import NotPropagated
from tests.parts import pebble
from tests.parts.pebble import Pebble
from tests.unit import nameserver
from tests.unit.fake_dnspod import DnsPod
from tests.unit.nameserver import NameServer
from tests.unit.orders import KEY, Published, csr, names_of, pem

ZONE = "example.cn"
HMAC = base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
BINDING = Binding("kid-1", HMAC)
DAY = 86400
PROFILES = {
    "classic": {"description": "90 days", "validityPeriod": 90 * DAY},
    "tlsserver": {"description": "45 days", "validityPeriod": 45 * DAY},
    "shortlived": {"description": "160 hours", "validityPeriod": 160 * 3600},
}


@pytest.fixture(scope="module")
def servers() -> Iterator[list[NameServer]]:
    with nameserver.serving(["127.0.0.1", "127.0.0.2", "127.0.0.3"]) as found:
        for number, server in enumerate(found, 1):
            found[0].publish(ZONE, f"ns{number}.dnspod.test.", kind="NS")
            found[0].publish(f"ns{number}.dnspod.test", server.address, kind="A")
        yield found


@pytest.fixture(scope="module")
def strict(servers: list[NameServer], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    """An authority with profiles, that wants bound accounts and refuses every fifth nonce."""
    with pebble.running(
        tmp_path_factory.mktemp("strict"),
        (servers[0].address, servers[0].port),
        bad_nonces=20,
        profiles=PROFILES,
        externalAccountBindingRequired=True,
        externalAccountMACKeys={BINDING.kid: HMAC},
    ) as running:
        yield running


@pytest.fixture(scope="module")
def slow(servers: list[NameServer], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    """An authority that takes up to two seconds to validate, says when to come again, and reuses validations."""
    with pebble.running(
        tmp_path_factory.mktemp("slow"),
        (servers[0].address, servers[0].port),
        bad_nonces=0,
        reuse=100,
        validation_seconds=2,
        retryAfter={"authz": 1, "order": 1},
    ) as running:
        yield running


@pytest.fixture
def bound(strict: Pebble) -> Account:
    account = Account(strict.authority, order.new_account_key(), binding=BINDING)
    return replace(account, url=order.register(account))


@pytest.fixture
def dnspod(servers: list[NameServer]) -> DnsPod:
    for server in servers:
        server.lost = server.failing = server.late = 0.0
        for known in [known for known in server.records if known[1] == "TXT"]:
            del server.records[known]
    return DnsPod(servers)


def records(dnspod: DnsPod, seconds: float = 20) -> ChallengeRecords:
    first = dnspod.servers[0]
    return ChallengeRecords(dnspod.account, ZONE, seconds=seconds, via=[(first.address, first.port)])


# --- bound accounts ----------------------------------------------------------------------------------


def test_an_account_that_is_bound(strict: Pebble, dnspod: DnsPod) -> None:
    account = Account(strict.authority, order.new_account_key(), "ops@example.cn", BINDING)
    url = order.register(account)
    assert order.register(account) == url
    assert names_of(order.obtain(account, csr(f"bound.{ZONE}"), records(dnspod))) == [f"bound.{ZONE}"]


def test_the_hmac_as_some_authorities_show_it(strict: Pebble) -> None:
    """With padding, in the other alphabet, with a line's end."""
    shown = HMAC.replace("-", "+").replace("_", "/") + "=\n"
    assert order.register(Account(strict.authority, order.new_account_key(), binding=Binding(" kid-1 ", shown)))


def test_an_account_without_the_binding_that_is_wanted(strict: Pebble) -> None:
    with pytest.raises(OrderError) as caught:
        order.register(Account(strict.authority, order.new_account_key()))
    assert str(caught.value) == (
        f"{strict.authority.directory} wants accounts that are bound to one of its own (external account binding, "
        "EAB): set the binding's kid and hmac."
    )
    assert caught.value.kind == "externalAccountRequired"


@pytest.mark.parametrize(
    ("binding", "told"),
    [
        (Binding("kid-2", HMAC), "unauthorized: "),
        (Binding("kid-1", base64.urlsafe_b64encode(b"another key, not the one").decode()), "unauthorized: "),
        (Binding("kid-1", HMAC[:-7]), "unauthorized: "),
    ],
    ids=["kid", "hmac", "half an hmac"],
)
def test_a_wrong_binding(strict: Pebble, binding: Binding, told: str) -> None:
    with pytest.raises(OrderError) as caught:
        order.register(Account(strict.authority, order.new_account_key(), binding=binding))
    assert str(caught.value).startswith(f"{strict.authority.directory} refuses the account: {told}")
    assert f"bound by kid {binding.kid}: are kid and hmac whole" in str(caught.value)
    assert not caught.value.passing
    assert binding.hmac[:12] not in f"{caught.value!s} {caught.value!r} {binding!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize("binding", [Binding("kid-1", "no base64!"), Binding("kid-1", ""), Binding(" ", HMAC)])
def test_a_binding_that_is_none(strict: Pebble, binding: Binding) -> None:
    with pytest.raises(OrderError, match=r"external account binding for .* can't be right") as caught:
        order.register(Account(strict.authority, order.new_account_key(), binding=binding))
    assert HMAC[:12] not in str(caught.value)
    assert "no base64!" not in str(caught.value)


# --- profiles ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("profile", "days"), [("classic", 90), ("tlsserver", 45), ("shortlived", 160 / 24)])
def test_profiles(bound: Account, dnspod: DnsPod, profile: str, days: float) -> None:
    chain = order.obtain(replace(bound, profile=profile), csr(f"{profile}.{ZONE}"), records(dnspod))
    certificate = Certificate.of(chain)
    assert abs(certificate.life - dt.timedelta(days=days)) < dt.timedelta(minutes=1)
    assert certificate.renewal - certificate.not_before == certificate.life * (1 / 2 if days < 10 else 2 / 3)


def test_a_profile_that_is_not_on_offer(bound: Account, strict: Pebble, dnspod: DnsPod) -> None:
    with pytest.raises(OrderError) as caught:
        order.obtain(replace(bound, profile="longlived"), csr(ZONE), records(dnspod))
    assert str(caught.value) == (
        f"{strict.authority.directory} offers no profile longlived; on offer are classic, shortlived, tlsserver"
    )
    assert dnspod.account.calls == []


# --- renewal information -----------------------------------------------------------------------------


def test_a_renewal_says_what_it_replaces(bound: Account, strict: Pebble, dnspod: DnsPod) -> None:
    """Twice: the second time the authority knows a successor already (409), and it is ordered without."""
    account, wanted = replace(bound, profile="classic"), csr(f"renewed.{ZONE}")
    first = order.obtain(account, wanted, records(dnspod))
    assert order.obtain(account, wanted, records(dnspod), replaces=first) != first
    assert "replaces" not in (before := strict.log.read_text())[-1:]
    again = order.obtain(account, wanted, records(dnspod), replaces=first)
    assert Certificate.of(again).serial != Certificate.of(first).serial
    assert strict.log.read_text().count("order-plz", len(before)) >= 2


def test_a_renewal_of_a_certificate_of_another_authority(bound: Account, slow: Pebble, dnspod: DnsPod) -> None:
    account = replace(bound, profile="classic")
    elsewhere = order.obtain(Account(slow.authority, KEY), csr(f"moved.{ZONE}"), records(dnspod))
    assert names_of(order.obtain(account, csr(f"moved.{ZONE}"), records(dnspod), replaces=elsewhere))


def test_a_renewal_of_something_that_can_not_be_read(bound: Account, dnspod: DnsPod) -> None:
    account = replace(bound, profile="classic")
    assert names_of(order.obtain(account, csr(f"odd.{ZONE}"), records(dnspod), replaces="no certificate"))


def test_the_window_that_an_authority_suggests(bound: Account, strict: Pebble, dnspod: DnsPod) -> None:
    chain = order.obtain(replace(bound, profile="tlsserver"), csr(f"ari.{ZONE}"), records(dnspod))
    certificate = Certificate.of(chain)
    window = ari.ask(strict.authority, chain)
    assert window is not None
    assert certificate.not_before < window.start < window.end < certificate.not_after
    plan = certificate.plan(window)
    assert window.start <= plan.at <= window.end
    assert certificate.plan(window) == plan

    now = dt.datetime.now(dt.UTC)
    moved = {
        "suggestedWindow": {"start": "2026-01-02T00:00:00Z", "end": "2026-01-03T00:00:00Z"},
        "explanationURL": "https://ca.example/incident-17",
    }
    strict.suggest(chain, json.dumps(moved))
    window = ari.ask(strict.authority, chain, now=now)
    assert window is not None
    plan = certificate.plan(window)
    assert plan.due(now)
    assert "https://ca.example/incident-17" in plan.why.en
    assert dt.timedelta(minutes=1) <= window.ask_again - now <= dt.timedelta(days=1)
    assert ari.Window.from_dict(json.loads(json.dumps(window.to_dict()))) == window


@pytest.mark.parametrize(
    "answer",
    [
        "<html>",
        "[]",
        "{}",
        '{"suggestedWindow": {"start": "soon", "end": "later"}}',
        '{"suggestedWindow": {"start": "2026-01-03T00:00:00Z", "end": "2026-01-02T00:00:00Z"}}',
    ],
)
def test_a_suggestion_that_is_none(chain: str, strict: Pebble, answer: str) -> None:
    strict.suggest(chain, answer)
    assert ari.ask(strict.authority, chain) is None


@pytest.fixture(scope="module")
def chain(strict: Pebble, servers: list[NameServer]) -> str:
    account = Account(strict.authority, order.new_account_key(), binding=BINDING, profile="classic")
    return order.obtain(account, csr(f"suggested.{ZONE}"), records(DnsPod(servers)))


def test_no_suggestion_of_what_an_authority_does_not_know(chain: str, slow: Pebble) -> None:
    assert ari.ask(slow.authority, chain) is None
    assert ari.ask(order.Authority("http://127.0.0.1:1/dir"), chain) is None
    assert ari.ask(slow.authority, "no chain") is None


# --- the account's key, and revocation ---------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [order.new_account_key(), pem(rsa.generate_private_key(65537, 2048)), pem(ec.generate_private_key(ec.SECP384R1()))],
)
def test_an_account_with_another_key_still_orders_and_revokes(
    bound: Account, strict: Pebble, dnspod: DnsPod, key: str
) -> None:
    bound = replace(bound, profile="classic")
    before = order.obtain(bound, csr(f"rolled.{ZONE}"), records(dnspod))
    rolled = order.roll_over(bound, key)
    assert (rolled.url, rolled.key) == (bound.url, key)
    after = order.obtain(rolled, csr(f"rolled.{ZONE}"), records(dnspod), replaces=before)
    with pytest.raises(OrderError):
        order.obtain(bound, csr(f"rolled.{ZONE}"), records(dnspod))
    order.revoke(rolled, before, "superseded")
    window = ari.ask(strict.authority, before)
    assert window is not None
    assert Certificate.of(before).plan(window).due(dt.datetime.now(dt.UTC))  # who revokes wants it replaced at once
    assert after != before


def test_a_key_that_is_another_account_s(bound: Account, strict: Pebble) -> None:
    other = order.new_account_key()
    order.register(Account(strict.authority, other, binding=BINDING))
    with pytest.raises(OrderError, match=r"did not give .* the new key: that one is the key of "):
        order.roll_over(bound, other)
    assert order.register(bound) == bound.url  # the old one still holds


def test_revocation(bound: Account, chain: str, strict: Pebble, dnspod: DnsPod) -> None:
    mine = order.obtain(replace(bound, profile="classic"), csr(f"revoked.{ZONE}"), records(dnspod))
    order.revoke(bound, mine, "keyCompromise")
    order.revoke(bound, mine)  # once more is no error
    with pytest.raises(OrderError, match=r"the authority refuses: \w+: .+"):
        order.revoke(bound, chain)  # another account's
    with pytest.raises(OrderError, match="what is to be revoked is no PEM certificate"):
        order.revoke(bound, "none")


def test_an_account_that_the_authority_has_forgotten(bound: Account, dnspod: DnsPod) -> None:
    """As a rehearsal's authority does at each start: it is registered again."""
    told: list[str] = []
    forgotten = replace(bound, key=order.new_account_key(), url=f"{bound.url}0", profile="classic")
    assert order.obtain(forgotten, csr(f"again.{ZONE}"), records(dnspod), tell=told.append)
    assert any("does not know the account" in line for line in told)


# --- many --------------------------------------------------------------------------------------------


def test_a_hundred_names_some_of_them_chinese(bound: Account, dnspod: DnsPod) -> None:
    wanted = [ZONE, f"*.{ZONE}", *(f"n{number}.{ZONE}" for number in range(97)), f"xn--fiqs8s.{ZONE}"]
    request = csr(*wanted)
    chain = order.obtain(
        replace(bound, profile="classic"), request, records(dnspod), names=[*wanted[:-1], f"中国.{ZONE}"]
    )
    assert sorted(names_of(chain)) == sorted(wanted)
    assert dnspod.records == {}


def test_several_orders_at_once_in_one_zone(bound: Account, dnspod: DnsPod) -> None:
    """Of the same names too: none takes away another's record."""
    account = replace(bound, profile="classic")

    def one(number: int) -> list[str]:
        return names_of(order.obtain(account, csr(ZONE, f"*.{ZONE}", f"n{number % 3}.{ZONE}"), records(dnspod)))

    with ThreadPoolExecutor(max_workers=6) as pool:
        assert len(list(pool.map(one, range(6)))) == 6
    assert dnspod.records == {}


@pytest.mark.parametrize(("count", "most"), [(1, 9), (20, 50)])
def test_few_messages(servers: list[NameServer], tmp_path: Path, count: int, most: int) -> None:
    """No more than the leanest client that was measured; asked of an authority that is done at once."""
    with pebble.running(tmp_path, (servers[0].address, servers[0].port), bad_nonces=0, validates=False) as authority:
        account = Account(authority.authority, KEY)
        account = replace(account, url=order.register(account))
        before = authority.requests()
        order.obtain(account, csr(*(f"n{number}.few.cn" for number in range(count))), Published(servers[0]))
        assert authority.requests() - before <= most


# --- faults ------------------------------------------------------------------------------------------


def test_validation_that_is_slow_and_then_reused(slow: Pebble, dnspod: DnsPod) -> None:
    account = Account(slow.authority, KEY)
    names = [f"s{number}.{ZONE}" for number in range(3)]
    assert order.obtain(account, csr(*names), records(dnspod))
    made = len(dnspod.account.asked("CreateRecord"))
    assert made == 3
    assert order.obtain(account, csr(*names), records(dnspod))
    assert len(dnspod.account.asked("CreateRecord")) == made


def test_a_secondary_that_is_late_is_waited_for(bound: Account, dnspod: DnsPod) -> None:
    dnspod.servers[2].late = 0.7
    assert order.obtain(replace(bound, profile="classic"), csr(f"late.{ZONE}"), records(dnspod))


def test_a_secondary_that_stays_behind_is_told(bound: Account, strict: Pebble, dnspod: DnsPod) -> None:
    dnspod.servers[2].late = 60
    before = strict.issued()
    with pytest.raises(NotPropagated, match=r"ns3\.dnspod\.test \(127\.0\.0\.3\) for .*: no TXT record"):
        order.obtain(replace(bound, profile="classic"), csr(f"behind.{ZONE}"), records(dnspod, seconds=0.5))
    assert dnspod.records == {}
    assert strict.issued() == before


def test_lost_packets_and_servers_that_fail_now_and_then(
    bound: Account, dnspod: DnsPod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("luodi.certificate.propagation._ANSWER_SECONDS", 0.2)
    for server in dnspod.servers[1:]:
        server.lost, server.failing = 0.3, 0.3
    assert order.obtain(replace(bound, profile="classic"), csr(f"lossy.{ZONE}"), records(dnspod))
    assert dnspod.records == {}


def test_validation_that_is_refused_at_random(bound: Account, strict: Pebble, dnspod: DnsPod) -> None:
    """Each refusal is one clear error, and leaves no record; what is tried again comes through."""
    account, first = replace(bound, profile="classic"), dnspod.servers[0]

    class Asked(ChallengeRecords):
        def wait(self, wanted: dict[str, list[str]]) -> None:
            super().wait(wanted)
            first.failing = 0.5

        def withdraw(self, handle: object) -> None:
            first.failing = 0.0
            super().withdraw(handle)  # type: ignore[arg-type]

    refusals, judged = list[str](), set[tuple[str | None, bool]]()
    for attempt in range(12):
        try:
            chain = order.obtain(
                account,
                csr(f"r{attempt}.{ZONE}"),
                Asked(dnspod.account, ZONE, seconds=20, via=[(first.address, first.port)]),
            )
            assert names_of(chain) == [f"r{attempt}.{ZONE}"]
        except OrderError as error:
            refusals.append(str(error))
            judged.add((error.kind, error.passing))
        assert dnspod.records == {}
    assert 0 < len(refusals) < 12
    assert judged == {("unauthorized", False)}
    assert all(": the authority could not validate it: unauthorized: Error retrieving TXT" in one for one in refusals)


def test_a_clock_that_is_minutes_off(bound: Account, dnspod: DnsPod) -> None:
    for minutes, side in ((7, "ahead of"), (-20, "behind")):
        off = Timing(now=lambda minutes=minutes: dt.datetime.now(dt.UTC) + dt.timedelta(minutes=minutes))  # type: ignore[misc]
        with pytest.raises(OrderError, match=f"this machine's clock is {abs(minutes)} minutes {side}"):
            order.obtain(bound, csr(ZONE), records(dnspod), timing=off)
    assert dnspod.account.calls == []


def test_the_leaf_is_first(chain: str) -> None:
    assert len(x509.load_pem_x509_certificates(chain.encode())) == 2
