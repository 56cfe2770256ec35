"""What the parts of the product `vpc` share."""

from __future__ import annotations

import ipaddress

from localcloud.errors import CloudError
from localcloud.services.base import Service
from localcloud.store import Document, Kind


class VpcPart(Service):
    """A part of the product."""

    def _get(self, kind: Kind, identifier: str) -> Document:
        document = self.store.get(kind, identifier, self.region)
        if document is None:
            raise CloudError("ResourceNotFound", f"{identifier} is not found in {self.region}.")
        return document

    def _known(self, kind: Kind, identifiers: list[str] | None) -> None:
        for identifier in identifiers or ():
            self._get(kind, identifier)

    def _delete(self, kind: Kind, identifier: str) -> None:
        self.store.delete(kind, identifier)
        self.cloud.tags.forget(identifier)

    def _tagged(self, document: Document, identifier: str) -> Document:
        return {**document, "TagSet": self.cloud.tags.listed(identifier)}


def network_of(cidr: str) -> ipaddress.IPv4Network:
    """Return a CIDR block as a network; raise CloudError where it isn't one."""
    try:
        return ipaddress.IPv4Network(cidr)
    except ValueError as error:
        raise CloudError("InvalidParameterValue.Malformed", f"CidrBlock {cidr!r}: {error}.") from None
