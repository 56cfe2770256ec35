"""Calls that must be refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from tencentcloud.common.common_client import CommonClient
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException

from localcloud.errors import CloudError
from tests.cloud import REGION, Cloud


def refused(
    cloud: Cloud,
    product: str,
    action: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    region: str = REGION,
    client: CommonClient | None = None,
) -> str:
    """The code with which a call is refused."""
    with pytest.raises(TencentCloudSDKException) as caught:
        cloud.call(product, action, parameters, region=region, client=client)
    assert caught.value.requestId
    assert cloud.account.secret_key not in str(caught.value)
    return str(caught.value.code)


def code_of(judge: Callable[[], object]) -> str | None:
    """The code with which a rule refuses what it is given, or None."""
    try:
        judge()
    except CloudError as refusal:
        return refusal.code
    return None
