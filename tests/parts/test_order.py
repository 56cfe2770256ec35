"""ACME orders: at Pebble, and at a directory that misbehaves as a real one rarely does."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from email.utils import format_datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.verification import PolicyBuilder, Store

from luodi.certificate import order
from luodi.certificate.order import Account, Authority, OrderError, Timing
from tests.parts import pebble
from tests.parts.pebble import BLOCKED, Pebble
from tests.unit import acme_directory, nameserver
from tests.unit.acme_directory import HTML, Directory
from tests.unit.nameserver import NameServer
from tests.unit.orders import DNS01, KEY, FakeTime, Interrupted, Published, Remembered, Unpublished, csr, names_of, pem

# --- at a real authority -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def zone() -> Iterator[NameServer]:
    with nameserver.serving(["127.0.0.1"]) as [server]:
        yield server


@pytest.fixture(scope="module")
def real(zone: NameServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    """One Pebble for all: it refuses every second nonce, so every test goes through that too."""
    folder = tmp_path_factory.mktemp("pebble")
    with pebble.running(folder, (zone.address, zone.port), bad_nonces=50) as running:
        yield running


@pytest.fixture
def records(zone: NameServer) -> Published:
    zone.records.clear()
    zone.asked.clear()
    return Published(zone)


def test_one_name(real: Pebble, records: Published) -> None:
    start = time.monotonic()
    key = ec.generate_private_key(ec.SECP256R1())
    chain = order.obtain(Account(real.authority, KEY, "ops@one.cn"), csr("one.cn", key=key), records)
    assert time.monotonic() - start < 5  # no second-long sleeps
    leaf, *between = x509.load_pem_x509_certificates(chain.encode())
    assert names_of(chain) == ["one.cn"]
    assert leaf.public_key() == key.public_key()
    root = x509.load_pem_x509_certificate(real.root.encode())
    verifier = PolicyBuilder().store(Store([root])).build_server_verifier(x509.DNSName("one.cn"))
    assert verifier.verify(leaf, between)
    assert [name for name, _ in records.made] == [f"{DNS01}one.cn"]
    assert (f"{DNS01}one.cn", "TXT") in records.server.asked
    assert records.left() == []


def test_several_names(real: Pebble, records: Published) -> None:
    names = ["a.cn", "www.a.cn", "api.a.cn", "xn--fsqu00a.xn--fiqs8s"]
    chain = order.obtain(Account(real.authority, KEY), csr(*names), records)
    assert sorted(names_of(chain)) == sorted(names)
    assert sorted(name for name, _ in records.made) == sorted(f"{DNS01}{name}" for name in names)
    assert records.most == 4
    assert records.left() == []


def test_a_wildcard_beside_its_apex_has_two_values_at_one_name(real: Pebble, records: Published) -> None:
    chain = order.obtain(Account(real.authority, KEY), csr("wild.cn", "*.wild.cn"), records)
    assert sorted(names_of(chain)) == ["*.wild.cn", "wild.cn"]
    assert {name for name, _ in records.made} == {f"{DNS01}wild.cn"}
    assert records.most == 2
    assert records.left() == []


def test_many_names_take_little_longer(real: Pebble, records: Published) -> None:
    names = [f"n{number}.many.cn" for number in range(20)]
    start = time.monotonic()
    chain = order.obtain(Account(real.authority, KEY), csr(*names), records)
    assert time.monotonic() - start < 15
    assert len(names_of(chain)) == 20


def test_somebody_else_s_record_at_the_name_stays(real: Pebble, records: Published) -> None:
    records.server.publish(f"{DNS01}shared.cn", "somebody-else-s")
    order.obtain(Account(real.authority, KEY), csr("shared.cn"), records)
    assert records.left() == ["somebody-else-s"]


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
        ec.generate_private_key(ec.SECP384R1()),
    ],
    ids=["RSA", "P-384"],
)
def test_account_keys_of_other_kinds(real: Pebble, records: Published, key: PrivateKeyTypes) -> None:
    assert names_of(order.obtain(Account(real.authority, pem(key)), csr("kinds.cn"), records)) == ["kinds.cn"]


def test_an_account_is_made_once(real: Pebble) -> None:
    key = order.new_account_key()
    url = order.register(Account(real.authority, key, "ops@one.cn"))
    assert order.register(Account(real.authority, key)) == url
    assert order.register(Account(real.authority, order.new_account_key())) != url


def test_a_record_that_is_not_there(real: Pebble, zone: NameServer) -> None:
    zone.records.clear()
    records = Unpublished(zone)
    with pytest.raises(OrderError) as caught:
        order.obtain(Account(real.authority, KEY), csr("missing.cn", "www.missing.cn"), records)
    told = str(caught.value)
    for name in ("missing.cn", "www.missing.cn"):
        assert f"{name}: the authority could not validate it: unauthorized: " in told
        assert f"{DNS01}{name}" in told
    assert records.withdrawn == [0, 1]


def test_a_wrong_value(real: Pebble, records: Published) -> None:
    class Wrong(Published):
        def publish(self, name: str, value: str, mark: str) -> int:
            return super().publish(name, value[::-1], mark)

        def wait(self, wanted: dict[str, list[str]]) -> None:
            pass

    wrong = Wrong(records.server)
    with pytest.raises(OrderError, match="could not validate it: unauthorized"):
        order.obtain(Account(real.authority, KEY), csr("wrong.cn"), wrong)
    assert wrong.left() == []
    assert wrong.withdrawn == [0]


def test_a_name_server_that_fails_the_authority(real: Pebble, records: Published) -> None:
    class Broken(Published):
        def wait(self, wanted: dict[str, list[str]]) -> None:
            self.server.records[f"{DNS01}broken.cn", "TXT"].append('"someone-else-s"')
            self.server.silent = True

    broken = Broken(records.server)
    broken.server.silent = False
    clock = Timing(validation=0.2)
    try:
        with pytest.raises(OrderError) as caught:
            order.obtain(Account(real.authority, KEY), csr("broken.cn"), broken, timing=clock)
    finally:
        broken.server.silent = False
    assert str(caught.value) == "broken.cn: the authority did not finish validating within 0.2 s"
    assert broken.left() == ["someone-else-s"]


def test_a_name_that_the_authority_never_issues_for(real: Pebble, records: Published) -> None:
    with pytest.raises(OrderError) as caught:
        order.obtain(Account(real.authority, KEY), csr(BLOCKED), records)
    told = str(caught.value)
    assert told.startswith(f"{real.authority.directory}: the authority refuses: rejectedIdentifier: ")
    assert BLOCKED in told
    assert records.made == []


def test_a_csr_that_the_authority_refuses(real: Pebble, records: Published) -> None:
    """A key may not be the account's (RFC 8555, section 11.1): told only when all is validated."""
    account = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(OrderError) as caught:
        order.obtain(Account(real.authority, pem(account)), csr("own-key.cn", key=account), records)
    assert str(caught.value).startswith(f"{real.authority.directory}: the authority refuses: badCSR: ")
    assert records.left() == []
    assert len(records.withdrawn) == 1


