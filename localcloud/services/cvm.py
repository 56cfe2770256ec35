"""Cloud Virtual Machine (云服务器): instances, images, key pairs, zones."""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tencentcloud.cvm.v20170312 import models

from localcloud.addresses import private_address
from localcloud.catalogue import Image, InstanceType
from localcloud.errors import CloudError
from localcloud.fleet import Instance
from localcloud.formats import months_later, new_id, timestamp
from localcloud.services.base import Service, action, page, select
from localcloud.store import Document, Kind
from localcloud.wire import build, given

USER_DATA_LIMIT = 16 * 1024
"""Bytes of user data before base64 (docstring of RunInstancesRequest.UserData)."""
PERIODS = frozenset({*range(1, 13), 24, 36, 48, 60})
"""Months for which an instance can be prepaid (docstring of InstanceChargePrepaid.Period)."""
RENEW_FLAGS = frozenset({"NOTIFY_AND_AUTO_RENEW", "NOTIFY_AND_MANUAL_RENEW", "DISABLE_NOTIFY_AND_MANUAL_RENEW"})
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
CHARGE_TYPES = frozenset({"PREPAID", "POSTPAID_BY_HOUR"})
CLASSIC_NETWORK = "10.0.0.0/16"
"""Private addresses of instances that are put into no VPC."""
_HOSTNAME = re.compile(
    r"^(?=.{2,60}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$"
)
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


