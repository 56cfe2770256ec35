"""SSH key pairs (密钥对)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tencentcloud.cvm.v20170312 import models

from localcloud.errors import CloudError
from localcloud.formats import new_id, timestamp
from localcloud.services.base import action, page, select
from localcloud.services.cvm.parts import CvmPart
from localcloud.store import Kind
from localcloud.wire import build


class KeyPairs(CvmPart):
    """Actions on key pairs."""

    @action("ImportKeyPair", requires=("KeyName", "ProjectId", "PublicKey"))
    def import_key_pair(self, request: models.ImportKeyPairRequest) -> models.ImportKeyPairResponse:
        """Keep a public key."""
        try:
            serialization.load_ssh_public_key(request.PublicKey.encode())
        except ValueError as error:
            raise CloudError(
                "InvalidPublicKey.Malformed", f"PublicKey is not an OpenSSH public key: {error}."
            ) from None
        pairs = self.store.all(Kind.KEY_PAIR)
        if any(_material(one["PublicKey"]) == _material(request.PublicKey) for one in pairs):
            raise CloudError("InvalidPublicKey.Duplicate", "This public key is kept already.")
        identifier = self._keep_key(request, request.PublicKey)
        return build(models.ImportKeyPairResponse, KeyId=identifier)

    @action("CreateKeyPair", requires=("KeyName", "ProjectId"))
    def create_key_pair(self, request: models.CreateKeyPairRequest) -> models.CreateKeyPairResponse:
        """Make a key pair; the private key is answered once and not kept."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        identifier = self._keep_key(request, public.decode())
        document = self.store.get(Kind.KEY_PAIR, identifier) or {}
        return build(models.CreateKeyPairResponse, KeyPair={**document, "PrivateKey": private.decode()})

    @action("DescribeKeyPairs")
    def describe_key_pairs(self, request: models.DescribeKeyPairsRequest) -> models.DescribeKeyPairsResponse:
        """List key pairs: they belong to the account, not to a region."""
        found = select(
            self.store.all(Kind.KEY_PAIR),
            ids=request.KeyIds,
            id_field="KeyId",
            filters=request.Filters,
            by={"project-id": "ProjectId", "key-name": "KeyName"},
            tags_of=self.cloud.tags.of,
        )
        instances = self.store.all(Kind.CVM_INSTANCE)
        return build(
            models.DescribeKeyPairsResponse,
            TotalCount=len(found),
            KeyPairSet=[
                {
                    **pair,
                    "AssociatedInstanceIds": [
                        one["InstanceId"] for one in instances if pair["KeyId"] in one["LoginSettings"]["KeyIds"]
                    ],
                    "Tags": self.cloud.tags.listed(pair["KeyId"]),
                }
                for pair in page(found, request.Offset, request.Limit)
            ],
        )

    @action("ModifyKeyPairAttribute", requires=("KeyId",))
    def modify_key_pair_attribute(
        self, request: models.ModifyKeyPairAttributeRequest
    ) -> models.ModifyKeyPairAttributeResponse:
        """Change a key pair's name or description."""
        document = self.key(request.KeyId)
        if request.KeyName is not None:
            document["KeyName"] = request.KeyName
        if request.Description is not None:
            document["Description"] = request.Description
        self.store.put(Kind.KEY_PAIR, request.KeyId, document)
        return models.ModifyKeyPairAttributeResponse()

    @action("AssociateInstancesKeyPairs", requires=("InstanceIds", "KeyIds"))
    def associate_instances_key_pairs(
        self, request: models.AssociateInstancesKeyPairsRequest
    ) -> models.AssociateInstancesKeyPairsResponse:
        """Let keys log in to instances."""
        for key in request.KeyIds:
            self.key(key)
        self._change_keys(
            request.InstanceIds,
            "AssociateInstancesKeyPairs",
            lambda keys: [*keys, *(key for key in request.KeyIds if key not in keys)],
        )
        return models.AssociateInstancesKeyPairsResponse()

    @action("DisassociateInstancesKeyPairs", requires=("InstanceIds", "KeyIds"))
    def disassociate_instances_key_pairs(
        self, request: models.DisassociateInstancesKeyPairsRequest
    ) -> models.DisassociateInstancesKeyPairsResponse:
        """No longer let keys log in to instances."""
        self._change_keys(
            request.InstanceIds,
            "DisassociateInstancesKeyPairs",
            lambda keys: [key for key in keys if key not in request.KeyIds],
        )
        return models.DisassociateInstancesKeyPairsResponse()

    @action("DeleteKeyPairs", requires=("KeyIds",))
    def delete_key_pairs(self, request: models.DeleteKeyPairsRequest) -> models.DeleteKeyPairsResponse:
        """Remove key pairs that no instance uses."""
        for key in request.KeyIds:
            self.key(key)
            for one in self.store.all(Kind.CVM_INSTANCE):
                if key in one["LoginSettings"]["KeyIds"]:
                    raise CloudError(
                        "InvalidParameterValue.KeyPairNotSupported",
                        f"{key} is used by {one['InstanceId']}; unbind it first.",
                    )
            self.store.delete(Kind.KEY_PAIR, key)
            self.cloud.tags.forget(key)
        return models.DeleteKeyPairsResponse()

    def _keep_key(self, request: Any, public_key: str) -> str:
        if any(one["KeyName"] == request.KeyName for one in self.store.all(Kind.KEY_PAIR)):
            raise CloudError("InvalidKeyPairName.Duplicate", f"There is a key pair named {request.KeyName}.")
        identifier = new_id("skey")
        document = {
            "KeyId": identifier,
            "KeyName": request.KeyName,
            "ProjectId": request.ProjectId,
            "Description": "",
            "PublicKey": public_key,
            "CreatedTime": timestamp(),
        }
        self.store.put(Kind.KEY_PAIR, identifier, document)
        for specification in request.TagSpecification or ():
            self.cloud.tags.add(identifier, specification.Tags)
        return identifier

    def _change_keys(self, identifiers: list[str], operation: str, change: Callable[[list[str]], list[str]]) -> None:
        for identifier in identifiers:
            document = self.instance(identifier).document
            document["LoginSettings"]["KeyIds"] = change(document["LoginSettings"]["KeyIds"])
            self.succeeded(document, operation)


def _material(public_key: str) -> list[str]:
    return public_key.split()[:2]
