"""Instances: ordered, changed, stopped, given back."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from tencentcloud.lighthouse.v20200324 import models

from localcloud import automation
from localcloud.errors import CloudError
from localcloud.fleet import Instance
from localcloud.formats import months_later, new_id, timestamp
from localcloud.services.base import action, made_before, page, select
from localcloud.services.lighthouse.quotas import Quotas
from localcloud.services.lighthouse.rules import default_rules
from localcloud.services.prepaid import check_period, check_renew_flag
from localcloud.store import Document, Kind
from localcloud.wire import build

_PRIVATE_NETWORK = "10.0."
_INSTANCE_FILTERS: dict[str, Any] = {
    "instance-name": "InstanceName",
    "private-ip-address": "PrivateAddresses",
    "public-ip-address": "PublicAddresses",
    "zone": "Zone",
    "instance-state": "InstanceState",
    "bundle-id": "BundleId",
}


class Instances(Quotas):
    """Actions on instances."""

    @action("CreateInstances", requires=("BundleId", "BlueprintId", "InstanceChargePrepaid"))
    def create_instances(self, request: models.CreateInstancesRequest) -> models.CreateInstancesResponse:
        """Order instances; each is PENDING until its machine is up."""
        earlier = made_before(self.store, Kind.LIGHTHOUSE_INSTANCE, self.region, "InstanceId", request.ClientToken)
        if earlier:
            return build(models.CreateInstancesResponse, InstanceIdSet=earlier)
        bundle = self.cloud.catalogue.bundles.get(request.BundleId)
        if bundle is None:
            raise CloudError(
                "InvalidParameter.BundleIdNotFound",
                f"{request.BundleId} is not a bundle; DescribeBundles lists them.",
            )
        blueprint = self.blueprint(request.BlueprintId)
        period = check_period(request.InstanceChargePrepaid.Period, "InvalidParameterValue")
        flag = check_renew_flag(request.InstanceChargePrepaid.RenewFlag)
        if request.Containers:
            raise CloudError("UnsupportedOperation", "The rehearsal cloud makes no containers (Docker).")
        for zone in request.Zones or ():
            self.check_zone(zone)
        rules = self._first_rules(request.FirewallTemplateId)
        count = 1 if request.InstanceCount is None else request.InstanceCount
        if not 1 <= count <= 30:
            raise CloudError("InvalidParameterValue.OutOfRange", f"InstanceCount is {count}; give 1 to 30.")
        self.check_quota(bundle.values["BundleType"], count)
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
            document = self.instance(identifier).document
            if request.InstanceName is not None:
                document["InstanceName"] = request.InstanceName
            self._succeeded(document, "ModifyInstancesAttribute")
        return models.ModifyInstancesAttributeResponse()

    @action("ModifyInstancesRenewFlag", requires=("InstanceIds", "RenewFlag"))
    def modify_instances_renew_flag(
        self, request: models.ModifyInstancesRenewFlagRequest
    ) -> models.ModifyInstancesRenewFlagResponse:
        """Change whether instances renew themselves."""
        check_renew_flag(request.RenewFlag)
        for identifier in request.InstanceIds:
            document = self.instance(identifier).document
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
            instance = self.instance(identifier)
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
        instance = self.instance(request.InstanceId)
        self._check_state(instance, {"RUNNING", "STOPPED"})
        if request.BlueprintId is not None:
            blueprint = self.blueprint(request.BlueprintId)
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
            document = self.instance(identifier).document
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
        instances = [self.instance(identifier) for identifier in identifiers]
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

    def _first_rules(self, template: str | None) -> list[Document]:
        if template is None:
            return default_rules()
        return [rule["FirewallRuleInfo"] for rule in self.template(template)["_Rules"]]


def _keys(request: models.CreateInstancesRequest) -> list[str]:
    login = request.LoginConfiguration
    return list((login and login.KeyIds) or [])