class Cvm(Service):
    """Product `cvm`."""

    product = "cvm"
    version = "2017-03-12"
    sdk = models

    # What can be had

    @action("DescribeRegions")
    def describe_regions(self, request: models.DescribeRegionsRequest) -> models.DescribeRegionsResponse:
        """List regions."""
        del request
        regions = self.cloud.catalogue.regions.values()
        return build(
            models.DescribeRegionsResponse,
            TotalCount=len(regions),
            RegionSet=[
                {
                    "Region": one.region,
                    "RegionName": one.region_name,
                    "RegionState": "AVAILABLE",
                }
                for one in regions
            ],
        )

    @action("DescribeZones")
    def describe_zones(self, request: models.DescribeZonesRequest) -> models.DescribeZonesResponse:
        """List the region's zones."""
        del request
        zones = self.cloud.catalogue.regions[self.region].zones
        return build(
            models.DescribeZonesResponse,
            TotalCount=len(zones),
            ZoneSet=[
                {
                    "Zone": one.zone,
                    "ZoneName": one.zone_name,
                    "ZoneId": one.zone_id,
                    "ZoneState": "AVAILABLE",
                }
                for one in zones
            ],
        )

    @action("DescribeImages")
    def describe_images(self, request: models.DescribeImagesRequest) -> models.DescribeImagesResponse:
        """List images; names and platforms are matched by part, as at Tencent."""
        if request.InstanceType is not None:
            self._instance_type(request.InstanceType)
        images = [_image(one) for one in self.cloud.catalogue.images.values()]
        fuzzy = {"image-name": "ImageName", "platform": "Platform"}
        exact = []
        for one in request.Filters or ():
            if one.Name not in fuzzy:
                exact.append(one)
                continue
            wanted = [value.lower() for value in one.Values or ()]
            field = fuzzy[one.Name]
            images = [x for x in images if any(value in x[field].lower() for value in wanted)]
        found = select(
            images,
            ids=request.ImageIds,
            id_field="ImageId",
            filters=exact,
            by={"image-id": "ImageId", "image-type": "ImageType"},
            tags_of=self.cloud.tags.of,
        )
        return build(
            models.DescribeImagesResponse,
            TotalCount=len(found),
            ImageSet=page(found, request.Offset, request.Limit),
        )

    @action("DescribeImageFromFamily", requires=("ImageFamily",))
    def describe_image_from_family(
        self, request: models.DescribeImageFromFamilyRequest
    ) -> models.DescribeImageFromFamilyResponse:
        """Return the newest image of a family, or none."""
        family = [one for one in self.cloud.catalogue.images.values() if one.family == request.ImageFamily]
        newest = max(family, key=lambda one: one.created, default=None)
        return build(models.DescribeImageFromFamilyResponse, Image=newest and _image(newest))

    @action("DescribeInstanceTypeConfigs")
    def describe_instance_type_configs(
        self, request: models.DescribeInstanceTypeConfigsRequest
    ) -> models.DescribeInstanceTypeConfigsResponse:
        """List instance types, for every zone of the region."""
        configs = [
            {
                "Zone": zone.zone,
                "InstanceType": one.instance_type,
                "InstanceFamily": one.family,
                "CPU": one.cpu,
                "Memory": one.memory,
                "GPU": 0,
                "FPGA": 0,
            }
            for zone in self.cloud.catalogue.regions[self.region].zones
            for one in self.cloud.catalogue.instance_types.values()
        ]
        found = select(
            configs,
            ids=None,
            id_field="InstanceType",
            filters=request.Filters,
            by={
                "zone": "Zone",
                "instance-family": "InstanceFamily",
                "instance-type": "InstanceType",
            },
        )
        return build(models.DescribeInstanceTypeConfigsResponse, InstanceTypeConfigSet=found)

    # Instances

    @action("RunInstances")
    def run_instances(self, request: models.RunInstancesRequest) -> models.RunInstancesResponse:
        """Order instances; each is PENDING until its machine is up."""
        if request.LaunchTemplate is not None:
            raise CloudError("UnsupportedOperation", "The rehearsal cloud has no launch templates (启动模板).")
        earlier = [
            one["InstanceId"]
            for one in self.store.all(Kind.CVM_INSTANCE, self.region)
            if request.ClientToken and one["_ClientToken"] == request.ClientToken
        ]
        if earlier:
            return build(models.RunInstancesResponse, InstanceIdSet=earlier)
        order = _Order(self, request)
        if request.DryRun:
            raise CloudError("DryRunOperation", "The request would have succeeded.")
        count = 1 if request.InstanceCount is None else request.InstanceCount
        if not 1 <= count <= 100:
            raise CloudError("InvalidParameterValue.Range", f"InstanceCount is {count}; give 1 to 100.")
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
        instances = [self._instance(identifier) for identifier in request.InstanceIds]
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
            document = self._instance(identifier).document
            if request.InstanceName is not None:
                document["InstanceName"] = request.InstanceName
            if request.SecurityGroups is not None:
                self._check_groups(request.SecurityGroups)
                document["SecurityGroupIds"] = request.SecurityGroups
            if request.UserData is not None:
                document["_UserData"] = _user_data(request.UserData)
            if request.HostName is not None:
                document["_HostName"] = document["HostName"] = _hostname(request.HostName)
            if request.DisableApiTermination is not None:
                document["DisableApiTermination"] = request.DisableApiTermination
            if request.CamRoleName is not None:
                document["CamRoleName"] = request.CamRoleName
            self._succeeded(document, "ModifyInstancesAttribute")
        return models.ModifyInstancesAttributeResponse()

    @action("ModifyInstancesProject", requires=("InstanceIds", "ProjectId"))
    def modify_instances_project(
        self, request: models.ModifyInstancesProjectRequest
    ) -> models.ModifyInstancesProjectResponse:
        """Put instances into another project."""
        for identifier in request.InstanceIds:
            document = self._instance(identifier).document
            document["Placement"]["ProjectId"] = request.ProjectId
            self._succeeded(document, "ModifyInstancesProject")
        return models.ModifyInstancesProjectResponse()

    @action("ModifyInstancesRenewFlag", requires=("InstanceIds", "RenewFlag"))
    def modify_instances_renew_flag(
        self, request: models.ModifyInstancesRenewFlagRequest
    ) -> models.ModifyInstancesRenewFlagResponse:
        """Change whether prepaid instances renew themselves."""
        _check_renew_flag(request.RenewFlag)
        for identifier in request.InstanceIds:
            document = self._instance(identifier).document
            if document["InstanceChargeType"] != "PREPAID":
                raise CloudError("UnsupportedOperation.InstanceChargeType", f"{identifier} is not prepaid.")
            document["RenewFlag"] = request.RenewFlag
            self._succeeded(document, "ModifyInstancesRenewFlag")
        return models.ModifyInstancesRenewFlagResponse()

    @action("ResetInstancesInternetMaxBandwidth", requires=("InstanceIds", "InternetAccessible"))
    def reset_instances_internet_max_bandwidth(
        self, request: models.ResetInstancesInternetMaxBandwidthRequest
    ) -> models.ResetInstancesInternetMaxBandwidthResponse:
        """Change the outgoing bandwidth of instances (Mbit/s)."""
        bandwidth = request.InternetAccessible.InternetMaxBandwidthOut
        for identifier in request.InstanceIds:
            document = self._instance(identifier).document
            document["InternetAccessible"]["InternetMaxBandwidthOut"] = bandwidth
            self._succeeded(document, "ResetInstancesInternetMaxBandwidth")
        return models.ResetInstancesInternetMaxBandwidthResponse()

    @action("ResetInstancesType", requires=("InstanceIds", "InstanceType"))
    def reset_instances_type(self, request: models.ResetInstancesTypeRequest) -> models.ResetInstancesTypeResponse:
        """Change the size of instances; a running one is rebooted."""
        kind = self._instance_type(request.InstanceType)
        for identifier in request.InstanceIds:
            instance = self._instance(identifier)
            instance.document.update(InstanceType=kind.instance_type, CPU=kind.cpu, Memory=kind.memory)
            self._succeeded(instance.document, "ResetInstancesType")
            if instance.document["InstanceState"] == "RUNNING":
                self._operate(instance, "ResetInstancesType", "REBOOTING")
        return models.ResetInstancesTypeResponse()

    @action("ResizeInstanceDisks", requires=("InstanceId",))
    def resize_instance_disks(self, request: models.ResizeInstanceDisksRequest) -> models.ResizeInstanceDisksResponse:
        """Enlarge an instance's system disk (GiB); it can't shrink."""
        document = self._instance(request.InstanceId).document
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
        self._succeeded(document, "ResizeInstanceDisks")
        return models.ResizeInstanceDisksResponse()

    @action("ResetInstance", requires=("InstanceId",))
    def reset_instance(self, request: models.ResetInstanceRequest) -> models.ResetInstanceResponse:
        """Reinstall an instance: its disk is emptied and its user data runs again."""
        instance = self._instance(request.InstanceId)
        if request.ImageId is not None:
            image = self._image(request.ImageId)
            instance.document.update(ImageId=image.image_id, OsName=image.os_name)
        if request.HostName is not None:
            name = _hostname(request.HostName)
            instance.document.update(HostName=name, _HostName=name)
        if request.UserData is not None:
            instance.document["_UserData"] = _user_data(request.UserData)
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

    @action("TerminateInstances", requires=("InstanceIds",))
    def terminate_instances(self, request: models.TerminateInstancesRequest) -> models.TerminateInstancesResponse:
        """Give instances back: a prepaid one is put into the recycle bin first, then destroyed."""
        instances = [self._instance(identifier) for identifier in request.InstanceIds]
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
                self._operate(one, "TerminateInstances", "SHUTDOWN")
            else:
                self._operate(one, "TerminateInstances", "TERMINATING")
        return models.TerminateInstancesResponse()

    # Key pairs

    @action("ImportKeyPair", requires=("KeyName", "ProjectId", "PublicKey"))
    def import_key_pair(self, request: models.ImportKeyPairRequest) -> models.ImportKeyPairResponse:
        """Keep a public key."""
        try:
            serialization.load_ssh_public_key(request.PublicKey.encode())
        except ValueError as error:
            raise CloudError(
                "InvalidPublicKey.Malformed", f"PublicKey is not an OpenSSH public key: {error}."
            ) from None
        pairs = self.store.all(Kind.KEY_PAIR)
        if any(_material(one["PublicKey"]) == _material(request.PublicKey) for one in pairs):
            raise CloudError("InvalidPublicKey.Duplicate", "This public key is kept already.")
        identifier = self._keep_key(request, request.PublicKey)
        return build(models.ImportKeyPairResponse, KeyId=identifier)

    @action("CreateKeyPair", requires=("KeyName", "ProjectId"))
    def create_key_pair(self, request: models.CreateKeyPairRequest) -> models.CreateKeyPairResponse:
        """Make a key pair; the private key is answered once and not kept."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        identifier = self._keep_key(request, public.decode())
        document = self.store.get(Kind.KEY_PAIR, identifier) or {}
        return build(models.CreateKeyPairResponse, KeyPair={**document, "PrivateKey": private.decode()})

    @action("DescribeKeyPairs")
    def describe_key_pairs(self, request: models.DescribeKeyPairsRequest) -> models.DescribeKeyPairsResponse:
        """List key pairs: they belong to the account, not to a region."""
        found = select(
            self.store.all(Kind.KEY_PAIR),
            ids=request.KeyIds,
            id_field="KeyId",
            filters=request.Filters,
            by={"project-id": "ProjectId", "key-name": "KeyName"},
            tags_of=self.cloud.tags.of,
        )
        instances = self.store.all(Kind.CVM_INSTANCE)
        return build(
            models.DescribeKeyPairsResponse,
            TotalCount=len(found),
            KeyPairSet=[
                {
                    **pair,
                    "AssociatedInstanceIds": [
                        one["InstanceId"] for one in instances if pair["KeyId"] in one["LoginSettings"]["KeyIds"]
                    ],
                    "Tags": self.cloud.tags.listed(pair["KeyId"]),
                }
                for pair in page(found, request.Offset, request.Limit)
            ],
        )

    @action("ModifyKeyPairAttribute", requires=("KeyId",))
    def modify_key_pair_attribute(
        self, request: models.ModifyKeyPairAttributeRequest
    ) -> models.ModifyKeyPairAttributeResponse:
        """Change a key pair's name or description."""
        document = self._key(request.KeyId)
        if request.KeyName is not None:
            document["KeyName"] = request.KeyName
        if request.Description is not None:
            document["Description"] = request.Description
        self.store.put(Kind.KEY_PAIR, request.KeyId, document)
        return models.ModifyKeyPairAttributeResponse()

    @action("AssociateInstancesKeyPairs", requires=("InstanceIds", "KeyIds"))
    def associate_instances_key_pairs(
        self, request: models.AssociateInstancesKeyPairsRequest
    ) -> models.AssociateInstancesKeyPairsResponse:
        """Let keys log in to instances."""
        for key in request.KeyIds:
            self._key(key)
        self._change_keys(
            request.InstanceIds,
            "AssociateInstancesKeyPairs",
            lambda keys: [*keys, *(key for key in request.KeyIds if key not in keys)],
        )
        return models.AssociateInstancesKeyPairsResponse()

    @action("DisassociateInstancesKeyPairs", requires=("InstanceIds", "KeyIds"))
    def disassociate_instances_key_pairs(
        self, request: models.DisassociateInstancesKeyPairsRequest
    ) -> models.DisassociateInstancesKeyPairsResponse:
        """No longer let keys log in to instances."""
        self._change_keys(
            request.InstanceIds,
            "DisassociateInstancesKeyPairs",
            lambda keys: [key for key in keys if key not in request.KeyIds],
        )
        return models.DisassociateInstancesKeyPairsResponse()

    @action("DeleteKeyPairs", requires=("KeyIds",))
    def delete_key_pairs(self, request: models.DeleteKeyPairsRequest) -> models.DeleteKeyPairsResponse:
        """Remove key pairs that no instance uses."""
        for key in request.KeyIds:
            self._key(key)
            for one in self.store.all(Kind.CVM_INSTANCE):
                if key in one["LoginSettings"]["KeyIds"]:
                    raise CloudError(
                        "InvalidParameterValue.KeyPairNotSupported",
                        f"{key} is used by {one['InstanceId']}; unbind it first.",
                    )
            self.store.delete(Kind.KEY_PAIR, key)
            self.cloud.tags.forget(key)
        return models.DeleteKeyPairsResponse()

    # Parts

    def _instance(self, identifier: str) -> Instance:
        document = self.store.get(Kind.CVM_INSTANCE, identifier, self.region)
        if document is None:
            malformed = not identifier.startswith("ins-")
            raise CloudError(
                "InvalidInstanceId.Malformed" if malformed else "InvalidInstanceId.NotFound",
                f"{identifier} is not an instance in {self.region}.",
            )
        return Instance(Kind.CVM_INSTANCE, self.region, document)

    def _image(self, identifier: str) -> Image:
        image = self.cloud.catalogue.images.get(identifier)
        if image is None:
            malformed = not identifier.startswith("img-")
            raise CloudError(
                "InvalidImageId.Malformed" if malformed else "InvalidImageId.NotFound",
                f"{identifier} is not an image; DescribeImages lists those there are.",
            )
        return image

    def _instance_type(self, name: str) -> InstanceType:
        kind = self.cloud.catalogue.instance_types.get(name)
        if kind is None:
            raise CloudError(
                "InvalidInstanceType.Malformed" if "." not in name else "InvalidParameterValue.InstanceTypeNotFound",
                f"{name} is not an instance type known here; DescribeInstanceTypeConfigs lists them.",
            )
        return kind

    def _check_groups(self, groups: list[str]) -> None:
        for group in groups:
            if self.store.get(Kind.SECURITY_GROUP, group, self.region) is None:
                raise CloudError(
                    "InvalidSecurityGroupId.NotFound",
                    f"{group} is not a security group in {self.region}.",
                )

    def _each(self, identifiers: list[str], operation: str, states: set[str], to: str) -> None:
        instances = [self._instance(identifier) for identifier in identifiers]
        for one in instances:
            if one.operating:
                raise _busy(one)
            if one.document["InstanceState"] not in states:
                raise _wrong_state(one)
        for one in instances:
            self._operate(one, operation, to)

    def _operate(self, instance: Instance, operation: str, state: str) -> None:
        self.cloud.fleet.operate(instance, operation, state, self.request_id)

    def _succeeded(self, document: Document, operation: str) -> None:
        """Keep a change that needs nothing of the machine."""
        if document["LatestOperationState"] != "OPERATING":
            document.update(
                LatestOperation=operation,
                LatestOperationState="SUCCESS",
                LatestOperationRequestId=self.request_id,
            )
        self.store.put(Kind.CVM_INSTANCE, document["InstanceId"], document)

    def _key(self, identifier: str) -> Document:
        document = self.store.get(Kind.KEY_PAIR, identifier)
        if document is None:
            malformed = not identifier.startswith("skey-")
            raise CloudError(
                "InvalidKeyPairId.Malformed" if malformed else "InvalidKeyPairId.NotFound",
                f"{identifier} is not a key pair.",
            )
        return document

    def _keep_key(self, request: Any, public_key: str) -> str:
        if any(one["KeyName"] == request.KeyName for one in self.store.all(Kind.KEY_PAIR)):
            raise CloudError("InvalidKeyPairName.Duplicate", f"There is a key pair named {request.KeyName}.")
        identifier = new_id("skey")
        document = {
            "KeyId": identifier,
            "KeyName": request.KeyName,
            "ProjectId": request.ProjectId,
            "Description": "",
            "PublicKey": public_key,
            "CreatedTime": timestamp(),
        }
        self.store.put(Kind.KEY_PAIR, identifier, document)
        for specification in request.TagSpecification or ():
            self.cloud.tags.add(identifier, specification.Tags)
        return identifier

    def _change_keys(self, identifiers: list[str], operation: str, change: Callable[[list[str]], list[str]]) -> None:
        for identifier in identifiers:
            document = self._instance(identifier).document
            document["LoginSettings"]["KeyIds"] = change(document["LoginSettings"]["KeyIds"])
            self._succeeded(document, operation)