def test_an_authority_that_is_not_trusted(real: Pebble, records: Published) -> None:
    with pytest.raises(OrderError) as caught:
        order.obtain(Account(Authority(real.authority.directory), KEY), csr("one.cn"), records)
    told = str(caught.value)
    assert told.startswith(f"{real.authority.directory}: its TLS certificate is not trusted here: ")
    assert "certificate verify failed" in told


# --- what is wrong before any call -------------------------------------------------------------------

NOWHERE = Authority("http://127.0.0.1:1/dir")


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("", "the ACME account key is no PEM private key without a passphrase"),
        ("not a key", "the ACME account key is no PEM private key without a passphrase"),
        (KEY[: len(KEY) // 2], "the ACME account key is no PEM private key without a passphrase"),
        (
            pem(ec.generate_private_key(ec.SECP256R1()), b"secret"),
            "the ACME account key is no PEM private key without a passphrase",
        ),
        (pem(ed25519.Ed25519PrivateKey.generate()), "the ACME account key must be RSA, or ECDSA P-256 or P-384"),
        (pem(ec.generate_private_key(ec.SECP521R1())), "the ACME account key must be RSA, or ECDSA P-256 or P-384"),
    ],
    ids=["empty", "text", "half", "passphrase", "Ed25519", "P-521"],
)
def test_a_key_that_is_none(key: str, told: str) -> None:
    with pytest.raises(OrderError) as caught:
        order.register(Account(NOWHERE, key))
    assert str(caught.value) == told


