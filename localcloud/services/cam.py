"""Cloud Access Management (访问管理): whose key it is."""

from __future__ import annotations

from tencentcloud.cam.v20190116 import models

from localcloud.services.base import Service, action
from localcloud.wire import build


class Cam(Service):
    """Product `cam`."""

    product = "cam"
    version = "2019-01-16"
    sdk = models
    regional = False

    @action("GetUserAppId")
    def get_user_app_id(self, request: models.GetUserAppIdRequest) -> models.GetUserAppIdResponse:
        """Return the account's uin and its appid, which every bucket's name ends with."""
        del request
        account = self.cloud.account
        return build(models.GetUserAppIdResponse, Uin=account.uin, OwnerUin=account.uin, AppId=int(account.app_id))

    @action("DescribeSubAccounts", requires=("FilterSubAccountUin",))
    def describe_sub_accounts(self, request: models.DescribeSubAccountsRequest) -> models.DescribeSubAccountsResponse:
        """List sub-accounts: the one account here has none."""
        del request
        return build(models.DescribeSubAccountsResponse, SubAccounts=[])
