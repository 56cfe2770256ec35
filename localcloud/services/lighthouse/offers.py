"""What can be had: regions, zones, bundles, images."""

from __future__ import annotations

from tencentcloud.lighthouse.v20200324 import models

from localcloud.services.base import action, page, select
from localcloud.services.lighthouse.parts import LighthousePart, described
from localcloud.store import Document
from localcloud.wire import build


class Offers(LighthousePart):
    """Actions that list what is sold."""

    @action("DescribeRegions")
    def describe_regions(self, request: models.DescribeRegionsRequest) -> models.DescribeRegionsResponse:
        """List the regions where Lighthouse is sold, and whether they are on the mainland."""
        del request
        regions = [one for one in self.cloud.catalogue.regions.values() if one.lighthouse]
        return build(
            models.DescribeRegionsResponse,
            TotalCount=len(regions),
            RegionSet=[
                {
                    "Region": one.region,
                    "RegionName": one.region_name,
                    "RegionState": "AVAILABLE",
                    "IsChinaMainland": one.mainland,
                }
                for one in regions
            ],
        )

    @action("DescribeZones")
    def describe_zones(self, request: models.DescribeZonesRequest) -> models.DescribeZonesResponse:
        """List the region's zones."""
        zones = list(self.cloud.catalogue.regions[self.region].zones)
        if request.Order == "DESC":
            zones.reverse()
        return build(
            models.DescribeZonesResponse,
            TotalCount=len(zones),
            ZoneInfoSet=[
                {
                    "Zone": one.zone,
                    "ZoneName": one.zone_name,
                    "InstanceDisplayLabel": "NORMAL",
                }
                for one in zones
            ],
        )

    @action("DescribeBundles")
    def describe_bundles(self, request: models.DescribeBundlesRequest) -> models.DescribeBundlesResponse:
        """List bundles."""
        if request.BlueprintId is not None:
            self.blueprint(request.BlueprintId)
        for zone in request.Zones or ():
            self.check_zone(zone)
        found = select(
            [_bundle(one.values) for one in self.cloud.catalogue.bundles.values()],
            ids=request.BundleIds,
            id_field="BundleId",
            filters=request.Filters,
            by={
                "bundle-id": "BundleId",
                "bundle-type": "BundleType",
                "bundle-state": lambda _: ["ONLINE"],
                "support-platform-type": lambda _: ["LINUX_UNIX"],
            },
            code="InvalidParameterValue",
        )
        return build(
            models.DescribeBundlesResponse,
            TotalCount=len(found),
            BundleSet=page(found, request.Offset, request.Limit),
        )

    @action("DescribeBlueprints")
    def describe_blueprints(self, request: models.DescribeBlueprintsRequest) -> models.DescribeBlueprintsResponse:
        """List images."""
        found = select(
            [described(one.values) for one in self.cloud.catalogue.blueprints.values()],
            ids=request.BlueprintIds,
            id_field="BlueprintId",
            filters=request.Filters,
            by={
                "blueprint-id": "BlueprintId",
                "blueprint-type": "BlueprintType",
                "platform-type": "PlatformType",
                "blueprint-name": "BlueprintName",
                "blueprint-state": "BlueprintState",
                "scene-id": "SceneIdSet",
            },
            code="InvalidParameterValue",
        )
        return build(
            models.DescribeBlueprintsResponse,
            TotalCount=len(found),
            BlueprintSet=page(found, request.Offset, request.Limit),
        )


def _bundle(values: Document) -> Document:
    price = values["_price"]
    return {
        **values,
        "SupportLinuxUnixPlatform": True,
        "SupportWindowsPlatform": False,
        "Price": {
            "InstancePrice": {
                "OriginalBundlePrice": price,
                "OriginalPrice": price,
                "Discount": 100.0,
                "DiscountPrice": price,
                "Currency": "CNY",
            }
        },
        "InternetChargeType": "TRAFFIC_POSTPAID_BY_HOUR",
        "BundleSalesState": "AVAILABLE",
        "BundleDisplayLabel": "NORMAL",
        "TrafficUnlimited": False,
    }
