"""What elastic addresses would cost (询价)."""

from __future__ import annotations

from tencentcloud.vpc.v20170312 import models

from localcloud.errors import CloudError
from localcloud.services.base import action
from localcloud.services.prepaid import check_period
from localcloud.services.vpc.parts import VpcPart
from localcloud.store import Document
from localcloud.wire import build


class Pricing(VpcPart):
    """Actions that name a price, and order nothing."""

    @action("InquiryPriceAllocateAddresses", requires=("InternetChargeType",))
    def inquiry_price_allocate_addresses(
        self, request: models.InquiryPriceAllocateAddressesRequest
    ) -> models.InquiryPriceAllocateAddressesResponse:
        """Say what an address's bandwidth would cost: all prepaid months at once, an hour, or a GB."""
        prices = self.cloud.catalogue.prices
        month = prices.bandwidth_month(request.InternetMaxBandwidthOut or 1)
        kind = request.InternetChargeType
        if kind == "BANDWIDTH_PREPAID_BY_MONTH":
            return build(models.InquiryPriceAllocateAddressesResponse, Price=self._prepaid(request, month))
        if kind not in ("BANDWIDTH_POSTPAID_BY_HOUR", "TRAFFIC_POSTPAID_BY_HOUR"):
            raise CloudError("InvalidParameterValue", f"InternetChargeType {kind} is not sold here.")
        unit = round(prices.gigabyte if kind.startswith("TRAFFIC") else prices.hourly(month), 4)
        # HOUR for traffic too, though what is paid for is a GB (docstring of InternetPriceDetail.ChargeUnit).
        price = {"UnitPrice": unit, "DiscountPrice": unit, "ChargeUnit": "HOUR"}
        return build(models.InquiryPriceAllocateAddressesResponse, Price={"AddressPrice": price})

    def _prepaid(self, request: models.InquiryPriceAllocateAddressesRequest, month: float) -> Document:
        prepaid = request.AddressChargePrepaid
        if prepaid is None:
            raise CloudError("MissingParameter", "A prepaid address needs the parameter `AddressChargePrepaid`.")
        months = check_period(prepaid.Period, "InvalidParameterValue")
        percent = self.cloud.catalogue.prices.discount(months)
        paid = {
            "OriginalPrice": round(month * months, 2),
            "DiscountPrice": round(month * months * percent / 100, 2),
        }
        return {**paid, "AddressPrice": {**paid, "ChargeUnit": "MONTH"}}
