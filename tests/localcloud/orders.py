"""Instances that a test needs, and their end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.cloud import REGION, Cloud

ZONE = "ap-guangzhou-6"
BUNDLE = "bundle2022_gen_01"
WEB = {"Protocol": "TCP", "Port": "80,443", "CidrBlock": "0.0.0.0/0", "Action": "ACCEPT"}


@contextmanager
def network(cloud: Cloud) -> Iterator[dict[str, str]]:
    """A VPC with a subnet: VpcId and SubnetId."""
    vpc = cloud.call("vpc", "CreateVpc", {"VpcName": "test", "CidrBlock": "10.1.0.0/16"})["Vpc"]["VpcId"]
    subnet = {"VpcId": vpc, "SubnetName": "test", "CidrBlock": "10.1.1.0/24", "Zone": ZONE}
    created = cloud.call("vpc", "CreateSubnet", subnet)["Subnet"]["SubnetId"]
    yield {"VpcId": vpc, "SubnetId": created}
    cloud.call("vpc", "DeleteSubnet", {"SubnetId": created})
    cloud.call("vpc", "DeleteVpc", {"VpcId": vpc})


@contextmanager
def security_group(cloud: Cloud, *ingress: dict[str, Any]) -> Iterator[str]:
    """A security group with these rules."""
    description = {"GroupName": "test", "GroupDescription": ""}
    group = cloud.call("vpc", "CreateSecurityGroup", description)["SecurityGroup"]["SecurityGroupId"]
    policies = {"Ingress": list(ingress), "Egress": []}
    cloud.call("vpc", "ModifySecurityGroupPolicies", {"SecurityGroupId": group, "SecurityGroupPolicySet": policies})
    yield group
    cloud.call("vpc", "DeleteSecurityGroup", {"SecurityGroupId": group})


def ubuntu(cloud: Cloud) -> str:
    """The id of an Ubuntu image."""
    filters = [{"Name": "platform", "Values": ["Ubuntu"]}]
    return str(cloud.call("cvm", "DescribeImages", {"Filters": filters})["ImageSet"][0]["ImageId"])


@contextmanager
def cvm(cloud: Cloud, **more: Any) -> Iterator[tuple[str, str]]:
    """A running CVM instance with a public address, and its security group, which lets the web in."""
    with network(cloud) as where, security_group(cloud, WEB) as group:
        order = {
            "ImageId": ubuntu(cloud),
            "Placement": {"Zone": ZONE},
            "VirtualPrivateCloud": where,
            "SecurityGroupIds": [group],
            "InternetAccessible": {"InternetMaxBandwidthOut": 5, "PublicIpAssigned": True},
            **more,
        }
        instance = cloud.call("cvm", "RunInstances", order)["InstanceIdSet"][0]
        cloud.settle()
        yield instance, group
        end_cvm(cloud, instance)


def end_cvm(cloud: Cloud, instance: str) -> None:
    """Terminate a CVM instance, twice if it is prepaid."""
    while described(cloud, instance) is not None:
        cloud.call("cvm", "TerminateInstances", {"InstanceIds": [instance]})
        cloud.settle()


@contextmanager
def lighthouse(cloud: Cloud, *, region: str = REGION, **more: Any) -> Iterator[str]:
    """A running Lighthouse instance."""
    blueprints = cloud.call("lighthouse", "DescribeBlueprints", region=region)["BlueprintSet"]
    order = {
        "BundleId": BUNDLE,
        "BlueprintId": blueprints[0]["BlueprintId"],
        "InstanceChargePrepaid": {"Period": 3},
        **more,
    }
    instance = cloud.call("lighthouse", "CreateInstances", order, region=region)["InstanceIdSet"][0]
    cloud.settle()
    yield instance
    for action in ("IsolateInstances", "TerminateInstances"):
        cloud.call("lighthouse", action, {"InstanceIds": [instance]}, region=region)
        cloud.settle()


def described(cloud: Cloud, instance: str) -> dict[str, Any] | None:
    """An instance as its product describes it, or None."""
    product = "lighthouse" if instance.startswith("lh") else "cvm"
    found = cloud.call(product, "DescribeInstances", {"InstanceIds": [instance]})["InstanceSet"]
    return found[0] if found else None


def address(cloud: Cloud, instance: str) -> str:
    """The public address of an instance."""
    document = described(cloud, instance) or {}
    return str((document.get("PublicAddresses") or document["PublicIpAddresses"])[0])
