"""What can be had: regions, zones, images, instance types."""

from __future__ import annotations

from tencentcloud.cvm.v20170312 import models

from localcloud.catalogue import Image
from localcloud.services.base import action, page, select
from localcloud.services.cvm.parts import CvmPart
from localcloud.store import Document
from localcloud.wire import build


class Offers(CvmPart):
    """Actions that list what is sold."""

    @action("DescribeRegions")
    def describe_regions(self, request: models.DescribeRegionsRequest) -> models.DescribeRegionsResponse:
        """List regions."""
        del request
        regions = self.cloud.catalogue.regions.values()
        return build(
            models.DescribeRegionsResponse,
            TotalCount=len(regions),
            RegionSet=[
                {
                    "Region": one.region,
                    "RegionName": one.region_name,
                    "RegionState": "AVAILABLE",
                }
                for one in regions
            ],
        )

    @action("DescribeZones")
    def describe_zones(self, request: models.DescribeZonesRequest) -> models.DescribeZonesResponse:
        """List the region's zones."""
        del request
        zones = self.cloud.catalogue.regions[self.region].zones
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

    @action("DescribeImages")
    def describe_images(self, request: models.DescribeImagesRequest) -> models.DescribeImagesResponse:
        """List images; names and platforms are matched by part, as at Tencent."""
        if request.InstanceType is not None:
            self.instance_type(request.InstanceType)
        images = [_image(one) for one in self.cloud.catalogue.images.values()]
        fuzzy = {"image-name": "ImageName", "platform": "Platform"}
        exact = []
        for one in request.Filters or ():
            if one.Name not in fuzzy:
                exact.append(one)
                continue
            wanted = [value.lower() for value in one.Values or ()]
            field = fuzzy[one.Name]
            images = [x for x in images if any(value in x[field].lower() for value in wanted)]
        found = select(
            images,
            ids=request.ImageIds,
            id_field="ImageId",
            filters=exact,
            by={"image-id": "ImageId", "image-type": "ImageType"},
            tags_of=self.cloud.tags.of,
        )
        return build(
            models.DescribeImagesResponse,
            TotalCount=len(found),
            ImageSet=page(found, request.Offset, request.Limit),
        )

    @action("DescribeImageFromFamily", requires=("ImageFamily",))
    def describe_image_from_family(
        self, request: models.DescribeImageFromFamilyRequest
    ) -> models.DescribeImageFromFamilyResponse:
        """Return the newest image of a family, or none."""
        family = [one for one in self.cloud.catalogue.images.values() if one.family == request.ImageFamily]
        newest = max(family, key=lambda one: one.created, default=None)
        return build(models.DescribeImageFromFamilyResponse, Image=newest and _image(newest))

    @action("DescribeInstanceTypeConfigs")
    def describe_instance_type_configs(
        self, request: models.DescribeInstanceTypeConfigsRequest
    ) -> models.DescribeInstanceTypeConfigsResponse:
        """List instance types, for every zone of the region."""
        configs = [
            {
                "Zone": zone.zone,
                "InstanceType": one.instance_type,
                "InstanceFamily": one.family,
                "CPU": one.cpu,
                "Memory": one.memory,
                "GPU": 0,
                "FPGA": 0,
            }
            for zone in self.cloud.catalogue.regions[self.region].zones
            for one in self.cloud.catalogue.instance_types.values()
        ]
        found = select(
            configs,
            ids=None,
            id_field="InstanceType",
            filters=request.Filters,
            by={
                "zone": "Zone",
                "instance-family": "InstanceFamily",
                "instance-type": "InstanceType",
            },
        )
        return build(models.DescribeInstanceTypeConfigsResponse, InstanceTypeConfigSet=found)


def _image(image: Image) -> Document:
    return {
        "ImageId": image.image_id,
        "OsName": image.os_name,
        "ImageType": "PUBLIC_IMAGE",
        "CreatedTime": image.created,
        "ImageName": image.image_name,
        "ImageDescription": image.image_name,
        "ImageSize": image.size,
        "Architecture": "x86_64",
        "ImageState": "NORMAL",
        "Platform": image.platform,
        "ImageCreator": "",
        "ImageSource": "OFFICIAL",
        "SyncPercent": 100,
        "IsSupportCloudinit": True,
        "SnapshotSet": [],
        "Tags": [],
        "LicenseType": "TencentCloud",
        "ImageFamily": image.family,
        "ImageDeprecated": False,
    }