def test_a_new_account_key_is_a_new_one() -> None:
    first, second = (serialization.load_pem_private_key(order.new_account_key().encode(), None) for _ in range(2))
    assert isinstance(first, ec.EllipticCurvePrivateKey)
    assert isinstance(first.curve, ec.SECP256R1)
    assert pem(first) != pem(second)


# --- at a directory that does as it is told ----------------------------------------------------------


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Directory]:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    with acme_directory.serving() as serving:
        yield serving


def at(directory: Directory) -> Authority:
    return Authority(f"{directory.url}/dir")


def refusal(directory: Directory, records: Remembered | None = None, clock: FakeTime | None = None) -> str:
    with pytest.raises(OrderError) as caught:
        order.obtain(
            Account(at(directory), KEY),
            csr(*directory.names),
            records or Remembered(),
            timing=(clock or FakeTime()).timing(),
        )
    return str(caught.value)


def test_the_order_of_an_order(directory: Directory) -> None:
    directory.names = ["example.cn", "www.example.cn"]
    directory.authorization = ["pending", "pending", "pending", "valid"]
    records, clock = Remembered(), FakeTime()
    assert (
        order.obtain(Account(at(directory), KEY), csr(*directory.names), records, timing=clock.timing())
        == directory.chain
    )
    assert records.did == [
        "check example.cn www.example.cn",
        "sweep but 2",
        "publish _acme-challenge.example.cn",
        "publish _acme-challenge.www.example.cn",
        "wait _acme-challenge.example.cn _acme-challenge.www.example.cn",
        "withdraw _acme-challenge.example.cn",
        "withdraw _acme-challenge.www.example.cn",
    ]
    assert [resource for resource in directory.asked if resource != "authorization"] == [
        *("dir", "account", "new-order", "challenge", "challenge"),
        *("order", "finalize", "order", "order", "certificate"),
    ]
    assert max(clock.pauses) < 0.2


def test_what_is_valid_already_needs_no_record(directory: Directory) -> None:
    directory.authorization = ["valid"]
    records = Remembered()
    assert order.obtain(Account(at(directory), KEY), csr("example.cn"), records) == directory.chain
    assert records.did == ["check example.cn", "sweep but 0"]
    assert "challenge" not in directory.asked


def test_an_order_that_gets_ready_late(directory: Directory) -> None:
    directory.order = ["pending", "pending", "ready", "valid"]
    assert (
        order.obtain(Account(at(directory), KEY), csr("example.cn"), Remembered(), timing=FakeTime().timing())
        == directory.chain
    )
    assert directory.asked.count("finalize") == 1


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_an_authority_that_says_when_to_come_again_is_heeded(directory: Directory, form: str) -> None:
    date = format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=30), usegmt=True)
    directory.retry_after = "30" if form == "seconds" else date
    directory.order = ["ready", "valid"]
    clock = FakeTime()
    order.obtain(Account(at(directory), KEY), csr("example.cn"), Remembered(), timing=clock.timing())
    [_, pause] = clock.pauses
    assert 20 < pause <= 30


@pytest.mark.parametrize(
    "asked", ["86400", "Fri, 21 Nov 2131 12:00:00 GMT", "Fri, 21 Nov 2025 12:00:00 GMT", "-1", "soon"]
)
def test_but_not_beyond_reason(directory: Directory, asked: str) -> None:
    directory.retry_after = asked
    directory.order = ["ready", "valid"]
    clock = FakeTime()
    order.obtain(Account(at(directory), KEY), csr("example.cn"), Remembered(), timing=clock.timing())
    assert 0 < clock.pauses[-1] <= 60


def test_validation_that_does_not_end(directory: Directory) -> None:
    directory.authorization = ["pending"]
    directory.order = ["pending"]
    records, clock = Remembered(), FakeTime()
    told = refusal(directory, records, clock)
    assert told == "example.cn: the authority did not finish validating within 180 s"
    assert records.did[-1] == "withdraw _acme-challenge.example.cn"
    assert 180 <= clock.now < 184
    assert len(clock.pauses) < 80


