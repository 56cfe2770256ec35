"""Instances: ordered, changed, stopped, given back."""

from __future__ import annotations

from typing import Any

from tencentcloud.cvm.v20170312 import models

from localcloud.errors import CloudError
from localcloud.fleet import Instance
from localcloud.services.base import action, made_before, page, select
from localcloud.services.cvm.order import Order, check_hostname, check_user_data
from localcloud.services.cvm.quotas import Quotas
from localcloud.services.prepaid import check_renew_flag
from localcloud.store import Kind
from localcloud.wire import build

STATE_CODES = {
    "PENDING": "UnsupportedOperation.InstanceStatePending",
    "LAUNCH_FAILED": "UnsupportedOperation.InstanceStateLaunchFailed",
    "RUNNING": "UnsupportedOperation.InstanceStateRunning",
    "STARTING": "UnsupportedOperation.InstanceStateStarting",
    "STOPPING": "UnsupportedOperation.InstanceStateStopping",
    "STOPPED": "UnsupportedOperation.InstanceStateStopped",
    "REBOOTING": "UnsupportedOperation.InstanceStateRebooting",
    "SHUTDOWN": "UnsupportedOperation.InstanceStateShutdown",
    "TERMINATING": "UnsupportedOperation.InstanceStateTerminating",
}
"""The code with which an action refuses an instance in that state."""

_INSTANCE_FILTERS: dict[str, Any] = {
    "instance-id": "InstanceId",
    "instance-name": "InstanceName",
    "instance-state": "InstanceState",
    "instance-charge-type": "InstanceChargeType",
    "uuid": "Uuid",
    "private-ip-address": "PrivateIpAddresses",
    "public-ip-address": "PublicIpAddresses",
    "security-group-id": "SecurityGroupIds",
    "zone": lambda one: [one["Placement"]["Zone"]],
    "project-id": lambda one: [str(one["Placement"]["ProjectId"])],
    "vpc-id": lambda one: [one["VirtualPrivateCloud"]["VpcId"]],
    "subnet-id": lambda one: [one["VirtualPrivateCloud"]["SubnetId"]],
}


