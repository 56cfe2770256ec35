"""Virtual Private Cloud (私有网络): networks, subnets, security groups, elastic addresses (EIP)."""

from __future__ import annotations

import ipaddress
from typing import Any

from tencentcloud.vpc.v20170312 import models

from localcloud.addresses import subnet_size
from localcloud.errors import CloudError
from localcloud.firewall import check
from localcloud.fleet import Instance
from localcloud.formats import local_timestamp, new_id, timestamp
from localcloud.services.base import Service, action, not_empty, page, select
from localcloud.store import Document, Kind
from localcloud.wire import build

DNS_SERVERS = ["183.60.83.19", "183.60.82.98"]
"""Tencent's resolvers inside a VPC (https://cloud.tencent.com/document/product/215/20093)."""
VPC_NETWORKS = tuple(
    ipaddress.IPv4Network(cidr)
    for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "11.0.0.0/8", "100.64.0.0/10")
)
RULES_PER_DIRECTION = 100
"""https://cloud.tencent.com/document/product/213/15379 (安全组相关限制)."""
GROUPS_PER_PROJECT = 50


class Vpc(Service):
    """Product `vpc`."""

    product = "vpc"
    version = "2017-03-12"
    sdk = models

    # Networks

    @action("CreateVpc", requires=("VpcName", "CidrBlock"))
    def create_vpc(self, request: models.CreateVpcRequest) -> models.CreateVpcResponse:
        """Make a VPC and its default route table."""
        network = _network(request.CidrBlock)
        if not 16 <= network.prefixlen <= 28 or not any(map(network.subnet_of, VPC_NETWORKS)):
            raise CloudError(
                "InvalidParameterValue.Range",
                f"CidrBlock {network}: a VPC is a private network of /16 to /28.",
            )
        identifier, table = new_id("vpc"), new_id("rtb")
        document = {
            "VpcId": identifier,
            "VpcName": request.VpcName,
            "CidrBlock": str(network),
            "IsDefault": False,
            "EnableMulticast": request.EnableMulticast == "true",
            "CreatedTime": local_timestamp(),
            "DnsServerSet": request.DnsServers or DNS_SERVERS,
            "DomainName": request.DomainName or "",
            "DhcpOptionsId": "",
            "EnableDhcp": True,
            "Ipv6CidrBlock": "",
            "AssistantCidrSet": [],
            "EnableRouteVpcPublish": False,
            "Ipv6CidrBlockSet": [],
            "EnableRouteVpcPublishIpv6": False,
            "StackType": "DualStack",
        }
        self.store.put(Kind.VPC, identifier, document, self.region)
        route_table = {
            "VpcId": identifier,
            "RouteTableId": table,
            "RouteTableName": "default",
            "Main": True,
            "CreatedTime": local_timestamp(),
            "RouteSet": [],
            "LocalCidrForCcn": [],
        }
        self.store.put(Kind.ROUTE_TABLE, table, route_table, self.region)
        self.cloud.tags.add(identifier, request.Tags)
        return build(models.CreateVpcResponse, Vpc=self._tagged(document, identifier))

    @action("DescribeVpcs")
    def describe_vpcs(self, request: models.DescribeVpcsRequest) -> models.DescribeVpcsResponse:
        """List VPCs."""
        self._known(Kind.VPC, request.VpcIds)
        found = select(
            self.store.all(Kind.VPC, self.region),
            ids=request.VpcIds,
            id_field="VpcId",
            filters=request.Filters,
            by={
                "vpc-id": "VpcId",
                "vpc-name": "VpcName",
                "cidr-block": "CidrBlock",
                "is-default": "IsDefault",
            },
            tags_of=self.cloud.tags.of,
            code="InvalidParameter.FilterInvalidKey",
        )
        return build(
            models.DescribeVpcsResponse,
            TotalCount=len(found),
            VpcSet=[self._tagged(item, item["VpcId"]) for item in page(found, request.Offset, request.Limit)],
        )

    @action("ModifyVpcAttribute", requires=("VpcId",))
    def modify_vpc_attribute(self, request: models.ModifyVpcAttributeRequest) -> models.ModifyVpcAttributeResponse:
        """Change a VPC's name, resolvers or multicast."""
        document = self._get(Kind.VPC, request.VpcId)
        if request.VpcName is not None:
            document["VpcName"] = request.VpcName
        if request.DnsServers is not None:
            document["DnsServerSet"] = request.DnsServers
        if request.DomainName is not None:
            document["DomainName"] = request.DomainName
        if request.EnableMulticast is not None:
            document["EnableMulticast"] = request.EnableMulticast == "true"
        self.store.put(Kind.VPC, request.VpcId, document)
        return models.ModifyVpcAttributeResponse()

    @action("DeleteVpc", requires=("VpcId",))
    def delete_vpc(self, request: models.DeleteVpcRequest) -> models.DeleteVpcResponse:
        """Remove an empty VPC, with its route tables."""
        self._get(Kind.VPC, request.VpcId)
        if any(one["VpcId"] == request.VpcId for one in self.store.all(Kind.SUBNET)):
            raise CloudError("ResourceInUse", f"{request.VpcId} still has subnets; delete them.")
        for table in self.store.all(Kind.ROUTE_TABLE):
            if table["VpcId"] == request.VpcId:
                self.store.delete(Kind.ROUTE_TABLE, table["RouteTableId"])
        self._delete(Kind.VPC, request.VpcId)
        return models.DeleteVpcResponse()

    @action("DescribeRouteTables")
    def describe_route_tables(self, request: models.DescribeRouteTablesRequest) -> models.DescribeRouteTablesResponse:
        """List route tables."""
        found = select(
            self.store.all(Kind.ROUTE_TABLE, self.region),
            ids=request.RouteTableIds,
            id_field="RouteTableId",
            filters=request.Filters,
            by={
                "route-table-id": "RouteTableId",
                "route-table-name": "RouteTableName",
                "vpc-id": "VpcId",
                "association.main": "Main",
            },
            tags_of=self.cloud.tags.of,
            code="InvalidParameter.FilterInvalidKey",
        )
        shown = [
            {
                **self._tagged(item, item["RouteTableId"]),
                "AssociationSet": [
                    {"SubnetId": subnet["SubnetId"], "RouteTableId": item["RouteTableId"]}
                    for subnet in self.store.all(Kind.SUBNET)
                    if subnet["RouteTableId"] == item["RouteTableId"]
                ],
            }
            for item in page(found, request.Offset, request.Limit)
        ]
        return build(models.DescribeRouteTablesResponse, TotalCount=len(found), RouteTableSet=shown)

    # Subnets

    @action("CreateSubnet", requires=("VpcId", "SubnetName", "Zone", "CidrBlock"))
    def create_subnet(self, request: models.CreateSubnetRequest) -> models.CreateSubnetResponse:
        """Make a subnet of a VPC in one zone."""
        vpc = self._get(Kind.VPC, request.VpcId)
        network = _network(request.CidrBlock)
        if not network.subnet_of(_network(vpc["CidrBlock"])):
            raise CloudError(
                "InvalidParameterValue.SubnetRange",
                f"CidrBlock {network} is not inside the VPC's {vpc['CidrBlock']}.",
            )
        for other in self.store.all(Kind.SUBNET):
            same_vpc = other["VpcId"] == request.VpcId
            if same_vpc and network.overlaps(_network(other["CidrBlock"])):
                raise CloudError(
                    "InvalidParameterValue.SubnetConflict",
                    f"CidrBlock {network} overlaps {other['SubnetId']} ({other['CidrBlock']}).",
                )
        zones = self.cloud.catalogue.regions[self.region].zones
        if request.Zone not in {zone.zone for zone in zones}:
            raise CloudError(
                "InvalidParameterValue.UnavailableZone",
                f"Zone {request.Zone} is not one of {self.region}: {', '.join(zone.zone for zone in zones)}.",
            )
        identifier = new_id("subnet")
        document = {
            "VpcId": request.VpcId,
            "SubnetId": identifier,
            "SubnetName": request.SubnetName,
            "CidrBlock": str(network),
            "IsDefault": False,
            "EnableBroadcast": False,
            "Zone": request.Zone,
            "RouteTableId": self._main_route_table(request.VpcId),
            "CreatedTime": local_timestamp(),
            "Ipv6CidrBlock": "",
            "NetworkAclId": "",
            "IsRemoteVpcSnat": False,
            "TotalIpAddressCount": subnet_size(str(network)),
            "CdcId": "",
            "IsCdcSubnet": 0,
            "StackType": "DualStack",
        }
        self.store.put(Kind.SUBNET, identifier, document, self.region)
        self.cloud.tags.add(identifier, request.Tags)
        return build(models.CreateSubnetResponse, Subnet=self._subnet(document))

    @action("ModifySubnetAttribute", requires=("SubnetId",))
    def modify_subnet_attribute(
        self, request: models.ModifySubnetAttributeRequest
    ) -> models.ModifySubnetAttributeResponse:
        """Change a subnet's name or broadcast."""
        document = self._get(Kind.SUBNET, request.SubnetId)
        if request.SubnetName is not None:
            document["SubnetName"] = request.SubnetName
        if request.EnableBroadcast is not None:
            document["EnableBroadcast"] = request.EnableBroadcast == "true"
        self.store.put(Kind.SUBNET, request.SubnetId, document)
        return models.ModifySubnetAttributeResponse()

    @action("DescribeSubnets")
    def describe_subnets(self, request: models.DescribeSubnetsRequest) -> models.DescribeSubnetsResponse:
        """List subnets."""
        self._known(Kind.SUBNET, request.SubnetIds)
        found = select(
            self.store.all(Kind.SUBNET, self.region),
            ids=request.SubnetIds,
            id_field="SubnetId",
            filters=request.Filters,
            by={
                "subnet-id": "SubnetId",
                "subnet-name": "SubnetName",
                "vpc-id": "VpcId",
                "cidr-block": "CidrBlock",
                "is-default": "IsDefault",
                "is-remote-vpc-snat": "IsRemoteVpcSnat",
                "zone": "Zone",
                "cdc-id": "CdcId",
            },
            tags_of=self.cloud.tags.of,
            code="InvalidParameter.FilterInvalidKey",
        )
        shown = page(found, request.Offset, request.Limit)
        return build(
            models.DescribeSubnetsResponse,
            TotalCount=len(found),
            SubnetSet=[self._subnet(item) for item in shown],
        )

    @action("DeleteSubnet", requires=("SubnetId",))
    def delete_subnet(self, request: models.DeleteSubnetRequest) -> models.DeleteSubnetResponse:
        """Remove a subnet in which nothing is left."""
        self._get(Kind.SUBNET, request.SubnetId)
        used = self._used_addresses(subnet=request.SubnetId)
        if used:
            raise CloudError(
                "ResourceInUse",
                f"{request.SubnetId} still has {', '.join(sorted(used.values()))}.",
            )
        self._delete(Kind.SUBNET, request.SubnetId)
        return models.DeleteSubnetResponse()

    @action("DescribeUsedIpAddress")
    def describe_used_ip_address(
        self, request: models.DescribeUsedIpAddressRequest
    ) -> models.DescribeUsedIpAddressResponse:
        """List which private addresses of a VPC or subnet are used, and by what."""
        used = [
            {
                "VpcId": one["VirtualPrivateCloud"]["VpcId"],
                "SubnetId": one["VirtualPrivateCloud"]["SubnetId"],
                "IpAddress": address,
                "ResourceType": "CVM",
                "ResourceId": one["InstanceId"],
            }
            for one in self.store.all(Kind.CVM_INSTANCE, self.region)
            for address in one["PrivateIpAddresses"]
            if request.VpcId in {None, one["VirtualPrivateCloud"]["VpcId"]}
            and request.SubnetId in {None, one["VirtualPrivateCloud"]["SubnetId"]}
            and (not request.IpAddresses or address in request.IpAddresses)
        ]
        return build(
            models.DescribeUsedIpAddressResponse,
            TotalCount=len(used),
            IpAddressStates=page(used, request.Offset, request.Limit),
        )

    # Security groups

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

    # Elastic addresses

    @action("AllocateAddresses")
    def allocate_addresses(self, request: models.AllocateAddressesRequest) -> models.AllocateAddressesResponse:
        """Take elastic addresses."""
        existing = [
            one["AddressId"]
            for one in self.store.all(Kind.ADDRESS, self.region)
            if request.ClientToken and one["_ClientToken"] == request.ClientToken
        ]
        identifiers = existing or [self._allocate(request) for _ in range(request.AddressCount or 1)]
        return build(models.AllocateAddressesResponse, AddressSet=identifiers, TaskId=self._task())

    @action("DescribeAddresses")
    def describe_addresses(self, request: models.DescribeAddressesRequest) -> models.DescribeAddressesResponse:
        """List elastic addresses; ids that aren't there are left out."""
        found = select(
            self.store.all(Kind.ADDRESS, self.region),
            ids=request.AddressIds,
            id_field="AddressId",
            filters=request.Filters,
            by={
                "address-id": "AddressId",
                "address-name": "AddressName",
                "address-ip": "AddressIp",
                "address-status": "AddressStatus",
                "address-type": "AddressType",
                "address-isp": "InternetServiceProvider",
                "instance-id": "InstanceId",
                "instance-type": "InstanceType",
                "private-ip-address": "PrivateAddressIp",
                "network-interface-id": "NetworkInterfaceId",
                # Not documented, but asked by the provider: CDC for addresses of a private cluster.
                "business-type": lambda _: [],
            },
            tags_of=self.cloud.tags.of,
            code="InvalidParameter.FilterInvalidKey",
            exclusive=any(one.Name == "address-id" for one in request.Filters or ()),
        )
        return build(
            models.DescribeAddressesResponse,
            TotalCount=len(found),
            AddressSet=[self._tagged(item, item["AddressId"]) for item in page(found, request.Offset, request.Limit)],
        )

    @action("ModifyAddressAttribute", requires=("AddressId",))
    def modify_address_attribute(
        self, request: models.ModifyAddressAttributeRequest
    ) -> models.ModifyAddressAttributeResponse:
        """Rename an elastic address."""
        document = self._address(request.AddressId)
        if request.AddressName is not None:
            document["AddressName"] = request.AddressName
        self.store.put(Kind.ADDRESS, request.AddressId, document)
        return models.ModifyAddressAttributeResponse()

    @action("ModifyAddressesBandwidth", requires=("AddressIds", "InternetMaxBandwidthOut"))
    def modify_addresses_bandwidth(
        self, request: models.ModifyAddressesBandwidthRequest
    ) -> models.ModifyAddressesBandwidthResponse:
        """Change the bandwidth of elastic addresses (Mbit/s)."""
        for identifier in request.AddressIds:
            document = self._address(identifier)
            document["Bandwidth"] = request.InternetMaxBandwidthOut
            self.store.put(Kind.ADDRESS, identifier, document)
        return build(models.ModifyAddressesBandwidthResponse, TaskId=self._task())

    @action("AssociateAddress", requires=("AddressId", "InstanceId"))
    def associate_address(self, request: models.AssociateAddressRequest) -> models.AssociateAddressResponse:
        """Bind an elastic address to a CVM instance, whose own public address is given back."""
        document = self._address(request.AddressId)
        if document["AddressStatus"] != "UNBIND":
            raise CloudError(
                "InvalidAddressIdStatus.NotPermit",
                f"{request.AddressId} is bound to {document['InstanceId']}; unbind it first.",
            )
        instance = self._instance(request.InstanceId)
        if instance.public_address and not instance.document["_WanIp"]:
            raise CloudError(
                "InvalidInstanceId.AlreadyBindEip",
                f"{request.InstanceId} already has an elastic address.",
            )
        if instance.document["_WanIp"]:
            self.cloud.addresses.release(instance.document["_WanIp"])
            instance.document["_WanIp"] = ""
        instance.document["PublicIpAddresses"] = [document["AddressIp"]]
        document.update(
            InstanceId=request.InstanceId,
            InstanceType="CVM",
            AddressStatus="BIND",
            PrivateAddressIp=instance.document["PrivateIpAddresses"][0],
        )
        self.store.put(Kind.ADDRESS, request.AddressId, document)
        self.cloud.fleet.assign(instance)
        return build(models.AssociateAddressResponse, TaskId=self._task())

    @action("DisassociateAddress", requires=("AddressId",))
    def disassociate_address(self, request: models.DisassociateAddressRequest) -> models.DisassociateAddressResponse:
        """Unbind an elastic address; the instance is then not reached from outside."""
        document = self._address(request.AddressId)
        if document["AddressStatus"] != "BIND":
            raise CloudError("InvalidAddressIdStatus.NotPermit", f"{request.AddressId} is not bound.")
        instance = self.cloud.fleet.find(document["InstanceId"], self.region)
        if instance is not None:
            instance.document["PublicIpAddresses"] = []
            self.cloud.fleet.assign(instance)
        document.update(InstanceId=None, InstanceType=None, AddressStatus="UNBIND", PrivateAddressIp=None)
        self.store.put(Kind.ADDRESS, request.AddressId, document)
        return build(models.DisassociateAddressResponse, TaskId=self._task())

    @action("ReleaseAddresses", requires=("AddressIds",))
    def release_addresses(self, request: models.ReleaseAddressesRequest) -> models.ReleaseAddressesResponse:
        """Give elastic addresses back."""
        for identifier in request.AddressIds:
            document = self._address(identifier)
            if document["AddressStatus"] != "UNBIND":
                raise CloudError(
                    "InvalidAddressIdStatus.NotPermit",
                    f"{identifier} is bound to {document['InstanceId']}; unbind it first.",
                )
            self.cloud.addresses.release(document["AddressIp"])
            self._delete(Kind.ADDRESS, identifier)
        return build(models.ReleaseAddressesResponse, TaskId=self._task())

    @action("DescribeTaskResult")
    def describe_task_result(self, request: models.DescribeTaskResultRequest) -> models.DescribeTaskResultResponse:
        """Say how a task went: those of elastic addresses are done when they are answered."""
        return build(models.DescribeTaskResultResponse, TaskId=request.TaskId, Result="SUCCESS")

    @action("DescribeBandwidthPackages")
    def describe_bandwidth_packages(
        self, request: models.DescribeBandwidthPackagesRequest
    ) -> models.DescribeBandwidthPackagesResponse:
        """List bandwidth packages: the rehearsal account has none."""
        del request
        return build(models.DescribeBandwidthPackagesResponse, TotalCount=0, BandwidthPackageSet=[])

    # Parts

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

    def _main_route_table(self, vpc: str) -> str:
        tables = self.store.all(Kind.ROUTE_TABLE)
        return next(str(one["RouteTableId"]) for one in tables if one["VpcId"] == vpc and one["Main"])

    def _subnet(self, document: Document) -> Document:
        used = len(self._used_addresses(subnet=document["SubnetId"]))
        available = document["TotalIpAddressCount"] - used
        return {
            **self._tagged(document, document["SubnetId"]),
            "AvailableIpAddressCount": available,
        }

    def _used_addresses(self, *, subnet: str) -> dict[str, str]:
        return {
            address: one["InstanceId"]
            for one in self.store.all(Kind.CVM_INSTANCE)
            if one["VirtualPrivateCloud"]["SubnetId"] == subnet
            for address in one["PrivateIpAddresses"]
        }

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

    def _allocate(self, request: models.AllocateAddressesRequest) -> str:
        identifier = new_id("eip")
        document = {
            "AddressId": identifier,
            "AddressName": request.AddressName or "未命名",
            "AddressStatus": "UNBIND",
            "AddressIp": self.cloud.addresses.allocate(identifier),
            "InstanceId": None,
            "CreatedTime": timestamp(),
            "NetworkInterfaceId": None,
            "PrivateAddressIp": None,
            "IsArrears": False,
            "IsBlocked": False,
            "IsEipDirectConnection": False,
            "AddressType": request.AddressType or "EIP",
            "CascadeRelease": False,
            "EipAlgType": {"Ftp": True, "Sip": True},
            "InternetServiceProvider": request.InternetServiceProvider or "BGP",
            "LocalBgp": False,
            "Bandwidth": request.InternetMaxBandwidthOut or 1,
            "InternetChargeType": request.InternetChargeType or "TRAFFIC_POSTPAID_BY_HOUR",
            "InstanceType": None,
            "Egress": request.Egress or "center_egress1",
            "AntiDDoSPackageId": "",
            "RenewFlag": "",
            "BandwidthPackageId": "",
            "UnVpcId": "",
            "DedicatedClusterId": "",
            "EipVisibleOnEni": False,
            "_ClientToken": request.ClientToken or "",
        }
        self.store.put(Kind.ADDRESS, identifier, document, self.region)
        self.cloud.tags.add(identifier, request.Tags)
        return identifier

    def _address(self, identifier: str) -> Document:
        document = self.store.get(Kind.ADDRESS, identifier, self.region)
        if document is None:
            raise CloudError("InvalidAddressId.NotFound", f"{identifier} is not found in {self.region}.")
        return document

    def _instance(self, identifier: str) -> Instance:
        instance = self.cloud.fleet.find(identifier, self.region)
        if instance is None or instance.kind is not Kind.CVM_INSTANCE:
            raise CloudError("InvalidInstanceId.NotFound", f"{identifier} is not found in {self.region}.")
        return instance

    def _task(self) -> str:
        return str(self.store.next_number("task", 1001))


def _network(cidr: str) -> ipaddress.IPv4Network:
    try:
        return ipaddress.IPv4Network(cidr)
    except ValueError as error:
        raise CloudError("InvalidParameterValue.Malformed", f"CidrBlock {cidr!r}: {error}.") from None


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
