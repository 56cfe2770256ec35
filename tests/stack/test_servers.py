"""Servers that differ from the defaults: an elastic IP, further ports, another size."""

from __future__ import annotations

from pathlib import Path

from tests.cloud import Cloud
from tests.project import Project, fetch


def test_an_elastic_ip_further_ports_and_another_size(cloud: Cloud, tmp_path: Path) -> None:
    before = cloud.counts()
    project = Project(tmp_path / "site", cloud.environment())
    stack = project.configure(
        "test",
        {
            "tencentcloud:region": "ap-nanjing",
            "luodi:site": {"domain": "tanxing.com.cn", "title": "弹性"},
            "luodi:server": {
                "kind": "cvm",
                "instance-type": "S5.LARGE8",
                "image": "Debian 12",
                "elastic-ip": True,
                "network": "172.20.0.0/16",
                "subnet": "172.20.9.0/24",
                "disk": {"type": "CLOUD_SSD", "size": 100},
                "bandwidth": {"mbps": 20},
                "ingress": [{"port": "22", "source": "203.0.113.7/32"}],
            },
            "luodi:dns": {"manage": "create"},
            "luodi:filing": {"icp": {"number": "苏ICP备2024000123号-1", "approved": "2024-05-20"}},
        },
    )
    stack.up()
    address = stack.outputs()["address"]
    assert address == cloud.call("vpc", "DescribeAddresses", region="ap-nanjing")["AddressSet"][0]["AddressIp"]
    assert "弹性" in fetch(address, cloud.https_port, "www.tanxing.com.cn", cloud.roots).body
    groups = cloud.call("vpc", "DescribeSecurityGroups", region="ap-nanjing")["SecurityGroupSet"]
    rules = cloud.call(
        "vpc",
        "DescribeSecurityGroupPolicies",
        {"SecurityGroupId": groups[0]["SecurityGroupId"]},
        region="ap-nanjing",
    )["SecurityGroupPolicySet"]
    opened = {(rule["Port"], rule["CidrBlock"]) for rule in rules["Ingress"]}
    assert opened == {("80", "0.0.0.0/0"), ("443", "0.0.0.0/0"), ("22", "203.0.113.7/32")}
    assert stack.up().changes == {}
    refreshed = stack.run("refresh")
    assert refreshed.changes == {}, str(refreshed)
    assert stack.run("destroy").code == 0
    assert cloud.counts() == before