def test_issuance_that_does_not_end(directory: Directory) -> None:
    directory.order = ["ready", "processing"]
    clock = FakeTime()
    assert refusal(directory, clock=clock) == "the authority issued nothing within 180 s"
    assert 180 <= clock.now < 184


def test_an_order_that_is_given_up(directory: Directory) -> None:
    directory.order = ["ready", "invalid"]
    directory.order_error = {"type": "urn:ietf:params:acme:error:caa", "detail": "CAA forbids it"}
    assert refusal(directory) == "the authority ended the order without a certificate: caa: CAA forbids it"
    directory.order, directory.order_error = ["ready", "invalid"], None
    assert refusal(directory) == "the authority ended the order without a certificate: no reason given"


def test_a_validation_that_fails_without_a_word(directory: Directory) -> None:
    directory.authorization, directory.order = ["pending", "invalid"], ["invalid"]
    assert refusal(directory) == "example.cn: the authority could not validate it: invalid"


def test_a_validation_that_fails(directory: Directory) -> None:
    directory.authorization, directory.order = ["pending", "invalid"], ["invalid"]
    directory.challenges = ["dns-01"]
    directory.challenge_error = {
        "type": "urn:ietf:params:acme:error:dns",
        "detail": "DNS problem: SERVFAIL looking up TXT",
    }
    assert refusal(directory) == (
        "example.cn: the authority could not validate it: dns: DNS problem: SERVFAIL looking up TXT"
    )


def test_an_authority_without_dns_01(directory: Directory) -> None:
    directory.challenges = ["http-01"]
    records = Remembered()
    assert refusal(directory, records) == "example.cn: the authority offers no DNS-01 challenge"
    assert records.did == ["check example.cn"]


def test_an_account_that_is_refused(directory: Directory) -> None:
    directory.refusals["account"] = {
        "type": "urn:ietf:params:acme:error:externalAccountRequired",
        "detail": "bind it to an account of ours",
        "status": 403,
    }
    expected = f"{directory.url}/dir refuses the account: externalAccountRequired: bind it to an account of ours"
    assert refusal(directory) == expected
    with pytest.raises(OrderError) as caught:
        order.register(Account(at(directory), KEY))
    assert str(caught.value) == expected


def test_an_order_that_is_refused_with_a_reason_for_each_name(directory: Directory) -> None:
    directory.refusals["new-order"] = {
        "type": "urn:ietf:params:acme:error:rateLimited",
        "detail": "too many certificates",
        "status": 429,
        "subproblems": [
            {
                "type": "urn:ietf:params:acme:error:rateLimited",
                "detail": "5 this week",
                "identifier": {"type": "dns", "value": "example.cn"},
            },
        ],
    }
    assert refusal(directory) == (
        f"{directory.url}/dir: the authority refuses: rateLimited: too many certificates; "
        "example.cn: rateLimited: 5 this week"
    )
    assert directory.asked.count("new-order") == 1


@pytest.mark.parametrize("page", [HTML, "{}", "[]", '{"newNonce": 5}'])
def test_something_that_is_no_directory(directory: Directory, page: str) -> None:
    directory.pages["dir"] = page
    assert refusal(directory).startswith(f"{directory.url}/dir is not an ACME directory")


def test_a_directory_that_is_not_found(directory: Directory) -> None:
    directory.refusals["dir"] = {"type": "about:blank", "detail": "no such page", "status": 404}
    assert (
        refusal(directory) == f"{directory.url}/dir is not an ACME directory: it answers HTTP 404 with something else"
    )


def test_a_directory_that_can_not_be_reached() -> None:
    start = time.monotonic()
    with pytest.raises(OrderError) as caught:
        order.obtain(Account(NOWHERE, KEY), csr("example.cn"), Remembered())
    told = str(caught.value)
    assert told.startswith("http://127.0.0.1:1/dir can't be reached: ")
    assert "Connection refused" in told
    assert told.endswith("Is the address right, and the network up?")
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("resource", ["new-order", "challenge", "order", "finalize", "certificate"])
def test_an_authority_that_breaks_off(directory: Directory, resource: str) -> None:
    directory.dropped.add(resource)
    records = Remembered()
    assert refusal(directory, records).startswith(f"{directory.url}/dir: ")
    assert [done for done in records.did if done.startswith("publish")] == [
        done.replace("withdraw", "publish") for done in records.did if done.startswith("withdraw")
    ]


