"""What is asked of the cloud before anything is declared, so that a wrong key, a wrong zone or a dead network is
one line at once, not a provider's retries."""

from __future__ import annotations

from luodi.api import Account, ApiError, host_record
from luodi.settings import HostedSite

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
_LEADS_VISITORS = {"A", "AAAA", "CNAME", "显性URL", "隐性URL"}


class PreflightError(Exception):
    """The cloud is there, yet what the stack says can't be done in it."""


def check(account: Account, site: HostedSite, owner: str, *, publishes: bool) -> None:
    """Ask for the zone, and for what stands at the site's names in it.

    `owner` is the remark (备注) of the stack's own records; `publishes`, whether it is to make any.
    Raises PreflightError, ApiError or Unreachable.
    """
    if _zone_is_there(account, site) and publishes:
        for name in site.names:
            _name_is_free(account, name, site, owner)


def _zone_is_there(account: Account, site: HostedSite) -> bool:
    adopt = site.dns.manage == "adopt"
    try:
        account.call("dnspod", "DescribeDomain", {"Domain": site.zone})
    except ApiError as error:
        if error.code in _NO_SUCH_ZONE:
            if adopt:
                raise PreflightError(
                    f"{site.at('luodi:dns')}: the zone {site.zone} is not at DNSPod in this account. Add it there "
                    "(https://console.cloud.tencent.com/cns, 添加域名), or set luodi:dns.manage to create"
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


def _name_is_free(account: Account, name: str, site: HostedSite, owner: str) -> None:
    """A second A record beside somebody's would send half of the visitors there, and DNSPod would not object."""
    request = {"Domain": site.zone, "Subdomain": host_record(name, site.zone), "Limit": 100}
    try:
        found = account.call("dnspod", "DescribeRecordList", request).get("RecordList") or []
    except ApiError as error:
        if error.code == _NO_SUCH_RECORD:
            return
        raise
    for record in found:
        if record["Type"] in _LEADS_VISITORS and record["Status"] == "ENABLE" and record.get("Remark") != owner:
            raise PreflightError(
                f"{site.at('luodi:site')}: {name} has a record already, which this stack did not make: "
                f"{record['Type']} {record['Value']} (RecordId {record['RecordId']}). Visitors would be sent to "
                "both. Nothing was changed. Delete or pause it (https://console.cloud.tencent.com/cns, 暂停), then run "
                "pulumi up again"
            )
