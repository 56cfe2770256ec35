"""Lighthouse (轻量应用服务器): instances from bundles and blueprints, firewalls, templates."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tencentcloud.lighthouse.v20200324 import models

from localcloud import automation
from localcloud.errors import CloudError
from localcloud.firewall import ANYWHERE, check
from localcloud.fleet import Instance
from localcloud.formats import months_later, new_id, timestamp
from localcloud.services.base import Service, action, page, select
from localcloud.store import Document, Kind
from localcloud.wire import build

PERIODS = frozenset({*range(1, 13), 24, 36, 48, 60})
"""Months for which an instance can be prepaid (docstring of InstanceChargePrepaid.Period)."""
RENEW_FLAGS = frozenset({"NOTIFY_AND_AUTO_RENEW", "NOTIFY_AND_MANUAL_RENEW", "DISABLE_NOTIFY_AND_MANUAL_RENEW"})
RULES_PER_FIREWALL = 100
"""Docstring of ModifyFirewallRulesRequest.FirewallRules."""
DEFAULT_RULES = (("TCP", "22"), ("TCP", "80"), ("TCP", "443"), ("ICMP", "ALL"))
"""What a Linux instance's firewall lets in when nothing else is asked for
(https://cloud.tencent.com/document/product/1207/44577, 管理防火墙)."""
_PRIVATE_NETWORK = "10.0."
_APPLICATIONS = {
    ("TCP", "80"): "HTTP(80)",
    ("TCP", "443"): "HTTPS(443)",
    ("TCP", "22"): "Linux登录(22)",
    ("TCP", "3389"): "Windows登录(3389)",
    ("TCP", "3306"): "MySQL(3306)",
    ("TCP", "1433"): "SQL Server(1433)",
    ("TCP", "ALL"): "全部TCP",
    ("UDP", "ALL"): "全部UDP",
    ("ICMP", "ALL"): "Ping",
    ("ICMPV6", "ALL"): "Ping (IPv6)",
    ("ALL", "ALL"): "ALL",
}
"""Names shown for well-known rules (docstring of FirewallRuleInfo.AppType)."""
_INSTANCE_FILTERS: dict[str, Any] = {
    "instance-name": "InstanceName",
    "private-ip-address": "PrivateAddresses",
    "public-ip-address": "PublicAddresses",
    "zone": "Zone",
    "instance-state": "InstanceState",
    "bundle-id": "BundleId",
}


class Lighthouse(Service):
    """Product `lighthouse`."""

    product = "lighthouse"
    version = "2020-03-24"
    sdk = models

    # What can be had

    @action("DescribeRegions")
    def describe_regions(self, request: models.DescribeRegionsRequest) -> models.DescribeRegionsResponse:
        """List the regions where Lighthouse is sold, and whether they are on the mainland."""
        del request
        regions = [one for one in self.cloud.catalogue.regions.values() if one.lighthouse]
        return build(
            models.DescribeRegionsResponse,
            TotalCount=len(regions),
            RegionSet=[
                {
                    "Region": one.region,
                    "RegionName": one.region_name,
                    "RegionState": "AVAILABLE",
                    "IsChinaMainland": one.mainland,
                }
                for one in regions
            ],
        )

    @action("DescribeZones")
    def describe_zones(self, request: models.DescribeZonesRequest) -> models.DescribeZonesResponse:
        """List the region's zones."""
        zones = list(self.cloud.catalogue.regions[self.region].zones)
        if request.Order == "DESC":
            zones.reverse()
        return build(
            models.DescribeZonesResponse,
            TotalCount=len(zones),
            ZoneInfoSet=[
                {
                    "Zone": one.zone,
                    "ZoneName": one.zone_name,
                    "InstanceDisplayLabel": "NORMAL",
                }
                for one in zones
            ],
        )

    @action("DescribeBundles")
    def describe_bundles(self, request: models.DescribeBundlesRequest) -> models.DescribeBundlesResponse:
        """List bundles."""
        if request.BlueprintId is not None:
            self._blueprint(request.BlueprintId)
        for zone in request.Zones or ():
            self._check_zone(zone)
        found = select(
            [_bundle(one.values) for one in self.cloud.catalogue.bundles.values()],
            ids=request.BundleIds,
            id_field="BundleId",
            filters=request.Filters,
            by={
                "bundle-id": "BundleId",
                "bundle-type": "BundleType",
                "bundle-state": lambda _: ["ONLINE"],
                "support-platform-type": lambda _: ["LINUX_UNIX"],
            },
            code="InvalidParameterValue",
        )
        return build(
            models.DescribeBundlesResponse,
            TotalCount=len(found),
            BundleSet=page(found, request.Offset, request.Limit),
        )

    @action("DescribeBlueprints")
    def describe_blueprints(self, request: models.DescribeBlueprintsRequest) -> models.DescribeBlueprintsResponse:
        """List images."""
        found = select(
            [_blueprint(one.values) for one in self.cloud.catalogue.blueprints.values()],
            ids=request.BlueprintIds,
            id_field="BlueprintId",
            filters=request.Filters,
            by={
                "blueprint-id": "BlueprintId",
                "blueprint-type": "BlueprintType",
                "platform-type": "PlatformType",
                "blueprint-name": "BlueprintName",
                "blueprint-state": "BlueprintState",
                "scene-id": "SceneIdSet",
            },
            code="InvalidParameterValue",
        )
        return build(
            models.DescribeBlueprintsResponse,
            TotalCount=len(found),
            BlueprintSet=page(found, request.Offset, request.Limit),
        )

    # Instances

    @action("CreateInstances", requires=("BundleId", "BlueprintId", "InstanceChargePrepaid"))
    def create_instances(self, request: models.CreateInstancesRequest) -> models.CreateInstancesResponse:
        """Order instances; each is PENDING until its machine is up."""
        earlier = [
            one["InstanceId"]
            for one in self.store.all(Kind.LIGHTHOUSE_INSTANCE, self.region)
            if request.ClientToken and one["_ClientToken"] == request.ClientToken
        ]
        if earlier:
            return build(models.CreateInstancesResponse, InstanceIdSet=earlier)
        bundle = self.cloud.catalogue.bundles.get(request.BundleId)
        if bundle is None:
            raise CloudError(
                "InvalidParameter.BundleIdNotFound",
                f"{request.BundleId} is not a bundle; DescribeBundles lists them.",
            )
        blueprint = self._blueprint(request.BlueprintId)
        period = _period(request.InstanceChargePrepaid)
        flag = request.InstanceChargePrepaid.RenewFlag or "NOTIFY_AND_MANUAL_RENEW"
        _check_renew_flag(flag)
        if request.Containers:
            raise CloudError("UnsupportedOperation", "The rehearsal cloud makes no containers (Docker).")
        for zone in request.Zones or ():
            self._check_zone(zone)
        rules = self._first_rules(request.FirewallTemplateId)
        count = 1 if request.InstanceCount is None else request.InstanceCount
        if not 1 <= count <= 30:
            raise CloudError("InvalidParameterValue.OutOfRange", f"InstanceCount is {count}; give 1 to 30.")
        if request.InitCommand is not None:
            automation.script_of(request.InitCommand.Content)
        if request.DryRun:
            raise CloudError("DryRunOperation", "The request would have succeeded.")
        zone = (request.Zones or [self.cloud.catalogue.regions[self.region].zones[0].zone])[0]
        identifiers = []
        for number in range(1, count + 1):
            identifier = new_id("lhins")
            now = datetime.now(UTC)
            name = request.InstanceName or f"{blueprint['DisplayTitle']}-{identifier[-4:]}"
            hostname = f"vm-{identifier.removeprefix('lhins-')}"
            document = {
                "InstanceId": identifier,
                "BundleId": bundle.bundle_id,
                "BlueprintId": blueprint["BlueprintId"],
                "CPU": bundle.values["CPU"],
                "Memory": bundle.values["Memory"],
                "InstanceName": f"{name}-{number}" if count > 1 else name,
                "InstanceChargeType": "PREPAID",
                "SystemDisk": {
                    "DiskType": bundle.values["SystemDiskType"],
                    "DiskSize": bundle.values["SystemDiskSize"],
                    "DiskId": new_id("lhdisk"),
                },
                "PrivateAddresses": [self._private_address()],
                "PublicAddresses": [self.cloud.addresses.allocate(identifier)],
                "InternetAccessible": {
                    "InternetChargeType": "TRAFFIC_POSTPAID_BY_HOUR",
                    "InternetMaxBandwidthOut": bundle.values["InternetMaxBandwidthOut"],
                    "PublicIpAssigned": True,
                },
                "RenewFlag": flag,
                "LoginSettings": {"KeyIds": _keys(request)},
                "Uuid": str(uuid.uuid4()),
                "LatestOperationStartedTime": timestamp(now),
                "IsolatedTime": None,
                "CreatedTime": timestamp(now),
                "ExpiredTime": timestamp(months_later(now, period)),
                "PlatformType": blueprint["PlatformType"],
                "Platform": blueprint["Platform"],
                "OsName": blueprint["OsName"],
                "Zone": zone,
                "InstanceRestrictState": "NORMAL",
                "SupportIpv6Detail": {"IsSupport": False, "Detail": "", "Message": ""},
                "PublicIpv6Addresses": [],
                "InitInvocationId": "",
                "_HostName": hostname,
                "_UserData": "",
                "_ClientToken": request.ClientToken or "",
                "_Error": None,
            }
            document["_WanIp"] = document["PublicAddresses"][0]
            self.store.put(Kind.FIREWALL, identifier, {"Rules": list(rules), "Version": 1}, self.region)
            self.cloud.tags.add(identifier, request.Tags)
            instance = Instance(Kind.LIGHTHOUSE_INSTANCE, self.region, document)
            self._operate(instance, "CreateInstances", "PENDING")
            if request.InitCommand is not None:
                # Begun after the instance is on its way, the task waits until that is there.
                command = automation.Command.of_init_command(request.InitCommand)
                document["InitInvocationId"] = self.cloud.automation.invoke(
                    command, [identifier], self.region, kind="LIGHTHOUSE"
                )
                self.store.put(Kind.LIGHTHOUSE_INSTANCE, identifier, document)
            identifiers.append(identifier)
        return build(models.CreateInstancesResponse, InstanceIdSet=identifiers)

    @action("DescribeInstances")
    def describe_instances(self, request: models.DescribeInstancesRequest) -> models.DescribeInstancesResponse:
        """List instances; ids that aren't there are left out."""
        found = select(
            self.store.all(Kind.LIGHTHOUSE_INSTANCE, self.region),
            ids=request.InstanceIds,
            id_field="InstanceId",
            filters=request.Filters,
            by=_INSTANCE_FILTERS,
            tags_of=self.cloud.tags.of,
            code="InvalidParameterValue",
        )
        return build(
            models.DescribeInstancesResponse,
            TotalCount=len(found),
            InstanceSet=[
                {**one, "Tags": self.cloud.tags.listed(one["InstanceId"])}
                for one in page(found, request.Offset, request.Limit)
            ],
        )

    @action("ModifyInstancesAttribute", requires=("InstanceIds",))
    def modify_instances_attribute(
        self, request: models.ModifyInstancesAttributeRequest
    ) -> models.ModifyInstancesAttributeResponse:
        """Rename instances."""
        for identifier in request.InstanceIds:
            document = self._instance(identifier).document
            if request.InstanceName is not None:
                document["InstanceName"] = request.InstanceName
            self._succeeded(document, "ModifyInstancesAttribute")
        return models.ModifyInstancesAttributeResponse()

    @action("ModifyInstancesRenewFlag", requires=("InstanceIds", "RenewFlag"))
    def modify_instances_renew_flag(
        self, request: models.ModifyInstancesRenewFlagRequest
    ) -> models.ModifyInstancesRenewFlagResponse:
        """Change whether instances renew themselves."""
        _check_renew_flag(request.RenewFlag)
        for identifier in request.InstanceIds:
            document = self._instance(identifier).document
            document["RenewFlag"] = request.RenewFlag
            self._succeeded(document, "ModifyInstancesRenewFlag")
        return models.ModifyInstancesRenewFlagResponse()

    @action("ModifyInstancesBundle", requires=("InstanceIds", "BundleId"))
    def modify_instances_bundle(
        self, request: models.ModifyInstancesBundleRequest
    ) -> models.ModifyInstancesBundleResponse:
        """Move instances to a larger bundle; a running one is rebooted."""
        bundle = self.cloud.catalogue.bundles.get(request.BundleId)
        if bundle is None:
            raise CloudError("InvalidParameter.BundleIdNotFound", f"{request.BundleId} is not a bundle.")
        for identifier in request.InstanceIds:
            instance = self._instance(identifier)
            document = instance.document
            if bundle.values["SystemDiskSize"] < document["SystemDisk"]["DiskSize"]:
                raise CloudError(
                    "OperationDenied.BundleNotSupportModify",
                    f"{bundle.bundle_id} has a smaller disk than {identifier} has now.",
                )
            document.update(BundleId=bundle.bundle_id, CPU=bundle.values["CPU"], Memory=bundle.values["Memory"])
            document["SystemDisk"]["DiskSize"] = bundle.values["SystemDiskSize"]
            document["InternetAccessible"]["InternetMaxBandwidthOut"] = bundle.values["InternetMaxBandwidthOut"]
            self._succeeded(document, "ModifyInstancesBundle")
            if document["InstanceState"] == "RUNNING":
                self._operate(instance, "ModifyInstancesBundle", "REBOOTING")
        return models.ModifyInstancesBundleResponse()

    @action("ResetInstance", requires=("InstanceId",))
    def reset_instance(self, request: models.ResetInstanceRequest) -> models.ResetInstanceResponse:
        """Reinstall an instance, from another image if one is given: its disk is emptied."""
        instance = self._instance(request.InstanceId)
        self._check_state(instance, {"RUNNING", "STOPPED"})
        if request.BlueprintId is not None:
            blueprint = self._blueprint(request.BlueprintId)
            instance.document.update(
                BlueprintId=blueprint["BlueprintId"],
                OsName=blueprint["OsName"],
                Platform=blueprint["Platform"],
            )
        self._operate(instance, "ResetInstance", "REBOOTING")
        return models.ResetInstanceResponse()

    @action("StartInstances", requires=("InstanceIds",))
    def start_instances(self, request: models.StartInstancesRequest) -> models.StartInstancesResponse:
        """Start stopped instances."""
        self._each(request.InstanceIds, "StartInstances", {"STOPPED"}, "STARTING")
        return models.StartInstancesResponse()

    @action("StopInstances", requires=("InstanceIds",))
    def stop_instances(self, request: models.StopInstancesRequest) -> models.StopInstancesResponse:
        """Stop running instances; their disks stay."""
        self._each(request.InstanceIds, "StopInstances", {"RUNNING"}, "STOPPING")
        return models.StopInstancesResponse()

    @action("RebootInstances", requires=("InstanceIds",))
    def reboot_instances(self, request: models.RebootInstancesRequest) -> models.RebootInstancesResponse:
        """Reboot running instances."""
        self._each(request.InstanceIds, "RebootInstances", {"RUNNING"}, "REBOOTING")
        return models.RebootInstancesResponse()

    @action("IsolateInstances", requires=("InstanceIds",))
    def isolate_instances(self, request: models.IsolateInstancesRequest) -> models.IsolateInstancesResponse:
        """Give instances back: they are stopped and wait to be destroyed (待回收)."""
        self._each(request.InstanceIds, "IsolateInstances", {"RUNNING", "STOPPED"}, "SHUTDOWN")
        for identifier in request.InstanceIds:
            document = self._instance(identifier).document
            document["IsolatedTime"] = timestamp()
            self.store.put(Kind.LIGHTHOUSE_INSTANCE, identifier, document)
        return models.IsolateInstancesResponse()

    @action("TerminateInstances", requires=("InstanceIds",))
    def terminate_instances(self, request: models.TerminateInstancesRequest) -> models.TerminateInstancesResponse:
        """Destroy instances that have been given back."""
        self._each(
            request.InstanceIds,
            "TerminateInstances",
            {"SHUTDOWN", "LAUNCH_FAILED"},
            "TERMINATING",
        )
        return models.TerminateInstancesResponse()

    # Firewalls

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
        rules = _default_rules()
        return build(
            models.DescribeFirewallRulesTemplateResponse,
            TotalCount=len(rules),
            FirewallRuleSet=rules,
        )

    @action("CreateFirewallRules", requires=("InstanceId", "FirewallRules"))
    def create_firewall_rules(self, request: models.CreateFirewallRulesRequest) -> models.CreateFirewallRulesResponse:
        """Add rules at the end of an instance's firewall."""
        firewall = self._firewall(request.InstanceId, request.FirewallVersion)
        added = _rules(request.FirewallRules)
        there = {_key(rule) for rule in firewall["Rules"]}
        for rule in added:
            if _key(rule) in there:
                raise CloudError("InvalidParameter.FirewallRulesExist", f"There is a rule {_text(rule)} already.")
        self._keep_rules(request.InstanceId, firewall, [*firewall["Rules"], *added])
        return models.CreateFirewallRulesResponse()

    @action("ModifyFirewallRules", requires=("InstanceId", "FirewallRules"))
    def modify_firewall_rules(self, request: models.ModifyFirewallRulesRequest) -> models.ModifyFirewallRulesResponse:
        """Replace all rules of an instance's firewall."""
        firewall = self._firewall(request.InstanceId, request.FirewallVersion)
        self._keep_rules(request.InstanceId, firewall, _rules(request.FirewallRules))
        return models.ModifyFirewallRulesResponse()

    @action("ModifyFirewallRuleDescription", requires=("InstanceId", "FirewallRule"))
    def modify_firewall_rule_description(
        self, request: models.ModifyFirewallRuleDescriptionRequest
    ) -> models.ModifyFirewallRuleDescriptionResponse:
        """Change the description of one rule."""
        firewall = self._firewall(request.InstanceId, request.FirewallVersion)
        wanted = _rule(request.FirewallRule)
        for rule in firewall["Rules"]:
            if _key(rule) == _key(wanted):
                rule["FirewallRuleDescription"] = wanted["FirewallRuleDescription"]
                break
        else:
            raise _no_rule(wanted)
        self._keep_rules(request.InstanceId, firewall, firewall["Rules"])
        return models.ModifyFirewallRuleDescriptionResponse()

    @action("DeleteFirewallRules", requires=("InstanceId", "FirewallRules"))
    def delete_firewall_rules(self, request: models.DeleteFirewallRulesRequest) -> models.DeleteFirewallRulesResponse:
        """Remove rules from an instance's firewall."""
        firewall = self._firewall(request.InstanceId, request.FirewallVersion)
        there = {_key(rule) for rule in firewall["Rules"]}
        doomed = set()
        for rule in map(_rule, request.FirewallRules):
            if _key(rule) not in there:
                raise _no_rule(rule)
            doomed.add(_key(rule))
        left = [rule for rule in firewall["Rules"] if _key(rule) not in doomed]
        self._keep_rules(request.InstanceId, firewall, left)
        return models.DeleteFirewallRulesResponse()

    # Firewall templates

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
            "_Rules": [_template_rule(rule) for rule in _rules(request.TemplateRules or [])],
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
        document = self._template(request.TemplateId)
        if request.TemplateName is not None:
            document["TemplateName"] = request.TemplateName
        self.store.put(Kind.FIREWALL_TEMPLATE, request.TemplateId, document)
        return models.ModifyFirewallTemplateResponse()

    @action("DeleteFirewallTemplate", requires=("TemplateId",))
    def delete_firewall_template(
        self, request: models.DeleteFirewallTemplateRequest
    ) -> models.DeleteFirewallTemplateResponse:
        """Remove a template; firewalls made from it keep their rules."""
        self._template(request.TemplateId)
        self.store.delete(Kind.FIREWALL_TEMPLATE, request.TemplateId)
        return models.DeleteFirewallTemplateResponse()

    @action("DescribeFirewallTemplateRules", requires=("TemplateId",))
    def describe_firewall_template_rules(
        self, request: models.DescribeFirewallTemplateRulesRequest
    ) -> models.DescribeFirewallTemplateRulesResponse:
        """List a template's rules in order."""
        rules = [
            rule
            for rule in self._template(request.TemplateId)["_Rules"]
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
        document = self._template(request.TemplateId)
        added = [_template_rule(rule) for rule in _rules(request.TemplateRules)]
        there = {_key(rule["FirewallRuleInfo"]) for rule in document["_Rules"]}
        for rule in added:
            if _key(rule["FirewallRuleInfo"]) in there:
                raise CloudError(
                    "InvalidParameterValue.DuplicatedFirewallTemplateRule",
                    f"There is a rule {_text(rule['FirewallRuleInfo'])} already.",
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
        document = self._template(request.TemplateId)
        document["_Rules"] = [_template_rule(rule) for rule in _rules(request.TemplateRules)]
        self.store.put(Kind.FIREWALL_TEMPLATE, request.TemplateId, document)
        return models.ResetFirewallTemplateRulesResponse()

    @action("DeleteFirewallTemplateRules", requires=("TemplateId", "TemplateRuleIds"))
    def delete_firewall_template_rules(
        self, request: models.DeleteFirewallTemplateRulesRequest
    ) -> models.DeleteFirewallTemplateRulesResponse:
        """Remove rules from a template."""
        document = self._template(request.TemplateId)
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

    # Parts

    def _instance(self, identifier: str) -> Instance:
        document = self.store.get(Kind.LIGHTHOUSE_INSTANCE, identifier, self.region)
        if document is None:
            if not identifier.startswith("lhins-"):
                raise CloudError(
                    "InvalidParameterValue.InstanceIdMalformed",
                    f"{identifier} is not the id of a Lighthouse instance (lhins-...).",
                )
            raise CloudError(
                "ResourceNotFound.InstanceIdNotFound",
                f"{identifier} is not found in {self.region}.",
            )
        return Instance(Kind.LIGHTHOUSE_INSTANCE, self.region, document)

    def _blueprint(self, identifier: str) -> Document:
        blueprint = self.cloud.catalogue.blueprints.get(identifier)
        if blueprint is None:
            if not identifier.startswith("lhbp-"):
                raise CloudError(
                    "InvalidParameterValue.BlueprintIdMalformed",
                    f"{identifier} is not the id of a Lighthouse image (lhbp-...).",
                )
            raise CloudError(
                "ResourceNotFound.BlueprintIdNotFound",
                f"{identifier} is not an image; DescribeBlueprints lists them.",
            )
        return _blueprint(blueprint.values)

    def _check_zone(self, zone: str) -> None:
        zones = [one.zone for one in self.cloud.catalogue.regions[self.region].zones]
        if zone not in zones:
            raise CloudError(
                "InvalidParameterValue.InvalidZone",
                f"Zone {zone} is not one of {self.region}: {', '.join(zones)}.",
            )

    def _check_state(self, instance: Instance, states: set[str]) -> None:
        if instance.operating:
            raise CloudError(
                "OperationDenied.InstanceOperationInProgress",
                f"{instance.identifier} is still busy with {instance.document['LatestOperation']}.",
            )
        if instance.document["InstanceState"] not in states:
            raise CloudError(
                "UnsupportedOperation.InvalidInstanceState",
                f"{instance.identifier} is {instance.document['InstanceState']}; it must be"
                f" {' or '.join(sorted(states))}.",
            )

    def _each(self, identifiers: list[str], operation: str, states: set[str], to: str) -> None:
        instances = [self._instance(identifier) for identifier in identifiers]
        for one in instances:
            self._check_state(one, states)
        for one in instances:
            self._operate(one, operation, to)

    def _operate(self, instance: Instance, operation: str, state: str) -> None:
        instance.document["LatestOperationStartedTime"] = timestamp()
        self.cloud.fleet.operate(instance, operation, state, self.request_id)

    def _succeeded(self, document: Document, operation: str) -> None:
        """Keep a change that needs nothing of the machine."""
        if document["LatestOperationState"] != "OPERATING":
            document.update(
                LatestOperation=operation,
                LatestOperationState="SUCCESS",
                LatestOperationRequestId=self.request_id,
            )
        self.store.put(Kind.LIGHTHOUSE_INSTANCE, document["InstanceId"], document)

    def _private_address(self) -> str:
        number = self.store.next_number("lighthouse_private_address", 4 * 256 + 2)
        return f"{_PRIVATE_NETWORK}{number // 256 % 256}.{number % 256}"

    def _firewall(self, identifier: str, version: int | None = None) -> Document:
        self._instance(identifier)
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

    def _first_rules(self, template: str | None) -> list[Document]:
        if template is None:
            return _default_rules()
        return [rule["FirewallRuleInfo"] for rule in self._template(template)["_Rules"]]

    def _template(self, identifier: str) -> Document:
        document = self.store.get(Kind.FIREWALL_TEMPLATE, identifier, self.region)
        if document is None:
            raise CloudError(
                "ResourceNotFound.FirewallTemplateNotFound",
                f"{identifier} is not a firewall template in {self.region}.",
            )
        return document


def _bundle(values: Document) -> Document:
    price = values["_price"]
    return {
        **values,
        "SupportLinuxUnixPlatform": True,
        "SupportWindowsPlatform": False,
        "Price": {
            "InstancePrice": {
                "OriginalBundlePrice": price,
                "OriginalPrice": price,
                "Discount": 100.0,
                "DiscountPrice": price,
                "Currency": "CNY",
            }
        },
        "InternetChargeType": "TRAFFIC_POSTPAID_BY_HOUR",
        "BundleSalesState": "AVAILABLE",
        "BundleDisplayLabel": "NORMAL",
        "TrafficUnlimited": False,
    }


def _blueprint(values: Document) -> Document:
    return {
        **values,
        "Description": values["BlueprintName"],
        "PlatformType": "LINUX_UNIX",
        "ImageUrl": "",
        "BlueprintState": "NORMAL",
        "CreatedTime": "2024-06-04T08:00:00Z",
        "SupportAutomationTools": True,
        "ImageId": "",
        "CommunityUrl": "",
        "GuideUrl": "",
        "SceneIdSet": [],
        "DockerVersion": "",
        "BlueprintShared": False,
        "Tags": [],
    }


def _period(prepaid: models.InstanceChargePrepaid) -> int:
    if prepaid.Period is None:
        raise CloudError(
            "MissingParameter",
            "The request is missing a required parameter `InstanceChargePrepaid.Period`.",
        )
    if prepaid.Period not in PERIODS:
        raise CloudError(
            "InvalidParameterValue",
            f"Period is {prepaid.Period} months; give one of {', '.join(map(str, sorted(PERIODS)))}.",
        )
    return int(prepaid.Period)


def _check_renew_flag(flag: str) -> None:
    if flag not in RENEW_FLAGS:
        raise CloudError(
            "InvalidParameterValue",
            f"RenewFlag is {flag}; give one of {', '.join(sorted(RENEW_FLAGS))}.",
        )


def _keys(request: models.CreateInstancesRequest) -> list[str]:
    login = request.LoginConfiguration
    return list((login and login.KeyIds) or [])


def _rules(rules: Sequence[models.FirewallRule]) -> list[Document]:
    made = [_rule(rule) for rule in rules]
    keys = [_key(rule) for rule in made]
    for rule in made:
        if keys.count(_key(rule)) > 1:
            raise CloudError("InvalidParameter.FirewallRulesDuplicated", f"Given twice: {_text(rule)}.")
    return made


def _rule(rule: models.FirewallRule) -> Document:
    if rule.Protocol is None:
        raise CloudError("MissingParameter", "The request is missing a required parameter `Protocol`.")
    protocol, port = rule.Protocol.upper(), (rule.Port or "ALL").upper()
    over_ip6 = bool(rule.Ipv6CidrBlock) or protocol == "ICMPV6"
    cidr = rule.CidrBlock or ("" if over_ip6 else ANYWHERE)
    cidr6 = rule.Ipv6CidrBlock or ("::/0" if over_ip6 and not cidr else "")
    if cidr and cidr6:
        raise CloudError("InvalidParameterValue", "CidrBlock and Ipv6CidrBlock can't be given at the same time.")
    action_ = (rule.Action or "ACCEPT").upper()
    check(action_, protocol, port, cidr or cidr6)
    description = rule.FirewallRuleDescription or ""
    if len(description) > 64:
        raise CloudError(
            "InvalidParameterValue.FirewallRuleDescriptionTooLong",
            "A rule's description has at most 64 characters.",
        )
    return _info(protocol, port, cidr, cidr6, action_, description)


def _info(protocol: str, port: str, cidr: str, cidr6: str, action_: str, description: str) -> Document:
    return {
        "AppType": _APPLICATIONS.get((protocol, port), "自定义"),
        "Protocol": "ICMPv6" if protocol == "ICMPV6" else protocol,
        "Port": port,
        "CidrBlock": cidr,
        "Ipv6CidrBlock": cidr6,
        "Action": action_,
        "FirewallRuleDescription": description,
    }


def _default_rules() -> list[Document]:
    return [_info(protocol, port, ANYWHERE, "", "ACCEPT", "") for protocol, port in DEFAULT_RULES]


def _template_rule(rule: Document) -> Document:
    return {"TemplateRuleId": new_id("lhftr"), "FirewallRuleInfo": rule}


def _key(rule: Document) -> tuple[str, ...]:
    names = ("Protocol", "Port", "CidrBlock", "Ipv6CidrBlock", "Action")
    return tuple(rule[name] for name in names)


def _text(rule: Document) -> str:
    source = rule["CidrBlock"] or rule["Ipv6CidrBlock"]
    return f"{rule['Action']} {rule['Protocol']} {rule['Port']} {source}"


def _no_rule(rule: Document) -> CloudError:
    return CloudError("ResourceNotFound.FirewallRulesNotFound", f"There is no rule {_text(rule)}.")
