"""The bucket that large content goes through on its way to the server."""

from __future__ import annotations

import hashlib
import re

import pulumi
import tencentcloud_iac_pulumi as tencentcloud

_NAME = 40
"""Characters of a bucket's name that are left to us; with the APPID it has 60 at most
(https://cloud.tencent.com/document/product/436/13312)."""


def uploads(name: str, *, label: str, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """A private bucket (对象存储) for what is on its way: whatever stays in it is gone a day later.

    `label` tells stacks apart in the console. Gives the bucket's name, ``<name>-<appid>``.
    """
    account = tencentcloud.user.get_info_output(opts=pulumi.InvokeOptions(parent=opts.parent))
    bucket = tencentcloud.cos.Bucket(
        name,
        bucket=pulumi.Output.concat(_fit(label), "-", account.app_id),
        acl="private",
        force_clean=True,
        lifecycle_rules=[
            {
                "id": "uploads",
                "filter_prefix": "",
                "expiration": {"days": 1},
                "abort_incomplete_multipart_upload": {"days_after_initiation": 1},
            }
        ],
        opts=opts,
    )
    made: pulumi.Output[str] = bucket.bucket
    return made


def _fit(label: str) -> str:
    """Lower-case letters, digits and inner hyphens; what had to be changed is told apart by a digest."""
    fit = re.sub("[^a-z0-9]+", "-", f"luodi-{label}".lower()).strip("-")
    if fit == f"luodi-{label}" and len(fit) <= _NAME:
        return fit
    return f"{fit[: _NAME - 9].rstrip('-')}-{hashlib.sha256(label.encode()).hexdigest()[:8]}"
