"""Tencent Cloud's API, for the calls that the Pulumi provider lacks: TAT, DNSPod's TXT records, look-ups.

The same environment points it at another cloud as points the provider there: ``TENCENTCLOUD_SECRET_ID``,
``TENCENTCLOUD_SECRET_KEY``, ``TENCENTCLOUD_SECURITY_TOKEN``, ``TENCENTCLOUD_PROTOCOL``, ``TENCENTCLOUD_DOMAIN``
and ``HTTP_PROXY``.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, cast

from luodi.words import Told, Words

# The SDK and requests are imported by the first call: an `up` that finds nothing to do makes none in the process of
# the dynamic resources, which every `up` starts.
if TYPE_CHECKING:
    from tencentcloud.common.common_client import CommonClient

DEFAULT_LINE = "默认"
"""DNSPod's name for the line (线路) that answers everybody."""

_VERSIONS = {
    "ba": "2020-07-20",
    "cvm": "2017-03-12",
    "dnspod": "2021-03-23",
    "domain": "2018-08-08",
    "lighthouse": "2020-03-24",
    "ssl": "2019-12-05",
    "tat": "2020-10-28",
    "vpc": "2017-03-12",
}
_CONNECT_SECONDS, _ANSWER_SECONDS = 3, 9
_PATIENCE_SECONDS = 5
"""After these an API that does not answer is not asked again, so that a user is told within ten seconds."""

_ATTEMPTS, _PAUSE_SECONDS = 4, 0.25
_UNREACHABLE = ("ClientNetworkError", "ServerNetworkError")


_REFUSED = Words(
    "腾讯云拒绝了 {action}：{message}（{code}）。{advice}",
    "Tencent Cloud refused {action}: {message} ({code}).{advice}",
)
_SILENT = Words(
    "腾讯云 API 在 {where} 没有应答（请求的是 {action}：{message}）。网络通吗？如果是演练云：它在运行吗"
    "（`python -m localcloud status`）？",
    "Tencent Cloud's API does not answer at {where} (asked for {action}: {message}). Is the network up? For a "
    "rehearsal cloud: is it running (`python -m localcloud status`)?",
)
_NO_CREDENTIALS = Words(
    "没有腾讯云的访问密钥。请设置 TENCENTCLOUD_SECRET_ID 和 TENCENTCLOUD_SECRET_KEY（在 "
    "https://console.cloud.tencent.com/cam/capi 创建）；如果是演练云，请运行 "
    '`eval "$(python -m localcloud env)"`。',
    "No Tencent Cloud credentials. Set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY (made at "
    "https://console.cloud.tencent.com/cam/capi, 访问密钥), or for the rehearsal cloud run "
    '`eval "$(python -m localcloud env)"`.',
)
_NO_RIGHT = Words("密钥所属的用户没有这项权限（CAM 访问管理）。", " The key's user lacks this right (CAM 访问管理).")
_ADVICE = {
    "AuthFailure.SecretIdNotFound": Words(
        "那里没有这个 TENCENTCLOUD_SECRET_ID：请检查是否复制完整、是否已启用。",
        " TENCENTCLOUD_SECRET_ID is not known there: check that it was copied whole and is enabled.",
    ),
    "AuthFailure.SignatureFailure": Words(
        "TENCENTCLOUD_SECRET_KEY 与 TENCENTCLOUD_SECRET_ID 不是一对：请检查是否复制完整。",
        " TENCENTCLOUD_SECRET_KEY does not belong to TENCENTCLOUD_SECRET_ID: check that it was copied whole.",
    ),
    "AuthFailure.SignatureExpire": Words(
        "本机时钟相差五分钟以上：请校准。", " This machine's clock is off by more than five minutes: set it."
    ),
    "AuthFailure.UnauthorizedOperation": _NO_RIGHT,
    "UnauthorizedOperation": _NO_RIGHT,
}
"""What to do about a refusal, by how its code begins."""


class ApiError(Told):
    """An answer that is an error: `code` as Tencent Cloud's documents name it, and its own message."""

    def __init__(self, action: str, code: str, message: str) -> None:
        self.action, self.code, self.message = action, code, message
        advice = next((words for begun, words in _ADVICE.items() if code.startswith(begun)), "")
        super().__init__(_REFUSED.fill(action=action, message=message, code=code, advice=advice))


class Unreachable(ApiError):
    """No answer at all."""

    def __init__(self, action: str, where: str, message: str) -> None:
        self.action, self.code, self.message = action, "ClientNetworkError", message
        Told.__init__(self, _SILENT.fill(where=where, action=action, message=message))


class NoCredentials(Told):
    """Neither the environment nor the stack holds an API key."""

    def __init__(self) -> None:
        super().__init__(_NO_CREDENTIALS)


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
        if not secret_key or not re.fullmatch("[!-~]+", secret_id):
            raise NoCredentials
        token = look("securityToken", "TENCENTCLOUD_SECURITY_TOKEN")
        return cls(secret_id, secret_key, look("region", "TENCENTCLOUD_REGION"), token or None)

    def call(self, service: str, action: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Call one action and give its Response.

        A busy API (RequestLimitExceeded) and a broken connection are tried again, with back-off. Raises
        ApiError for every other refusal, Unreachable when nothing answers.
        """
        client = self._client(service)
        patience = time.monotonic() + _PATIENCE_SECONDS
        for attempt in range(_ATTEMPTS - 1):
            try:
                return _ask(client, action, parameters)
            except Unreachable:
                if time.monotonic() > patience:
                    raise
            except ApiError as error:
                if not error.code.startswith("RequestLimitExceeded"):
                    raise
            time.sleep(_PAUSE_SECONDS * 2**attempt)
        return _ask(client, action, parameters)

    def _client(self, service: str) -> CommonClient:
        from tencentcloud.common.common_client import CommonClient
        from tencentcloud.common.credential import Credential
        from tencentcloud.common.profile.client_profile import ClientProfile
        from tencentcloud.common.profile.http_profile import HttpProfile

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


def _ask(client: CommonClient, action: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    import requests
    from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException

    try:
        return cast("dict[str, Any]", client.call_json(action, dict(parameters))["Response"])
    except TencentCloudSDKException as error:
        code, message = str(error.get_code()), error.get_message()
        if code not in _UNREACHABLE:
            raise ApiError(action, code, str(message)) from None
        reason = _reason(message) if isinstance(message, str) else "an error page of some other server"
        raise Unreachable(action, _where(), reason) from None
    except requests.RequestException:
        raise Unreachable(action, _where(), "the answer broke off") from None
    except (ValueError, LookupError, TypeError):
        raise Unreachable(action, _where(), "what answers there is something else") from None


def _reason(message: str) -> str:
    """The system's words, out of those that requests and urllib3 put around them."""
    if "timed out" in message:
        return "no answer in time"
    told = re.search(r"\[(?:Errno|SSL)[^]]*\] ([^('\"]+)", message)
    return told[1].strip(" )") if told else message


def _where() -> str:
    proxy = os.environ.get("HTTP_PROXY" if _protocol() == "http" else "HTTPS_PROXY")
    return proxy.rpartition("@")[2].rpartition("//")[2].rstrip("/") if proxy else _domain()


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
