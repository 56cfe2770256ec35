"""What an order would cost (询价)."""

from __future__ import annotations

from tencentcloud.lighthouse.v20200324 import models

from localcloud.errors import CloudError
from localcloud.services.base import action, not_empty
from localcloud.services.lighthouse.parts import LighthousePart
from localcloud.services.prepaid import check_period
from localcloud.store import Document
from localcloud.wire import build


class Pricing(LighthousePart):
    """Actions that name a price, and order nothing."""

    @action("InquirePriceCreateInstances", requires=("BundleId", "InstanceChargePrepaid"))
    def inquire_price_create_instances(
        self, request: models.InquirePriceCreateInstancesRequest
    ) -> models.InquirePriceCreateInstancesResponse:
        """Say what CreateInstances would cost, for all months and instances."""
        if request.BlueprintId is not None:
            self.blueprint(request.BlueprintId)
        count = 1 if request.InstanceCount is None else request.InstanceCount
        if not 1 <= count <= 30:
            raise CloudError("InvalidParameterValue.OutOfRange", f"InstanceCount is {count}; give 1 to 30.")
        period = check_period(request.InstanceChargePrepaid.Period, "InvalidParameterValue")
        return build(
            models.InquirePriceCreateInstancesResponse,
            Price={"InstancePrice": self._price(request.BundleId, period, count)},
        )

    @action("InquirePriceRenewInstances", requires=("InstanceIds",))
    def inquire_price_renew_instances(
        self, request: models.InquirePriceRenewInstancesRequest
    ) -> models.InquirePriceRenewInstancesResponse:
        """Say what going on with instances would cost, for one month unless another period is given."""
        prepaid = request.InstanceChargePrepaid
        period = check_period(prepaid.Period, "InvalidParameterValue") if prepaid else 1
        details = []
        for identifier in not_empty("InstanceIds", request.InstanceIds):
            price = self._price(self.instance(identifier).document["BundleId"], period, 1)
            details.append({"InstanceId": identifier, "InstancePrice": price, "DiscountDetail": []})
        prices = [one["InstancePrice"] for one in details]
        total = {name: round(sum(one[name] for one in prices), 2) for name in ("OriginalPrice", "DiscountPrice")}
        return build(
            models.InquirePriceRenewInstancesResponse,
            Price={"InstancePrice": {**prices[0], **total}},
            DataDiskPriceSet=[],
            InstancePriceDetailSet=details,
            TotalPrice=total,
        )

    def _price(self, bundle: str, months: int, count: int) -> Document:
        if bundle not in self.cloud.catalogue.bundles:
            raise CloudError(
                "InvalidParameter.BundleIdNotFound", f"{bundle} is not a bundle; DescribeBundles lists them."
            )
        month = self.cloud.catalogue.bundles[bundle].values["_price"]
        percent = self.cloud.catalogue.prices.discount(months)
        return {
            "OriginalBundlePrice": month,
            "OriginalPrice": round(month * months * count, 2),
            "Discount": percent,
            "DiscountPrice": round(month * months * count * percent / 100, 2),
            "Currency": "CNY",
            "DetailPrices": [],
        }
