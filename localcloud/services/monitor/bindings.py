"""What a policy watches: instances bound to it, each in its region."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from tencentcloud.monitor.v20180724 import models

from localcloud.catalogue import AlarmNamespace
from localcloud.errors import CloudError
from localcloud.formats import new_id
from localcloud.services.base import action, not_empty, page
from localcloud.services.monitor.parts import MonitorPart
from localcloud.store import Document, Kind
from localcloud.wire import build


class Bindings(MonitorPart):
    """Actions on what policies watch."""

    @action("BindingPolicyObject", requires=("Module",))
    def binding_policy_object(self, request: models.BindingPolicyObjectRequest) -> models.BindingPolicyObjectResponse:
        """Let a policy watch instances."""
        policy = self._policy(request)
        namespace = self.namespace(policy["Namespace"])
        bound = {(one["Region"], one["Dimensions"]) for one in self.watched_by(policy["PolicyId"])}
        for one in not_empty("Dimensions", request.Dimensions):
            region = self.cloud.catalogue.alarm_regions.get(one.Region or "")
            if region is None:
                raise CloudError("InvalidParameterValue", f"Region {one.Region!r} is unknown; give one such as gz.")
            self._check(namespace, one.Dimensions or "", region)
            if (one.Region, one.Dimensions) in bound:
                continue
            identifier = new_id("object").removeprefix("object-")
            document = {
                "UniqueId": identifier,
                "Dimensions": one.Dimensions,
                "Region": one.Region,
                "IsShielded": 0,
                "_PolicyId": policy["PolicyId"],
            }
            self.store.put(Kind.ALARM_BINDING, identifier, document, region)
        return models.BindingPolicyObjectResponse()

    @action("DescribeBindingPolicyObjectList", requires=("Module", "GroupId"))
    def describe_binding_policy_object_list(
        self, request: models.DescribeBindingPolicyObjectListRequest
    ) -> models.DescribeBindingPolicyObjectListResponse:
        """List what a policy watches in the region that is asked."""
        found = self._here(self._policy(request))
        return build(
            models.DescribeBindingPolicyObjectListResponse,
            List=page(found, request.Offset, request.Limit),
            Total=len(found),
            NoShieldedSum=len(found),
        )

    @action("DescribePolicyObjectCount", requires=("Module", "GroupId"))
    def describe_policy_object_count(
        self, request: models.DescribePolicyObjectCountRequest
    ) -> models.DescribePolicyObjectCountResponse:
        """Count what a policy watches in each region; GroupId is the policy's OriginId."""
        policy = self._policy(request)
        counts = Counter(one["Region"] for one in self.watched_by(policy["PolicyId"]))
        return build(
            models.DescribePolicyObjectCountResponse,
            IsMultiRegion=True,
            RegionList=[{"Region": region, "Count": count} for region, count in sorted(counts.items())],
        )

    @action("UnBindingPolicyObject", requires=("Module", "GroupId", "UniqueId"))
    def unbinding_policy_object(
        self, request: models.UnBindingPolicyObjectRequest
    ) -> models.UnBindingPolicyObjectResponse:
        """Let a policy watch some instances no more."""
        known = {one["UniqueId"] for one in self.watched_by(self._policy(request)["PolicyId"])}
        for identifier in not_empty("UniqueId", request.UniqueId):
            if identifier not in known:
                raise CloudError("ResourceNotFound", f"{identifier} is not bound to the policy.")
            self.store.delete(Kind.ALARM_BINDING, identifier)
        return models.UnBindingPolicyObjectResponse()

    @action("UnBindingAllPolicyObject", requires=("Module", "GroupId"))
    def unbinding_all_policy_object(
        self, request: models.UnBindingAllPolicyObjectRequest
    ) -> models.UnBindingAllPolicyObjectResponse:
        """Let a policy watch nothing more in the region that is asked."""
        for one in self._here(self._policy(request)):
            self.store.delete(Kind.ALARM_BINDING, one["UniqueId"])
        return models.UnBindingAllPolicyObjectResponse()

    def _policy(self, request: Any) -> Document:
        """Return the policy that PolicyId names, or else GroupId, by the older number."""
        self.check_module(request)
        identifier = getattr(request, "PolicyId", None)
        if identifier:
            return self.policy(identifier)
        for one in self.store.all(Kind.ALARM_POLICY):
            if one["OriginId"] == str(request.GroupId):
                return one
        raise CloudError("ResourceNotFound", f"{request.GroupId} is not the OriginId of an alarm policy.")

    def _here(self, policy: Document) -> list[Document]:
        watched = self.store.all(Kind.ALARM_BINDING, self.region or None)
        return [one for one in watched if one["_PolicyId"] == policy["PolicyId"]]

    def _check(self, namespace: AlarmNamespace, dimensions: str, region: str) -> None:
        """Raise CloudError for dimensions that name no instance of the region."""
        try:
            named = json.loads(dimensions)
        except ValueError:
            named = None
        if not isinstance(named, dict) or set(named) != {namespace.dimension}:
            raise CloudError(
                "InvalidParameterValue",
                f'Dimensions of {namespace.identifier} are JSON such as {{"{namespace.dimension}": "..."}}'
                f", not {dimensions!r}.",
            )
        kind = Kind.LIGHTHOUSE_INSTANCE if namespace.product == "lighthouse" else Kind.CVM_INSTANCE
        if self.store.get(kind, str(named[namespace.dimension]), region) is None:
            raise CloudError("ResourceNotFound", f"{named[namespace.dimension]} is not an instance in {region}.")
