"""Networks, security groups and elastic addresses."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cloud import Cloud
from tests.localcloud import orders
from tests.localcloud.refusals import refused


def test_a_network_from_beginning_to_end(cloud: Cloud) -> None:
    before = cloud.counts()
    tags = [{"Key": "env", "Value": "test"}]
    created = cloud.call("vpc", "CreateVpc", {"VpcName": "a", "CidrBlock": "10.9.0.0/16", "Tags": tags})["Vpc"]
    vpc = created["VpcId"]
    assert vpc.startswith("vpc-")
    assert created["TagSet"] == tags
    tables = cloud.call("vpc", "DescribeRouteTables", {"Filters": [{"Name": "vpc-id", "Values": [vpc]}]})
    (table,) = tables["RouteTableSet"]
    assert table["Main"] is True
    subnet = {"VpcId": vpc, "SubnetName": "s", "CidrBlock": "10.9.1.0/24", "Zone": orders.ZONE}
    made = cloud.call("vpc", "CreateSubnet", subnet)["Subnet"]
    assert (made["RouteTableId"], made["AvailableIpAddressCount"]) == (table["RouteTableId"], 253)
    change = {"SubnetId": made["SubnetId"], "SubnetName": "t", "EnableBroadcast": "true"}
    cloud.call("vpc", "ModifySubnetAttribute", change)
    filters = [{"Name": "subnet-name", "Values": ["t"]}]
    (shown,) = cloud.call("vpc", "DescribeSubnets", {"Filters": filters, "Limit": "1"})["SubnetSet"]
    assert (shown["SubnetId"], shown["EnableBroadcast"]) == (made["SubnetId"], True)
    assert refused(cloud, "vpc", "DeleteVpc", {"VpcId": vpc}) == "ResourceInUse"
    cloud.call("vpc", "DeleteSubnet", {"SubnetId": made["SubnetId"]})
    cloud.call("vpc", "DeleteVpc", {"VpcId": vpc})
    assert refused(cloud, "vpc", "DeleteVpc", {"VpcId": vpc}) == "ResourceNotFound"
    assert cloud.counts() == before


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"CidrBlock": "10.0.0.1/16"}, "InvalidParameterValue.Malformed"),
        ({"CidrBlock": "10.0.0.0/8"}, "InvalidParameterValue.Range"),
        ({"CidrBlock": "8.8.0.0/16"}, "InvalidParameterValue.Range"),
        ({"CidrBlock": "网络"}, "InvalidParameterValue.Malformed"),
    ],
)
def test_networks_that_cant_be(cloud: Cloud, parameters: dict[str, str], code: str) -> None:
    assert refused(cloud, "vpc", "CreateVpc", {"VpcName": "x", **parameters}) == code


def test_subnets_that_cant_be(cloud: Cloud) -> None:
    with orders.network(cloud) as where:
        base = {"VpcId": where["VpcId"], "SubnetName": "x", "Zone": orders.ZONE}
        for cidr, code in (
            ("10.2.0.0/24", "InvalidParameterValue.SubnetRange"),
            ("10.1.1.128/25", "InvalidParameterValue.SubnetConflict"),
        ):
            assert refused(cloud, "vpc", "CreateSubnet", {**base, "CidrBlock": cidr}) == code
        elsewhere = {**base, "CidrBlock": "10.1.2.0/24", "Zone": "ap-beijing-3"}
        assert refused(cloud, "vpc", "CreateSubnet", elsewhere) == "InvalidParameterValue.UnavailableZone"


def test_a_network_is_in_its_region_only(cloud: Cloud) -> None:
    with orders.network(cloud) as where:
        filters = [{"Name": "vpc-id", "Values": [where["VpcId"]]}]
        assert cloud.call("vpc", "DescribeVpcs", {"Filters": filters})["TotalCount"] == 1
        assert cloud.call("vpc", "DescribeVpcs", {"Filters": filters}, region="ap-beijing")["TotalCount"] == 0
        assert refused(cloud, "vpc", "DeleteVpc", {"VpcId": where["VpcId"]}, region="ap-beijing") == "ResourceNotFound"


def _policies(cloud: Cloud, group: str) -> dict[str, Any]:
    described = cloud.call("vpc", "DescribeSecurityGroupPolicies", {"SecurityGroupId": group})
    return dict(described["SecurityGroupPolicySet"])


def test_rules_keep_their_order_and_their_version(cloud: Cloud) -> None:
    ssh = {"Protocol": "TCP", "Port": "22", "CidrBlock": "192.0.2.0/24", "Action": "DROP"}
    with orders.security_group(cloud, orders.WEB, ssh) as group:
        first = _policies(cloud, group)
        assert [rule["Port"] for rule in first["Ingress"]] == ["80,443", "22"]
        assert [rule["PolicyIndex"] for rule in first["Ingress"]] == [0, 1]
        change = {"SecurityGroupId": group, "SecurityGroupPolicySet": {"Version": first["Version"], "Ingress": [ssh]}}
        cloud.call("vpc", "ModifySecurityGroupPolicies", change)
        assert refused(cloud, "vpc", "ModifySecurityGroupPolicies", change) == "UnsupportedOperation.VersionMismatch"
        added = {"Ingress": [{**orders.WEB, "PolicyIndex": 0}]}
        parameters = {"SecurityGroupId": group, "SecurityGroupPolicySet": added}
        cloud.call("vpc", "CreateSecurityGroupPolicies", parameters)
        assert [rule["Port"] for rule in _policies(cloud, group)["Ingress"]] == ["80,443", "22"]
        gone = {"SecurityGroupId": group, "SecurityGroupPolicySet": {"Ingress": [{"PolicyIndex": 1}]}}
        cloud.call("vpc", "DeleteSecurityGroupPolicies", gone)
        assert [rule["Port"] for rule in _policies(cloud, group)["Ingress"]] == ["80,443"]
        nothing = {"Version": "0", "Ingress": [], "Egress": []}
        cloud.call("vpc", "ModifySecurityGroupPolicies", {"SecurityGroupId": group, "SecurityGroupPolicySet": nothing})
        assert _policies(cloud, group)["Ingress"] == []


@pytest.mark.parametrize(
    "rule",
    [
        {"Action": "ALLOW"},
        {"Action": "ACCEPT", "Protocol": "SCTP"},
        {"Action": "ACCEPT", "Protocol": "TCP", "Port": "http"},
        {"Action": "ACCEPT", "CidrBlock": "10.0.0.0/33"},
    ],
)
def test_rules_that_cant_be(cloud: Cloud, rule: dict[str, str]) -> None:
    with orders.security_group(cloud) as group:
        parameters = {"SecurityGroupId": group, "SecurityGroupPolicySet": {"Ingress": [rule]}}
        assert refused(cloud, "vpc", "ModifySecurityGroupPolicies", parameters) == "InvalidParameterValue"


def test_a_group_that_is_used_stays(cloud: Cloud) -> None:
    with orders.security_group(cloud) as one:
        with orders.security_group(cloud, {"SecurityGroupId": one, "Action": "ACCEPT"}):
            assert refused(cloud, "vpc", "DeleteSecurityGroup", {"SecurityGroupId": one}) == "ResourceInUse"
            (counted,) = cloud.call("vpc", "DescribeSecurityGroupAssociationStatistics", {"SecurityGroupIds": [one]})[
                "SecurityGroupAssociationStatisticsSet"
            ]
            assert (counted["SG"], counted["CVM"]) == (1, 0)
        assert refused(cloud, "vpc", "DescribeSecurityGroups", {"SecurityGroupIds": ["sg-0"]}) == "ResourceNotFound"


def test_an_elastic_address_moves_between_instances(cloud: Cloud) -> None:
    with orders.cvm(cloud) as (instance, _group):
        own = orders.address(cloud, instance)
        (eip,) = cloud.call("vpc", "AllocateAddresses", {"AddressName": "a", "ClientToken": "t"})["AddressSet"]
        assert cloud.call("vpc", "AllocateAddresses", {"ClientToken": "t"})["AddressSet"] == [eip]
        bound = {"AddressId": eip, "InstanceId": instance}
        task = cloud.call("vpc", "AssociateAddress", bound)["TaskId"]
        assert cloud.call("vpc", "DescribeTaskResult", {"TaskId": int(task)})["Result"] == "SUCCESS"
        (shown,) = cloud.call("vpc", "DescribeAddresses", {"AddressIds": [eip]})["AddressSet"]
        assert (shown["AddressStatus"], shown["InstanceId"]) == ("BIND", instance)
        assert orders.address(cloud, instance) == shown["AddressIp"] != own
        assert refused(cloud, "vpc", "AssociateAddress", bound) == "InvalidAddressIdStatus.NotPermit"
        assert refused(cloud, "vpc", "ReleaseAddresses", {"AddressIds": [eip]}) == "InvalidAddressIdStatus.NotPermit"
        cloud.call("vpc", "DisassociateAddress", {"AddressId": eip})
        assert (orders.described(cloud, instance) or {})["PublicIpAddresses"] == []
        cloud.call("vpc", "ReleaseAddresses", {"AddressIds": [eip]})
        assert cloud.call("vpc", "DescribeAddresses", {"AddressIds": [eip]})["AddressSet"] == []
    counts = cloud.counts()
    assert (counts["address"], counts["public_address"]) == (0, 0)


def test_tags_of_any_resource(cloud: Cloud) -> None:
    with orders.network(cloud) as where:
        name = f"qcs::vpc:ap-guangzhou:uin/1:vpc/{where['VpcId']}"
        put = {"Resource": name, "ReplaceTags": [{"TagKey": "a", "TagValue": "1"}, {"TagKey": "b", "TagValue": "2"}]}
        cloud.call("tag", "ModifyResourceTags", put)
        cloud.call("tag", "ModifyResourceTags", {"Resource": name, "DeleteTags": [{"TagKey": "a"}]})
        question = {"ServiceType": "vpc", "ResourcePrefix": "vpc", "ResourceIds": [where["VpcId"]]}
        (tag,) = cloud.call("tag", "DescribeResourceTagsByResourceIds", question)["Tags"]
        assert (tag["TagKey"], tag["TagValue"]) == ("b", "2")
        found = cloud.call("vpc", "DescribeVpcs", {"Filters": [{"Name": "tag:b", "Values": ["2"]}]})
        assert [one["VpcId"] for one in found["VpcSet"]] == [where["VpcId"]]
        nonsense = {"Resource": "vpc-1", "ReplaceTags": []}
        code = "InvalidParameterValue.ResourceDescriptionError"
        assert refused(cloud, "tag", "ModifyResourceTags", nonsense) == code
