"""A Lighthouse instance (轻量应用服务器)."""

from __future__ import annotations

import pulumi
import tencentcloud_iac_pulumi as tencentcloud

from luodi.api import Account
from luodi.cloud.network import web_rules
from luodi.settings import IngressRule, LighthouseSettings


class Lighthouse(pulumi.ComponentResource):
    """A Lighthouse instance whose firewall opens 80 and 443, and nothing else unless asked for."""

    instance_id: pulumi.Output[str]
    address: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        server: LighthouseSettings,
        *,
        label: str,
        blueprint_id: str,
        zone: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`label` is what the console shows; `zone` the availability zone.

        The blueprint is taken at creation and kept, for a change of it reinstalls the system in place.
        """
        super().__init__("luodi:cloud:Lighthouse", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        # Without a template of its own an instance starts with 22 open to the world, as rules no stack declares.
        template = tencentcloud.lighthouse.FirewallTemplate(
            f"{name}-firewall-template", template_name=label[:60], opts=child
        )
        instance = tencentcloud.lighthouse.Instance(
            f"{name}-instance",
            instance_name=label[:60],
            bundle_id=server.bundle,
            blueprint_id=blueprint_id,
            period=server.period,
            renew_flag=server.renew_flag,
            zone=zone,
            firewall_template_id=template.id,
            opts=pulumi.ResourceOptions.merge(
                child,
                pulumi.ResourceOptions(
                    protect=server.protect,
                    # A change of period or zone is an error in the provider, of the template a replacement.
                    ignore_changes=["blueprint_id", "period", "zone", "firewall_template_id"],
                ),
            ),
        )
        tencentcloud.lighthouse.FirewallRule(
            f"{name}-firewall",
            instance_id=instance.id,
            firewall_rules=[_rule(rule) for rule in (*web_rules(), *server.ingress)],
            opts=child,
        )
        self.instance_id = instance.id
        # None are known in a refresh of a stack that is half made.
        self.address = instance.public_addresses.apply(lambda addresses: str(addresses[0]) if addresses else "")
        self.register_outputs({"instance_id": self.instance_id, "address": self.address})


def _rule(rule: IngressRule) -> tencentcloud.lighthouse.FirewallRuleFirewallRuleArgs:
    return tencentcloud.lighthouse.FirewallRuleFirewallRuleArgs(
        protocol=rule.protocol,
        port=rule.port,
        cidr_block=rule.source,
        action="ACCEPT",
        firewall_rule_description=rule.description,
    )


def find_blueprint(account: Account, blueprint: str) -> str:
    """The id of a blueprint, given by id or by name. Raises LookupError naming what there is."""
    if blueprint.startswith("lhbp-"):
        return blueprint
    answer = account.call(
        "lighthouse",
        "DescribeBlueprints",
        {"Filters": [{"Name": "blueprint-type", "Values": ["PURE_OS"]}], "Limit": 100},
    )
    known = {item["DisplayTitle"]: item["BlueprintId"] for item in answer.get("BlueprintSet") or []}
    known |= {item["OsName"]: item["BlueprintId"] for item in answer.get("BlueprintSet") or []}
    if blueprint not in known:
        raise LookupError(
            f"luodi:server.blueprint: no system image (镜像) is called {blueprint!r} in this region; there are "
            f"{', '.join(sorted(known))}"
        )
    return str(known[blueprint])