@pytest.mark.parametrize("resource", ["new-order", "authorization", "order"])
def test_an_authority_that_turns_into_something_else(directory: Directory, resource: str) -> None:
    directory.pages[resource] = HTML
    assert refusal(directory).startswith(f"{directory.url}/dir: ")


def test_a_signing_request_that_is_none(directory: Directory) -> None:
    with pytest.raises(OrderError) as caught:
        order.obtain(Account(at(directory), KEY), "-----BEGIN", Remembered())
    assert str(caught.value) == "the server's signing request is no PEM CSR"


# --- records that fail -------------------------------------------------------------------------------

BOTH = ["example.cn", "www.example.cn"]
PUBLISH, WITHDRAW = (f"{word} _acme-challenge" for word in ("publish", "withdraw"))


def test_a_record_that_can_not_be_published(directory: Directory) -> None:
    directory.names = BOTH
    records = Remembered({f"{PUBLISH}.www.example.cn": LookupError("no room in the zone")})
    with pytest.raises(LookupError, match="no room in the zone"):
        order.obtain(Account(at(directory), KEY), csr(*BOTH), records)
    assert records.did[2:] == [
        f"{PUBLISH}.example.cn",
        f"{PUBLISH}.www.example.cn",
        f"{WITHDRAW}.example.cn",
    ]
    assert "challenge" not in directory.asked


@pytest.mark.parametrize("failure", [TimeoutError("not everywhere"), Interrupted()])
def test_a_wait_that_fails_leaves_no_record(directory: Directory, failure: BaseException) -> None:
    directory.names = BOTH
    records = Remembered({f"wait {DNS01}example.cn {DNS01}www.example.cn": failure})
    with pytest.raises(type(failure)):
        order.obtain(Account(at(directory), KEY), csr(*BOTH), records)
    assert records.did[-2:] == [f"{WITHDRAW}.example.cn", f"{WITHDRAW}.www.example.cn"]


def test_a_record_that_stays_is_told_and_costs_no_certificate(directory: Directory) -> None:
    directory.names = BOTH
    records, told = Remembered({f"{WITHDRAW}.example.cn": LookupError("the zone is locked")}), list[str]()
    assert order.obtain(Account(at(directory), KEY), csr(*BOTH), records, tell=told.append) == directory.chain
    assert told == [
        (
            "its TXT record at _acme-challenge.example.cn could not be taken away, delete it: the zone is locked. "
            "The certificate is issued all the same, and the next order tries again"
        )
    ]
    assert records.did[-1] == f"{WITHDRAW}.www.example.cn"


def test_a_record_that_stays_does_not_hide_why_the_order_failed(directory: Directory) -> None:
    directory.names = BOTH
    directory.authorization, directory.order = ["pending", "pending", "invalid"], ["invalid"]
    records = Remembered(dict.fromkeys([f"{WITHDRAW}.example.cn", f"{WITHDRAW}.www.example.cn"], LookupError("locked")))
    assert refusal(directory, records) == (
        "example.cn: the authority could not validate it: invalid; "
        "www.example.cn: the authority could not validate it: invalid. Besides, its TXT record at "
        "_acme-challenge.example.cn could not be taken away, delete it: locked; its TXT record at "
        "_acme-challenge.www.example.cn could not be taken away, delete it: locked"
    )


def test_no_key_is_told(directory: Directory, tmp_path: Path) -> None:
    directory.refusals["account"] = {"type": "urn:ietf:params:acme:error:malformed", "detail": "no", "status": 400}
    with pytest.raises(OrderError) as caught:
        order.register(Account(at(directory), KEY))
    body = "".join(KEY.splitlines()[1:-1])
    assert body[:40] not in str(caught.value)
    assert body[:40] not in repr(caught.value)
