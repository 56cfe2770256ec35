"""The account behind a stack, and the tools on this machine."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from importlib.metadata import version
from typing import Any

from luodi.api import Account, ApiError, NoCredentials
from luodi.doctor.findings import Finding, found
from luodi.settings import CvmSettings, Settings

_READS: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("dnspod", "DescribeDomainList", {"Limit": 1}),
    ("tat", "DescribeAutomationAgentStatus", {"Limit": 1}),
    ("ssl", "DescribeCertificates", {"Limit": 1}),
)
"""Reads that `pulumi up` makes too, one of each product, so that a right that is missing is told before it."""

_ENDS_SOON_DAYS = 30
_HELD = {"serverhold", "clienthold", "redemptionperiod", "pendingdelete"}
_SECONDS = 20


def look(stack: str, settings: Settings, today: date, *, up: bool) -> Iterator[Finding]:
    """What stands in the way of an `up` on this machine and with these credentials, and of the stack's registered
    domains; where it is not `up`, whether its server may be ordered. Nothing is changed, nor raised."""
    yield from _tools(stack)
    try:
        account = Account.find({"tencentcloud:region": settings.region.id})
    except NoCredentials:
        yield found("no-credentials", stack)
        return
    for service, action, parameters in _READS:
        try:
            account.call(service, action, parameters)
        except ApiError as error:
            if _lacks_right(error):
                yield _right_missing(stack, service, error)
            else:
                yield found("api-refused", stack, action=f"{service}:{action}", why=error.message)
                return
    for apex in dict.fromkeys(site.apex for site in settings.sites):
        yield from _registration(stack, account, apex, today)
    if not up:
        yield from _quota(stack, account, settings)


def _lacks_right(error: ApiError) -> bool:
    return "UnauthorizedOperation" in error.code


def _right_missing(stack: str, service: str, error: ApiError) -> Finding:
    return found("right-missing", stack, action=f"{service}:{error.action}")


def _quota(stack: str, account: Account, settings: Settings) -> Iterator[Finding]:
    """Whether the account may have one more server of the kind that is declared."""
    try:
        left, what = _left(account, settings)
    except ApiError as error:
        if _lacks_right(error):
            yield _right_missing(stack, settings.server.kind, error)
        return
    except (LookupError, TypeError, ValueError):
        return  # another answer than is documented says nothing
    if left < 1:
        yield found("quota-used", stack, what=what)


def _left(account: Account, settings: Settings) -> tuple[int, str]:
    """How many more servers may be ordered, and of what. Raises ApiError."""
    server = settings.server
    if not isinstance(server, CvmSettings):
        bundles = account.call("lighthouse", "DescribeBundles", {"BundleIds": [server.bundle]})
        name = f"{bundles['BundleSet'][0]['BundleType']}_INSTANCE"
        answer = account.call("lighthouse", "DescribeGeneralResourceQuotas", {"ResourceNames": [name]})
        return int(answer["GeneralResourceQuotaSet"][0]["ResourceQuotaAvailable"]), name
    paid = "PrePaidQuotaSet" if server.charge_type == "PREPAID" else "PostPaidQuotaSet"
    zone = settings.availability_zone
    filters = [{"Name": "zone", "Values": [zone]}, {"Name": "quota-type", "Values": [paid]}]
    answer = account.call("cvm", "DescribeAccountQuota", {"Filters": filters})
    [quota] = answer["AccountQuotaOverview"]["AccountQuota"][paid]
    return int(quota["RemainingQuota"]), f"{zone} ({server.charge_type})"


def _tools(stack: str) -> Iterator[Finding]:
    program = shutil.which("pulumi")
    if program is None:
        yield found("no-engine", stack)
        return
    wanted, plugin = version("pulumi"), version("tencentcloud-iac-pulumi")
    engine = _said(program, "version").strip().removeprefix("v")
    if engine != wanted:
        yield found("engine-version", stack, found=engine or "-", wanted=wanted)
    listed = _said(program, "plugin", "ls", "--json")
    try:
        there = [str(one["version"]) for one in json.loads(listed or "[]") if one["name"] == "tencentcloud"]
    except (ValueError, LookupError, TypeError):
        there = []
    if plugin not in there:
        yield found("no-plugin", stack, found=", ".join(there) or "-", wanted=plugin)


def _said(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def _registration(stack: str, account: Account, apex: str, today: date) -> Iterator[Finding]:
    """How a domain stands that this account has registered; of others it knows nothing."""
    try:
        told = account.call("domain", "DescribeDomainBaseInfo", {"Domain": apex}).get("DomainInfo") or {}
    except ApiError as error:
        if _lacks_right(error):
            yield _right_missing(stack, "domain", error)
        return
    status = str(told.get("RealNameAuditStatus") or "")
    if status not in ("", "Approved", "NoAudit"):
        yield found("domain-unverified", stack, domain=apex, status=status)
    held = [str(one) for one in told.get("DomainStatus") or () if str(one).lower() in _HELD]
    if held:
        yield found("domain-held", stack, domain=apex, status=", ".join(held))
    try:
        ends = date.fromisoformat(str(told.get("ExpirationDate"))[:10])
    except ValueError:
        return
    if ends - today < timedelta(days=_ENDS_SOON_DAYS):
        yield found("domain-ending", stack, domain=apex, day=ends)
