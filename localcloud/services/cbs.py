"""Cloud Block Storage (云硬盘): the disks of instances."""

from __future__ import annotations

from tencentcloud.cbs.v20170312 import models

from localcloud.errors import CloudError
from localcloud.services.base import Service, action, page, select
from localcloud.store import Kind
from localcloud.wire import build


class Cbs(Service):
    """Product `cbs`."""

    product = "cbs"
    version = "2017-03-12"
    sdk = models

    @action("DescribeDisks")
    def describe_disks(self, request: models.DescribeDisksRequest) -> models.DescribeDisksResponse:
        """List disks; ids that aren't there are left out."""
        found = select(
            self.store.all(Kind.DISK, self.region),
            ids=request.DiskIds,
            id_field="DiskId",
            filters=request.Filters,
            by={
                "disk-id": "DiskId",
                "disk-name": "DiskName",
                "disk-usage": "DiskUsage",
                "disk-charge-type": "DiskChargeType",
                "disk-state": "DiskState",
                "disk-type": "DiskType",
                "instance-id": "InstanceId",
                "portable": "Portable",
                "zone": lambda one: [one["Placement"]["Zone"]],
            },
            tags_of=self.cloud.tags.of,
        )
        return build(
            models.DescribeDisksResponse,
            TotalCount=len(found),
            DiskSet=[
                {
                    **{name: value for name, value in one.items() if name != "InstanceType"},
                    "InstanceIdList": [one["InstanceId"]],
                    "Tags": self.cloud.tags.listed(one["DiskId"]),
                }
                for one in page(found, request.Offset, request.Limit)
            ],
        )

    @action("ModifyDiskAttributes", requires=("DiskIds",))
    def modify_disk_attributes(
        self, request: models.ModifyDiskAttributesRequest
    ) -> models.ModifyDiskAttributesResponse:
        """Rename disks."""
        for identifier in request.DiskIds:
            document = self.store.get(Kind.DISK, identifier, self.region)
            if document is None:
                raise CloudError(
                    "InvalidDiskId.NotFound",
                    f"{identifier} is not a disk in {self.region}.",
                )
            if request.DiskName is not None:
                document["DiskName"] = request.DiskName
            self.store.put(Kind.DISK, identifier, document)
        return models.ModifyDiskAttributesResponse()
