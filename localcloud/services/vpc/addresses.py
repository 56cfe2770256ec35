"""Elastic addresses (弹性公网 IP, EIP)."""

from __future__ import annotations

from tencentcloud.vpc.v20170312 import models

from localcloud.errors import CloudError
from localcloud.fleet import Instance
from localcloud.formats import new_id, timestamp
from localcloud.services.base import action, made_before, page, select
from localcloud.services.vpc.parts import VpcPart
from localcloud.store import Document, Kind
from localcloud.wire import build


class ElasticAddresses(VpcPart):
    """Actions on elastic addresses."""

    @action("AllocateAddresses")
    def allocate_addresses(self, request: models.AllocateAddressesRequest) -> models.AllocateAddressesResponse:
        """Take elastic addresses."""
        existing = made_before(self.store, Kind.ADDRESS, self.region, "AddressId", request.ClientToken)
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
