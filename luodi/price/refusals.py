"""Why something has no price, told by the setting that asked for it."""

from __future__ import annotations

from luodi.api import ApiError
from luodi.settings import CvmSettings, Settings

_PAGE = "https://buy.cloud.tencent.com"
_OF_CVM = (
    ("Image", "image"),
    ("InstanceType", "instance-type"),
    ("SpecifiedInstance", "instance-type"),
    ("Disk", "disk"),
    ("Bandwidth", "bandwidth"),
    ("Period", "period"),
    ("Zone", "zone"),
)
_OF_LIGHTHOUSE = (("Bundle", "bundle"), ("Blueprint", "blueprint"), ("Period", "period"))
"""What an error code says, and the setting that it is about; the first that fits. The codes:
https://cloud.tencent.com/document/api/213/30435 and https://cloud.tencent.com/document/api/1207/47564."""

_OF_AN_ORDER = ("Invalid", "Resource", "Unsupported", "OperationDenied", "LimitExceeded", "MissingParameter")


class NotPriced(Exception):
    """What a stack declares has no price: the message says which setting, why, and what to do, in one line."""


def explained(error: ApiError, settings: Settings) -> NotPriced | None:
    """What an error says of the settings; None when it is about the account, the key or the API itself."""
    if not error.code.startswith(_OF_AN_ORDER):
        return None
    cvm = isinstance(settings.server, CvmSettings)
    key = next((key for part, key in (_OF_CVM if cvm else _OF_LIGHTHOUSE) if part in error.code), None)
    path = f"luodi:server.{key}" if key else "luodi:server"
    value, where = _values(settings)[key], settings.availability_zone if cvm else settings.region.id
    sold_out = "SoldOut" in error.code or "Insufficient" in error.code
    what = f"is sold out in {where}" if sold_out else f"has no price in {where}"
    elsewhere = ", or another luodi:server.zone" if cvm and sold_out and key != "zone" else ""
    return NotPriced(
        f"{path}: {value} {what}: {error.message.rstrip('。.')} ({error.code}). Set another{elsewhere}; what there is: "
        f"{_PAGE}/{'cvm' if cvm else 'lighthouse'}"
    )


def _values(settings: Settings) -> dict[str | None, str]:
    """Each setting that can be told, as the stack file has it."""
    server = settings.server
    period = f"{server.period} months"
    if isinstance(server, CvmSettings):
        return {
            None: server.instance_type,
            "instance-type": server.instance_type,
            "image": server.image,
            "disk": f"{server.disk.type} {server.disk.size} GB",
            "bandwidth": f"{server.bandwidth.mbps} Mbit/s",
            "period": period,
            "zone": settings.availability_zone,
        }
    return {None: server.bundle, "bundle": server.bundle, "blueprint": server.blueprint, "period": period}
