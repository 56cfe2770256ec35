"""Who may do what: the access control lists (ACL) of buckets and objects, canned ones only.

Source: https://cloud.tencent.com/document/product/436/30752 (访问控制列表).
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from localcloud.services.cos.request import Call, CosError, not_implemented

BUCKET_ACLS = frozenset({"private", "public-read", "public-read-write"})
OBJECT_ACLS = frozenset({"default", "private", "public-read"})
EVERYBODY = "http://cam.qcloud.com/groups/global/AllUsers"
_GRANTS = {"public-read": ("READ",), "public-read-write": ("READ", "WRITE")}


def asked(call: Call, known: frozenset[str], default: str) -> str:
    """Return the ACL that a request's header asks for. Raises CosError for one that isn't `known`."""
    if any(name.startswith(("x-cos-grant-", "x-amz-grant-")) and value for name, value in call.headers.items()):
        raise not_implemented("grants to single accounts")
    acl = call.headers.get("x-cos-acl") or call.headers.get("x-amz-acl") or default
    if acl not in known:
        raise CosError(
            HTTPStatus.BAD_REQUEST, "InvalidArgument", f"x-cos-acl is {acl!r}; known: {', '.join(sorted(known))}."
        )
    return acl


def from_policy(policy: Mapping[str, Any], default: str) -> str:
    """Return the canned ACL that a document says. Raises CosError for grants to single accounts."""
    public = set()
    for grant in (policy.get("AccessControlList") or {}).get("Grant") or []:
        grantee = grant.get("Grantee") or {}
        if grantee.get("URI") == EVERYBODY:
            public.add(grant.get("Permission"))
        elif grantee.get("ID") != (policy.get("Owner") or {}).get("ID"):
            raise not_implemented("grants to single accounts")
    if not public:
        return default
    return "public-read-write" if "WRITE" in public else "public-read"


def as_policy(acl: str, uin: str) -> dict[str, Any]:
    """Return an ACL as the document that GET answers."""
    owner = {"ID": f"qcs::cam::uin/{uin}:uin/{uin}", "DisplayName": f"qcs::cam::uin/{uin}:uin/{uin}"}
    user = {"@xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance", "@xsi:type": "CanonicalUser", **owner}
    group = {"@xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance", "@xsi:type": "Group", "URI": EVERYBODY}
    grants = [{"Grantee": user, "Permission": "FULL_CONTROL"}]
    grants += [{"Grantee": group, "Permission": permission} for permission in _GRANTS.get(acl, ())]
    return {"Owner": owner, "AccessControlList": {"Grant": grants}}


def allows(permission: str, bucket: Mapping[str, Any], document: Mapping[str, Any] | None) -> bool:
    """Whether anybody has READ or WRITE on a bucket, or READ on an object of it."""
    acl = bucket["ACL"] if document is None or document["ACL"] == "default" else document["ACL"]
    return permission in _GRANTS.get(acl, ())
