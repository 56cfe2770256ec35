"""Alarms: their policies, whom they tell, what they watch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloud import Cloud
from tests.localcloud.orders import lighthouse
from tests.localcloud.refusals import refused

RULE = {"MetricName": "CpuUsage", "Period": 60, "Operator": "ge", "Value": "80", "ContinuePeriod": 5}
POLICY = {
    "Module": "monitor",
    "PolicyName": "site",
    "MonitorType": "MT_QCE",
    "Namespace": "LIGHTHOUSE",
    "Condition": {"IsUnionRule": 0, "Rules": [RULE]},
}
NOTICE = {
    "Module": "monitor",
    "Name": "team",
    "NoticeType": "ALL",
    "NoticeLanguage": "zh-CN",
    "URLNotices": [{"URL": "https://hooks.example.cn/"}],
}


@pytest.fixture
def policy(cloud: Cloud) -> Iterator[str]:
    identifier = cloud.call("monitor", "CreateAlarmPolicy", POLICY)["PolicyId"]
    yield identifier
    cloud.call("monitor", "DeleteAlarmPolicy", {"Module": "monitor", "PolicyIds": [identifier]})


def _asked(policy: str, **more: Any) -> dict[str, Any]:
    return {"Module": "monitor", "PolicyId": policy, **more}


def test_a_policy_is_changed_and_found(cloud: Cloud, policy: str) -> None:
    shown = cloud.call("monitor", "DescribeAlarmPolicy", _asked(policy))["Policy"]
    assert (shown["Enable"], shown["NamespaceShowName"]) == (1, "轻量应用服务器")
    assert (shown["Condition"]["Rules"][0]["Unit"], shown["EventCondition"]["Rules"]) == ("%", [])
    cloud.call("monitor", "ModifyAlarmPolicyInfo", _asked(policy, Key="NAME", Value="other"))
    cloud.call("monitor", "ModifyAlarmPolicyStatus", _asked(policy, Enable=0))
    found = cloud.call("monitor", "DescribeAlarmPolicies", {"Module": "monitor", "PolicyName": "oth", "Enable": [0]})
    assert [one["PolicyId"] for one in found["Policies"]] == [policy]
    assert cloud.call("monitor", "DescribeAlarmPolicy", _asked("policy-none"))["Policy"] is None


def test_what_a_policy_watches_belongs_to_a_region(cloud: Cloud, policy: str) -> None:
    with lighthouse(cloud) as instance:
        dimensions = json.dumps({"InstanceId": instance})
        bound = _asked(policy, GroupId=0, Dimensions=[{"Region": "gz", "Dimensions": dimensions}])
        for _ in range(2):
            cloud.call("monitor", "BindingPolicyObject", bound)
        listed = cloud.call("monitor", "DescribeBindingPolicyObjectList", _asked(policy, GroupId=0))
        assert [(one["Region"], one["Dimensions"]) for one in listed["List"]] == [("gz", dimensions)]
        elsewhere = cloud.call(
            "monitor", "DescribeBindingPolicyObjectList", _asked(policy, GroupId=0), region="ap-beijing"
        )
        assert elsewhere["Total"] == 0
        wrong = _asked(policy, GroupId=0, Dimensions=[{"Region": "bj", "Dimensions": dimensions}])
        assert refused(cloud, "monitor", "BindingPolicyObject", wrong) == "ResourceNotFound"
        unknown = _asked(policy, GroupId=0, Dimensions=[{"Region": "gz", "Dimensions": '{"unInstanceId": "ins-1"}'}])
        assert refused(cloud, "monitor", "BindingPolicyObject", unknown) == "InvalidParameterValue"
        named = _asked(policy, GroupId=0, UniqueId=[listed["List"][0]["UniqueId"]])
        cloud.call("monitor", "UnBindingPolicyObject", named)
        assert cloud.call("monitor", "DescribeAlarmPolicy", _asked(policy))["Policy"]["InstanceSum"] == 0


def test_a_notice_that_a_policy_uses_stays(cloud: Cloud, policy: str) -> None:
    notice = cloud.call("monitor", "CreateAlarmNotice", NOTICE)["NoticeId"]
    assert refused(cloud, "monitor", "CreateAlarmNotice", NOTICE) == "FailedOperation.DuplicateName"
    cloud.call("monitor", "ModifyAlarmPolicyNotice", _asked(policy, NoticeIds=[notice]))
    shown = cloud.call("monitor", "DescribeAlarmPolicy", _asked(policy))["Policy"]["Notices"][0]
    assert (shown["PolicyIds"], shown["URLNotices"][0]["URL"]) == ([policy], "https://hooks.example.cn/")
    removal = {"Module": "monitor", "NoticeIds": [notice]}
    assert refused(cloud, "monitor", "DeleteAlarmNotices", removal) == "ResourceInUse"
    cloud.call("monitor", "ModifyAlarmPolicyNotice", _asked(policy, NoticeIds=[]))
    cloud.call("monitor", "DeleteAlarmNotices", removal)


def test_what_can_be_watched_is_listed(cloud: Cloud) -> None:
    asked = {"Module": "monitor", "SceneType": "ST_ALARM"}
    namespaces = cloud.call("monitor", "DescribeAllNamespaces", asked)["QceNamespacesNew"]
    assert {"cvm_device", "LIGHTHOUSE"} <= {one["Id"] for one in namespaces}
    for one in namespaces:
        asked = {"Module": "monitor", "MonitorType": "MT_QCE", "Namespace": one["Id"]}
        metrics = cloud.call("monitor", "DescribeAlarmMetrics", asked)["Metrics"]
        assert "CpuUsage" in {metric["MetricName"] for metric in metrics}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Module": "other"}, "InvalidParameterValue"),
        ({"Namespace": "cvm"}, "InvalidParameterValue"),
        ({"MonitorType": "MT_CUSTOM"}, "InvalidParameterValue"),
        ({"PolicyName": "x" * 61}, "InvalidParameterValue"),
        ({"Condition": None}, "MissingParameter"),
        ({"Condition": {"Rules": [{**RULE, "MetricName": "Mood"}]}}, "InvalidParameter.Param"),
        ({"Condition": {"Rules": [{**RULE, "Operator": ">="}]}}, "InvalidParameter.Param"),
        ({"Condition": {"Rules": [{**RULE, "Value": "much"}]}}, "InvalidParameter.Param"),
        ({"EventCondition": {"Rules": [{"MetricName": "ping_unreachable"}]}}, "InvalidParameter.Param"),
        ({"NoticeIds": ["notice-none"]}, "ResourceNotFound"),
        ({"IsBindAll": 1}, "UnsupportedOperation"),
    ],
)
def test_policies_that_cant_be(cloud: Cloud, change: dict[str, Any], code: str) -> None:
    assert refused(cloud, "monitor", "CreateAlarmPolicy", {**POLICY, **change}) == code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"NoticeType": "LOUD"}, "InvalidParameterValue"),
        ({"URLNotices": [{"URL": "ftp://example.cn/"}]}, "InvalidParameterValue"),
        ({"URLNotices": [{"URL": "https://hooks.example.cn/"}] * 4}, "LimitExceeded"),
    ],
)
def test_notices_that_cant_be(cloud: Cloud, change: dict[str, Any], code: str) -> None:
    assert refused(cloud, "monitor", "CreateAlarmNotice", {**NOTICE, **change}) == code