class _Order:
    """A RunInstances request that has been checked, ready to be filled."""

    def __init__(self, service: Cvm, request: models.RunInstancesRequest) -> None:
        self.service = service
        self.request = request
        self.catalogue = service.cloud.catalogue
        for name in ("Placement", "ImageId"):
            if getattr(request, name) is None:
                raise CloudError("MissingParameter", f"The request is missing a required parameter `{name}`.")
        self.zone = self._zone()
        self.image = service._image(request.ImageId)
        self.type = service._instance_type(request.InstanceType or "S5.SMALL2")
        self.charge_type = self._charge_type()
        self.user_data = _user_data(request.UserData or "")
        self.network = self._network()
        self.security_groups = list(request.SecurityGroupIds or [])
        service._check_groups(self.security_groups)
        self.keys = list((request.LoginSettings and request.LoginSettings.KeyIds) or [])
        for key in self.keys:
            service._key(key)
        self.bandwidth, self.public = self._internet()
        if request.HostName is not None:
            _hostname(request.HostName)

    def fill(self, number: int, count: int) -> str:
        """Make the `number`th of `count` instances and return its id."""
        identifier = new_id("ins")
        request, service = self.request, self.service
        now = datetime.now(UTC)
        prepaid = self.charge_type == "PREPAID"
        public = service.cloud.addresses.allocate(identifier) if self.public else ""
        suffix = str(number) if count > 1 else ""
        hostname = (request.HostName or f"vm-{identifier.removeprefix('ins-')}") + suffix
        document = {
            "InstanceId": identifier,
            "InstanceName": (request.InstanceName or "未命名") + suffix,
            "InstanceType": self.type.instance_type,
            "CPU": self.type.cpu,
            "Memory": self.type.memory,
            "Placement": {"Zone": self.zone, "ProjectId": request.Placement.ProjectId or 0},
            "RestrictState": "NORMAL",
            "InstanceChargeType": self.charge_type,
            "SystemDisk": self._system_disk(identifier),
            "DataDisks": self._data_disks(identifier),
            "PrivateIpAddresses": [self._private_address(number)],
            "PublicIpAddresses": [public] if public else [],
            "InternetAccessible": {
                "InternetChargeType": self._internet_charge_type(),
                "InternetMaxBandwidthOut": self.bandwidth,
            },
            "VirtualPrivateCloud": {
                "VpcId": self.network.get("VpcId", ""),
                "SubnetId": self.network.get("SubnetId", ""),
                "AsVpcGateway": False,
            },
            "ImageId": self.image.image_id,
            "RenewFlag": self._renew_flag() if prepaid else None,
            "CreatedTime": timestamp(now),
            "ExpiredTime": timestamp(months_later(now, self._period())) if prepaid else None,
            "OsName": self.image.os_name,
            "SecurityGroupIds": self.security_groups,
            "LoginSettings": {"KeyIds": self.keys, "KeepImageLogin": "NO"},
            "StopChargingMode": "NOT_APPLICABLE",
            "Uuid": str(uuid.uuid4()),
            "DisasterRecoverGroupId": "",
            "CamRoleName": request.CamRoleName or "",
            "HpcClusterId": "",
            "DedicatedClusterId": "",
            "IsolatedSource": "NOTISOLATED",
            "LicenseType": "TencentCloud",
            "DisableApiTermination": bool(request.DisableApiTermination),
            "HostName": hostname,
            "DefaultLoginUser": "ubuntu" if self.image.platform == "Ubuntu" else "root",
            "DefaultLoginPort": 22,
            "EnableJumboFrame": False,
            "_HostName": hostname,
            "_UserData": self.user_data,
            "_ClientToken": request.ClientToken or "",
            "_WanIp": public,
            "_Error": None,
        }
        for specification in request.TagSpecification or ():
            if specification.ResourceType == "instance":
                service.cloud.tags.add(identifier, specification.Tags)
        instance = Instance(Kind.CVM_INSTANCE, service.region, document)
        service._operate(instance, "RunInstances", "PENDING")
        return identifier

    def _zone(self) -> str:
        zones = [one.zone for one in self.catalogue.regions[self.service.region].zones]
        zone = self.request.Placement.Zone
        if zone is None:
            raise CloudError("MissingParameter", "The request is missing a required parameter `Placement.Zone`.")
        if zone not in zones:
            raise CloudError(
                "InvalidZone.MismatchRegion",
                f"Zone {zone} is not one of {self.service.region}: {', '.join(zones)}.",
            )
        return str(zone)

    def _charge_type(self) -> str:
        charge_type = self.request.InstanceChargeType or "POSTPAID_BY_HOUR"
        if charge_type not in CHARGE_TYPES:
            raise CloudError(
                "UnsupportedOperation",
                f"InstanceChargeType {charge_type}: the rehearsal cloud sells {' and '.join(sorted(CHARGE_TYPES))}.",
            )
        if charge_type == "PREPAID":
            prepaid = self.request.InstanceChargePrepaid
            if prepaid is None or prepaid.Period is None:
                raise CloudError(
                    "MissingParameter",
                    "A prepaid instance needs the parameter `InstanceChargePrepaid.Period`.",
                )
            if prepaid.Period not in PERIODS:
                raise CloudError(
                    "InvalidPeriod",
                    f"Period is {prepaid.Period} months; give one of {', '.join(map(str, sorted(PERIODS)))}.",
                )
            if prepaid.RenewFlag is not None:
                _check_renew_flag(prepaid.RenewFlag)
        return str(charge_type)

    def _period(self) -> int:
        return int(self.request.InstanceChargePrepaid.Period)

    def _renew_flag(self) -> str:
        return self.request.InstanceChargePrepaid.RenewFlag or "NOTIFY_AND_MANUAL_RENEW"

    def _network(self) -> Document:
        """Return the subnet's document; empty for an instance that is put into no VPC."""
        wanted = self.request.VirtualPrivateCloud
        if wanted is None:
            return {}
        store, region = self.service.store, self.service.region
        if store.get(Kind.VPC, wanted.VpcId or "", region) is None:
            raise CloudError(
                "InvalidParameterValue.InvalidVpcIdSubnetIdNotFound",
                f"{wanted.VpcId} is not a VPC in {region}.",
            )
        subnet = store.get(Kind.SUBNET, wanted.SubnetId or "", region)
        if subnet is None or subnet["VpcId"] != wanted.VpcId:
            raise CloudError(
                "InvalidParameterValue.VpcIdSubnetIdNotMatch",
                f"{wanted.SubnetId} is not a subnet of {wanted.VpcId}.",
            )
        if subnet["Zone"] != self.zone:
            raise CloudError(
                "InvalidParameterValue.SubnetIdZoneIdNotMatch",
                f"{wanted.SubnetId} is in {subnet['Zone']}, the instance in {self.zone}.",
            )
        return subnet

    def _internet(self) -> tuple[int, bool]:
        """Return the bandwidth in Mbit/s and whether there is a public address."""
        wanted = self.request.InternetAccessible
        bandwidth = (wanted and wanted.InternetMaxBandwidthOut) or 0
        assigned = bandwidth > 0 if wanted is None or wanted.PublicIpAssigned is None else bool(wanted.PublicIpAssigned)
        if assigned and not bandwidth:
            raise CloudError(
                "InvalidParameterCombination",
                "A public address needs InternetMaxBandwidthOut above 0.",
            )
        return bandwidth, assigned

    def _internet_charge_type(self) -> str:
        wanted = self.request.InternetAccessible
        default = "BANDWIDTH_PREPAID" if self.charge_type == "PREPAID" else "BANDWIDTH_POSTPAID_BY_HOUR"
        return (wanted and wanted.InternetChargeType) or default

    def _private_address(self, number: int) -> str:
        instances = self.service.store.all(Kind.CVM_INSTANCE)
        vpc = self.network.get("VpcId", "")
        taken = {
            address
            for one in instances
            if one["VirtualPrivateCloud"]["VpcId"] == vpc
            for address in one["PrivateIpAddresses"]
        }
        cloud = self.request.VirtualPrivateCloud
        wanted = (cloud and cloud.PrivateIpAddresses) or []
        if number <= len(wanted):
            if wanted[number - 1] in taken:
                raise CloudError("VpcIpIsUsed", f"{wanted[number - 1]} is used by another instance.")
            return str(wanted[number - 1])
        return private_address(self.network.get("CidrBlock", CLASSIC_NETWORK), taken)

    def _system_disk(self, instance: str) -> Document:
        wanted = self.request.SystemDisk
        disk = self._disk(
            instance,
            usage="SYSTEM_DISK",
            disk_type=(wanted and wanted.DiskType) or "CLOUD_PREMIUM",
            size=(wanted and wanted.DiskSize) or 50,
            name=(wanted and wanted.DiskName) or "",
        )
        return {name: disk[name] for name in ("DiskType", "DiskId", "DiskSize", "DiskName")}

    def _data_disks(self, instance: str) -> list[Document]:
        disks = []
        for wanted in self.request.DataDisks or ():
            details = given(wanted)
            disk = self._disk(
                instance,
                usage="DATA_DISK",
                disk_type=details.get("DiskType", "CLOUD_PREMIUM"),
                size=details.get("DiskSize", 20),
                name=details.get("DiskName", ""),
            )
            disks.append(
                {
                    "DiskSize": disk["DiskSize"],
                    "DiskType": disk["DiskType"],
                    "DiskId": disk["DiskId"],
                    "DeleteWithInstance": details.get("DeleteWithInstance", True),
                    "Encrypt": details.get("Encrypt", False),
                    "ThroughputPerformance": details.get("ThroughputPerformance", 0),
                }
            )
        return disks

    def _disk(self, instance: str, *, usage: str, disk_type: str, size: int, name: str) -> Document:
        if not 20 <= size <= 32000:
            raise CloudError("InvalidParameterValue.Range", f"DiskSize is {size} GiB; give 20 to 32000.")
        identifier = new_id("disk")
        document = {
            "DiskId": identifier,
            "DiskName": name or "未命名",
            "DiskUsage": usage,
            "DiskType": disk_type,
            "DiskSize": size,
            "DiskState": "ATTACHED",
            "DiskChargeType": self.charge_type,
            "Placement": {"Zone": self.zone, "ProjectId": 0},
            "InstanceId": instance,
            "InstanceType": "CVM",
            "Attached": True,
            "Encrypt": False,
            "Portable": usage == "DATA_DISK",
            "DeleteWithInstance": True,
            "IsReturnable": False,
            "ThroughputPerformance": 0,
            "CreateTime": timestamp(),
        }
        self.service.store.put(Kind.DISK, identifier, document, self.service.region)
        return document


