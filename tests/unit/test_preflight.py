"""What is asked of the cloud before anything is declared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from luodi import preflight
from luodi.api import ApiError, Unreachable
from luodi.preflight import PreflightError
from luodi.settings import HostedSite, Settings
from luodi.state import Held
from tests.unit.fake_account import Answer, FakeAccount, refused

OWNER = "luodi project/stack"
NONE = refused("ResourceNotFound.NoDataOfRecord")


def nothing() -> Held:
    """A state that holds nothing."""
    return Held()


def zone_and_record() -> Held:
    """A state that holds the zone, and a record of it."""
    return Held(frozenset({"example.cn"}), frozenset({"example.cn#7"}))


def not_asked() -> Held:
    """A state that is not to be asked for."""
    pytest.fail("was asked")


def site(manage: str = "adopt", **adopt: int) -> HostedSite:
    return Settings.parse(
        {
            "tencentcloud:region": "ap-guangzhou",
            "luodi:site": {"domain": "example.cn", "title": "示例"},
            "luodi:server": {"kind": "cvm"},
            "luodi:dns": {
                "manage": manage,
                "adopt": {f"{label}.example.cn": number for label, number in adopt.items()},
            },
        }
    ).main


def zone(_: dict[str, Any]) -> dict[str, Any]:
    return {"DomainInfo": {"Domain": "example.cn"}}


def records(*found: dict[str, Any]) -> Answer:
    """Records of www; the apex has none."""

    def listed(request: dict[str, Any]) -> dict[str, Any]:
        if request["Subdomain"] != "www":
            raise ApiError("DescribeRecordList", "ResourceNotFound.NoDataOfRecord", "no")
        usual = {"RecordId": 7, "Status": "ENABLE", "Remark": "", "Line": "默认"}
        return {"RecordList": [{**usual, **record} for record in found]}

    return listed


@pytest.mark.parametrize("manage", ["adopt", "create"])
def test_all_is_well(manage: str) -> None:
    account = FakeAccount(answers={"DescribeDomain": zone, "DescribeRecordList": NONE})
    preflight.check(account, site(manage), OWNER, publishes=True, held=zone_and_record)
    assert account.asked("DescribeDomain") == [{"Domain": "example.cn"}]
    assert [request["Subdomain"] for request in account.asked("DescribeRecordList")] == ["@", "www"]


def test_a_site_that_publishes_nothing_asks_for_no_name() -> None:
    account = FakeAccount(answers={"DescribeDomain": zone})
    preflight.check(account, site(), OWNER, publishes=False, held=nothing)
    assert len(account.calls) == 1


def test_a_zone_that_is_there_already_is_not_created() -> None:
    account = FakeAccount(answers={"DescribeDomain": zone})
    with pytest.raises(PreflightError) as caught:
        preflight.check(account, site("create"), OWNER, publishes=True, held=nothing)
    assert str(caught.value) == (
        "luodi:dns.manage: the zone example.cn is at DNSPod already, and this stack did not make it. Nothing was "
        "changed. Set it to adopt: the zone is used then, and stays when the stack goes"
    )


def test_the_state_is_not_asked_for_a_zone_that_stays() -> None:
    account = FakeAccount(answers={"DescribeDomain": zone, "DescribeRecordList": NONE})
    preflight.check(account, site(), OWNER, publishes=True, held=not_asked)


MISSING = [
    "InvalidParameterValue.DomainNotExists",
    "InvalidParameter.DomainIdInvalid",
    "ResourceNotFound.NoDataOfDomain",
]


@pytest.mark.parametrize("code", MISSING)
def test_a_zone_to_adopt_must_be_there(code: str) -> None:
    account = FakeAccount(answers={"DescribeDomain": refused(code)})
    with pytest.raises(PreflightError) as caught:
        preflight.check(account, site("adopt"), OWNER, publishes=True, held=nothing)
    assert str(caught.value) == (
        "luodi:dns: the zone example.cn is not at DNSPod in this account. Add it there "
        "(https://console.cloud.tencent.com/cns, 添加域名), or set luodi:dns.manage to create"
    )


@pytest.mark.parametrize("code", MISSING)
def test_a_zone_to_create_need_not(code: str) -> None:
    account = FakeAccount(answers={"DescribeDomain": refused(code)})
    preflight.check(account, site("create"), OWNER, publishes=True, held=nothing)
    assert len(account.calls) == 1


TWO_IN_A_ZONE = {
    "tencentcloud:region": "ap-guangzhou",
    "luodi:site": {"domain": "example.cn", "title": "示例"},
    "luodi:sites": [{"site": {"domain": "docs.example.cn", "title": "示例文档"}}],
    "luodi:server": {"kind": "cvm"},
}


@pytest.mark.parametrize("code", MISSING)
def test_a_zone_that_is_made_for_one_site_is_there_for_others(code: str) -> None:
    settings = Settings.parse({**TWO_IN_A_ZONE, "luodi:dns": {"manage": "create"}})
    assert settings.own_zones == {"example.cn"}
    account = FakeAccount(answers={"DescribeDomain": refused(code)})
    for each in settings.sites:
        preflight.check(account, each, OWNER, publishes=True, held=nothing, creates=each.zone in settings.own_zones)


def test_a_further_site_s_zone_is_asked_for_where_it_is_said() -> None:
    _, further = Settings.parse(TWO_IN_A_ZONE).sites
    account = FakeAccount(answers={"DescribeDomain": refused(MISSING[0])})
    with pytest.raises(PreflightError, match=r"or set luodi:sites\[0\]\.dns\.manage to create"):
        preflight.check(account, further, OWNER, publishes=True, held=nothing)


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
        preflight.check(account, site(manage), OWNER, publishes=True, held=nothing)
    assert str(caught.value) == (
        f"luodi:dns: the zone example.cn belongs to another account at DNSPod ({code}). Use that account's key, or "
        "take the domain back there (域名取回)"
    )


def test_another_refusal_is_told_as_it_is() -> None:
    account = FakeAccount(answers={"DescribeDomain": refused("AuthFailure.SignatureFailure")})
    with pytest.raises(ApiError, match="SignatureFailure") as caught:
        preflight.check(account, site(), OWNER, publishes=True, held=nothing)
    assert not isinstance(caught.value, PreflightError)
    account = FakeAccount(answers={"DescribeDomain": zone, "DescribeRecordList": refused("InternalError")})
    with pytest.raises(ApiError, match="InternalError"):
        preflight.check(account, site(), OWNER, publishes=True, held=nothing)


def test_a_cloud_that_does_not_answer_is_told() -> None:
    def silent(_: dict[str, Any]) -> dict[str, Any]:
        raise Unreachable("DescribeDomain", "127.0.0.1:1", "Connection refused")

    with pytest.raises(Unreachable):
        preflight.check(FakeAccount(answers={"DescribeDomain": silent}), site(), OWNER, publishes=True, held=nothing)


def refused_for(site: HostedSite, *found: dict[str, Any], held: Callable[[], Held] = nothing) -> str:
    """What is said of records at www."""
    account = FakeAccount(answers={"DescribeDomain": zone, "DescribeRecordList": records(*found)})
    with pytest.raises(PreflightError) as caught:
        preflight.check(account, site, OWNER, publishes=True, held=held)
    return str(caught.value)


TAKEN = (
    "luodi:site: www.example.cn has a record already, which this stack did not make: {} (RecordId 7). Visitors would "
    "be sent to both.\nNothing was changed. Delete or pause it (https://console.cloud.tencent.com/cns, 暂停), then run "
    "pulumi up again."
)
LINES = """
Or let the stack take it over as it is (docs/adopting.md), by these lines in the stack file:
  luodi:dns:
    adopt:
      www.example.cn: 7"""


@pytest.mark.parametrize("kind", ["AAAA", "CNAME", "显性URL", "隐性URL"])
def test_a_name_that_leads_elsewhere_is_not_taken(kind: str) -> None:
    assert refused_for(site(), {"Type": kind, "Value": "x.example.com."}) == TAKEN.format(f"{kind} x.example.com.")


def test_an_a_record_can_be_taken_over_by_the_lines_that_are_told() -> None:
    told = refused_for(site(), {"Type": "A", "Value": "203.0.113.7"})
    assert told == TAKEN.format("A 203.0.113.7") + LINES
    said = yaml.safe_load(told.partition("stack file:\n")[2])
    assert said == {"luodi:dns": {"adopt": {"www.example.cn": 7}}}


@pytest.mark.parametrize(
    "found",
    [
        ({"Type": "A", "Value": "203.0.113.7"}, {"Type": "A", "Value": "203.0.113.8", "RecordId": 8}),
        ({"Type": "A", "Value": "203.0.113.7", "Line": "境内"},),
    ],
)
def test_what_can_t_be_taken_over_is_not_offered(found: tuple[dict[str, Any], ...]) -> None:
    assert "adopt" not in refused_for(site(), *found)


def test_a_further_site_s_lines_are_its_own() -> None:
    main = {"domain": "example.cn", "title": "示例"}
    both = {
        "tencentcloud:region": "ap-guangzhou",
        "luodi:site": {**main, "names": ["example.cn"]},
        "luodi:server": {"kind": "cvm"},
        "luodi:sites": [{"site": {**main, "domain": "www.example.cn"}}],
    }
    told = refused_for(Settings.parse(both).sites[1], {"Type": "A", "Value": "203.0.113.7"})
    assert told.startswith("luodi:sites[0].site: www.example.cn has a record already")
    assert yaml.safe_load(told.partition("stack file:\n")[2]) == {"dns": {"adopt": {"www.example.cn": 7}}}


def test_a_record_that_is_taken_over_is_no_stranger() -> None:
    found = records({"Type": "A", "Value": "203.0.113.7"}, {"Type": "TXT", "Value": "spf", "RecordId": 8})
    account = FakeAccount(answers={"DescribeDomain": zone, "DescribeRecordList": found})
    preflight.check(account, site(www=7), OWNER, publishes=True, held=nothing)


def test_a_record_that_the_state_holds_is_no_stranger() -> None:
    found = records({"Type": "A", "Value": "203.0.113.7"})
    account = FakeAccount(answers={"DescribeDomain": zone, "DescribeRecordList": found})
    preflight.check(account, site(), OWNER, publishes=True, held=zone_and_record)


def test_the_state_is_not_asked_where_the_remark_tells() -> None:
    found = records({"Type": "A", "Value": "203.0.113.7", "Remark": OWNER})
    account = FakeAccount(answers={"DescribeDomain": zone, "DescribeRecordList": found})
    preflight.check(account, site(), OWNER, publishes=True, held=not_asked)


OURS = {"Type": "A", "Value": "203.0.113.9", "RecordId": 8, "Remark": OWNER}
THEIRS = {"Type": "A", "Value": "203.0.113.7"}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], "is no record of www.example.cn; there is none that leads visitors anywhere"),
        (
            [{**THEIRS, "RecordId": 8}, {"Type": "TXT", "Value": "spf", "RecordId": 9}],
            "is no record of www.example.cn; there is A 203.0.113.7 (RecordId 8)",
        ),
        (
            [{"Type": "CNAME", "Value": "example.cn."}],
            "of www.example.cn is of type CNAME (example.cn.); only an A record can be taken over",
        ),
        (
            [{**THEIRS, "Line": "境内"}],
            "of www.example.cn is for the line (线路) 境内 alone; only a record of 默认",
        ),
        ([{**THEIRS, "Status": "DISABLE"}], "of www.example.cn is paused (暂停); enable it there"),
        (
            [THEIRS, OURS],
            "of www.example.cn can't be taken over: this stack has a record there already, A 203.0.113.9 (RecordId 8)",
        ),
    ],
)
def test_an_id_that_can_t_be_taken_over_is_refused(found: list[dict[str, Any]], said: str) -> None:
    assert refused_for(site(www=7), *found).startswith(f"luodi:dns.adopt: RecordId 7 {said}")


def test_what_was_switched_already_is_not_taken_over_again() -> None:
    mine = {"Type": "A", "Value": "203.0.113.9", "Remark": OWNER}
    assert refused_for(site(www=7), mine, held=zone_and_record) == (
        "luodi:dns.adopt: RecordId 7 of www.example.cn is this stack's own already. Take the line out of the stack file"
    )


def test_a_record_of_a_stack_whose_state_was_lost_is_taken_over_again() -> None:
    found = records({"Type": "A", "Value": "203.0.113.9", "Remark": OWNER})
    account = FakeAccount(answers={"DescribeDomain": zone, "DescribeRecordList": found})
    preflight.check(account, site(www=7), OWNER, publishes=True, held=nothing)


def test_another_record_beside_the_one_that_is_taken_over_is_refused() -> None:
    told = refused_for(site(www=7), THEIRS, {"Type": "AAAA", "Value": "2001:db8::7", "RecordId": 8})
    assert "which this stack did not make: AAAA 2001:db8::7 (RecordId 8)" in told
    assert "adopt" not in told


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
    preflight.check(account, site(), OWNER, publishes=True, held=nothing)


def test_the_same_project_s_other_stack_is_somebody_else() -> None:
    found = records({"Type": "A", "Value": "203.0.113.7", "Remark": "luodi project/staging"})
    account = FakeAccount(answers={"DescribeDomain": zone, "DescribeRecordList": found})
    with pytest.raises(PreflightError, match="has a record already"):
        preflight.check(account, site(), OWNER, publishes=True, held=nothing)
