"""Calls of Tencent Cloud's API, to a server on loopback that answers as it is told."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from luodi import api
from luodi.api import Account, ApiError, NoCredentials, Unreachable

SECRET = "x7Qd-not-for-anybody-9Kp"
TOKEN = "t0k3n-neither"
ACCOUNT = Account("AKIDexample", SECRET, "ap-guangzhou", TOKEN)
HELP = "Is the network up? For a rehearsal cloud: is it running (`python -m localcloud status`)?"  #
BUSY = {"Error": {"Code": "RequestLimitExceeded", "Message": "too many"}}


@dataclass(frozen=True)
class Request:
    url: str
    headers: dict[str, str]
    parameters: dict[str, Any]


@dataclass
class Cloud:
    """Gives its answers one after another, the last one for ever."""

    answers: list[bytes | dict[str, Any]] = field(default_factory=list)
    status: int = 200
    requests: list[Request] = field(default_factory=list)
    cut: int = 0
    """Bytes of an answer that are promised and never sent."""

    def take(self, request: Request) -> bytes:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, bytes):
            return answer
        return json.dumps({"Response": {"RequestId": "r-1", **answer}}).encode()


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    answering = Cloud()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = answering.take(Request(self.path, dict(self.headers), json.loads(body)))
            self.send_response(answering.status)
            self.send_header("Content-Type", "text/html" if answer.startswith(b"<") else "application/json")
            self.send_header("Content-Length", str(len(answer) + answering.cut))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    point_at(monkeypatch, server.server_port)
    monkeypatch.setattr(api, "_PAUSE_SECONDS", 0.001)
    yield answering
    server.shutdown()
    server.server_close()
    thread.join()


def point_at(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setenv("TENCENTCLOUD_PROTOCOL", "HTTP")
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
    for name in ("http_proxy", "NO_PROXY", "no_proxy", "TENCENTCLOUD_DOMAIN"):
        monkeypatch.delenv(name, raising=False)


# --- answers -----------------------------------------------------------------------------------------


def test_a_call_gives_the_response(cloud: Cloud) -> None:
    cloud.answers = [{"DomainInfo": {"Domain": "example.cn"}}]
    answer = ACCOUNT.call("dnspod", "DescribeDomain", {"Domain": "例子.cn"})
    assert answer["DomainInfo"] == {"Domain": "example.cn"}
    [request] = cloud.requests
    assert request.url == "http://dnspod.tencentcloudapi.com/"
    assert request.parameters == {"Domain": "例子.cn"}
    assert request.headers["X-TC-Action"] == "DescribeDomain"
    assert request.headers["X-TC-Version"] == "2021-03-23"
    assert request.headers["X-TC-Region"] == "ap-guangzhou"
    assert request.headers["X-TC-Token"] == TOKEN
    assert request.headers["Authorization"].startswith("TC3-HMAC-SHA256 Credential=AKIDexample/")


@pytest.mark.parametrize(
    ("service", "version"), [("lighthouse", "2020-03-24"), ("tat", "2020-10-28"), ("dnspod", "2021-03-23")]
)
def test_each_service_is_asked_in_its_version(cloud: Cloud, service: str, version: str) -> None:
    cloud.answers = [{}]
    ACCOUNT.call(service, "DescribeSomething", {})
    assert cloud.requests[0].headers["X-TC-Version"] == version
    assert cloud.requests[0].url == f"http://{service}.tencentcloudapi.com/"


def test_another_domain_is_asked_where_the_environment_names_one(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENCENTCLOUD_DOMAIN", "internal.tencentcloudapi.com")
    cloud.answers = [{}]
    ACCOUNT.call("tat", "DescribeSomething", {})
    assert cloud.requests[0].url == "http://tat.internal.tencentcloudapi.com/"


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("ResourceNotFound.NoDataOfDomain", ""),
        (
            "AuthFailure.SecretIdNotFound",
            " TENCENTCLOUD_SECRET_ID is not known there: check that it was copied whole and is enabled.",
        ),
        (
            "AuthFailure.SignatureFailure",
            " TENCENTCLOUD_SECRET_KEY does not belong to TENCENTCLOUD_SECRET_ID: check that it was copied whole.",
        ),
        ("AuthFailure.SignatureExpire", " This machine's clock is off by more than five minutes: set it."),
        ("UnauthorizedOperation", " The key's user lacks this right (CAM 访问管理)."),
        ("AuthFailure.UnauthorizedOperation", " The key's user lacks this right (CAM 访问管理)."),
    ],
)
def test_a_refusal_is_told_at_once(cloud: Cloud, code: str, advice: str) -> None:
    cloud.answers = [{"Error": {"Code": code, "Message": "不行"}}]
    with pytest.raises(ApiError) as caught:
        ACCOUNT.call("dnspod", "DescribeDomain", {})
    assert str(caught.value) == f"Tencent Cloud refused DescribeDomain: 不行 ({code}).{advice}"
    assert (caught.value.action, caught.value.code, caught.value.message) == ("DescribeDomain", code, "不行")
    assert not isinstance(caught.value, Unreachable)
    assert len(cloud.requests) == 1


def test_a_busy_api_is_asked_again(cloud: Cloud) -> None:
    limited = {"Error": {"Code": "RequestLimitExceeded.UinLimitExceeded", "Message": "too many"}}
    cloud.answers = [BUSY, limited, {"Zone": 1}]
    assert ACCOUNT.call("dnspod", "DescribeDomain", {})["Zone"] == 1
    assert len(cloud.requests) == 3


def test_an_api_that_stays_busy_is_told(cloud: Cloud) -> None:
    cloud.answers = [BUSY]
    with pytest.raises(ApiError) as caught:
        ACCOUNT.call("dnspod", "DescribeDomain", {})
    assert str(caught.value) == "Tencent Cloud refused DescribeDomain: too many (RequestLimitExceeded)."
    assert len(cloud.requests) == 4


# --- no answer ---------------------------------------------------------------------------------------


def told(reason: str, where: str) -> str:
    return f"Tencent Cloud's API does not answer at {where} (asked for DescribeDomain: {reason}). {HELP}"


def test_nothing_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    point_at(monkeypatch, port)
    start = time.monotonic()
    with pytest.raises(Unreachable) as caught:
        ACCOUNT.call("dnspod", "DescribeDomain", {})
    assert time.monotonic() - start < 5
    assert str(caught.value) == told("Connection refused", f"127.0.0.1:{port}")


@pytest.mark.parametrize("proxy", ["http://me:hunter2@127.0.0.1:1/", "http://127.0.0.1:1", "127.0.0.1:1"])
def test_a_proxy_is_told_without_its_password(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setattr(api, "_PAUSE_SECONDS", 0.001)
    point_at(monkeypatch, 1)
    monkeypatch.setenv("HTTP_PROXY", proxy)
    with pytest.raises(Unreachable) as caught:
        ACCOUNT.call("dnspod", "DescribeDomain", {})
    assert str(caught.value) == told("Connection refused", "127.0.0.1:1")


def test_something_takes_the_call_and_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a stopped process does: its system still accepts. It is asked once, and no second time."""
    assert api._ANSWER_SECONDS < 10
    monkeypatch.setattr(api, "_ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(api, "_PATIENCE_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        point_at(monkeypatch, port)
        with pytest.raises(Unreachable) as caught:
            ACCOUNT.call("dnspod", "DescribeDomain", {})
        mute.accept()[0].close()
        mute.setblocking(False)
        with pytest.raises(BlockingIOError):
            mute.accept()
    assert str(caught.value) == told("no answer in time", f"127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("status", "answer", "reason"),
    [
        (200, b"<html>Log in to the hotel's network</html>", "what answers there is something else"),
        (200, b"{}", "what answers there is something else"),
        (200, b"[]", "what answers there is something else"),
        (502, b"<html>Bad gateway</html>", "an error page of some other server"),
    ],
)
def test_something_else_answers(cloud: Cloud, status: int, answer: bytes, reason: str) -> None:
    cloud.status, cloud.answers = status, [answer]
    with pytest.raises(Unreachable) as caught:
        ACCOUNT.call("dnspod", "DescribeDomain", {})
    assert f"(asked for DescribeDomain: {reason})" in str(caught.value)


def test_an_answer_that_breaks_off(cloud: Cloud) -> None:
    cloud.answers, cloud.cut = [{"Zone": 1}], 10
    with pytest.raises(Unreachable, match="the answer broke off"):
        ACCOUNT.call("dnspod", "DescribeDomain", {})


def test_a_hiccup_is_not_told(cloud: Cloud) -> None:
    cloud.answers = [b"<html>", {"Zone": 1}]
    assert ACCOUNT.call("dnspod", "DescribeDomain", {})["Zone"] == 1


# --- credentials -------------------------------------------------------------------------------------


def test_the_stack_s_keys_come_before_the_environment_s() -> None:
    environ = {
        "TENCENTCLOUD_SECRET_ID": "AKIDenviron",
        "TENCENTCLOUD_SECRET_KEY": "environ",
        "TENCENTCLOUD_SECURITY_TOKEN": "",
        "TENCENTCLOUD_REGION": "ap-beijing",
    }
    assert Account.find({}, environ) == Account("AKIDenviron", "environ", "ap-beijing")
    config = {
        "tencentcloud:secretId": " AKIDstack\n",
        "tencentcloud:secretKey": "stack ",
        "tencentcloud:securityToken": "token",
        "tencentcloud:region": "ap-shanghai",
    }
    assert Account.find(config, environ) == Account("AKIDstack", "stack", "ap-shanghai", "token")


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"TENCENTCLOUD_SECRET_ID": "AKID"},
        {"TENCENTCLOUD_SECRET_KEY": "key"},
        {"TENCENTCLOUD_SECRET_ID": " ", "TENCENTCLOUD_SECRET_KEY": "key"},
        {"TENCENTCLOUD_SECRET_ID": "你的密钥", "TENCENTCLOUD_SECRET_KEY": "key"},
    ],
)
def test_no_credentials(environ: dict[str, str]) -> None:
    with pytest.raises(NoCredentials) as caught:
        Account.find({"tencentcloud:secretId": None}, environ)
    assert str(caught.value).startswith("No Tencent Cloud credentials. Set TENCENTCLOUD_SECRET_ID and")
    assert "https://console.cloud.tencent.com/cam/capi" in str(caught.value)


def test_no_secret_is_shown(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    cloud.answers = [{"Error": {"Code": "AuthFailure.SignatureFailure", "Message": "no"}}]
    with pytest.raises(ApiError) as caught:
        ACCOUNT.call("dnspod", "DescribeDomain", {})
    shown = [repr(ACCOUNT), str(ACCOUNT), f"{ACCOUNT!r:>200}", repr(caught.value), str(caught.value), caplog.text]
    assert not [text for text in shown if SECRET in text]
    assert not [text for text in shown[:-1] if TOKEN in text]
    assert SECRET not in str([(request.headers, request.parameters) for request in cloud.requests])
