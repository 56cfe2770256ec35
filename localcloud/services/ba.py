"""ICP filing (ICP备案): where a domain's filing stands."""

from __future__ import annotations

from types import ModuleType
from typing import ClassVar

from localcloud.errors import CloudError
from localcloud.filing import State, apex_of
from localcloud.services import ba_models as models
from localcloud.services.base import Service, action
from localcloud.wire import build


class Ba(Service):
    """Product `ba`."""

    product = "ba"
    version = "2020-07-20"
    sdk: ClassVar[ModuleType] = models
    regional = False

    @action("DescribeDomainIcpStatus", requires=("Domain",))
    def describe_domain_icp_status(
        self, request: models.DescribeDomainIcpStatusRequest
    ) -> models.DescribeDomainIcpStatusResponse:
        """Say whether a domain, or the one it belongs to, is filed, and whether that is with Tencent Cloud."""
        domain = request.Domain or ""
        if apex_of(domain) is None:
            raise CloudError("InvalidParameterValue", f"Domain {domain!r} is no domain; give one such as example.cn.")
        filing = self.cloud.filings.of(domain)
        state = filing.state if filing else State.REVOKED
        return build(
            models.DescribeDomainIcpStatusResponse,
            GovStatus=state is not State.REVOKED,
            LandedStatus=state is State.FILED,
            AuditTicket=False,
            Ban=False,
        )
