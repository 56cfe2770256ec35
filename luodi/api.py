"""Tencent Cloud's API, for the calls that the Pulumi provider lacks: TAT, DNSPod's TXT records, look-ups.

The same environment points it at another cloud as points the provider there: ``TENCENTCLOUD_SECRET_ID``,
``TENCENTCLOUD_SECRET_KEY``, ``TENCENTCLOUD_SECURITY_TOKEN``, ``TENCENTCLOUD_PROTOCOL``, ``TENCENTCLOUD_DOMAIN``
and ``HTTP_PROXY``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self, cast

from tencentcloud.common.common_client import CommonClient
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile

DEFAULT_LINE = "默认"
"""DNSPod's name for the line (线路) that answers everybody."""

_VERSIONS = {
    "dnspod": "2021-03-23",
    "lighthouse": "2020-03-24",
    "tat": "2020-10-28",
}
_CONNECT_SECONDS, _ANSWER_SECONDS = 3, 30
_ATTEMPTS = 4
_UNREACHABLE = ("ClientNetworkError", "ServerNetworkError")


class ApiError(Exception):
    """An answer that is an error: `code` as Tencent Cloud's documents name it, and its own message."""

    def __init__(self, action: str, code: str, message: str) -> None:
        self.action, self.code, self.message = action, code, message
        super().__init__(f"Tencent Cloud refused {action}: {message} ({code}).{_advice(code)}")


class Unreachable(ApiError):
    """No answer at all."""

    def __init__(self, action: str, where: str, message: str) -> None:
        self.action, self.code, self.message = action, "ClientNetworkError", message
        Exception.__init__(
            self,
            f"Tencent Cloud's API does not answer at {where} (asked for {action}). Is the network up? "
            "For a rehearsal cloud: is it running (`python -m localcloud status`)?",
        )


class NoCredentials(Exception):
    """Neither the environment nor the stack holds an API key."""

    def __init__(self) -> None:
        super().__init__(
            "No Tencent Cloud credentials. Set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY (made at "
            "https://console.cloud.tencent.com/cam/capi, 访问密钥), or for the rehearsal cloud run "
            '`eval "$(python -m localcloud env)"`.'
        )


def _advice(code: str) -> str:
    if code.startswith("AuthFailure.SecretIdNotFound"):
        return " TENCENTCLOUD_SECRET_ID is not known there: check that it was copied whole and is enabled."
    if code.startswith("AuthFailure.SignatureFailure"):
        return " TENCENTCLOUD_SECRET_KEY does not belong to TENCENTCLOUD_SECRET_ID: check that it was copied whole."
    if code.startswith("AuthFailure.SignatureExpire"):
        return " This machine's clock is off by more than five minutes: set it."
    if code.startswith(("AuthFailure.UnauthorizedOperation", "UnauthorizedOperation")):
        return " The key's user lacks this right (CAM 访问管理)."
    return ""


@dataclass(frozen=True)
class Account:
    """Whose cloud it is, and in which region."""

    secret_id: str
    secret_key: str = field(repr=False)
    region: str
    token: str | None = field(default=None, repr=False)

    @classmethod
    def find(cls, config: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> Self:
        """The account that the provider uses too: the stack's ``tencentcloud:`` keys, else the environment.

        Raises NoCredentials when there is none.
        """

        def look(key: str, variable: str) -> str:
            return str(config.get(f"tencentcloud:{key}") or environ.get(variable) or "").strip()

        secret_id = look("secretId", "TENCENTCLOUD_SECRET_ID")
        secret_key = look("secretKey", "TENCENTCLOUD_SECRET_KEY")
        if not secret_id or not secret_key:
            raise NoCredentials
        token = look("securityToken", "TENCENTCLOUD_SECURITY_TOKEN")
        return cls(secret_id, secret_key, look("region", "TENCENTCLOUD_REGION"), token or None)

    def call(self, service: str, action: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Call one action and give its Response.

        A busy API (RequestLimitExceeded) and a broken connection are tried again, with back-off. Raises
        ApiError for every other refusal, Unreachable when nothing answers.
        """
        client = self._client(service)
        for attempt in range(_ATTEMPTS):
            try:
                answer = client.call_json(action, dict(parameters))
            except TencentCloudSDKException as error:
                code = str(error.get_code())
                again = code.startswith("RequestLimitExceeded") or code in _UNREACHABLE
                if again and attempt < _ATTEMPTS - 1:
                    time.sleep(0.25 * 2**attempt)
                    continue
                if code in _UNREACHABLE:
                    raise Unreachable(action, self._where(), str(error.get_message())) from None
                raise ApiError(action, code, str(error.get_message())) from None
            return cast("dict[str, Any]", answer["Response"])
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _where(self) -> str:
        return os.environ.get("HTTP_PROXY", "") if _protocol() == "http" else _domain()

    def _client(self, service: str) -> CommonClient:
        http = HttpProfile(
            protocol=_protocol(),
            rootDomain=_domain(),
            # requests takes a pair, connect and read; the SDK hands it through.
            reqTimeout=(_CONNECT_SECONDS, _ANSWER_SECONDS),
            keepAlive=True,
        )
        profile = ClientProfile(httpProfile=http)
        profile.language = "zh-CN"
        credential = Credential(self.secret_id, self.secret_key, self.token)
        return CommonClient(service, _VERSIONS[service], credential, self.region, profile=profile)


def _protocol() -> str:
    return os.environ.get("TENCENTCLOUD_PROTOCOL", "https").lower()


def _domain() -> str:
    return os.environ.get("TENCENTCLOUD_DOMAIN") or "tencentcloudapi.com"


def host_record(name: str, zone: str) -> str:
    """A host name as DNSPod wants it (主机记录): ``@`` for the zone itself. Raises ValueError outside the zone."""
    if name == zone:
        return "@"
    if not name.endswith(f".{zone}"):
        raise ValueError(f"{name} is not in the zone {zone}")
    return name.removesuffix(f".{zone}")