class Instances(Quotas):
    """Actions on instances."""

    @action("RunInstances")
    def run_instances(self, request: models.RunInstancesRequest) -> models.RunInstancesResponse:
        """Order instances; each is PENDING until its machine is up."""
        if request.LaunchTemplate is not None:
            raise CloudError("UnsupportedOperation", "The rehearsal cloud has no launch templates (启动模板).")
        earlier = made_before(self.store, Kind.CVM_INSTANCE, self.region, "InstanceId", request.ClientToken)
        if earlier:
            return build(models.RunInstancesResponse, InstanceIdSet=earlier)
        order = Order(self, request)
        count = 1 if request.InstanceCount is None else request.InstanceCount
        if not 1 <= count <= 100:
            raise CloudError("InvalidParameterValue.Range", f"InstanceCount is {count}; give 1 to 100.")
        self.check_quota(order.zone, order.charge_type, count)
        if request.DryRun:
            raise CloudError("DryRunOperation", "The request would have succeeded.")
        identifiers = [order.fill(number, count) for number in range(1, count + 1)]
        return build(models.RunInstancesResponse, InstanceIdSet=identifiers)

    @action("DescribeInstances")
    def describe_instances(self, request: models.DescribeInstancesRequest) -> models.DescribeInstancesResponse:
        """List instances; ids that aren't there are left out, as at Tencent."""
        found = select(
            self.store.all(Kind.CVM_INSTANCE, self.region),
            ids=request.InstanceIds,
            id_field="InstanceId",
            filters=request.Filters,
            by=_INSTANCE_FILTERS,
            tags_of=self.cloud.tags.of,
        )
        return build(
            models.DescribeInstancesResponse,
            TotalCount=len(found),
            InstanceSet=[
                {
                    **one,
                    "Tags": self.cloud.tags.listed(one["InstanceId"]),
                    "LatestOperationErrorMsg": one["_Error"],
                }
                for one in page(found, request.Offset, request.Limit)
            ],
        )

    @action("DescribeInstancesStatus")
    def describe_instances_status(
        self, request: models.DescribeInstancesStatusRequest
    ) -> models.DescribeInstancesStatusResponse:
        """List the states of instances."""
        found = select(
            self.store.all(Kind.CVM_INSTANCE, self.region),
            ids=request.InstanceIds,
            id_field="InstanceId",
            filters=None,
            by={},
        )
        return build(
            models.DescribeInstancesStatusResponse,
            TotalCount=len(found),
            InstanceStatusSet=[
                {"InstanceId": one["InstanceId"], "InstanceState": one["InstanceState"]}
                for one in page(found, request.Offset, request.Limit)
            ],
        )

    @action("DescribeInstancesAttributes", requires=("Attributes", "InstanceIds"))
    def describe_instances_attributes(
        self, request: models.DescribeInstancesAttributesRequest
    ) -> models.DescribeInstancesAttributesResponse:
        """Return the user data of instances, in base64."""
        if set(request.Attributes) != {"UserData"}:
            raise CloudError("InvalidParameterValue", f"Attributes {request.Attributes}: only UserData exists.")
        instances = [self.instance(identifier) for identifier in request.InstanceIds]
        return build(
            models.DescribeInstancesAttributesResponse,
            InstanceSet=[
                {
                    "InstanceId": one.identifier,
                    "Attributes": {"UserData": one.document["_UserData"]},
                }
                for one in instances
            ],
        )

    @action("ModifyInstancesAttribute", requires=("InstanceIds",))
    def modify_instances_attribute(
        self, request: models.ModifyInstancesAttributeRequest
    ) -> models.ModifyInstancesAttributeResponse:
        """Change names, security groups, user data, host name or deletion protection."""
        for identifier in request.InstanceIds:
            document = self.instance(identifier).document
            if request.InstanceName is not None:
                document["InstanceName"] = request.InstanceName
            if request.SecurityGroups is not None:
                self.check_groups(request.SecurityGroups)
                document["SecurityGroupIds"] = request.SecurityGroups
            if request.UserData is not None:
                document["_UserData"] = check_user_data(request.UserData)
            if request.HostName is not None:
                document["_HostName"] = document["HostName"] = check_hostname(request.HostName)
            if request.DisableApiTermination is not None:
                document["DisableApiTermination"] = request.DisableApiTermination
            if request.CamRoleName is not None:
                document["CamRoleName"] = request.CamRoleName
            self.succeeded(document, "ModifyInstancesAttribute")
        return models.ModifyInstancesAttributeResponse()

    @action("ModifyInstancesProject", requires=("InstanceIds", "ProjectId"))
    def modify_instances_project(
        self, request: models.ModifyInstancesProjectRequest
    ) -> models.ModifyInstancesProjectResponse:
        """Put instances into another project."""
        for identifier in request.InstanceIds:
            document = self.instance(identifier).document
            document["Placement"]["ProjectId"] = request.ProjectId
            self.succeeded(document, "ModifyInstancesProject")
        return models.ModifyInstancesProjectResponse()

    @action("ModifyInstancesRenewFlag", requires=("InstanceIds", "RenewFlag"))
    def modify_instances_renew_flag(
        self, request: models.ModifyInstancesRenewFlagRequest
    ) -> models.ModifyInstancesRenewFlagResponse:
        """Change whether prepaid instances renew themselves."""
        check_renew_flag(request.RenewFlag)
        for identifier in request.InstanceIds:
            document = self.instance(identifier).document
            if document["InstanceChargeType"] != "PREPAID":
                raise CloudError("UnsupportedOperation.InstanceChargeType", f"{identifier} is not prepaid.")
            document["RenewFlag"] = request.RenewFlag
            self.succeeded(document, "ModifyInstancesRenewFlag")
        return models.ModifyInstancesRenewFlagResponse()

    @action("ResetInstancesInternetMaxBandwidth", requires=("InstanceIds", "InternetAccessible"))
    def reset_instances_internet_max_bandwidth(
        self, request: models.ResetInstancesInternetMaxBandwidthRequest
    ) -> models.ResetInstancesInternetMaxBandwidthResponse:
        """Change the outgoing bandwidth of instances (Mbit/s)."""
        bandwidth = request.InternetAccessible.InternetMaxBandwidthOut
        for identifier in request.InstanceIds:
            document = self.instance(identifier).document
            document["InternetAccessible"]["InternetMaxBandwidthOut"] = bandwidth
            self.succeeded(document, "ResetInstancesInternetMaxBandwidth")
        return models.ResetInstancesInternetMaxBandwidthResponse()

    @action("ResetInstancesType", requires=("InstanceIds", "InstanceType"))
    def reset_instances_type(self, request: models.ResetInstancesTypeRequest) -> models.ResetInstancesTypeResponse:
        """Change the size of instances; a running one is rebooted."""
        kind = self.instance_type(request.InstanceType)
        for identifier in request.InstanceIds:
            instance = self.instance(identifier)
            instance.document.update(InstanceType=kind.instance_type, CPU=kind.cpu, Memory=kind.memory)
            self.succeeded(instance.document, "ResetInstancesType")
            if instance.document["InstanceState"] == "RUNNING":
                self.operate(instance, "ResetInstancesType", "REBOOTING")
        return models.ResetInstancesTypeResponse()

    @action("ResizeInstanceDisks", requires=("InstanceId",))
    def resize_instance_disks(self, request: models.ResizeInstanceDisksRequest) -> models.ResizeInstanceDisksResponse:
        """Enlarge an instance's system disk (GiB); it can't shrink."""
        document = self.instance(request.InstanceId).document
        wanted = request.SystemDisk
        if wanted is None:
            raise CloudError("UnsupportedOperation", "Only the system disk can be resized here.")
        disk = self.store.get(Kind.DISK, document["SystemDisk"]["DiskId"]) or {}
        if wanted.DiskSize is not None:
            if wanted.DiskSize < disk["DiskSize"]:
                raise CloudError(
                    "InvalidParameterValue",
                    f"DiskSize {wanted.DiskSize} is smaller than the disk's {disk['DiskSize']}.",
                )
            document["SystemDisk"]["DiskSize"] = disk["DiskSize"] = wanted.DiskSize
        if wanted.DiskType is not None:
            document["SystemDisk"]["DiskType"] = disk["DiskType"] = wanted.DiskType
        self.store.put(Kind.DISK, disk["DiskId"], disk)
        self.succeeded(document, "ResizeInstanceDisks")
        return models.ResizeInstanceDisksResponse()

    @action("ResetInstance", requires=("InstanceId",))
    def reset_instance(self, request: models.ResetInstanceRequest) -> models.ResetInstanceResponse:
        """Reinstall an instance: its disk is emptied and its user data runs again."""
        instance = self.instance(request.InstanceId)
        if request.ImageId is not None:
            image = self.image(request.ImageId)
            instance.document.update(ImageId=image.image_id, OsName=image.os_name)
        if request.HostName is not None:
            name = check_hostname(request.HostName)
            instance.document.update(HostName=name, _HostName=name)
        if request.UserData is not None:
            instance.document["_UserData"] = check_user_data(request.UserData)
        self.operate(instance, "ResetInstance", "REBOOTING")
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

    @action("TerminateInstances", requires=("InstanceIds",))
    def terminate_instances(self, request: models.TerminateInstancesRequest) -> models.TerminateInstancesResponse:
        """Give instances back: a prepaid one is put into the recycle bin first, then destroyed."""
        instances = [self.instance(identifier) for identifier in request.InstanceIds]
        for one in instances:
            state = one.document["InstanceState"]
            if one.document["DisableApiTermination"]:
                raise CloudError(
                    "UnsupportedOperation",
                    f"{one.identifier} is protected against deletion (实例销毁保护).",
                )
            if state == "TERMINATING":
                raise CloudError(
                    "UnsupportedOperation.InstanceStateTerminating",
                    f"{one.identifier} is being destroyed.",
                )
            if one.operating:
                raise _busy(one)
        for one in instances:
            recycled = one.document["InstanceState"] == "SHUTDOWN"
            prepaid = one.document["InstanceChargeType"] == "PREPAID"
            if prepaid and not recycled:
                one.document.update(SecurityGroupIds=[], IsolatedSource="MANMADE")
                self.operate(one, "TerminateInstances", "SHUTDOWN")
            else:
                self.operate(one, "TerminateInstances", "TERMINATING")
        return models.TerminateInstancesResponse()

    def _each(self, identifiers: list[str], operation: str, states: set[str], to: str) -> None:
        instances = [self.instance(identifier) for identifier in identifiers]
        for one in instances:
            if one.operating:
                raise _busy(one)
            if one.document["InstanceState"] not in states:
                raise _wrong_state(one)
        for one in instances:
            self.operate(one, operation, to)


def _busy(instance: Instance) -> CloudError:
    return CloudError(
        "OperationDenied.InstanceOperationInProgress",
        f"{instance.identifier} is still busy with {instance.document['LatestOperation']}.",
    )


def _wrong_state(instance: Instance) -> CloudError:
    state = instance.document["InstanceState"]
    return CloudError(STATE_CODES[state], f"{instance.identifier} is {state}.")
