"""VPCs, their route tables, and subnets."""

from __future__ import annotations

import ipaddress

from tencentcloud.vpc.v20170312 import models

from localcloud.addresses import subnet_size
from localcloud.errors import CloudError
from localcloud.formats import local_timestamp, new_id
from localcloud.services.base import action, page, select
from localcloud.services.vpc.parts import VpcPart, network_of
from localcloud.store import Document, Kind
from localcloud.wire import build

DNS_SERVERS = ["183.60.83.19", "183.60.82.98"]
"""Tencent's resolvers inside a VPC (https://cloud.tencent.com/document/product/215/20093)."""
VPC_NETWORKS = tuple(
    ipaddress.IPv4Network(cidr)
    for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "11.0.0.0/8", "100.64.0.0/10")
)


class Networks(VpcPart):
    """Actions on networks."""

    @action("CreateVpc", requires=("VpcName", "CidrBlock"))
    def create_vpc(self, request: models.CreateVpcRequest) -> models.CreateVpcResponse:
        """Make a VPC and its default route table."""
        network = network_of(request.CidrBlock)
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

    @action("CreateSubnet", requires=("VpcId", "SubnetName", "Zone", "CidrBlock"))
    def create_subnet(self, request: models.CreateSubnetRequest) -> models.CreateSubnetResponse:
        """Make a subnet of a VPC in one zone."""
        vpc = self._get(Kind.VPC, request.VpcId)
        network = network_of(request.CidrBlock)
        if not network.subnet_of(network_of(vpc["CidrBlock"])):
            raise CloudError(
                "InvalidParameterValue.SubnetRange",
                f"CidrBlock {network} is not inside the VPC's {vpc['CidrBlock']}.",
            )
        for other in self.store.all(Kind.SUBNET):
            same_vpc = other["VpcId"] == request.VpcId
            if same_vpc and network.overlaps(network_of(other["CidrBlock"])):
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
