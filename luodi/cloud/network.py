"""The network that a CVM instance stands in."""

from __future__ import annotations

import pulumi
import tencentcloud_iac_pulumi as tencentcloud

from luodi.settings import CvmSettings, IngressRule

ANYWHERE = "0.0.0.0/0"
WEB_PORTS = ("80", "443")


class Network(pulumi.ComponentResource):
    """A VPC (私有网络) with one subnet and a security group (安全组): 80 and 443 open to all, nothing else unless
    asked for, everything open outwards."""

    vpc_id: pulumi.Output[str]
    subnet_id: pulumi.Output[str]
    security_group_id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        server: CvmSettings,
        *,
        label: str,
        zone: str,
        tags: dict[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`label` is what the console shows; `zone` the subnet's availability zone."""
        super().__init__("luodi:cloud:Network", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        vpc = tencentcloud.vpc.Instance(f"{name}-vpc", name=label, cidr_block=server.network, tags=tags, opts=child)
        subnet = tencentcloud.subnet.Instance(
            f"{name}-subnet",
            name=label,
            vpc_id=vpc.id,
            availability_zone=zone,
            cidr_block=server.subnet,
            is_multicast=False,
            tags=tags,
            opts=child,
        )
        group = tencentcloud.security.Group(
            f"{name}-security-group",
            name=label,
            description="80 and 443 open to all (luodi)",
            tags=tags,
            opts=child,
        )
        rules = tencentcloud.security.GroupRuleSet(
            f"{name}-rules",
            security_group_id=group.id,
            ingresses=[_ingress(rule) for rule in (*web_rules(), *server.ingress)],
            egresses=[
                tencentcloud.security.GroupRuleSetEgressArgs(
                    action="ACCEPT",
                    cidr_block=ANYWHERE,
                    protocol="ALL",
                    port="ALL",
                    description="outwards",
                )
            ],
            opts=child,
        )
        self.vpc_id, self.subnet_id = vpc.id, subnet.id
        # An instance that is given the rules' group before the rules would be open to nobody, or to all.
        self.security_group_id = rules.security_group_id
        self.register_outputs(
            {
                "vpc_id": self.vpc_id,
                "subnet_id": self.subnet_id,
                "security_group_id": self.security_group_id,
            }
        )


def web_rules() -> tuple[IngressRule, ...]:
    """What a web server needs open."""
    return tuple(
        IngressRule.model_validate(
            {"port": port, "source": ANYWHERE, "description": {"80": "http", "443": "https"}[port]}
        )
        for port in WEB_PORTS
    )


def _ingress(rule: IngressRule) -> tencentcloud.security.GroupRuleSetIngressArgs:
    return tencentcloud.security.GroupRuleSetIngressArgs(
        action="ACCEPT",
        cidr_block=rule.source,
        protocol=rule.protocol,
        port=rule.port,
        description=rule.description,
    )
