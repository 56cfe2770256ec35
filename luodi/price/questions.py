"""What is asked of the price APIs (询价): the order that `luodi.cloud` would have the provider make, and no other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from luodi.settings import CvmSettings, LighthouseSettings


@dataclass(frozen=True)
class Question:
    """A call of the API; nothing is ordered by it."""

    service: str
    action: str
    parameters: Mapping[str, Any]


def of_cvm(server: CvmSettings, zone: str, image: str) -> Question:
    """What `luodi.cloud.cvm` orders, in an availability zone and from an image."""
    own = server.own_bandwidth
    parameters: dict[str, Any] = {
        "Placement": {"Zone": zone},
        "ImageId": image,
        "InstanceType": server.instance_type,
        "InstanceChargeType": server.charge_type,
        "SystemDisk": {"DiskType": server.disk.type, "DiskSize": server.disk.size},
        "InstanceCount": 1,
    }
    if server.prepaid:
        parameters["InstanceChargePrepaid"] = {"Period": server.period, "RenewFlag": server.renew_flag}
    if own:
        parameters["InternetAccessible"] = {
            "InternetChargeType": own.charge_type,
            "InternetMaxBandwidthOut": own.mbps,
            "PublicIpAssigned": True,
        }
    return Question("cvm", "InquiryPriceRunInstances", parameters)


def of_elastic_ip(server: CvmSettings) -> Question | None:
    """What `luodi.cloud.cvm` orders besides; None without an elastic IP, or where its traffic alone is paid for."""
    bandwidth = server.bandwidth
    if not server.elastic_ip or bandwidth.charge_type == "TRAFFIC_POSTPAID_BY_HOUR":
        return None
    parameters: dict[str, Any] = {
        "InternetChargeType": bandwidth.address_charge_type,
        "InternetMaxBandwidthOut": bandwidth.mbps,
    }
    if bandwidth.prepaid:
        parameters["AddressChargePrepaid"] = {"Period": server.period}
    return Question("vpc", "InquiryPriceAllocateAddresses", parameters)


def of_lighthouse(server: LighthouseSettings) -> Question:
    """What `luodi.cloud.lighthouse` orders.

    A blueprint that is given by name is a system image, which costs nothing; one given by id may be sold.
    """
    parameters: dict[str, Any] = {
        "BundleId": server.bundle,
        "InstanceChargePrepaid": {"Period": server.period, "RenewFlag": server.renew_flag},
        "InstanceCount": 1,
    }
    if server.blueprint.startswith("lhbp-"):
        parameters["BlueprintId"] = server.blueprint
    return Question("lighthouse", "InquirePriceCreateInstances", parameters)
