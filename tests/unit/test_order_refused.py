"""What is refused before an order is spent, what is tried again, and what is tried elsewhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from luodi import authorities
from luodi.authorities import Authority, Binding, Limit
from luodi.certificate import order
from luodi.certificate.order import Account, Issuance, OrderError, Sessions, Timing
from luodi.certificate.request import SigningRequest
from luodi.certificate.session import base64url
from tests.unit import acme_directory
from tests.unit.acme_directory import HTML, Directory
from tests.unit.orders import KEY, FakeTime, Remembered, csr, names_of

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture
def directory() -> Iterator[Directory]:
    with acme_directory.serving() as serving:
        yield serving


@pytest.fixture
def other() -> Iterator[Directory]:
    with acme_directory.serving() as serving:
        yield serving


def at(directory: Directory, **known: Any) -> Account:
    return Account(Authority(f"{directory.url}/dir", **known), KEY)


def problem(kind: str, status: int) -> dict[str, Any]:
    return {"type": f"urn:ietf:params:acme:error:{kind}", "detail": "no", "status": status}


# --- before an order is spent ------------------------------------------------------------------------


def refusal(account: Account, request: str, **options: Any) -> OrderError:
    records = Remembered()
    with pytest.raises(OrderError) as caught:
        order.obtain(account, request, records, **options)
    assert records.did == []
    looked = {name: value for name, value in options.items() if name != "journal"}
    with pytest.raises(OrderError) as again:
        order.check(account, request, records, **looked)
    assert str(again.value)[:60] == str(caught.value)[:60]
    return caught.value


def test_a_look_spends_nothing(directory: Directory) -> None:
    records = Remembered()
    order.check(at(directory), csr("example.cn", "www.example.cn"), records)
    assert records.did == ["check example.cn www.example.cn"]
    assert directory.asked == ["dir"]


def test_a_binding_that_is_lacking(directory: Directory) -> None:
    directory.meta = {"externalAccountRequired": True}
    account = at(directory, binding_page="https://ca.example/keys")
    error = refusal(account, csr("example.cn"))
    assert str(error).endswith("set the binding's kid and hmac. Get one at https://ca.example/keys.")
    assert directory.asked == ["dir", "dir"]
    order.check(replace(account, url=f"{directory.url}/account/1"), csr("example.cn"), Remembered())


def test_more_names_than_the_authority_takes(directory: Directory) -> None:
    account = at(directory, name="A small one", names_limit=3, profiles={"tiny": 2})
    many = csr(*(f"n{number}.cn" for number in range(4)))
    told = "A small one puts at most 3 names on one certificate, not 4: split them, or use a wildcard"
    assert str(refusal(account, many)) == told
    directory.meta = {"profiles": {"tiny": ""}}
    assert "at most 2 names on one certificate of profile tiny, not 4" in str(
        refusal(replace(account, profile="tiny"), many)
    )
    assert "new-order" not in directory.asked


def test_names_other_than_those_wanted(directory: Directory) -> None:
    assert "it lacks www.example.cn" in str(
        refusal(at(directory), csr("example.cn"), names=["example.cn", "www.example.cn"])
    )
    assert directory.asked == []


def test_duplicates_near_the_limit(directory: Directory) -> None:
    account = at(directory, name="A strict one", duplicates=Limit(3, 7 * DAY), staging="a-strict-one-s-staging")
    earlier = [Issuance(("www.example.cn", "example.cn"), NOW - DAY * part) for part in (0.01, 0.02, 0.03)]
    others = [Issuance(("example.cn",), NOW)] * 5
    request = csr("example.cn", "WWW.example.cn")
    error = refusal(account, request, issued=[*earlier, *others])
    assert str(error).startswith("A strict one issues 3 certificates of the same names in 7 days: the next can be had")
    assert str(error).endswith("For tries, use a-strict-one-s-staging")
    assert error.passing  # another authority may issue
    assert "new-order" not in directory.asked

    directory.names, told = ["example.cn", "www.example.cn"], list[str]()
    assert order.obtain(account, request, Remembered(), issued=earlier[:2], tell=told.append)
    assert told[0].startswith("A strict one issues 3 certificates of the same names in 7 days; this is the last before")


def test_what_another_authority_has_issued_does_not_count(directory: Directory) -> None:
    account = at(directory, duplicates=Limit(1, 7 * DAY))
    elsewhere = Issuance(("example.cn",), NOW, "https://ca.example/directory")
    assert names_of(order.obtain(account, csr("example.cn"), Remembered(), issued=[elsewhere])) == ["example.cn"]
    for counted in (Issuance(("example.cn",), NOW, f"{directory.url}/dir"), Issuance(("example.cn",), NOW)):
        assert "issues 1 certificates of the same names" in str(refusal(account, csr("example.cn"), issued=[counted]))


def test_an_issuance_is_remembered_with_whose_it_is() -> None:
    for directory in ("https://ca.example/directory", None):
        issuance = Issuance(("example.cn",), NOW, directory)
        assert Issuance.from_text(issuance.to_text(), ["example.cn"]) == issuance


@pytest.mark.parametrize("id_", authorities.known())
def test_of_duplicates_there_is_word_only_where_their_limit_is_known(directory: Directory, id_: str) -> None:
    known, told = authorities.find(id_), list[str]()
    account = Account(replace(known, directory=f"{directory.url}/dir"), KEY, binding=Binding("kid", "c2VjcmV0"))
    most = known.duplicates.count if known.duplicates else 100
    now = dt.datetime.now(dt.UTC)
    timing, issued = Timing(now=lambda: now), [Issuance(("example.cn",), now)] * (most - 1)
    order.obtain(account, csr("example.cn"), Remembered(), issued=issued, timing=timing, tell=told.append)
    assert [f"{known} issues {most} certificates of the same names in 7 days" in one for one in told] == [
        True for _ in range(known.duplicates is not None)
    ]


def test_a_renewal_does_not_count_where_there_is_renewal_information(directory: Directory) -> None:
    account = at(directory, duplicates=Limit(1, 7 * DAY))
    first = order.obtain(account, csr("example.cn"), Remembered())
    issued = [Issuance(("example.cn",), NOW)]
    assert "issues 1 certificates" in str(refusal(account, csr("example.cn"), issued=issued, replaces=first))
    directory.also = ("renewalInfo",)
    directory.order = ["ready", "processing", "valid"]
    directory._authorizations.clear()
    assert order.obtain(account, csr("example.cn"), Remembered(), issued=issued, replaces=first)
    replaced = [
        content["replaces"]
        for resource, content in directory.posted
        if resource == "new-order"
        if "replaces" in content
    ]
    assert len(replaced) == 1
    assert "." in replaced[0]


@pytest.mark.parametrize("kind", ["malformed", "alreadyReplaced", "unauthorized"])
def test_a_predecessor_that_is_refused_is_left_out(directory: Directory, kind: str) -> None:
    first = order.obtain(at(directory), csr("example.cn"), Remembered())
    directory.also, directory.refusing = ("renewalInfo",), 1
    directory.refusals["new-order"] = problem(kind, 409 if kind == "alreadyReplaced" else 403)
    directory.order = ["ready", "processing", "valid"]
    assert order.obtain(at(directory), csr("example.cn"), Remembered(), replaces=first)
    orders = [content for resource, content in directory.posted if resource == "new-order"]
    assert ["replaces" in content for content in orders] == [False, True, False]


def test_an_authority_that_offers_no_profiles(directory: Directory) -> None:
    error = refusal(replace(at(directory), profile="shortlived"), csr("example.cn"))
    assert str(error) == f"{directory.url}/dir offers no profiles, so not shortlived either: leave the profile out"


def test_a_profile_is_asked_for(directory: Directory) -> None:
    directory.meta = {"profiles": {"shortlived": "six days"}, "caaIdentities": ["ca.example"]}
    account = replace(at(directory, issuers=("known.example",)), profile="shortlived")

    class Asked(Remembered):
        def check(self, names: object, issuers: object) -> None:
            assert issuers == ("ca.example",)  # what it says of itself is believed first

    assert order.obtain(account, csr("example.cn"), Asked())
    assert next(content for resource, content in directory.posted if resource == "new-order")["profile"] == "shortlived"


def test_a_certificate_for_another_key_is_none(directory: Directory) -> None:
    theirs = csr("example.cn")
    posted = directory.posted

    class Swapped(list[tuple[str, dict[str, Any]]]):
        def append(self, one: tuple[str, dict[str, Any]]) -> None:
            if one[0] == "finalize":
                one = one[0], {"csr": base64url(SigningRequest.of(theirs).der)}
            posted.append(one)

        def __getitem__(self, index: Any) -> Any:
            return posted[index]

    directory.posted = Swapped()
    with pytest.raises(OrderError, match="the authority issued a certificate for another key"):
        order.obtain(at(directory), csr("example.cn"), Remembered())


# --- tried again -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "kind"), [(503, "serverInternal"), (429, "rateLimited")])
def test_a_busy_authority_that_says_when_to_come_again(directory: Directory, status: int, kind: str) -> None:
    directory.refusals["new-order"], directory.refusing, directory.retry_after = problem(kind, status), 2, "7"
    clock = FakeTime()
    assert order.obtain(at(directory), csr("example.cn"), Remembered(), timing=clock.timing())
    assert clock.pauses[:2] == [7, 7]


def test_but_not_one_that_wants_an_hour(directory: Directory) -> None:
    directory.refusals["new-order"], directory.retry_after = problem("rateLimited", 429), "3600"
    clock = FakeTime()
    with pytest.raises(OrderError, match="rateLimited: no") as caught:
        order.obtain(at(directory), csr("example.cn"), Remembered(), timing=clock.timing())
    assert (caught.value.kind, caught.value.passing) == ("rateLimited", True)
    assert clock.pauses == []
    assert directory.asked.count("new-order") == 1


def test_nor_for_ever(directory: Directory) -> None:
    directory.refusals["new-order"], directory.retry_after = problem("serverInternal", 503), "20"
    clock = FakeTime()
    with pytest.raises(OrderError, match="serverInternal"):
        order.obtain(at(directory), csr("example.cn"), Remembered(), timing=clock.timing())
    assert clock.now <= 60


def test_a_connection_that_breaks_is_made_again_a_few_times(directory: Directory) -> None:
    directory.dropped.add("new-order")
    clock = FakeTime()
    with pytest.raises(OrderError) as caught:
        order.obtain(at(directory), csr("example.cn"), Remembered(), timing=clock.timing())
    assert caught.value.passing
    assert directory.asked.count("new-order") == 3


# --- elsewhere ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resource", "refused"),
    [
        ("new-order", problem("rateLimited", 429)),
        ("new-order", problem("serverInternal", 500)),
        ("account", problem("rateLimited", 429)),
        ("finalize", problem("serverInternal", 500)),
        ("dir", {"status": 502}),
    ],
)
def test_an_outage_or_a_limit_leads_to_the_next(
    directory: Directory, other: Directory, resource: str, refused: dict[str, Any]
) -> None:
    directory.refusals[resource] = refused
    told: list[str] = []
    obtained = order.obtain_from(
        [at(directory), at(other, name="The other")],
        csr("example.cn"),
        Remembered(),
        timing=FakeTime().timing(),
        tell=told.append,
    )
    assert obtained.account == at(other, name="The other")
    assert names_of(obtained.chain) == ["example.cn"]
    assert told[-1].startswith(f"{directory.url}/dir")
    assert told[-1].endswith(". Trying The other instead")
    assert [f"{passed}. Trying The other instead" for passed in obtained.passed_over] == told[-1:]


def test_a_known_authority_that_shows_a_page_is_out_of_order(directory: Directory, other: Directory) -> None:
    directory.pages["dir"] = HTML
    accounts = [at(directory, id="known"), at(other)]
    assert order.obtain_from(accounts, csr("example.cn"), Remembered()).account == at(other)


@pytest.mark.parametrize("kind", ["rejectedIdentifier", "unauthorized", "badCSR", "externalAccountRequired", "caa"])
def test_a_mistake_does_not(directory: Directory, other: Directory, kind: str) -> None:
    directory.refusals["new-order"] = problem(kind, 403)
    with pytest.raises(OrderError, match=f"the authority refuses: {kind}: no"):
        order.obtain_from([at(directory), at(other)], csr("example.cn"), Remembered())
    assert other.asked == []


def test_an_address_that_is_no_directory_does_not(directory: Directory, other: Directory) -> None:
    directory.pages["dir"] = HTML
    with pytest.raises(OrderError, match="it answers HTTP 200 with a page of HTML"):
        order.obtain_from([at(directory), at(other)], csr("example.cn"), Remembered())
    assert other.asked == []


def test_validation_that_fails_at_the_authority_s_end_does(directory: Directory, other: Directory) -> None:
    directory.authorization, directory.order = ["pending", "invalid"], ["invalid"]
    directory.challenge_error = problem("serverInternal", 500)
    directory.challenges = ["dns-01"]
    assert order.obtain_from([at(directory), at(other)], csr("example.cn"), Remembered()).account == at(other)


def test_no_authority_at_all() -> None:
    with pytest.raises(OrderError, match="no authority to order from"):
        order.obtain_from([], csr("example.cn"), Remembered())


# --- shared ------------------------------------------------------------------------------------------


def test_orders_of_one_process_share_a_directory_and_an_account(directory: Directory) -> None:
    directory.authorization, directory.order = ["valid"], ["ready"]
    with Sessions(Timing()) as sessions, ThreadPoolExecutor(max_workers=4) as pool:

        def one(_: int) -> None:
            with pytest.raises(OrderError, match="issued nothing"):
                order.obtain(
                    at(directory), csr("example.cn"), Remembered(), sessions=sessions, timing=Timing(issuance=0.1)
                )

        list(pool.map(one, range(8)))
    assert directory.asked.count("dir") == directory.asked.count("account") == 1
    assert directory.asked.count("new-order") == 8
    assert directory.asked.count("nonce") <= 5


@pytest.mark.parametrize(("seconds", "together"), [(0.0, False), (0.11, True)])
def test_a_far_authority_is_asked_about_several_names_at_once(
    directory: Directory, seconds: float, together: bool
) -> None:
    directory.names, directory.seconds = [f"n{number}.cn" for number in range(6)], seconds
    assert order.obtain(at(directory), csr(*directory.names), Remembered())
    assert (directory.most_at_once > 1) == together
    assert directory.asked.count("authorization") == directory.asked.count("challenge") == 6


def test_a_request_that_was_finalized_before(directory: Directory) -> None:
    """The answer to the first was lost: the second is refused, and the order goes on."""
    order.obtain(at(directory), csr("example.cn"), Remembered())
    issued, directory.order = directory.chain, ["ready", "processing", "valid"]
    directory.refusals["finalize"] = problem("orderNotReady", 403)
    with pytest.raises(OrderError, match="for another key"):  # the chain of before, as this directory keeps one
        order.obtain(at(directory), csr("example.cn"), Remembered(), timing=FakeTime().timing())
    assert directory.chain == issued
    assert directory.asked.count("certificate") == 2
