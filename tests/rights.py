"""What a policy of Tencent Cloud's (访问管理 CAM) allows, and what a call needs of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.project import REPOSITORY

FULL = REPOSITORY / "docs" / "cam-policy.json"
RENEWAL = REPOSITORY / "docs" / "cam-policy-renewal.json"

# CAM lists cloud disks under cvm (https://cloud.tencent.com/document/product/362/34221), and elastic IPs and security
# groups under both cvm and vpc (https://cloud.tencent.com/document/product/598/69910, .../98194).
_CHECKED_AS = {"cbs": ("cvm",), "vpc": ("vpc", "cvm")}
_ONLY_OF_A_NETWORK = ("Vpc", "Subnet", "RouteTable", "BandwidthPackage", "TaskResult", "UsedIpAddress")

_COS = {
    "DELETE Object uploadId": "AbortMultipartUpload",
    "GET Bucket acl": "GetBucketACL",
    "GET Bucket cors": "GetBucketCORS",
    "GET Bucket intelligenttiering": "GetBucketIntelligentTiering",
    "GET Bucket uploads": "ListMultipartUploads",
    "GET Bucket versions": "GetBucketObjectVersions",
    "GET Object uploadId": "ListParts",
    "POST Object uploadId": "CompleteMultipartUpload",
    "POST Object uploads": "InitiateMultipartUpload",
    "PUT Bucket acl": "PutBucketACL",
    "PUT Object uploadId": "UploadPart",
}
"""What CAM calls a request of COS, where that isn't its method with what it is about."""


@dataclass(frozen=True)
class Policy:
    """A policy's document."""

    document: dict[str, Any]

    @classmethod
    def of(cls, path: Path) -> Policy:
        """The policy in a file."""
        return cls(json.loads(path.read_text("utf-8")))

    @property
    def actions(self) -> list[str]:
        """Every action that it allows, as often as it says so."""
        return [action for one in self.document["statement"] for action in one["action"]]


def needed(service: str, action: str) -> tuple[str, ...]:
    """The actions that a policy has to allow for a call, by the service and action of the rehearsal's audit log."""
    if service == "cos":
        method, about, *what = action.split()
        return (f"name/cos:{_COS.get(action) or method.capitalize() + about + ''.join(map(str.capitalize, what))}",)
    prefixes = _CHECKED_AS.get(service, (service,))
    if any(part in action for part in _ONLY_OF_A_NETWORK):
        prefixes = prefixes[:1]
    return tuple(f"{prefix}:{action}" for prefix in prefixes)
