"""Domain registration (域名注册): how a domain of the account stands."""

from __future__ import annotations

from tencentcloud.domain.v20180808 import models

from localcloud.errors import CloudError
from localcloud.registrar import Registrar
from localcloud.services.base import Service, action
from localcloud.wire import build
from localcloud.zones import NAME_SERVERS


class Domain(Service):
    """Product `domain`."""

    product = "domain"
    version = "2018-08-08"
    sdk = models
    regional = False

    @action("DescribeDomainBaseInfo", requires=("Domain",))
    def describe_domain_base_info(
        self, request: models.DescribeDomainBaseInfoRequest
    ) -> models.DescribeDomainBaseInfoResponse:
        """Tell of a domain that this account has registered."""
        found = Registrar(self.store).of(request.Domain or "")
        if found is None:
            raise CloudError("ResourceNotFound.DomainNotFound", f"{request.Domain} is no domain of this account.")
        return build(
            models.DescribeDomainBaseInfoResponse,
            DomainInfo={
                "DomainName": found.domain,
                "RealNameAuditStatus": found.verification,
                "ExpirationDate": found.expires.isoformat(),
                "DomainStatus": [found.status],
                "BuyStatus": "ok",
                "NameServer": list(NAME_SERVERS),
            },
            Uin=self.cloud.account.uin,
        )
