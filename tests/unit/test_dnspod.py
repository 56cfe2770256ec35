"""The TXT records of an order, at DNSPod."""

from __future__ import annotations

import pytest

from luodi.api import ApiError
from luodi.certificate.dnspod import ChallengeRecords
from luodi.certificate.propagation import NoNameServers, NotPropagated
from tests.unit.fake_account import FakeAccount, refused
from tests.unit.nameserver import NameServer

NAME = "_acme-challenge.www.example.cn"
EXISTS = "InvalidParameter.DomainRecordExist"


def records(account: FakeAccount, zone: str = "example.cn") -> ChallengeRecords:
    return ChallengeRecords(account, zone, seconds=0)


@pytest.mark.parametrize(
    ("zone", "name", "label"),
    [
        ("example.cn", "_acme-challenge.example.cn", "_acme-challenge"),
        ("example.cn", "_acme-challenge.www.example.cn", "_acme-challenge.www"),
        ("example.com.cn", "_acme-challenge.a.b.example.com.cn", "_acme-challenge.a.b"),
    ],
)
def test_a_record_is_made(zone: str, name: str, label: str) -> None:
    account = FakeAccount(answers={"CreateRecord": lambda _: {"RecordId": 162}})
    assert records(account, zone).publish(name, "token", "0123456789ab") == 162
    assert account.calls == [
        (
            "dnspod CreateRecord",
            {
                "Domain": zone,
                "SubDomain": label,
                "RecordType": "TXT",
                "RecordLine": "默认",
                "Value": "token",
                "TTL": 600,
                "Remark": "luodi: ACME challenge 0123456789ab",
            },
        )
    ]


def test_a_name_outside_the_zone_is_no_record_of_it() -> None:
    with pytest.raises(ValueError, match=r"_acme-challenge\.example\.cn is not in the zone ample\.cn"):
        records(FakeAccount(), "ample.cn").publish("_acme-challenge.example.cn", "token", "mark")


def test_a_record_that_an_interrupted_run_left_is_taken_over() -> None:
    listed = [
        {"RecordId": 1, "Value": "another"},
        {"RecordId": 2, "Value": '"token"'},
        {"RecordId": 3, "Value": "token and more"},
    ]
    account = FakeAccount(
        answers={"CreateRecord": refused(EXISTS), "DescribeRecordList": lambda _: {"RecordList": listed}}
    )
    assert records(account).publish(NAME, "token", "0123456789ab") == 2
    [asked] = account.asked("DescribeRecordList")
    assert asked == {"Domain": "example.cn", "RecordType": "TXT", "Limit": 3000, "Subdomain": "_acme-challenge.www"}


@pytest.mark.parametrize("listed", [[], None, [{"RecordId": 1, "Value": "another"}]])
def test_a_record_that_exists_and_is_not_listed_is_told(listed: list[dict[str, object]] | None) -> None:
    account = FakeAccount(
        answers={"CreateRecord": refused(EXISTS), "DescribeRecordList": lambda _: {"RecordList": listed}}
    )
    with pytest.raises(ApiError, match=r"_acme-challenge\.www\.example\.cn exists, yet is not listed"):
        records(account).publish(NAME, "token", "0123456789ab")


def test_another_refusal_is_told() -> None:
    account = FakeAccount(answers={"CreateRecord": refused("LimitExceeded.AtNsRecordLimit", "enough")})
    with pytest.raises(ApiError, match="enough"):
        records(account).publish(NAME, "token", "0123456789ab")
    assert len(account.calls) == 1


def test_a_record_is_taken_away_by_its_id_alone() -> None:
    account = FakeAccount(answers={"DeleteRecord": lambda _: {}})
    records(account).withdraw(162)
    assert account.calls == [("dnspod DeleteRecord", {"Domain": "example.cn", "RecordId": 162})]


@pytest.mark.parametrize("code", ["InvalidParameter.RecordIdInvalid", "ResourceNotFound.NoDataOfRecord"])
def test_a_record_that_is_gone_already_is_no_error(code: str) -> None:
    account = FakeAccount(answers={"DeleteRecord": refused(code)})
    records(account).withdraw(162)
    assert len(account.calls) == 1


def test_a_record_that_can_not_be_taken_away_is_told() -> None:
    account = FakeAccount(answers={"DeleteRecord": refused("FailedOperation.DomainIsLocked", "locked")})
    with pytest.raises(ApiError, match="locked"):
        records(account).withdraw(162)


def test_every_name_server_of_the_zone_is_waited_for(name_servers: list[NameServer]) -> None:
    told: list[str] = []
    first = name_servers[0]
    challenge = ChallengeRecords(
        FakeAccount(), "example.cn", seconds=0, via=(first.address, first.port), tell=told.append
    )
    for server in name_servers[:2]:
        server.publish(NAME, "token")
    with pytest.raises(NotPropagated, match=r"ns3\.dnspod\.test \(127\.0\.0\.3\) for .*: no TXT record"):
        challenge.wait({NAME: ["token"]})
    name_servers[2].publish(NAME, "token")
    challenge.wait({NAME: ["token"]})
    assert told[0] == "waiting for 3 name servers of example.cn to know the challenge records"


def test_a_zone_without_name_servers_is_told(name_servers: list[NameServer]) -> None:
    first = name_servers[0]
    challenge = ChallengeRecords(FakeAccount(), "other.cn", seconds=0, via=(first.address, first.port))
    with pytest.raises(NoNameServers, match=r"other\.cn: its name servers can't be found"):
        challenge.wait({"_acme-challenge.other.cn": ["token"]})
