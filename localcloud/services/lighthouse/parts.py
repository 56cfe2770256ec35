"""What the parts of the product `lighthouse` share."""

from __future__ import annotations

from localcloud.errors import CloudError
from localcloud.fleet import Instance
from localcloud.services.base import Service
from localcloud.store import Document, Kind


class LighthousePart(Service):
    """A part of the product."""

    def instance(self, identifier: str) -> Instance:
        document = self.store.get(Kind.LIGHTHOUSE_INSTANCE, identifier, self.region)
        if document is None:
            if not identifier.startswith("lhins-"):
                raise CloudError(
                    "InvalidParameterValue.InstanceIdMalformed",
                    f"{identifier} is not the id of a Lighthouse instance (lhins-...).",
                )
            raise CloudError(
                "ResourceNotFound.InstanceIdNotFound",
                f"{identifier} is not found in {self.region}.",
            )
        return Instance(Kind.LIGHTHOUSE_INSTANCE, self.region, document)

    def blueprint(self, identifier: str) -> Document:
        blueprint = self.cloud.catalogue.blueprints.get(identifier)
        if blueprint is None:
            if not identifier.startswith("lhbp-"):
                raise CloudError(
                    "InvalidParameterValue.BlueprintIdMalformed",
                    f"{identifier} is not the id of a Lighthouse image (lhbp-...).",
                )
            raise CloudError(
                "ResourceNotFound.BlueprintIdNotFound",
                f"{identifier} is not an image; DescribeBlueprints lists them.",
            )
        return described(blueprint.values)

    def check_zone(self, zone: str) -> None:
        zones = [one.zone for one in self.cloud.catalogue.regions[self.region].zones]
        if zone not in zones:
            raise CloudError(
                "InvalidParameterValue.InvalidZone",
                f"Zone {zone} is not one of {self.region}: {', '.join(zones)}.",
            )

    def template(self, identifier: str) -> Document:
        document = self.store.get(Kind.FIREWALL_TEMPLATE, identifier, self.region)
        if document is None:
            raise CloudError(
                "ResourceNotFound.FirewallTemplateNotFound",
                f"{identifier} is not a firewall template in {self.region}.",
            )
        return document


def described(values: Document) -> Document:
    """Return an image as DescribeBlueprints shows it."""
    return {
        **values,
        "Description": values["BlueprintName"],
        "PlatformType": "LINUX_UNIX",
        "ImageUrl": "",
        "BlueprintState": "NORMAL",
        "CreatedTime": "2024-06-04T08:00:00Z",
        "SupportAutomationTools": True,
        "ImageId": "",
        "CommunityUrl": "",
        "GuideUrl": "",
        "SceneIdSet": [],
        "DockerVersion": "",
        "BlueprintShared": False,
        "Tags": [],
    }
