"""Security Token Service (安全凭证服务): who is calling."""

from __future__ import annotations

from tencentcloud.sts.v20180813 import models

from localcloud.services.base import Service, action
from localcloud.wire import build


class Sts(Service):
    """Product `sts`."""

    product = "sts"
    version = "2018-08-13"
    sdk = models

    @action("GetCallerIdentity")
    def get_caller_identity(self, request: models.GetCallerIdentityRequest) -> models.GetCallerIdentityResponse:
        """Return the account that the key belongs to."""
        del request
        uin = self.cloud.account.uin
        return build(
            models.GetCallerIdentityResponse,
            Arn=f"qcs::cam:uin/{uin}:uin/{uin}",
            AccountId=uin,
            UserId=uin,
            PrincipalId=uin,
            Type="CAMUser",
        )
