"""Zones and records by DNSPod's API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud import zones
from tests.cloud import Cloud
from tests.localcloud.refusals import code_of, refused

LINE = {"RecordLine": "默认"}


@pytest.fixture
def zone(cloud: Cloud) -> Iterator[str]:
    cloud.call("dnspod", "CreateDomain", {"Domain": "luodi-test.cn"})
    yield "luodi-test.cn"
    cloud.call("dnspod", "DeleteDomain", {"Domain": "luodi-test.cn"})


def _add(cloud: Cloud, zone: str, **record: Any) -> int:
    return int(cloud.call("dnspod", "CreateRecord", {"Domain": zone, **LINE, **record})["RecordId"])


def _listed(cloud: Cloud, zone: str, **filters: Any) -> list[dict[str, Any]]:
    return list(cloud.call("dnspod", "DescribeRecordList", {"Domain": zone, **filters})["RecordList"])


def test_a_zone_from_beginning_to_end(cloud: Cloud) -> None:
    before = cloud.counts()
    made = cloud.call("dnspod", "CreateDomain", {"Domain": "Example.CN."})["DomainInfo"]
    assert made["Domain"] == "example.cn"
    assert made["GradeNsList"] == ["f1g1ns1.dnspod.net", "f1g1ns2.dnspod.net"]
    assert refused(cloud, "dnspod", "CreateDomain", {"Domain": "example.cn"}) == "FailedOperation.DomainExists"
    shown = cloud.call("dnspod", "DescribeDomain", {"Domain": "example.cn"})["DomainInfo"]
    assert (shown["DomainId"], shown["Status"], shown["RecordCount"]) == (made["Id"], "ENABLE", 2)
    listed = cloud.call("dnspod", "DescribeDomainList", {"Keyword": "example"})
    assert [one["Name"] for one in listed["DomainList"]] == ["example.cn"]
    cloud.call("dnspod", "ModifyDomainStatus", {"Domain": "example.cn", "Status": "disable"})
    assert cloud.call("dnspod", "DescribeDomain", {"Domain": "example.cn"})["DomainInfo"]["Status"] == "PAUSE"
    _add(cloud, "example.cn", RecordType="A", Value="192.0.2.1")
    cloud.call("dnspod", "DeleteDomain", {"Domain": "example.cn"})
    code = "InvalidParameterValue.DomainNotExists"
    assert refused(cloud, "dnspod", "DescribeDomain", {"Domain": "example.cn"}) == code
    assert cloud.counts() == before


def test_a_chinese_domain_has_two_spellings(cloud: Cloud) -> None:
    made = cloud.call("dnspod", "CreateDomain", {"Domain": "落地.中国"})["DomainInfo"]
    assert made["Punycode"] == "xn--ces516h.xn--fiqs8s"
    assert cloud.call("dnspod", "DescribeDomain", {"Domain": made["Punycode"]})["DomainInfo"]["DomainId"] == made["Id"]
    cloud.call("dnspod", "DeleteDomain", {"Domain": "落地.中国"})


@pytest.mark.parametrize(
    "domain", ["192.0.2.1", "a_b.cn", "com.cn", "www.example.cn", "cn", "", "a..cn", "-a.cn", "a b.cn"]
)
def test_what_is_no_domain(cloud: Cloud, domain: str) -> None:
    assert refused(cloud, "dnspod", "CreateDomain", {"Domain": domain}) == "InvalidParameter.DomainInvalid"


@given(st.text(max_size=80))
def test_any_text_is_a_domain_or_refused(text: str) -> None:
    code = code_of(lambda: zones.to_ascii(text))
    assert code in {None, "InvalidParameter.DomainInvalid"}
    if code is None:
        name = zones.to_ascii(text)
        assert name.isascii()
        assert zones.to_ascii(name) == name


@given(st.sampled_from(sorted(zones.TYPES)), st.text(max_size=300))
def test_any_value_is_kept_and_can_be_served_or_refused(record_type: str, text: str) -> None:
    code = code_of(lambda: zones.check_value(record_type, text, 10))
    assert code in {None, "InvalidParameter.RecordValueInvalid", "InvalidParameter.RecordValueLengthInvalid"}
    if code is None:
        zones.to_rdata(record_type, zones.check_value(record_type, text, 10), 10)


@given(st.text(max_size=100))
def test_any_host_record_is_kept_or_refused(text: str) -> None:
    code = code_of(lambda: zones.check_subdomain(text))
    assert code in {None, "InvalidParameter.SubdomainInvalid"}
    if code is None:
        name = zones.check_subdomain(text)
        assert zones.check_subdomain(name) == name


def test_a_zone_of_another_account(cloud: Cloud) -> None:
    cloud.foreign_zone("theirs.cn")
    code = "FailedOperation.DomainOwnedByOtherUser"
    assert refused(cloud, "dnspod", "CreateDomain", {"Domain": "theirs.cn"}) == code
    for action, more in (
        ("DescribeDomain", {}),
        ("DescribeRecordList", {}),
        ("CreateRecord", {**LINE, "RecordType": "A", "Value": "192.0.2.1"}),
        ("DeleteRecord", {"RecordId": 1}),
        ("DeleteDomain", {}),
    ):
        code = "OperationDenied.NoPermissionToOperateDomain"
        assert refused(cloud, "dnspod", action, {"Domain": "theirs.cn", **more}) == code


def test_a_record_from_beginning_to_end(cloud: Cloud, zone: str) -> None:
    record = _add(cloud, zone, SubDomain="www", RecordType="CNAME", Value="example.com", TTL=900, Remark="备注")
    question = {"Domain": zone, "RecordId": record}
    shown = cloud.call("dnspod", "DescribeRecord", question)["RecordInfo"]
    assert (shown["Value"], shown["TTL"], shown["Enabled"]) == ("example.com.", 900, 1)
    assert (shown["RecordLine"], shown["RecordLineId"], shown["Remark"]) == ("默认", "0", "备注")
    change = {**question, **LINE, "RecordType": "A", "Value": "192.0.2.7", "SubDomain": "www", "Status": "DISABLE"}
    cloud.call("dnspod", "ModifyRecord", change)
    shown = cloud.call("dnspod", "DescribeRecord", question)["RecordInfo"]
    assert (shown["RecordType"], shown["Value"], shown["TTL"], shown["Enabled"]) == ("A", "192.0.2.7", 900, 0)
    cloud.call("dnspod", "ModifyRecordStatus", {**question, "Status": "ENABLE"})
    cloud.call("dnspod", "ModifyRecordRemark", {**question, "Remark": ""})
    (listed,) = _listed(cloud, zone, Subdomain="www", RecordType="A")
    assert (listed["RecordId"], listed["Status"], listed["Remark"]) == (record, "ENABLE", "")
    cloud.call("dnspod", "DeleteRecord", question)
    for action in ("DescribeRecord", "DeleteRecord"):
        assert refused(cloud, "dnspod", action, question) == "InvalidParameter.RecordIdInvalid"


def test_txt_records_beside_each_other(cloud: Cloud, zone: str) -> None:
    values = ["one", "two", "a " * 300]  # in this order: the first listed is "one"
    for value in values:
        parameters = {"Domain": zone, **LINE, "SubDomain": "_acme-challenge", "Value": value}
        cloud.call("dnspod", "CreateTXTRecord", parameters)
    listed = _listed(cloud, zone, SubDomain="_acme-challenge")
    assert {one["Value"] for one in listed} == {value.strip() for value in values}
    again = {"Domain": zone, **LINE, "SubDomain": "_acme-challenge", "Value": "one"}
    assert refused(cloud, "dnspod", "CreateTXTRecord", again) == "InvalidParameter.DomainRecordExist"
    change = {**again, "RecordId": listed[0]["RecordId"], "Value": "two"}
    assert refused(cloud, "dnspod", "ModifyTXTRecord", change) == "InvalidParameter.DomainRecordExist"


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"RecordType": "A", "Value": "example.com"}, "InvalidParameter.RecordValueInvalid"),
        ({"RecordType": "A", "Value": "192.0.2.256"}, "InvalidParameter.RecordValueInvalid"),
        ({"RecordType": "AAAA", "Value": "192.0.2.1"}, "InvalidParameter.RecordValueInvalid"),
        ({"RecordType": "CNAME", "Value": "a..b"}, "InvalidParameter.RecordValueInvalid"),
        ({"RecordType": "TXT", "Value": ""}, "InvalidParameter.RecordValueLengthInvalid"),
        ({"RecordType": "LOC", "Value": "x"}, "InvalidParameter.RecordTypeInvalid"),
        ({"RecordType": "显性URL", "Value": "http://x.cn"}, "InvalidParameter.DomainNotBeian"),
        ({"RecordType": "MX", "Value": "mail.example.com"}, "InvalidParameter.MxInvalid"),
        ({"RecordType": "A", "Value": "192.0.2.1", "TTL": 599}, "LimitExceeded.RecordTtlLimit"),
        ({"RecordType": "A", "Value": "192.0.2.1", "TTL": 604801}, "LimitExceeded.RecordTtlLimit"),
        ({"RecordType": "A", "Value": "192.0.2.1", "Weight": 101}, "InvalidParameter.InvalidWeight"),
        ({"RecordType": "A", "Value": "192.0.2.1", "SubDomain": "a b"}, "InvalidParameter.SubdomainInvalid"),
        ({"RecordType": "A", "Value": "192.0.2.1", "SubDomain": "a.*"}, "InvalidParameter.SubdomainInvalid"),
        ({"RecordType": "A", "Value": "192.0.2.1", "RecordLine": "default"}, "InvalidParameter.RecordLineInvalid"),
        ({"RecordType": "A", "Value": "192.0.2.1", "Status": "ON"}, "InvalidParameterValue"),
    ],
)
def test_records_that_cant_be(cloud: Cloud, zone: str, record: dict[str, Any], code: str) -> None:
    assert refused(cloud, "dnspod", "CreateRecord", {"Domain": zone, **LINE, **record}) == code


def test_a_cname_stands_alone(cloud: Cloud, zone: str) -> None:
    _add(cloud, zone, SubDomain="www", RecordType="A", Value="192.0.2.1")
    beside = {"Domain": zone, **LINE, "SubDomain": "www", "RecordType": "CNAME", "Value": "example.com"}
    assert refused(cloud, "dnspod", "CreateRecord", beside) == "InvalidParameter"
    _add(cloud, zone, SubDomain="@", RecordType="CNAME", Value="example.com")


def test_lists_and_pages(cloud: Cloud, zone: str) -> None:
    for number in range(5):
        _add(cloud, zone, SubDomain=f"h{number}", RecordType="A", Value=f"192.0.2.{number}")
    everything = _listed(cloud, zone)
    assert [one["DefaultNS"] for one in everything] == [True, True, *[False] * 5]
    page = cloud.call("dnspod", "DescribeRecordList", {"Domain": zone, "Offset": 3, "Limit": 2})
    assert page["RecordList"] == everything[3:5]
    assert page["RecordCountInfo"] == {"SubdomainCount": 6, "ListCount": 2, "TotalCount": 7}
    code = "ResourceNotFound.NoDataOfRecord"
    assert refused(cloud, "dnspod", "DescribeRecordList", {"Domain": zone, "SubDomain": "none"}) == code
    assert _listed(cloud, zone, SubDomain="none", ErrorOnEmpty="no") == []
    descending = _listed(cloud, zone, RecordType="A", SortField="name", SortType="DESC")
    assert [one["Name"] for one in descending] == ["h4", "h3", "h2", "h1", "h0"]


def test_the_zones_own_name_servers_stay(cloud: Cloud, zone: str) -> None:
    server = _listed(cloud, zone, RecordType="NS")[0]
    question = {"Domain": zone, "RecordId": server["RecordId"]}
    assert refused(cloud, "dnspod", "DeleteRecord", question) == "FailedOperation"


def test_a_record_id_is_good_in_its_own_zone_only(cloud: Cloud, zone: str) -> None:
    record = _add(cloud, zone, RecordType="A", Value="192.0.2.1")
    cloud.call("dnspod", "CreateDomain", {"Domain": "other-test.cn"})
    question = {"Domain": "other-test.cn", "RecordId": record}
    assert refused(cloud, "dnspod", "DeleteRecord", question) == "InvalidParameter.RecordIdInvalid"
    cloud.call("dnspod", "DeleteDomain", {"Domain": "other-test.cn"})
