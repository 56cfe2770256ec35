"""Whose key it is."""

from __future__ import annotations

from tencentcloud.cam.v20190116 import cam_client
from tencentcloud.cam.v20190116 import models as cam
from tencentcloud.sts.v20180813 import models as sts
from tencentcloud.sts.v20180813 import sts_client

from tests.cloud import REGION, Cloud


def test_the_account_behind_a_key(cloud: Cloud) -> None:
    common = cloud.client("cam")
    account = cam_client.CamClient(common.credential, "", common.profile)
    who = account.GetUserAppId(cam.GetUserAppIdRequest())
    assert (str(who.AppId), who.Uin, who.OwnerUin) == (cloud.account.app_id, cloud.account.uin, cloud.account.uin)
    caller = sts_client.StsClient(common.credential, REGION, common.profile)
    identity = caller.GetCallerIdentity(sts.GetCallerIdentityRequest())
    assert (identity.AccountId, identity.Arn) == (
        cloud.account.uin,
        f"qcs::cam:uin/{cloud.account.uin}:uin/{cloud.account.uin}",
    )
