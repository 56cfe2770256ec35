"""The account behind a stack, and the tools on this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from typing import Any

from luodi.api import Account, ApiError, NoCredentials
from luodi.doctor.findings import Finding, found

_READS: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("dnspod", "DescribeDomainList", {"Limit": 1}),
    ("tat", "DescribeAutomationAgentStatus", {"Limit": 1}),
    ("ssl", "DescribeCertificates", {"Limit": 1}),
)
"""Reads that `pulumi up` makes too, one of each product, so that a right that is missing is told before it."""


def look(stack: str, region: str) -> Iterator[Finding]:
    """What stands in the way of an `up` on this machine and with these credentials. Nothing is changed, nor raised."""
    if shutil.which("pulumi") is None:
        yield found("no-engine", stack)
    try:
        account = Account.find({"tencentcloud:region": region})
    except NoCredentials:
        yield found("no-credentials", stack)
        return
    for service, action, parameters in _READS:
        try:
            account.call(service, action, parameters)
        except ApiError as error:
            if "UnauthorizedOperation" in error.code:
                yield found("right-missing", stack, action=f"{service}:{action}")
            else:
                yield found("api-refused", stack, action=f"{service}:{action}", why=error.message)
                return
