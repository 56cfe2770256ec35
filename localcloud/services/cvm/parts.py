"""What the parts of the product `cvm` share."""

from __future__ import annotations

from localcloud.catalogue import Image, InstanceType
from localcloud.errors import CloudError
from localcloud.fleet import Instance
from localcloud.services.base import Service
from localcloud.store import Document, Kind


class CvmPart(Service):
    """A part of the product."""

    def instance(self, identifier: str) -> Instance:
        document = self.store.get(Kind.CVM_INSTANCE, identifier, self.region)
        if document is None:
            malformed = not identifier.startswith("ins-")
            raise CloudError(
                "InvalidInstanceId.Malformed" if malformed else "InvalidInstanceId.NotFound",
                f"{identifier} is not an instance in {self.region}.",
            )
        return Instance(Kind.CVM_INSTANCE, self.region, document)

    def image(self, identifier: str) -> Image:
        image = self.cloud.catalogue.images.get(identifier)
        if image is None:
            malformed = not identifier.startswith("img-")
            raise CloudError(
                "InvalidImageId.Malformed" if malformed else "InvalidImageId.NotFound",
                f"{identifier} is not an image; DescribeImages lists those there are.",
            )
        return image

    def instance_type(self, name: str) -> InstanceType:
        kind = self.cloud.catalogue.instance_types.get(name)
        if kind is None:
            raise CloudError(
                "InvalidInstanceType.Malformed" if "." not in name else "InvalidParameterValue.InstanceTypeNotFound",
                f"{name} is not an instance type known here; DescribeInstanceTypeConfigs lists them.",
            )
        return kind

    def check_groups(self, groups: list[str]) -> None:
        for group in groups:
            if self.store.get(Kind.SECURITY_GROUP, group, self.region) is None:
                raise CloudError(
                    "InvalidSecurityGroupId.NotFound",
                    f"{group} is not a security group in {self.region}.",
                )

    def operate(self, instance: Instance, operation: str, state: str) -> None:
        self.cloud.fleet.operate(instance, operation, state, self.request_id)

    def succeeded(self, document: Document, operation: str) -> None:
        """Keep a change that needs nothing of the machine."""
        if document["LatestOperationState"] != "OPERATING":
            document.update(
                LatestOperation=operation,
                LatestOperationState="SUCCESS",
                LatestOperationRequestId=self.request_id,
            )
        self.store.put(Kind.CVM_INSTANCE, document["InstanceId"], document)

    def key(self, identifier: str) -> Document:
        document = self.store.get(Kind.KEY_PAIR, identifier)
        if document is None:
            malformed = not identifier.startswith("skey-")
            raise CloudError(
                "InvalidKeyPairId.Malformed" if malformed else "InvalidKeyPairId.NotFound",
                f"{identifier} is not a key pair.",
            )
        return document
