"""What is asked of the cloud before anything is declared, so that a wrong key, a wrong zone or a dead network is
one line at once, not a provider's retries."""

from __future__ import annotations

from luodi.api import Account, ApiError
from luodi.settings import Settings

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


class PreflightError(Exception):
    """The cloud is there, yet what the stack says can't be done in it."""


def check(account: Account, settings: Settings) -> None:
    """Ask for the zone. Raises PreflightError, ApiError or Unreachable."""
    adopt = settings.dns.manage == "adopt"
    try:
        account.call("dnspod", "DescribeDomain", {"Domain": settings.zone})
    except ApiError as error:
        if error.code in _NO_SUCH_ZONE:
            if adopt:
                raise PreflightError(
                    f"luodi:dns: the zone {settings.zone} is not at DNSPod in this account. Add it there "
                    "(https://console.cloud.tencent.com/cns, 添加域名), or set luodi:dns.manage to create"
                ) from None
        elif error.code in _SOMEBODY_ELSES:
            raise PreflightError(
                f"luodi:dns: the zone {settings.zone} belongs to another account at DNSPod ({error.code}). Use that "
                "account's key, or take the domain back there (域名取回)"
            ) from None
        else:
            raise
