"""The product `api`: which regions and zones the other products are sold in."""

from __future__ import annotations

from tencentcloud.api.v20201106 import models

from localcloud.catalogue import Region
from localcloud.errors import CloudError
from localcloud.services.base import Service, action
from localcloud.wire import build

PRODUCTS = frozenset({"cvm", "vpc", "cbs", "lighthouse", "tat"})


class Api(Service):
    """Product `api`."""

    product = "api"
    version = "2020-11-06"
    sdk = models
    regional = False

    @action("DescribeRegions", requires=("Product",))
    def describe_regions(self, request: models.DescribeRegionsRequest) -> models.DescribeRegionsResponse:
        """List the regions where a product is sold."""
        regions = self._regions(request.Product)
        return build(
            models.DescribeRegionsResponse,
            TotalCount=len(regions),
            RegionSet=[
                {"Region": one.region, "RegionName": one.region_name, "RegionState": "AVAILABLE"} for one in regions
            ],
        )

    @action("DescribeZones", requires=("Product",))
    def describe_zones(self, request: models.DescribeZonesRequest) -> models.DescribeZonesResponse:
        """List the zones of the request's region where a product is sold."""
        zones = [
            zone for one in self._regions(request.Product) if self.region in {"", one.region} for zone in one.zones
        ]
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

    def _regions(self, product: str) -> list[Region]:
        if product not in PRODUCTS:
            raise CloudError(
                "InvalidParameterValue",
                f"Product {product!r}: known are {', '.join(sorted(PRODUCTS))}.",
            )
        regions = self.cloud.catalogue.regions.values()
        return [one for one in regions if product != "lighthouse" or one.lighthouse]
