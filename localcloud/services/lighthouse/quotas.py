"""How many instances the account may have of each kind of bundle (配额)."""

from __future__ import annotations

from tencentcloud.lighthouse.v20200324 import models

from localcloud.errors import CloudError
from localcloud.services.base import action
from localcloud.services.lighthouse.parts import LighthousePart
from localcloud.store import Kind
from localcloud.wire import build

_ENDS = "_INSTANCE"


class Quotas(LighthousePart):
    """Actions that tell what may still be ordered."""

    @action("DescribeGeneralResourceQuotas", requires=("ResourceNames",))
    def describe_general_resource_quotas(
        self, request: models.DescribeGeneralResourceQuotasRequest
    ) -> models.DescribeGeneralResourceQuotasResponse:
        """Tell what is left of each resource that is named, such as STARTER_BUNDLE_INSTANCE."""
        kinds = {f"{bundle.values['BundleType']}{_ENDS}" for bundle in self.cloud.catalogue.bundles.values()}
        if unknown := set(request.ResourceNames) - kinds:
            raise CloudError(
                "InvalidParameterValue.InvalidResourceQuotaResourceName",
                f"{', '.join(sorted(unknown))}: the rehearsal cloud counts {', '.join(sorted(kinds))}.",
            )
        total = self.cloud.catalogue.quotas["bundle"]
        return build(
            models.DescribeGeneralResourceQuotasResponse,
            GeneralResourceQuotaSet=[
                {
                    "ResourceName": name,
                    "ResourceQuotaAvailable": self._left(name.removesuffix(_ENDS)),
                    "ResourceQuotaTotal": total,
                }
                for name in request.ResourceNames
            ],
        )

    def check_quota(self, kind: str, count: int) -> None:
        """Refuse an order of `count` more instances of a kind of bundle than the account may have."""
        if (left := self._left(kind)) < count:
            raise CloudError("LimitExceeded.InstanceQuotaLimitExceeded", f"{left} more instances of {kind} may be had.")

    def _left(self, kind: str) -> int:
        bundles = self.cloud.catalogue.bundles
        instances = self.store.all(Kind.LIGHTHOUSE_INSTANCE, self.region)
        used: int = sum(bundles[one["BundleId"]].values["BundleType"] == kind for one in instances)
        return max(0, self.cloud.catalogue.quotas["bundle"] - used)
