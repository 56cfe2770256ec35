"""Firewall templates: rules with which an instance's firewall can begin."""

from __future__ import annotations

from tencentcloud.lighthouse.v20200324 import models

from localcloud.errors import CloudError
from localcloud.formats import new_id, timestamp
from localcloud.services.base import action, page, select
from localcloud.services.lighthouse.parts import LighthousePart
from localcloud.services.lighthouse.rules import key_of, rules_of, text_of
from localcloud.store import Document, Kind
from localcloud.wire import build


class FirewallTemplates(LighthousePart):
    """Actions on firewall templates."""

    @action("CreateFirewallTemplate", requires=("TemplateName",))
    def create_firewall_template(
        self, request: models.CreateFirewallTemplateRequest
    ) -> models.CreateFirewallTemplateResponse:
        """Make a template, of no rules if none are given."""
        identifier = new_id("lhft")
        document = {
            "TemplateId": identifier,
            "TemplateName": request.TemplateName,
            "TemplateType": "PRIVATE",
            "TemplateState": "NORMAL",
            "CreatedTime": timestamp(),
            "_Rules": [_template_rule(rule) for rule in rules_of(request.TemplateRules or [])],
        }
        self.store.put(Kind.FIREWALL_TEMPLATE, identifier, document, self.region)
        return build(models.CreateFirewallTemplateResponse, TemplateId=identifier)

    @action("DescribeFirewallTemplates")
    def describe_firewall_templates(
        self, request: models.DescribeFirewallTemplatesRequest
    ) -> models.DescribeFirewallTemplatesResponse:
        """List templates, without their rules."""
        found = select(
            self.store.all(Kind.FIREWALL_TEMPLATE, self.region),
            ids=request.TemplateIds,
            id_field="TemplateId",
            filters=request.Filters,
            by={
                "template-id": "TemplateId",
                "template-name": "TemplateName",
                "template-type": "TemplateType",
            },
            code="InvalidParameterValue",
        )
        return build(
            models.DescribeFirewallTemplatesResponse,
            TotalCount=len(found),
            TemplateSet=page(found, request.Offset, request.Limit),
        )

    @action("ModifyFirewallTemplate", requires=("TemplateId",))
    def modify_firewall_template(
        self, request: models.ModifyFirewallTemplateRequest
    ) -> models.ModifyFirewallTemplateResponse:
        """Rename a template."""
        document = self.template(request.TemplateId)
        if request.TemplateName is not None:
            document["TemplateName"] = request.TemplateName
        self.store.put(Kind.FIREWALL_TEMPLATE, request.TemplateId, document)
        return models.ModifyFirewallTemplateResponse()

    @action("DeleteFirewallTemplate", requires=("TemplateId",))
    def delete_firewall_template(
        self, request: models.DeleteFirewallTemplateRequest
    ) -> models.DeleteFirewallTemplateResponse:
        """Remove a template; firewalls made from it keep their rules."""
        self.template(request.TemplateId)
        self.store.delete(Kind.FIREWALL_TEMPLATE, request.TemplateId)
        return models.DeleteFirewallTemplateResponse()

    @action("DescribeFirewallTemplateRules", requires=("TemplateId",))
    def describe_firewall_template_rules(
        self, request: models.DescribeFirewallTemplateRulesRequest
    ) -> models.DescribeFirewallTemplateRulesResponse:
        """List a template's rules in order."""
        rules = [
            rule
            for rule in self.template(request.TemplateId)["_Rules"]
            if not request.TemplateRuleIds or rule["TemplateRuleId"] in request.TemplateRuleIds
        ]
        return build(
            models.DescribeFirewallTemplateRulesResponse,
            TotalCount=len(rules),
            TemplateRuleSet=page(rules, request.Offset, request.Limit),
        )

    @action("CreateFirewallTemplateRules", requires=("TemplateId", "TemplateRules"))
    def create_firewall_template_rules(
        self, request: models.CreateFirewallTemplateRulesRequest
    ) -> models.CreateFirewallTemplateRulesResponse:
        """Add rules at the end of a template."""
        document = self.template(request.TemplateId)
        added = [_template_rule(rule) for rule in rules_of(request.TemplateRules)]
        there = {key_of(rule["FirewallRuleInfo"]) for rule in document["_Rules"]}
        for rule in added:
            if key_of(rule["FirewallRuleInfo"]) in there:
                raise CloudError(
                    "InvalidParameterValue.DuplicatedFirewallTemplateRule",
                    f"There is a rule {text_of(rule['FirewallRuleInfo'])} already.",
                )
        document["_Rules"] += added
        self.store.put(Kind.FIREWALL_TEMPLATE, request.TemplateId, document)
        return build(
            models.CreateFirewallTemplateRulesResponse,
            TemplateRuleIdSet=[rule["TemplateRuleId"] for rule in added],
        )

    @action("ResetFirewallTemplateRules", requires=("TemplateId", "TemplateRules"))
    def reset_firewall_template_rules(
        self, request: models.ResetFirewallTemplateRulesRequest
    ) -> models.ResetFirewallTemplateRulesResponse:
        """Replace all rules of a template."""
        document = self.template(request.TemplateId)
        document["_Rules"] = [_template_rule(rule) for rule in rules_of(request.TemplateRules)]
        self.store.put(Kind.FIREWALL_TEMPLATE, request.TemplateId, document)
        return models.ResetFirewallTemplateRulesResponse()

    @action("DeleteFirewallTemplateRules", requires=("TemplateId", "TemplateRuleIds"))
    def delete_firewall_template_rules(
        self, request: models.DeleteFirewallTemplateRulesRequest
    ) -> models.DeleteFirewallTemplateRulesResponse:
        """Remove rules from a template."""
        document = self.template(request.TemplateId)
        there = {rule["TemplateRuleId"] for rule in document["_Rules"]}
        for identifier in request.TemplateRuleIds:
            if identifier not in there:
                raise CloudError(
                    "ResourceNotFound.FirewallTemplateRuleNotFound",
                    f"{identifier} is not a rule of {request.TemplateId}.",
                )
        document["_Rules"] = [
            rule for rule in document["_Rules"] if rule["TemplateRuleId"] not in request.TemplateRuleIds
        ]
        self.store.put(Kind.FIREWALL_TEMPLATE, request.TemplateId, document)
        return models.DeleteFirewallTemplateRulesResponse()


def _template_rule(rule: Document) -> Document:
    return {"TemplateRuleId": new_id("lhftr"), "FirewallRuleInfo": rule}
