"""What is asked of the cloud before anything is declared."""

from __future__ import annotations

from typing import Any

import pytest

from luodi import preflight
from luodi.api import ApiError, Unreachable
from luodi.preflight import PreflightError
from luodi.settings import HostedSite, Settings
from tests.unit.fake_account import Answer, FakeAccount, refused

OWNER = "luodi project/stack"
NONE = refused("ResourceNotFound.NoDataOfRecord")


def site(manage: str = "adopt") -> HostedSite:
    return Settings.parse(
        {
            "tencentcloud:region": "ap-guangzhou",
            "luodi:site": {"domain": "example.cn", "title": "示例"},
            "luodi:server": {"kind": "cvm"},
            "luodi:dns": {"manage": manage},
        }
    ).main


def zone(_: dict[str, Any]) -> dict[str, Any]:
    return {"DomainInfo": {"Domain": "example.cn"}}


def records(*found: dict[str, Any]) -> Answer:
    """Records of www; the apex has none."""

    def listed(request: dict[str, Any]) -> dict[str, Any]:
        if request["Subdomain"] != "www":
            raise ApiError("DescribeRecordList", "ResourceNotFound.NoDataOfRecord", "no")
        return {"RecordList": [{"RecordId": 7, "Status": "ENABLE", "Remark": "", **record} for record in found]}

    return listed


@pytest.mark.parametrize("manage", ["adopt", "create"])
def test_all_is_well(manage: str) -> None:
    account = FakeAccount(answers={"DescribeDomain": zone, "DescribeRecordList": NONE})
    preflight.check(account, site(manage), OWNER, publishes=True)
    assert account.asked("DescribeDomain") == [{"Domain": "example.cn"}]
    assert [request["Subdomain"] for request in account.asked("DescribeRecordList")] == ["@", "www"]


def test_a_site_that_publishes_nothing_asks_for_no_name() -> None:
    account = FakeAccount(answers={"DescribeDomain": zone})
    preflight.check(account, site(), OWNER, publishes=False)
    assert len(account.calls) == 1


MISSING = [
    "InvalidParameterValue.DomainNotExists",
    "InvalidParameter.DomainIdInvalid",
    "ResourceNotFound.NoDataOfDomain",
]


@pytest.mark.parametrize("code", MISSING)
def test_a_zone_to_adopt_must_be_there(code: str) -> None:
    account = FakeAccount(answers={"DescribeDomain": refused(code)})
    with pytest.raises(PreflightError) as caught:
        preflight.check(account, site("adopt"), OWNER, publishes=True)
    assert str(caught.value) == (
        "luodi:dns: the zone example.cn is not at DNSPod in this account. Add it there "
        "(https://console.cloud.tencent.com/cns, 添加域名), or set luodi:dns.manage to create"
    )


@pytest.mark.parametrize("code", MISSING)
def test_a_zone_to_create_need_not(code: str) -> None:
    account = FakeAccount(answers={"DescribeDomain": refused(code)})
    preflight.check(account, site("create"), OWNER, publishes=True)
    assert len(account.calls) == 1


@pytest.mark.parametrize("manage", ["adopt", "create"])
@pytest.mark.parametrize(
    "code",
    [
        "FailedOperation.NotDomainOwner",
        "FailedOperation.DomainOwnedByOtherUser",
        "OperationDenied.NoPermissionToOperateDomain",
    ],
)
def test_a_zone_of_somebody_else_is_told(manage: str, code: str) -> None:
    account = FakeAccount(answers={"DescribeDomain": refused(code)})
    with pytest.raises(PreflightError) as caught:
        preflight.check(account, site(manage), OWNER, publishes=True)
    assert str(caught.value) == (
        f"luodi:dns: the zone example.cn belongs to another account at DNSPod ({code}). Use that account's key, or "
        "take the domain back there (域名取回)"
    )


def test_another_refusal_is_told_as_it_is() -> None:
    account = FakeAccount(answers={"DescribeDomain": refused("AuthFailure.SignatureFailure")})
    with pytest.raises(ApiError, match="SignatureFailure") as caught:
        preflight.check(account, site(), OWNER, publishes=True)
    assert not isinstance(caught.value, PreflightError)
    account = FakeAccount(answers={"DescribeDomain": zone, "DescribeRecordList": refused("InternalError")})
    with pytest.raises(ApiError, match="InternalError"):
        preflight.check(account, site(), OWNER, publishes=True)


def test_a_cloud_that_does_not_answer_is_told() -> None:
    def silent(_: dict[str, Any]) -> dict[str, Any]:
        raise Unreachable("DescribeDomain", "127.0.0.1:1", "Connection refused")

    with pytest.raises(Unreachable):
        preflight.check(FakeAccount(answers={"DescribeDomain": silent}), site(), OWNER, publishes=True)


@pytest.mark.parametrize("kind", ["A", "AAAA", "CNAME", "显性URL", "隐性URL"])
def test_a_name_that_leads_elsewhere_is_not_taken(kind: str) -> None:
    found = records({"Type": kind, "Value": "203.0.113.7"})
    account = FakeAccount(answers={"DescribeDomain": zone, "DescribeRecordList": found})
    with pytest.raises(PreflightError) as caught:
        preflight.check(account, site(), OWNER, publishes=True)
    assert str(caught.value) == (
        f"luodi:site: www.example.cn has a record already, which this stack did not make: {kind} 203.0.113.7 "
        "(RecordId 7). Visitors would be sent to both. Nothing was changed. Delete or pause it "
        "(https://console.cloud.tencent.com/cns, 暂停), then run pulumi up again"
    )


@pytest.mark.parametrize(
    "record",
    [
        {"Type": "TXT", "Value": "spf"},
        {"Type": "MX", "Value": "mail.example.cn."},
        {"Type": "A", "Value": "203.0.113.7", "Status": "DISABLE"},
        {"Type": "A", "Value": "203.0.113.7", "Remark": OWNER},
    ],
)
def test_what_leads_no_visitor_elsewhere_may_stay(record: dict[str, Any]) -> None:
    account = FakeAccount(answers={"DescribeDomain": zone, "DescribeRecordList": records(record)})
    preflight.check(account, site(), OWNER, publishes=True)


def test_the_same_project_s_other_stack_is_somebody_else() -> None:
    found = records({"Type": "A", "Value": "203.0.113.7", "Remark": "luodi project/staging"})
    account = FakeAccount(answers={"DescribeDomain": zone, "DescribeRecordList": found})
    with pytest.raises(PreflightError, match="has a record already"):
        preflight.check(account, site(), OWNER, publishes=True)
