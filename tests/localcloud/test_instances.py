"""Instances of CVM and Lighthouse: ordered, run, stopped, started, given back."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.cloud import Cloud, running_cloud
from tests.localcloud import orders
from tests.localcloud.refusals import refused


def _shown(cloud: Cloud, instance: str) -> dict[str, Any]:
    described = orders.described(cloud, instance)
    assert described is not None
    return described


def test_an_order_is_pending_until_its_machine_is_up(cloud: Cloud) -> None:
    order = {"ImageId": orders.ubuntu(cloud), "Placement": {"Zone": orders.ZONE}, "ClientToken": "once"}
    (instance,) = cloud.call("cvm", "RunInstances", order)["InstanceIdSet"]
    assert _shown(cloud, instance)["InstanceState"] in {"PENDING", "RUNNING"}
    cloud.until(lambda: _shown(cloud, instance)["InstanceState"] == "RUNNING")
    shown = _shown(cloud, instance)
    assert (shown["LatestOperation"], shown["LatestOperationState"]) == ("RunInstances", "SUCCESS")
    assert shown["PublicIpAddresses"] == []
    assert shown["RenewFlag"] is None
    assert cloud.call("cvm", "RunInstances", order)["InstanceIdSet"] == [instance]
    orders.end_cvm(cloud, instance)


def test_user_data_runs_once(cloud: Cloud) -> None:
    script = "#!/bin/sh\necho ran >> /root/ran\nhostname >> /root/ran\n"
    encoded = base64.b64encode(script.encode()).decode()
    with orders.cvm(cloud, UserData=encoded, HostName="shop") as (instance, _):
        cloud.until(lambda: "ran" in cloud.run(instance, "cat /root/ran || true"))
        cloud.call("cvm", "RebootInstances", {"InstanceIds": [instance]})
        cloud.settle()
        assert cloud.run(instance, "cat /root/ran").split() == ["ran", "shop"]
        question = {"InstanceIds": [instance], "Attributes": ["UserData"]}
        (kept,) = cloud.call("cvm", "DescribeInstancesAttributes", question)["InstanceSet"]
        assert kept["Attributes"]["UserData"] == encoded


def test_stop_start_and_what_they_refuse(cloud: Cloud) -> None:
    with orders.cvm(cloud) as (instance, _):
        cloud.run(instance, "echo kept > /root/file; echo gone > /run/file")
        ids = {"InstanceIds": [instance]}
        assert refused(cloud, "cvm", "StartInstances", ids) == "UnsupportedOperation.InstanceStateRunning"
        cloud.call("cvm", "StopInstances", ids)
        cloud.settle()
        assert _shown(cloud, instance)["InstanceState"] == "STOPPED"
        assert refused(cloud, "cvm", "StopInstances", ids) == "UnsupportedOperation.InstanceStateStopped"
        cloud.call("cvm", "StartInstances", ids)
        cloud.settle()
        assert _shown(cloud, instance)["InstanceState"] == "RUNNING"
        assert cloud.run(instance, "cat /root/file; ls /run/file 2>/dev/null || true") == "kept\n"


def test_a_prepaid_instance_goes_by_way_of_the_recycle_bin(cloud: Cloud) -> None:
    with orders.cvm(
        cloud,
        InstanceChargeType="PREPAID",
        InstanceChargePrepaid={"Period": 12, "RenewFlag": "NOTIFY_AND_AUTO_RENEW"},
    ) as (instance, group):
        shown = _shown(cloud, instance)
        assert shown["RenewFlag"] == "NOTIFY_AND_AUTO_RENEW"
        assert int(shown["ExpiredTime"][:4]) == int(shown["CreatedTime"][:4]) + 1
        cloud.call("cvm", "TerminateInstances", {"InstanceIds": [instance]})
        cloud.settle()
        shown = _shown(cloud, instance)
        assert (shown["InstanceState"], shown["LatestOperationState"]) == ("SHUTDOWN", "SUCCESS")
        assert group not in shown["SecurityGroupIds"]
        cloud.call("cvm", "TerminateInstances", {"InstanceIds": [instance]})
        cloud.settle()
        assert orders.described(cloud, instance) is None


def test_what_is_changed_is_shown(cloud: Cloud) -> None:
    with orders.cvm(cloud, SystemDisk={"DiskSize": 60, "DiskName": "root"}) as (instance, group):
        ids = {"InstanceIds": [instance]}
        change = {**ids, "InstanceName": "二号", "SecurityGroups": [group]}
        cloud.call("cvm", "ModifyInstancesAttribute", change)
        cloud.call(
            "cvm", "ResetInstancesInternetMaxBandwidth", {**ids, "InternetAccessible": {"InternetMaxBandwidthOut": 9}}
        )
        cloud.call("cvm", "ResetInstancesType", {**ids, "InstanceType": "S5.MEDIUM4"})
        cloud.settle()
        shown = _shown(cloud, instance)
        assert (shown["InstanceName"], shown["CPU"], shown["Memory"]) == ("二号", 2, 4)
        assert shown["InternetAccessible"]["InternetMaxBandwidthOut"] == 9
        disk = shown["SystemDisk"]["DiskId"]
        (described,) = cloud.call("cbs", "DescribeDisks", {"DiskIds": [disk]})["DiskSet"]
        assert (described["DiskName"], described["DiskSize"], described["InstanceId"]) == ("root", 60, instance)
        cloud.call("cvm", "ResizeInstanceDisks", {"InstanceId": instance, "SystemDisk": {"DiskSize": 80}})
        assert _shown(cloud, instance)["SystemDisk"]["DiskSize"] == 80
        smaller = {"InstanceId": instance, "SystemDisk": {"DiskSize": 50}}
        assert refused(cloud, "cvm", "ResizeInstanceDisks", smaller) == "InvalidParameterValue"


def test_a_reinstalled_instance_begins_anew(cloud: Cloud) -> None:
    with orders.cvm(cloud) as (instance, _):
        cloud.run(instance, "echo old > /root/file")
        cloud.call("cvm", "ResetInstance", {"InstanceId": instance})
        cloud.settle()
        assert cloud.run(instance, "ls /root/file 2>/dev/null || echo none") == "none\n"


def test_a_protected_instance_stays(cloud: Cloud) -> None:
    with orders.cvm(cloud, DisableApiTermination=True) as (instance, _):
        ids = {"InstanceIds": [instance]}
        assert refused(cloud, "cvm", "TerminateInstances", ids) == "UnsupportedOperation"
        cloud.call("cvm", "ModifyInstancesAttribute", {**ids, "DisableApiTermination": False})


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ImageId": None}, "MissingParameter"),
        ({"ImageId": "img-00000000"}, "InvalidImageId.NotFound"),
        ({"ImageId": "ubuntu"}, "InvalidImageId.Malformed"),
        ({"Placement": {"Zone": "ap-beijing-3"}}, "InvalidZone.MismatchRegion"),
        ({"InstanceType": "S99.HUGE"}, "InvalidParameterValue.InstanceTypeNotFound"),
        ({"InstanceChargeType": "PREPAID"}, "MissingParameter"),
        ({"InstanceChargeType": "PREPAID", "InstanceChargePrepaid": {"Period": 13}}, "InvalidPeriod"),
        ({"SecurityGroupIds": ["sg-00000000"]}, "InvalidSecurityGroupId.NotFound"),
        ({"InternetAccessible": {"PublicIpAssigned": True}}, "InvalidParameterCombination"),
        ({"UserData": "not base64!"}, "InvalidParameterValue.InvalidUserDataFormat"),
        (
            {"UserData": base64.b64encode(b"x" * 16385).decode()},
            "InvalidParameterValue.InvalidUserDataFormat",
        ),
        ({"HostName": "-shop"}, "InvalidParameterValue.IllegalHostName"),
        ({"SystemDisk": {"DiskSize": 10}}, "InvalidParameterValue.Range"),
        ({"DryRun": True}, "DryRunOperation"),
        (
            {"VirtualPrivateCloud": {"VpcId": "vpc-0", "SubnetId": "subnet-0"}},
            "InvalidParameterValue.InvalidVpcIdSubnetIdNotFound",
        ),
    ],
)
def test_orders_that_cant_be_filled(cloud: Cloud, changes: dict[str, Any], code: str) -> None:
    before = cloud.counts()
    order = {"ImageId": orders.ubuntu(cloud), "Placement": {"Zone": orders.ZONE}, **changes}
    assert refused(cloud, "cvm", "RunInstances", order) == code
    assert cloud.counts() == before


def test_two_zones_of_a_subnet_dont_mix(cloud: Cloud) -> None:
    with orders.network(cloud) as where:
        order = {
            "ImageId": orders.ubuntu(cloud),
            "Placement": {"Zone": "ap-guangzhou-3"},
            "VirtualPrivateCloud": where,
        }
        assert refused(cloud, "cvm", "RunInstances", order) == "InvalidParameterValue.SubnetIdZoneIdNotMatch"


def test_key_pairs(cloud: Cloud) -> None:
    made = cloud.call("cvm", "CreateKeyPair", {"KeyName": "made", "ProjectId": 0})["KeyPair"]
    assert "PRIVATE KEY" in made["PrivateKey"]
    (shown,) = cloud.call("cvm", "DescribeKeyPairs", {"KeyIds": [made["KeyId"]]})["KeyPairSet"]
    assert shown["PrivateKey"] is None
    again = {"KeyName": "again", "ProjectId": 0, "PublicKey": made["PublicKey"]}
    assert refused(cloud, "cvm", "ImportKeyPair", again) == "InvalidPublicKey.Duplicate"
    wrong = {**again, "PublicKey": "ssh-rsa AAAA"}
    assert refused(cloud, "cvm", "ImportKeyPair", wrong) == "InvalidPublicKey.Malformed"
    with orders.cvm(cloud, LoginSettings={"KeyIds": [made["KeyId"]]}):
        keys = {"KeyIds": [made["KeyId"]]}
        assert refused(cloud, "cvm", "DeleteKeyPairs", keys) == "InvalidParameterValue.KeyPairNotSupported"
    cloud.call("cvm", "DeleteKeyPairs", keys)
    assert cloud.call("cvm", "DescribeKeyPairs", keys)["KeyPairSet"] == []


def test_lighthouse_from_beginning_to_end(cloud: Cloud) -> None:
    before = cloud.counts()
    with orders.lighthouse(cloud, InstanceName="店", Tags=[{"Key": "env", "Value": "test"}]) as instance:
        shown = _shown(cloud, instance)
        assert (shown["InstanceState"], shown["InstanceName"]) == ("RUNNING", "店")
        assert shown["Tags"] == [{"Key": "env", "Value": "test"}]
        assert len(shown["PublicAddresses"]) == 1
        ids = {"InstanceIds": [instance]}
        change = {**ids, "InstanceName": "新店"}
        cloud.call("lighthouse", "ModifyInstancesAttribute", change)
        cloud.call("lighthouse", "ModifyInstancesRenewFlag", {**ids, "RenewFlag": "NOTIFY_AND_AUTO_RENEW"})
        cloud.call("lighthouse", "ModifyInstancesBundle", {**ids, "BundleId": "bundle_gen_mc_med2_02"})
        cloud.settle()
        shown = _shown(cloud, instance)
        assert (shown["InstanceName"], shown["Memory"], shown["RenewFlag"]) == ("新店", 4, "NOTIFY_AND_AUTO_RENEW")
        code = "UnsupportedOperation.InvalidInstanceState"
        assert refused(cloud, "lighthouse", "TerminateInstances", ids) == code
        cloud.call("lighthouse", "StopInstances", ids)
        cloud.settle()
        cloud.call("lighthouse", "StartInstances", ids)
        cloud.settle()
        assert _shown(cloud, instance)["InstanceState"] == "RUNNING"
    assert orders.described(cloud, instance) is None
    assert cloud.counts() == before


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"BundleId": "bundle_none"}, "InvalidParameter.BundleIdNotFound"),
        ({"BlueprintId": "lhbp-00000000"}, "ResourceNotFound.BlueprintIdNotFound"),
        ({"BlueprintId": "ubuntu"}, "InvalidParameterValue.BlueprintIdMalformed"),
        ({"InstanceChargePrepaid": {"Period": 0}}, "InvalidParameterValue"),
        ({"InstanceChargePrepaid": {}}, "MissingParameter"),
        ({"InstanceChargePrepaid": {"Period": 1, "RenewFlag": "NEVER"}}, "InvalidParameterValue"),
        ({"Zones": ["ap-beijing-3"]}, "InvalidParameterValue.InvalidZone"),
        ({"FirewallTemplateId": "lhft-00000000"}, "ResourceNotFound.FirewallTemplateNotFound"),
        ({"DryRun": True}, "DryRunOperation"),
    ],
)
def test_lighthouse_orders_that_cant_be_filled(cloud: Cloud, changes: dict[str, Any], code: str) -> None:
    order = {
        "BundleId": orders.BUNDLE,
        "BlueprintId": "lhbp-f1lkcd41",
        "InstanceChargePrepaid": {"Period": 1},
        **changes,
    }
    assert refused(cloud, "lighthouse", "CreateInstances", order) == code


def _rules(cloud: Cloud, instance: str) -> list[tuple[str, str]]:
    described = cloud.call("lighthouse", "DescribeFirewallRules", {"InstanceId": instance})["FirewallRuleSet"]
    return [(rule["Protocol"], rule["Port"]) for rule in described]


def test_a_firewall_begins_with_the_usual_rules_or_with_a_templates(cloud: Cloud) -> None:
    usual = cloud.call("lighthouse", "DescribeFirewallRulesTemplate")["FirewallRuleSet"]
    with orders.lighthouse(cloud) as instance:
        assert _rules(cloud, instance) == [(rule["Protocol"], rule["Port"]) for rule in usual]
        again = {"InstanceId": instance, "FirewallRules": [{"Protocol": "TCP", "Port": "22"}]}
        assert refused(cloud, "lighthouse", "CreateFirewallRules", again) == "InvalidParameter.FirewallRulesExist"
    template = cloud.call("lighthouse", "CreateFirewallTemplate", {"TemplateName": "empty"})["TemplateId"]
    with orders.lighthouse(cloud, FirewallTemplateId=template) as instance:
        assert _rules(cloud, instance) == []
        wanted = [{"Protocol": "TCP", "Port": "443"}, {"Protocol": "TCP", "Port": "80"}, {"Protocol": "ICMP"}]
        cloud.call("lighthouse", "CreateFirewallRules", {"InstanceId": instance, "FirewallRules": wanted})
        assert _rules(cloud, instance) == [("TCP", "443"), ("TCP", "80"), ("ICMP", "ALL")]
        described = cloud.call("lighthouse", "DescribeFirewallRules", {"InstanceId": instance, "Limit": 1})
        assert described["TotalCount"] == 3
        (https,) = described["FirewallRuleSet"]
        assert (https["AppType"], https["CidrBlock"], https["Action"]) == ("HTTPS(443)", "0.0.0.0/0", "ACCEPT")
        stale = {
            "InstanceId": instance,
            "FirewallRules": wanted[:1],
            "FirewallVersion": described["FirewallVersion"] - 1,
        }
        code = "UnsupportedOperation.FirewallVersionMismatch"
        assert refused(cloud, "lighthouse", "ModifyFirewallRules", stale) == code
        cloud.call("lighthouse", "ModifyFirewallRules", {"InstanceId": instance, "FirewallRules": wanted[:1]})
        assert _rules(cloud, instance) == [("TCP", "443")]
        cloud.call("lighthouse", "DeleteFirewallRules", {"InstanceId": instance, "FirewallRules": wanted[:1]})
        gone = {"InstanceId": instance, "FirewallRules": wanted[:1]}
        assert refused(cloud, "lighthouse", "DeleteFirewallRules", gone) == "ResourceNotFound.FirewallRulesNotFound"
    cloud.call("lighthouse", "DeleteFirewallTemplate", {"TemplateId": template})


def test_firewall_templates(cloud: Cloud) -> None:
    web = [{"Protocol": "TCP", "Port": "80,443"}]
    made = cloud.call("lighthouse", "CreateFirewallTemplate", {"TemplateName": "web", "TemplateRules": web})
    template = {"TemplateId": made["TemplateId"]}
    duplicate = {**template, "TemplateRules": web}
    code = "InvalidParameterValue.DuplicatedFirewallTemplateRule"
    assert refused(cloud, "lighthouse", "CreateFirewallTemplateRules", duplicate) == code
    more = {**template, "TemplateRules": [{"Protocol": "UDP", "Port": "443"}]}
    (added,) = cloud.call("lighthouse", "CreateFirewallTemplateRules", more)["TemplateRuleIdSet"]
    rules = cloud.call("lighthouse", "DescribeFirewallTemplateRules", template)["TemplateRuleSet"]
    assert [rule["FirewallRuleInfo"]["Protocol"] for rule in rules] == ["TCP", "UDP"]
    cloud.call("lighthouse", "DeleteFirewallTemplateRules", {**template, "TemplateRuleIds": [added]})
    assert cloud.call("lighthouse", "DescribeFirewallTemplateRules", template)["TotalCount"] == 1
    cloud.call("lighthouse", "ModifyFirewallTemplate", {**template, "TemplateName": "网站"})
    (shown,) = cloud.call("lighthouse", "DescribeFirewallTemplates", {"TemplateIds": [made["TemplateId"]]})[
        "TemplateSet"
    ]
    assert shown["TemplateName"] == "网站"
    cloud.call("lighthouse", "DeleteFirewallTemplate", template)
    assert cloud.call("lighthouse", "DescribeFirewallTemplates", {})["TemplateSet"] == []


def test_an_instance_is_in_its_region_only(cloud: Cloud) -> None:
    with orders.lighthouse(cloud, region="ap-nanjing") as instance:
        ids = {"InstanceIds": [instance]}
        assert cloud.call("lighthouse", "DescribeInstances", ids)["InstanceSet"] == []
        assert cloud.call("lighthouse", "DescribeInstances", ids, region="ap-nanjing")["TotalCount"] == 1
        code = "ResourceNotFound.InstanceIdNotFound"
        assert refused(cloud, "lighthouse", "StopInstances", ids) == code
        command = {"Content": "bHM=", "InstanceIds": [instance]}
        assert refused(cloud, "tat", "RunCommand", command) == "ResourceNotFound.InstanceNotFound"


def test_when_addresses_run_out(tmp_path: Any) -> None:
    with running_cloud(tmp_path / "small", addresses=8) as cloud:
        taken = [cloud.call("vpc", "AllocateAddresses")["AddressSet"][0] for _ in range(6)]
        assert refused(cloud, "vpc", "AllocateAddresses") == "ResourceInsufficient"
        cloud.call("vpc", "ReleaseAddresses", {"AddressIds": taken[:1]})
        cloud.call("vpc", "AllocateAddresses")
