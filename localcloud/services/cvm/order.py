"""RunInstances: an order, checked before anything is made, or asked for its price."""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from datetime import UTC, datetime

from tencentcloud.cvm.v20170312 import models

from localcloud.addresses import private_address
from localcloud.errors import CloudError
from localcloud.fleet import Instance
from localcloud.formats import months_later, new_id, timestamp
from localcloud.services.cvm.parts import CvmPart
from localcloud.services.prepaid import check_period, check_renew_flag
from localcloud.store import Document, Kind
from localcloud.wire import given

USER_DATA_LIMIT = 16 * 1024
"""Bytes of user data before base64 (docstring of RunInstancesRequest.UserData)."""

DISK_TYPE = "CLOUD_PREMIUM"
"""Of a disk whose type isn't said."""
CHARGE_TYPES = frozenset({"PREPAID", "POSTPAID_BY_HOUR"})
CLASSIC_NETWORK = "10.0.0.0/16"
"""Private addresses of instances that are put into no VPC."""
_HOSTNAME = re.compile(
    r"^(?=.{2,60}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$"
)


class Order:
    """A RunInstances request that has been checked, ready to be filled."""

    def __init__(
        self, service: CvmPart, request: models.RunInstancesRequest | models.InquiryPriceRunInstancesRequest
    ) -> None:
        self.service = service
        self.request = request
        self.catalogue = service.cloud.catalogue
        for name in ("Placement", "ImageId"):
            if getattr(request, name) is None:
                raise CloudError("MissingParameter", f"The request is missing a required parameter `{name}`.")
        self.zone = self._zone()
        self.image = service.image(request.ImageId)
        self.type = service.instance_type(request.InstanceType or "S5.SMALL2")
        self.charge_type = self._charge_type()
        self.user_data = check_user_data(getattr(request, "UserData", None) or "")
        self.network = self._network()
        self.security_groups = list(request.SecurityGroupIds or [])
        service.check_groups(self.security_groups)
        self.keys = list((request.LoginSettings and request.LoginSettings.KeyIds) or [])
        for key in self.keys:
            service.key(key)
        self.bandwidth, self.public = self._internet()
        if request.HostName is not None:
            check_hostname(request.HostName)

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
                "InternetChargeType": self.internet_charge_type(),
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
            "ExpiredTime": timestamp(months_later(now, self.period())) if prepaid else None,
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
        service.operate(instance, "RunInstances", "PENDING")
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
            if prepaid is None:
                raise CloudError("MissingParameter", "A prepaid instance needs the parameter `InstanceChargePrepaid`.")
            check_period(prepaid.Period, "InvalidPeriod")
            check_renew_flag(prepaid.RenewFlag)
        return str(charge_type)

    def period(self) -> int:
        """Return how many months are prepaid."""
        return int(self.request.InstanceChargePrepaid.Period)

    def _renew_flag(self) -> str:
        return check_renew_flag(self.request.InstanceChargePrepaid.RenewFlag)

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

    def internet_charge_type(self) -> str:
        """Return how the bandwidth is paid."""
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

    def disks(self) -> list[tuple[str, int]]:
        """Return type and size in GB of the system disk, and then of each data disk."""
        system = self.request.SystemDisk
        wanted = [
            ((system and system.DiskType) or DISK_TYPE, (system and system.DiskSize) or 50),
            *((one.DiskType or DISK_TYPE, one.DiskSize or 20) for one in self.request.DataDisks or ()),
        ]
        for _, size in wanted:
            if not 20 <= size <= 32000:
                raise CloudError("InvalidParameterValue.Range", f"DiskSize is {size} GiB; give 20 to 32000.")
        return wanted

    def _system_disk(self, instance: str) -> Document:
        wanted = self.request.SystemDisk
        disk_type, size = self.disks()[0]
        disk = self._disk(
            instance,
            usage="SYSTEM_DISK",
            disk_type=disk_type,
            size=size,
            name=(wanted and wanted.DiskName) or "",
        )
        return {name: disk[name] for name in ("DiskType", "DiskId", "DiskSize", "DiskName")}

    def _data_disks(self, instance: str) -> list[Document]:
        disks = []
        for wanted, (disk_type, size) in zip(self.request.DataDisks or (), self.disks()[1:], strict=True):
            details = given(wanted)
            disk = self._disk(
                instance,
                usage="DATA_DISK",
                disk_type=disk_type,
                size=size,
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


def check_user_data(text: str) -> str:
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


def check_hostname(name: str) -> str:
    if not _HOSTNAME.fullmatch(name):
        raise CloudError(
            "InvalidParameterValue.IllegalHostName",
            f"HostName {name!r}: letters, digits, hyphens and dots, 2 to 60 characters.",
        )
    return name
