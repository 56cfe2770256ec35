"""Tag (标签): tags of any product's resources, by their six-segment names."""

from __future__ import annotations

from tencentcloud.tag.v20180813 import models

from localcloud.errors import CloudError
from localcloud.services.base import Service, action, page
from localcloud.wire import build


class Tag(Service):
    """Product `tag`."""

    product = "tag"
    version = "2018-08-13"
    sdk = models
    regional = False

    @action("ModifyResourceTags", requires=("Resource",))
    def modify_resource_tags(self, request: models.ModifyResourceTagsRequest) -> models.ModifyResourceTagsResponse:
        """Set and remove tags of one resource."""
        put = {tag.TagKey: tag.TagValue or "" for tag in request.ReplaceTags or ()}
        remove = [tag.TagKey for tag in request.DeleteTags or ()]
        both = set(put).intersection(remove)
        if both:
            raise CloudError(
                "InvalidParameterValue.DeleteTagsParamError",
                f"A tag can't be set and removed at once: {', '.join(sorted(both))}.",
            )
        self.cloud.tags.change(_identifier(request.Resource), put, remove)
        return models.ModifyResourceTagsResponse()

    @action("TagResources", requires=("ResourceList", "Tags"))
    def tag_resources(self, request: models.TagResourcesRequest) -> models.TagResourcesResponse:
        """Set the same tags on several resources."""
        put = {tag.TagKey: tag.TagValue or "" for tag in request.Tags}
        for resource in request.ResourceList:
            self.cloud.tags.change(_identifier(resource), put)
        return build(models.TagResourcesResponse, FailedResources=[])

    @action("UnTagResources", requires=("ResourceList", "TagKeys"))
    def untag_resources(self, request: models.UnTagResourcesRequest) -> models.UnTagResourcesResponse:
        """Remove the same tags from several resources."""
        for resource in request.ResourceList:
            self.cloud.tags.change(_identifier(resource), {}, request.TagKeys)
        return build(models.UnTagResourcesResponse, FailedResources=[])

    @action("DescribeResourceTagsByResourceIds", requires=("ServiceType", "ResourceIds"))
    def describe_resource_tags_by_resource_ids(
        self, request: models.DescribeResourceTagsByResourceIdsRequest
    ) -> models.DescribeResourceTagsByResourceIdsResponse:
        """List the tags of resources."""
        tags = [
            {
                "TagKey": key,
                "TagValue": value,
                "ResourceId": identifier,
                "TagKeyMd5": "",
                "TagValueMd5": "",
                "ServiceType": request.ServiceType,
            }
            for identifier in request.ResourceIds
            for key, value in self.cloud.tags.of(identifier).items()
        ]
        return build(
            models.DescribeResourceTagsByResourceIdsResponse,
            TotalCount=len(tags),
            Offset=request.Offset or 0,
            Limit=request.Limit or 15,
            Tags=page(tags, request.Offset, request.Limit, default=15, maximum=1000),
        )


def _identifier(resource: str) -> str:
    """Return the id in `qcs::cvm:ap-guangzhou:uin/1:instance/ins-1`."""
    if resource.count(":") < 5 or "/" not in resource:
        raise CloudError(
            "InvalidParameterValue.ResourceDescriptionError",
            f"Resource {resource!r} is not of the form qcs::product:region:account:prefix/id.",
        )
    return resource.rpartition("/")[2]
