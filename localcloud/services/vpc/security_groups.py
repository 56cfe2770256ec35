"""Security groups (安全组) and their rules."""

from __future__ import annotations

from typing import Any

from tencentcloud.vpc.v20170312 import models

from localcloud.errors import CloudError
from localcloud.firewall import check
from localcloud.formats import local_timestamp, new_id
from localcloud.services.base import action, not_empty, page, select
from localcloud.services.vpc.parts import VpcPart
from localcloud.store import Document, Kind
from localcloud.wire import build

RULES_PER_DIRECTION = 100
"""https://cloud.tencent.com/document/product/213/15379 (安全组相关限制)."""
GROUPS_PER_PROJECT = 50


class SecurityGroups(VpcPart):
    """Actions on security groups."""

    @action("CreateSecurityGroup", requires=("GroupName", "GroupDescription"))
    def create_security_group(self, request: models.CreateSecurityGroupRequest) -> models.CreateSecurityGroupResponse:
        """Make a security group without rules: nothing comes in, nothing goes out."""
        if len(self.store.all(Kind.SECURITY_GROUP, self.region)) >= GROUPS_PER_PROJECT:
            raise CloudError("LimitExceeded", f"A region has at most {GROUPS_PER_PROJECT} security groups.")
        identifier = new_id("sg")
        document = {
            "SecurityGroupId": identifier,
            "SecurityGroupName": request.GroupName,
            "SecurityGroupDesc": request.GroupDescription,
            "ProjectId": request.ProjectId or "0",
            "IsDefault": False,
            "CreatedTime": local_timestamp(),
            "UpdateTime": local_timestamp(),
            "_Version": 0,
            "_Ingress": [],
            "_Egress": [],
        }
        self.store.put(Kind.SECURITY_GROUP, identifier, document, self.region)
        self.cloud.tags.add(identifier, request.Tags)
        return build(models.CreateSecurityGroupResponse, SecurityGroup=self._tagged(document, identifier))

    @action("DescribeSecurityGroups")
    def describe_security_groups(
        self, request: models.DescribeSecurityGroupsRequest
    ) -> models.DescribeSecurityGroupsResponse:
        """List security groups; an id that isn't there is an error, as at Tencent."""
        self._known(Kind.SECURITY_GROUP, request.SecurityGroupIds)
        found = select(
            self.store.all(Kind.SECURITY_GROUP, self.region),
            ids=request.SecurityGroupIds,
            id_field="SecurityGroupId",
            filters=request.Filters,
            by={
                "security-group-id": "SecurityGroupId",
                "security-group-name": "SecurityGroupName",
                "project-id": "ProjectId",
            },
            tags_of=self.cloud.tags.of,
            code="InvalidParameter.FilterInvalidKey",
        )
        return build(
            models.DescribeSecurityGroupsResponse,
            TotalCount=len(found),
            SecurityGroupSet=[
                self._tagged(item, item["SecurityGroupId"]) for item in page(found, request.Offset, request.Limit)
            ],
        )

    @action("ModifySecurityGroupAttribute", requires=("SecurityGroupId",))
    def modify_security_group_attribute(
        self, request: models.ModifySecurityGroupAttributeRequest
    ) -> models.ModifySecurityGroupAttributeResponse:
        """Change a security group's name or description."""
        document = self._get(Kind.SECURITY_GROUP, request.SecurityGroupId)
        if request.GroupName is not None:
            document["SecurityGroupName"] = request.GroupName
        if request.GroupDescription is not None:
            document["SecurityGroupDesc"] = request.GroupDescription
        document["UpdateTime"] = local_timestamp()
        self.store.put(Kind.SECURITY_GROUP, request.SecurityGroupId, document)
        return models.ModifySecurityGroupAttributeResponse()

    @action("DescribeSecurityGroupAssociationStatistics", requires=("SecurityGroupIds",))
    def describe_security_group_association_statistics(
        self, request: models.DescribeSecurityGroupAssociationStatisticsRequest
    ) -> models.DescribeSecurityGroupAssociationStatisticsResponse:
        """Count what uses security groups."""
        statistics = []
        for identifier in request.SecurityGroupIds:
            self._get(Kind.SECURITY_GROUP, identifier)
            instances = len(self._instances_in(identifier))
            statistics.append(
                {
                    "SecurityGroupId": identifier,
                    "CVM": instances,
                    "CDB": 0,
                    "ENI": 0,
                    "SG": len(self._groups_naming(identifier)),
                    "CLB": 0,
                    "InstanceStatistics": [
                        {"InstanceType": "CVM", "InstanceCount": instances},
                    ],
                    "TotalCount": instances,
                }
            )
        return build(
            models.DescribeSecurityGroupAssociationStatisticsResponse,
            SecurityGroupAssociationStatisticsSet=statistics,
        )

    @action("DeleteSecurityGroup", requires=("SecurityGroupId",))
    def delete_security_group(self, request: models.DeleteSecurityGroupRequest) -> models.DeleteSecurityGroupResponse:
        """Remove a security group that nothing uses."""
        self._get(Kind.SECURITY_GROUP, request.SecurityGroupId)
        users = self._instances_in(request.SecurityGroupId)
        users += self._groups_naming(request.SecurityGroupId)
        if users:
            raise CloudError("ResourceInUse", f"{request.SecurityGroupId} is used by {', '.join(users)}.")
        self._delete(Kind.SECURITY_GROUP, request.SecurityGroupId)
        return models.DeleteSecurityGroupResponse()

    @action("DescribeSecurityGroupPolicies", requires=("SecurityGroupId",))
    def describe_security_group_policies(
        self, request: models.DescribeSecurityGroupPoliciesRequest
    ) -> models.DescribeSecurityGroupPoliciesResponse:
        """List a security group's rules in order."""
        document = self._get(Kind.SECURITY_GROUP, request.SecurityGroupId)
        return build(
            models.DescribeSecurityGroupPoliciesResponse,
            SecurityGroupPolicySet={
                "Version": str(document["_Version"]),
                "Ingress": _numbered(document["_Ingress"]),
                "Egress": _numbered(document["_Egress"]),
            },
        )

    @action("ModifySecurityGroupPolicies", requires=("SecurityGroupId", "SecurityGroupPolicySet"))
    def modify_security_group_policies(
        self, request: models.ModifySecurityGroupPoliciesRequest
    ) -> models.ModifySecurityGroupPoliciesResponse:
        """Replace the rules of the directions given; version 0 with none clears both."""
        document, policies = self._policies(request)
        if policies.Version == "0" and not policies.Ingress and not policies.Egress:
            document.update(_Ingress=[], _Egress=[])
        if policies.Ingress is not None:
            document["_Ingress"] = self._rules(policies.Ingress)
        if policies.Egress is not None:
            document["_Egress"] = self._rules(policies.Egress)
        self._keep_policies(document)
        return models.ModifySecurityGroupPoliciesResponse()

    @action("CreateSecurityGroupPolicies", requires=("SecurityGroupId", "SecurityGroupPolicySet"))
    def create_security_group_policies(
        self, request: models.CreateSecurityGroupPoliciesRequest
    ) -> models.CreateSecurityGroupPoliciesResponse:
        """Add rules of one direction, at PolicyIndex or else at the end."""
        document, policies = self._policies(request)
        direction, given = _one_direction(policies)
        rules = document[direction]
        index = given[0].PolicyIndex
        at = len(rules) if index is None else index
        document[direction] = [*rules[:at], *self._rules(given), *rules[at:]]
        self._keep_policies(document)
        return models.CreateSecurityGroupPoliciesResponse()

    @action("DeleteSecurityGroupPolicies", requires=("SecurityGroupId", "SecurityGroupPolicySet"))
    def delete_security_group_policies(
        self, request: models.DeleteSecurityGroupPoliciesRequest
    ) -> models.DeleteSecurityGroupPoliciesResponse:
        """Remove rules of one direction, by PolicyIndex or by what they say."""
        document, policies = self._policies(request)
        direction, given = _one_direction(policies)
        rules = document[direction]
        doomed = set()
        for policy in given:
            doomed.add(self._index_of(rules, policy))
        document[direction] = [rule for n, rule in enumerate(rules) if n not in doomed]
        self._keep_policies(document)
        return models.DeleteSecurityGroupPoliciesResponse()

    def _instances_in(self, group: str) -> list[str]:
        instances = self.store.all(Kind.CVM_INSTANCE)
        return [one["InstanceId"] for one in instances if group in one["SecurityGroupIds"]]

    def _groups_naming(self, group: str) -> list[str]:
        return [
            one["SecurityGroupId"]
            for one in self.store.all(Kind.SECURITY_GROUP)
            if one["SecurityGroupId"] != group
            and any(rule["SecurityGroupId"] == group for rule in one["_Ingress"] + one["_Egress"])
        ]

    def _policies(self, request: Any) -> tuple[Document, models.SecurityGroupPolicySet]:
        document = self._get(Kind.SECURITY_GROUP, request.SecurityGroupId)
        policies = request.SecurityGroupPolicySet
        version = policies.Version
        if version is not None and not version.isdecimal():
            raise CloudError("InvalidParameterValue", f"Version {version!r} is not a number.")
        if version not in {None, "0"} and int(version) < document["_Version"]:
            raise CloudError(
                "UnsupportedOperation.VersionMismatch",
                f"The rules of {request.SecurityGroupId} are at version {document['_Version']};"
                f" the request was made for {version}. Read them again.",
            )
        return document, policies

    def _keep_policies(self, document: Document) -> None:
        for direction in ("_Ingress", "_Egress"):
            if len(document[direction]) > RULES_PER_DIRECTION:
                raise CloudError(
                    "LimitExceeded.SecurityGroupPolicySet",
                    f"A direction has at most {RULES_PER_DIRECTION} rules.",
                )
        document["_Version"] += 1
        document["UpdateTime"] = local_timestamp()
        self.store.put(Kind.SECURITY_GROUP, document["SecurityGroupId"], document)

    def _rules(self, policies: list[models.SecurityGroupPolicy]) -> list[Document]:
        return [self._rule(policy) for policy in policies]

    def _rule(self, policy: models.SecurityGroupPolicy) -> Document:
        service, address = policy.ServiceTemplate, policy.AddressTemplate
        if (service and (service.ServiceId or service.ServiceGroupId)) or (
            address and (address.AddressId or address.AddressGroupId)
        ):
            raise CloudError(
                "UnsupportedOperation",
                "The rehearsal cloud has no parameter templates (参数模板): write the protocol,"
                " port and CIDR block into the rule.",
            )
        protocol = (policy.Protocol or "ALL").upper()
        port = (policy.Port or "ALL").upper()
        cidr, action_ = policy.CidrBlock or "", (policy.Action or "").upper()
        if cidr == "MY_PUBLIC_IP":
            cidr = "127.0.0.1"
        check(action_, protocol, port, policy.Ipv6CidrBlock or cidr)
        group = policy.SecurityGroupId or ""
        if group:
            self._get(Kind.SECURITY_GROUP, group)
        if not (cidr or policy.Ipv6CidrBlock or group):
            cidr = "0.0.0.0/0"
        return {
            "Protocol": protocol if protocol == "ALL" else protocol.lower(),
            "Port": port,
            "ServiceTemplate": {"ServiceId": "", "ServiceGroupId": ""},
            "CidrBlock": cidr,
            "Ipv6CidrBlock": policy.Ipv6CidrBlock or "",
            "SecurityGroupId": group,
            "AddressTemplate": {"AddressId": "", "AddressGroupId": ""},
            "Action": action_,
            "PolicyDescription": policy.PolicyDescription or "",
            "ModifyTime": local_timestamp(),
        }

    def _index_of(self, rules: list[Document], policy: models.SecurityGroupPolicy) -> int:
        if policy.PolicyIndex is not None:
            if not 0 <= policy.PolicyIndex < len(rules):
                raise CloudError("ResourceNotFound", f"There is no rule with index {policy.PolicyIndex}.")
            return int(policy.PolicyIndex)
        wanted = self._rule(policy)
        same = ("Protocol", "Port", "CidrBlock", "Ipv6CidrBlock", "SecurityGroupId", "Action")
        for index, rule in enumerate(rules):
            if all(rule[name] == wanted[name] for name in same):
                return index
        raise CloudError("ResourceNotFound", "There is no such rule.")


def _numbered(rules: list[Document]) -> list[Document]:
    return [{"PolicyIndex": index, **rule} for index, rule in enumerate(rules)]


def _one_direction(
    policies: models.SecurityGroupPolicySet,
) -> tuple[str, list[models.SecurityGroupPolicy]]:
    if policies.Ingress and policies.Egress:
        raise CloudError("InvalidParameter.Coexist", "One request is for one direction: Ingress or Egress.")
    direction = "_Ingress" if policies.Ingress else "_Egress"
    given = not_empty("SecurityGroupPolicySet", policies.Ingress or policies.Egress)
    return direction, list(given)