def _image(image: Image) -> Document:
    return {
        "ImageId": image.image_id,
        "OsName": image.os_name,
        "ImageType": "PUBLIC_IMAGE",
        "CreatedTime": image.created,
        "ImageName": image.image_name,
        "ImageDescription": image.image_name,
        "ImageSize": image.size,
        "Architecture": "x86_64",
        "ImageState": "NORMAL",
        "Platform": image.platform,
        "ImageCreator": "",
        "ImageSource": "OFFICIAL",
        "SyncPercent": 100,
        "IsSupportCloudinit": True,
        "SnapshotSet": [],
        "Tags": [],
        "LicenseType": "TencentCloud",
        "ImageFamily": image.family,
        "ImageDeprecated": False,
    }


def _user_data(text: str) -> str:
    """Return user data (base64) after a check; raise CloudError when Tencent would not take it."""
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise CloudError("InvalidParameterValue.InvalidUserDataFormat", "UserData is not base64.") from None
    if len(decoded) > USER_DATA_LIMIT:
        raise CloudError(
            "InvalidParameterValue.InvalidUserDataFormat",
            f"UserData has {len(decoded)} bytes; at most {USER_DATA_LIMIT} are allowed.",
        )
    return text


def _hostname(name: str) -> str:
    if not _HOSTNAME.fullmatch(name):
        raise CloudError(
            "InvalidParameterValue.IllegalHostName",
            f"HostName {name!r}: letters, digits, hyphens and dots, 2 to 60 characters.",
        )
    return name


def _material(public_key: str) -> list[str]:
    return public_key.split()[:2]


def _check_renew_flag(flag: str) -> None:
    if flag not in RENEW_FLAGS:
        raise CloudError(
            "InvalidParameterValue",
            f"RenewFlag is {flag}; give one of {', '.join(sorted(RENEW_FLAGS))}.",
        )


def _busy(instance: Instance) -> CloudError:
    return CloudError(
        "OperationDenied.InstanceOperationInProgress",
        f"{instance.identifier} is still busy with {instance.document['LatestOperation']}.",
    )


def _wrong_state(instance: Instance) -> CloudError:
    state = instance.document["InstanceState"]
    return CloudError(STATE_CODES[state], f"{instance.identifier} is {state}.")
