"""A program that knows nothing of luodi, with every mistake that the pack is there for."""

import pulumi
import tencentcloud_iac_pulumi as tencentcloud

hong_kong = tencentcloud.Provider("hong-kong", region="ap-hongkong")
group = tencentcloud.security.Group("group", name="shop")
tencentcloud.security.GroupRuleSet(
    "open-to-all",
    security_group_id=group.id,
    ingresses=[
        tencentcloud.security.GroupRuleSetIngressArgs(
            action="ACCEPT", cidr_block="0.0.0.0/0", protocol="TCP", port="22"
        )
    ],
)
server = tencentcloud.instance.Instance(
    "far-away",
    availability_zone="ap-hongkong-2",
    image_id="img-mmytdhbn",
    instance_type="S5.MEDIUM2",
    allocate_public_ip=True,
    internet_max_bandwidth_out=5,
    opts=pulumi.ResourceOptions(provider=hong_kong),
)
for name, domain in (("filed", "example.cn"), ("unfiled", "example.com.cn")):
    tencentcloud.dnspod.Record(name, domain=domain, record_line="默认", record_type="A", value=server.public_ip)
