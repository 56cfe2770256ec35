"""The firewall of each instance."""

from __future__ import annotations

from tencentcloud.lighthouse.v20200324 import models

from localcloud.errors import CloudError
from localcloud.services.base import action, page
from localcloud.services.lighthouse.parts import LighthousePart
from localcloud.services.lighthouse.rules import default_rules, key_of, no_rule, rule_of, rules_of, text_of
from localcloud.store import Document, Kind
from localcloud.wire import build

RULES_PER_FIREWALL = 100
"""Docstring of ModifyFirewallRulesRequest.FirewallRules."""


class Firewalls(LighthousePart):
    """Actions on firewalls."""

    @action("DescribeFirewallRules", requires=("InstanceId",))
    def describe_firewall_rules(
        self, request: models.DescribeFirewallRulesRequest
    ) -> models.DescribeFirewallRulesResponse:
        """List an instance's firewall rules in order."""
        firewall = self._firewall(request.InstanceId)
        return build(
            models.DescribeFirewallRulesResponse,
            TotalCount=len(firewall["Rules"]),
            FirewallRuleSet=page(firewall["Rules"], request.Offset, request.Limit),
            FirewallVersion=firewall["Version"],
        )

    @action("DescribeFirewallRulesTemplate")
    def describe_firewall_rules_template(
        self, request: models.DescribeFirewallRulesTemplateRequest
    ) -> models.DescribeFirewallRulesTemplateResponse:
        """List the rules with which a firewall begins when no template is given."""
        del request
        rules = default_rules()
        return build(
            models.DescribeFirewallRulesTemplateResponse,
            TotalCount=len(rules),
            FirewallRuleSet=rules,
        )

    @action("CreateFirewallRules", requires=("InstanceId", "FirewallRules"))
    def create_firewall_rules(self, request: models.CreateFirewallRulesRequest) -> models.CreateFirewallRulesResponse:
        """Add rules at the end of an instance's firewall."""
        firewall = self._firewall(request.InstanceId, request.FirewallVersion)
        added = rules_of(request.FirewallRules)
        there = {key_of(rule) for rule in firewall["Rules"]}
        for rule in added:
            if key_of(rule) in there:
                raise CloudError("InvalidParameter.FirewallRulesExist", f"There is a rule {text_of(rule)} already.")
        self._keep_rules(request.InstanceId, firewall, [*firewall["Rules"], *added])
        return models.CreateFirewallRulesResponse()

    @action("ModifyFirewallRules", requires=("InstanceId", "FirewallRules"))
    def modify_firewall_rules(self, request: models.ModifyFirewallRulesRequest) -> models.ModifyFirewallRulesResponse:
        """Replace all rules of an instance's firewall."""
        firewall = self._firewall(request.InstanceId, request.FirewallVersion)
        self._keep_rules(request.InstanceId, firewall, rules_of(request.FirewallRules))
        return models.ModifyFirewallRulesResponse()

    @action("ModifyFirewallRuleDescription", requires=("InstanceId", "FirewallRule"))
    def modify_firewall_rule_description(
        self, request: models.ModifyFirewallRuleDescriptionRequest
    ) -> models.ModifyFirewallRuleDescriptionResponse:
        """Change the description of one rule."""
        firewall = self._firewall(request.InstanceId, request.FirewallVersion)
        wanted = rule_of(request.FirewallRule)
        for rule in firewall["Rules"]:
            if key_of(rule) == key_of(wanted):
                rule["FirewallRuleDescription"] = wanted["FirewallRuleDescription"]
                break
        else:
            raise no_rule(wanted)
        self._keep_rules(request.InstanceId, firewall, firewall["Rules"])
        return models.ModifyFirewallRuleDescriptionResponse()

    @action("DeleteFirewallRules", requires=("InstanceId", "FirewallRules"))
    def delete_firewall_rules(self, request: models.DeleteFirewallRulesRequest) -> models.DeleteFirewallRulesResponse:
        """Remove rules from an instance's firewall."""
        firewall = self._firewall(request.InstanceId, request.FirewallVersion)
        there = {key_of(rule) for rule in firewall["Rules"]}
        doomed = set()
        for rule in map(rule_of, request.FirewallRules):
            if key_of(rule) not in there:
                raise no_rule(rule)
            doomed.add(key_of(rule))
        left = [rule for rule in firewall["Rules"] if key_of(rule) not in doomed]
        self._keep_rules(request.InstanceId, firewall, left)
        return models.DeleteFirewallRulesResponse()

    def _firewall(self, identifier: str, version: int | None = None) -> Document:
        self.instance(identifier)
        firewall = self.store.get(Kind.FIREWALL, identifier)
        if firewall is None:
            raise CloudError("ResourceNotFound.FirewallNotFound", f"{identifier} has no firewall.")
        if version is not None and version != firewall["Version"]:
            raise CloudError(
                "UnsupportedOperation.FirewallVersionMismatch",
                f"The firewall of {identifier} is at version {firewall['Version']}, not {version}. Read it again.",
            )
        return firewall

    def _keep_rules(self, identifier: str, firewall: Document, rules: list[Document]) -> None:
        if len(rules) > RULES_PER_FIREWALL:
            raise CloudError(
                "LimitExceeded.FirewallRulesLimitExceeded",
                f"A firewall has at most {RULES_PER_FIREWALL} rules.",
            )
        self.store.put(Kind.FIREWALL, identifier, {"Rules": rules, "Version": firewall["Version"] + 1})
