"""What the parts of the product `monitor` share."""

from __future__ import annotations

from typing import Any

from localcloud.catalogue import AlarmNamespace
from localcloud.errors import CloudError
from localcloud.services.base import Service
from localcloud.store import Document, Kind


class MonitorPart(Service):
    """A part of the product."""

    def check_module(self, request: Any) -> None:
        """Raise CloudError where Module isn't `monitor`, which every action wants."""
        if request.Module != "monitor":
            raise CloudError("InvalidParameterValue", f"Module is {request.Module!r}; it is always monitor.")

    def namespace(self, identifier: str) -> AlarmNamespace:
        """Return what alarms can be set on; raise CloudError for what they can't."""
        namespaces = self.cloud.catalogue.alarm_namespaces
        if identifier not in namespaces:
            raise CloudError(
                "InvalidParameterValue",
                f"Namespace {identifier!r} has no alarms; ask DescribeAllNamespaces: {', '.join(namespaces)}.",
            )
        return namespaces[identifier]

    def policy(self, identifier: str) -> Document:
        """Return a policy; raise CloudError where there is none."""
        document = self.store.get(Kind.ALARM_POLICY, identifier)
        if document is None:
            raise CloudError("ResourceNotFound", f"{identifier} is not an alarm policy.")
        return document

    def notice(self, identifier: str) -> Document:
        """Return a notice template; raise CloudError where there is none."""
        document = self.store.get(Kind.ALARM_NOTICE, identifier)
        if document is None:
            raise CloudError("ResourceNotFound", f"{identifier} is not a notice template.")
        return document

    def watched_by(self, policy: str) -> list[Document]:
        """Return what a policy watches, in every region."""
        return [one for one in self.store.all(Kind.ALARM_BINDING) if one["_PolicyId"] == policy]
