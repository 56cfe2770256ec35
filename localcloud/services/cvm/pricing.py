"""What an order would cost (询价)."""

from __future__ import annotations

from typing import Any

from tencentcloud.cvm.v20170312 import models

from localcloud.errors import CloudError
from localcloud.services.base import action
from localcloud.services.cvm.order import Order
from localcloud.services.cvm.parts import CvmPart
from localcloud.store import Document
from localcloud.wire import build

MOST = 100


class Pricing(CvmPart):
    """Actions that name a price, and order nothing."""

    @action("InquiryPriceRunInstances", requires=("Placement",))
    def inquiry_price_run_instances(
        self, request: models.InquiryPriceRunInstancesRequest
    ) -> models.InquiryPriceRunInstancesResponse:
        """Say what RunInstances would cost: all prepaid months at once, or an hour."""
        order = Order(self, request)
        count = 1 if request.InstanceCount is None else request.InstanceCount
        if not 1 <= count <= MOST:
            raise CloudError("InvalidParameterValue.Range", f"InstanceCount is {count}; give 1 to {MOST}.")
        prices = self.cloud.catalogue.prices
        disks = sum(self._disk(kind, size) for kind, size in order.disks())
        if order.charge_type == "PREPAID":
            machine = prices.instance_hour(order.type) * prices.hours_per_month
            instance = self._prepaid((machine + disks) * count, order.period())
        else:
            hour = prices.instance_hour(order.type) + prices.hourly(disks)
            instance = _postpaid(hour * count, "HOUR")
        return build(
            models.InquiryPriceRunInstancesResponse,
            Price={"InstancePrice": instance, "BandwidthPrice": self._bandwidth(order, count)},
        )

    def _bandwidth(self, order: Order, count: int) -> Document:
        prices = self.cloud.catalogue.prices
        if not order.public:
            return _postpaid(0.0, "HOUR")
        kind = order.internet_charge_type()
        if kind == "TRAFFIC_POSTPAID_BY_HOUR":
            return _postpaid(prices.gigabyte, "GB")
        month = prices.bandwidth_month(order.bandwidth) * count
        if kind == "BANDWIDTH_PREPAID" and order.charge_type == "PREPAID":
            return self._prepaid(month, order.period())
        return _postpaid(prices.hourly(month), "HOUR")

    def _prepaid(self, month: float, months: int) -> Document:
        percent = self.cloud.catalogue.prices.discount(months)
        return {
            "OriginalPrice": round(month * months, 2),
            "DiscountPrice": round(month * months * percent / 100, 2),
            "Discount": percent,
        }

    def _disk(self, kind: str, size: int) -> float:
        try:
            return self.cloud.catalogue.prices.disk_month(kind, size)
        except KeyError:
            known = ", ".join(self.cloud.catalogue.prices.disks)
            raise CloudError("InvalidParameterValue", f"DiskType is {kind!r}; sold here are {known}.") from None


def _postpaid(price: float, unit: str) -> dict[str, Any]:
    return {
        "UnitPrice": round(price, 4),
        "UnitPriceDiscount": round(price, 4),
        "ChargeUnit": unit,
        "Discount": 100.0,
    }
