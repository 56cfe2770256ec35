"""The TXT records of an order, at DNSPod."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from luodi.api import ApiError
from luodi.certificate.delegation import NoNameServers
from luodi.certificate.dnspod import ChallengeRecords, Handle
from luodi.certificate.problems import OrderError
from luodi.certificate.propagation import NotPropagated
from tests.unit.fake_account import refused
from tests.unit.fake_dnspod import DnsPod, written
from tests.unit.nameserver import NameServer

NOW = datetime.now(UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
MARK = "0123456789ab"
NAME = "_acme-challenge.www.example.cn"
REMARK = f"luodi: ACME challenge {MARK}"


@pytest.fixture
def dnspod(name_servers: list[NameServer]) -> DnsPod:
    return DnsPod(name_servers)


def records(
    dnspod: DnsPod, zone: str = "example.cn", tell: Callable[[str], None] = lambda _: None, seconds: float = 0
) -> ChallengeRecords:
    first = dnspod.servers[0]
    return ChallengeRecords(
        dnspod.account, zone, seconds=seconds, via=[(first.address, first.port)], tell=tell, now=lambda: NOW
    )


# --- making and taking away --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("_acme-challenge.example.cn", "_acme-challenge"),
        ("_acme-challenge.www.example.cn", "_acme-challenge.www"),
        ("_acme-challenge.a.b.example.cn", "_acme-challenge.a.b"),
    ],
)
def test_a_record_is_made(dnspod: DnsPod, name: str, label: str) -> None:
    handle = records(dnspod).publish(name, "token", MARK)
    assert handle == Handle("example.cn", 1)
    assert dnspod.account.asked("CreateRecord") == [
        {
            "Domain": "example.cn",
            "SubDomain": label,
            "RecordType": "TXT",
            "RecordLine": "默认",
            "Value": "token",
            "TTL": 600,
            "Remark": REMARK,
        }
    ]


def test_a_record_that_an_interrupted_run_left_is_taken_over(dnspod: DnsPod) -> None:
    dnspod.put("_acme-challenge.www", "another", "")
    second = dnspod.put("_acme-challenge.www", "token", REMARK)
    dnspod.put("_acme-challenge.www", "token and more", "")
    assert records(dnspod).publish(NAME, "token", MARK) == Handle("example.cn", second)
    assert len(dnspod.records) == 3


def test_a_record_that_exists_and_is_not_listed_is_told(dnspod: DnsPod) -> None:
    dnspod.account.answers["CreateRecord"] = refused("InvalidParameter.DomainRecordExist")
    with pytest.raises(ApiError, match=r"_acme-challenge\.www\.example\.cn exists, yet is not listed"):
        records(dnspod).publish(NAME, "token", MARK)


def test_another_refusal_is_told(dnspod: DnsPod) -> None:
    dnspod.account.answers["CreateRecord"] = refused("LimitExceeded.AtNsRecordLimit", "enough")
    with pytest.raises(ApiError, match="enough"):
        records(dnspod).publish(NAME, "token", MARK)


def test_a_record_is_taken_away_by_its_id_alone(dnspod: DnsPod) -> None:
    first, second = (dnspod.put("_acme-challenge", value, REMARK) for value in ("one", "two"))
    records(dnspod).withdraw(Handle("example.cn", first))
    assert list(dnspod.records) == [second]
    assert dnspod.account.asked("DeleteRecord") == [{"Domain": "example.cn", "RecordId": first}]


@pytest.mark.parametrize("code", ["InvalidParameter.RecordIdInvalid", "ResourceNotFound.NoDataOfRecord"])
def test_a_record_that_is_gone_already_is_no_error(dnspod: DnsPod, code: str) -> None:
    dnspod.account.answers["DeleteRecord"] = refused(code)
    records(dnspod).withdraw(Handle("example.cn", 162))
    assert len(dnspod.account.calls) == 1


def test_a_record_that_can_not_be_taken_away_is_told(dnspod: DnsPod) -> None:
    dnspod.account.answers["DeleteRecord"] = refused("FailedOperation.DomainIsLocked", "locked")
    with pytest.raises(ApiError, match="locked"):
        records(dnspod).withdraw(Handle("example.cn", 162))


def test_what_an_interrupted_order_left_is_swept_and_nothing_else(dnspod: DnsPod) -> None:
    another = "luodi: ACME challenge ba9876543210"
    mine = dnspod.put("_acme-challenge", "left", REMARK)
    kept = {
        dnspod.put("_acme-challenge", "wanted", REMARK),
        dnspod.put("_acme-challenge", "under way", another),
        dnspod.put("_acme-challenge", "somebody's", ""),
        dnspod.put("_acme-challenge", "somebody's older one", "", updated="2021-01-01 00:00:00"),
        dnspod.put("@", "v=spf1 -all", "mail", updated="2021-01-01 00:00:00"),
        dnspod.put("_acme-challenge", "no time", another, updated="soon"),
    }
    old = dnspod.put("_acme-challenge.old", "x", another, updated=written(NOW - DAY - MINUTE))
    nearly = dnspod.put("_acme-challenge.old", "y", another, updated=written(NOW - DAY + MINUTE))
    records(dnspod).sweep(MARK, ["example.cn"], {("_acme-challenge.example.cn", "wanted")})
    assert set(dnspod.records) == kept | {nearly}
    assert {asked["RecordId"] for asked in dnspod.account.asked("DeleteRecord")} == {mine, old}


def test_sweeping_where_nothing_is(dnspod: DnsPod) -> None:
    records(dnspod).sweep(MARK, ["example.cn"], ())
    assert dnspod.account.asked("DeleteRecord") == []


# --- waiting -----------------------------------------------------------------------------------------


def test_every_name_server_of_the_zone_is_waited_for(dnspod: DnsPod) -> None:
    told: list[str] = []
    challenge = records(dnspod, tell=told.append)
    for server in dnspod.servers[:2]:
        server.publish(NAME, "token")
    with pytest.raises(NotPropagated, match=r"ns3\.dnspod\.test \(127\.0\.0\.3\) for .*: no TXT record"):
        challenge.wait({NAME: ["token"]})
    dnspod.servers[2].publish(NAME, "token")
    challenge.wait({NAME: ["token"]})
    assert told[0] == "waiting for 3 name servers of example.cn to know the challenge records"


def test_a_zone_without_name_servers_is_told(dnspod: DnsPod) -> None:
    with pytest.raises(NoNameServers, match=r"other\.cn: its name servers can't be found"):
        records(dnspod, "other.cn").wait({"_acme-challenge.other.cn": ["token"]})


# --- before an order ---------------------------------------------------------------------------------


def refusal(dnspod: DnsPod, *names: str, issuers: tuple[str, ...] = ("letsencrypt.org",)) -> str:
    with pytest.raises(OrderError) as caught:
        records(dnspod).check(names, issuers)
    assert dnspod.account.asked("CreateRecord") == []
    return str(caught.value)


def test_a_zone_where_all_is_well(dnspod: DnsPod) -> None:
    records(dnspod).check(["example.cn", "*.example.cn", "www.example.cn"], ["letsencrypt.org"])


def test_a_zone_that_is_answered_by_others(dnspod: DnsPod) -> None:
    dnspod.assigned = ["f1g1ns1.dnspod.net", "f1g1ns2.dnspod.net"]
    told = refusal(dnspod, "example.cn")
    assert told.startswith(
        "example.cn is answered by ns1.dnspod.test, ns2.dnspod.test, ns3.dnspod.test, not by the name servers that "
        "DNSPod has assigned to it, f1g1ns1.dnspod.net, f1g1ns2.dnspod.net: "
    )
    assert "修改 DNS 服务器" in told


def test_names_outside_the_zone(dnspod: DnsPod) -> None:
    assert refusal(dnspod, "example.cn", "other.com").startswith("other.com: outside the zone example.cn, ")
    assert refusal(dnspod, "badexample.cn").startswith("badexample.cn: outside the zone example.cn, ")


def caa(dnspod: DnsPod, name: str, *values: str) -> None:
    for server in dnspod.servers:
        server.publish(name, *values, kind="CAA")


def test_caa_at_the_zone_forbids(dnspod: DnsPod) -> None:
    caa(dnspod, "example.cn", '0 issue "pki.goog"')
    assert refusal(dnspod, "www.example.cn") == (
        'CAA records forbid letsencrypt.org to issue: www.example.cn by those of example.cn (0 issue "pki.goog"). '
        'Add CAA 0 issue "letsencrypt.org" there (issuewild beside another issuewild), or choose another authority'
    )


def test_caa_behind_an_alias_counts(dnspod: DnsPod) -> None:
    for server in dnspod.servers:
        server.publish("www.example.cn", "cdn.example.net.", kind="CNAME")
    caa(dnspod, "cdn.example.net", '0 issue ";"')
    assert "www.example.cn by those of www.example.cn" in refusal(dnspod, "www.example.cn")


def test_caa_above_the_zone_counts_too(dnspod: DnsPod) -> None:
    caa(dnspod, "cn", '0 issue "pki.goog"')
    assert "by those of cn" in refusal(dnspod, "example.cn")


def test_a_name_server_that_does_not_answer_is_passed_over(dnspod: DnsPod) -> None:
    caa(dnspod, "example.cn", '0 issue "pki.goog"')
    dnspod.servers[1].failing = 1.0
    assert "forbid letsencrypt.org" in refusal(dnspod, "example.cn")


# --- delegated by CNAME ------------------------------------------------------------------------------


def delegate(dnspod: DnsPod, name: str, target: str) -> None:
    for server in dnspod.servers:
        server.publish(name, f"{target}.", kind="CNAME")


def other_zone(dnspod: DnsPod, zone: str) -> None:
    dnspod.zones.append(zone)
    for number in (1, 2, 3):
        dnspod.servers[0].publish(zone, f"ns{number}.dnspod.test.", kind="NS")


def test_a_name_that_leads_into_another_zone_of_the_account(dnspod: DnsPod) -> None:
    delegate(dnspod, NAME, "www.acme.example.net")
    delegate(dnspod, "www.acme.example.net", "token.validation.net")
    other_zone(dnspod, "example.net")
    other_zone(dnspod, "validation.net")
    left = dnspod.put("token", "left", REMARK, zone="validation.net")
    challenge = records(dnspod, seconds=5)
    challenge.check(["www.example.cn"], ["letsencrypt.org"])
    challenge.sweep(MARK, ["www.example.cn"], ())
    assert left not in dnspod.records
    handle = challenge.publish(NAME, "value", MARK)
    assert handle.zone == "validation.net"
    assert dnspod.records[handle.id]["Name"] == "token"
    challenge.wait({NAME: ["value"]})
    challenge.withdraw(handle)
    assert dnspod.records == {}


def test_within_the_zone(dnspod: DnsPod) -> None:
    delegate(dnspod, NAME, "challenges.example.cn")
    handle = records(dnspod).publish(NAME, "value", MARK)
    assert dnspod.records[handle.id]["Name"] == "challenges"
    assert dnspod.account.asked("DescribeDomainList") == []


def test_a_name_that_leads_out_of_the_account(dnspod: DnsPod) -> None:
    delegate(dnspod, NAME, "abc.acme-dns.net")
    assert refusal(dnspod, "www.example.cn").startswith(
        "_acme-challenge.www.example.cn is delegated by CNAME to abc.acme-dns.net, which is in no DNSPod zone of this "
        "account: "
    )


def test_a_name_that_leads_in_a_circle(dnspod: DnsPod) -> None:
    delegate(dnspod, NAME, "one.example.cn")
    delegate(dnspod, "one.example.cn", NAME)
    assert "leads in a circle by CNAMEs" in refusal(dnspod, "www.example.cn")
