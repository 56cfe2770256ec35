"""What is set of a bucket besides its objects: each setting an XML document of its own under `?<name>`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from localcloud.services.cos import lifecycle
from localcloud.services.cos.request import CosError, not_implemented
from localcloud.services.cos.xml import malformed


@dataclass(frozen=True)
class Setting:
    """One setting: its document's root, what GET answers while it isn't set, and what it may hold.

    `missing` is the code of the error, or None where an empty document is answered. `check` raises CosError.
    """

    root: str
    missing: str | None
    check: Callable[[Mapping[str, Any]], None]


def _refuse(what: str) -> Callable[[Mapping[str, Any]], None]:
    def check(_: Mapping[str, Any]) -> None:
        raise not_implemented(what)

    return check


def _off(what: str) -> Callable[[Mapping[str, Any]], None]:
    def check(configuration: Mapping[str, Any]) -> None:
        if configuration.get("Status", "Suspended") != "Suspended":
            raise not_implemented(what)

    return check


def _cors(configuration: Mapping[str, Any]) -> None:
    for rule in configuration.get("CORSRule") or [{}]:
        if not rule.get("AllowedOrigin") or not rule.get("AllowedMethod"):
            raise malformed("A CORSRule needs AllowedOrigin and AllowedMethod.")


def _tags(configuration: Mapping[str, Any]) -> None:
    tags = (configuration.get("TagSet") or {}).get("Tag") or []
    keys = [tag.get("Key") for tag in tags]
    if not all(keys) or len(keys) > 50:
        raise CosError(HTTPStatus.BAD_REQUEST, "InvalidTag", "Give at most 50 tags, each with a Key.")
    if len(set(keys)) < len(keys):
        raise CosError(HTTPStatus.BAD_REQUEST, "InvalidTag", "Two tags have the same Key.")


def _encryption(configuration: Mapping[str, Any]) -> None:
    rules = configuration.get("Rule") or [{}]
    default = rules[0].get("ApplyServerSideEncryptionByDefault") or rules[0].get("ApplySideEncryptionConfiguration")
    if (default or {}).get("SSEAlgorithm") != "AES256":
        raise not_implemented("encryption other than AES256 (SSE-COS)")


def _logging(configuration: Mapping[str, Any]) -> None:
    if configuration.get("LoggingEnabled"):
        raise not_implemented("logging of a bucket")


SETTINGS: Mapping[str, Setting] = {
    "accelerate": Setting("AccelerateConfiguration", None, _off("global acceleration")),
    "cors": Setting("CORSConfiguration", "NoSuchCORSConfiguration", _cors),
    "encryption": Setting("ServerSideEncryptionConfiguration", "NoSuchEncryptionConfiguration", _encryption),
    "intelligenttiering": Setting("IntelligentTieringConfiguration", None, _refuse("intelligent tiering")),
    "lifecycle": Setting("LifecycleConfiguration", "NoSuchLifecycleConfiguration", lifecycle.check),
    "logging": Setting("BucketLoggingStatus", None, _logging),
    "policy": Setting("Policy", "NoSuchBucketPolicy", _refuse("bucket policies")),
    "referer": Setting("RefererConfiguration", None, _refuse("hotlink protection")),
    "replication": Setting("ReplicationConfiguration", "ReplicationConfigurationNotFoundError", _refuse("replication")),
    "tagging": Setting("Tagging", "NoSuchTagSet", _tags),
    "versioning": Setting("VersioningConfiguration", None, _off("versions of objects")),
    "website": Setting("WebsiteConfiguration", "NoSuchWebsiteConfiguration", _refuse("static websites")),
}
