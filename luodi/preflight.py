"""What is asked of the cloud before anything is declared, so that a wrong key, a wrong zone or a dead network is
one line at once, not a provider's retries."""

from __future__ import annotations

from collections.abc import Callable

from luodi.adopting import Own, Record, refusal
from luodi.api import Account, ApiError, host_record
from luodi.settings import HostedSite
from luodi.state import Held

_NO_SUCH_ZONE = {
    "InvalidParameterValue.DomainNotExists",
    "InvalidParameter.DomainIdInvalid",
    "ResourceNotFound.NoDataOfDomain",
}
_SOMEBODY_ELSES = {
    "FailedOperation.NotDomainOwner",
    "FailedOperation.DomainOwnedByOtherUser",
    "OperationDenied.NoPermissionToOperateDomain",
}
_NO_SUCH_RECORD = "ResourceNotFound.NoDataOfRecord"


class PreflightError(Exception):
    """The cloud is there, yet what the stack says can't be done in it."""


def check(
    account: Account, site: HostedSite, owner: str, *, publishes: bool, held: Callable[[], Held], creates: bool = False
) -> None:
    """Ask for the zone, and for what stands at the site's names in it.

    `owner` is the remark (备注) of the stack's own records; `publishes`, whether it is to make any; `held` tells what
    is in the stack's state, and is asked only where that matters; `creates`, whether the stack makes the zone, for
    this site or another one in it.
    Raises PreflightError, ApiError or Unreachable.
    """
    # Asked whether the zone is there or not: the engine keeps a provider in the state for whoever asks it, and that is
    # to be the same at the first up and at all others.
    made = site.dns.manage == "create" and site.zone in held().zones
    if not _zone_is_there(account, site, needed=not creates and site.dns.manage == "adopt"):
        return
    if site.dns.manage == "create" and not made:
        raise PreflightError(
            f"{site.at('luodi:dns.manage')}: the zone {site.zone} is at DNSPod already, and this stack did not make "
            "it. Nothing was changed. Set it to adopt: the zone is used then, and stays when the stack goes"
        )
    if not publishes:
        return
    standing = {name: _records(account, name, site) for name in site.names}
    if why := refusal(site, standing, Own(owner, lambda record: held().has(site.zone, record))):
        raise PreflightError(why)


def _zone_is_there(account: Account, site: HostedSite, *, needed: bool) -> bool:
    try:
        account.call("dnspod", "DescribeDomain", {"Domain": site.zone})
    except ApiError as error:
        if error.code in _NO_SUCH_ZONE:
            if needed:
                raise PreflightError(
                    f"{site.at('luodi:dns')}: the zone {site.zone} is not at DNSPod in this account. Add it there "
                    f"(https://console.cloud.tencent.com/cns, 添加域名), or set {site.at('luodi:dns.manage')} to create"
                ) from None
        elif error.code in _SOMEBODY_ELSES:
            raise PreflightError(
                f"{site.at('luodi:dns')}: the zone {site.zone} belongs to another account at DNSPod ({error.code}). "
                "Use that account's key, or take the domain back there (域名取回)"
            ) from None
        else:
            raise
        return False
    return True


def _records(account: Account, name: str, site: HostedSite) -> list[Record]:
    """What stands at one of the site's names."""
    request = {"Domain": site.zone, "Subdomain": host_record(name, site.zone), "Limit": 100}
    try:
        return account.call("dnspod", "DescribeRecordList", request).get("RecordList") or []
    except ApiError as error:
        if error.code == _NO_SUCH_RECORD:
            return []
        raise
