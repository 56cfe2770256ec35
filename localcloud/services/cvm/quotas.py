"""How many instances the account may have in a zone (配额)."""

from __future__ import annotations

from tencentcloud.cvm.v20170312 import models

from localcloud.errors import CloudError
from localcloud.services.base import action
from localcloud.services.cvm.parts import CvmPart
from localcloud.store import Kind
from localcloud.wire import build

_SETS = {"PrePaidQuotaSet": "PREPAID", "PostPaidQuotaSet": "POSTPAID_BY_HOUR"}
_FILTERS = {"zone", "quota-type"}


class Quotas(CvmPart):
    """Actions that tell what may still be ordered."""

    @action("DescribeAccountQuota")
    def describe_account_quota(
        self, request: models.DescribeAccountQuotaRequest
    ) -> models.DescribeAccountQuotaResponse:
        """Tell what is left in each zone, by the way of paying."""
        filters = {one.Name: set(one.Values or ()) for one in request.Filters or ()}
        if unknown := set(filters) - _FILTERS:
            raise CloudError("InvalidFilter", f"There is no filter {', '.join(sorted(unknown))}.")
        zones = [one.zone for one in self.cloud.catalogue.regions[self.region].zones]
        asked = [zone for zone in zones if zone in filters.get("zone", {zone})]
        quotas = {
            name: [self._quota(zone, paid) for zone in asked]
            for name, paid in _SETS.items()
            if name in filters.get("quota-type", {name})
        }
        return build(
            models.DescribeAccountQuotaResponse,
            AppId=int(self.cloud.account.app_id),
            AccountQuotaOverview={"Region": self.region, "AccountQuota": quotas},
        )

    def check_quota(self, zone: str, paid: str, count: int) -> None:
        """Refuse an order of `count` more instances than the account may have."""
        left = self._quota(zone, paid)["RemainingQuota"]
        if int(left) < count:
            raise CloudError("LimitExceeded.InstanceQuota", f"{left} more instances may be had in {zone} ({paid}).")

    def _quota(self, zone: str, paid: str) -> dict[str, int | str]:
        instances = self.store.all(Kind.CVM_INSTANCE, self.region)
        used = sum(one["Placement"]["Zone"] == zone and one["InstanceChargeType"] == paid for one in instances)
        total = self.cloud.catalogue.quotas["zone"]
        told: dict[str, int | str] = {"UsedQuota": used, "RemainingQuota": max(0, total - used), "TotalQuota": total}
        return {**told, "Zone": zone, **({"OnceQuota": total} if paid == "PREPAID" else {})}
