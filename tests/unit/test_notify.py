"""Who is told, and that no token is shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from luodi import notify
from tests.unit.robots import Robots, robots

WECOM = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7aaa-4bc4-97a0-0ec2a1fa5aaa"
DINGTALK = "https://oapi.dingtalk.com/robot/send?access_token=0123456789abcdef"
FEISHU = "https://open.feishu.cn/open-apis/bot/v2/hook/0f8fad5b-d9cb-469f-a165-70867728950e"
PLAIN = "https://hooks.example.cn/luodi?team=ops"
HOSTS = ("qyapi.weixin.qq.com", "oapi.dingtalk.com", "open.feishu.cn", "hooks.example.cn")


@pytest.fixture
def listening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Robots]:
    with robots(tmp_path, *HOSTS) as listening:
        for name, value in listening.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("NO_PROXY", "")
        yield listening


@pytest.mark.parametrize(
    ("webhook", "path", "said"),
    [
        (WECOM, "/cgi-bin/webhook/send?key=693a91f6-7aaa-4bc4-97a0-0ec2a1fa5aaa", ("text", "content")),
        (DINGTALK, "/robot/send?access_token=0123456789abcdef", ("text", "content")),
        (FEISHU, "/open-apis/bot/v2/hook/0f8fad5b-d9cb-469f-a165-70867728950e/", ("content", "text")),
        (PLAIN, "/luodi?team=ops", ("message",)),
    ],
)
def test_a_robot_hears_the_title_and_the_text(
    listening: Robots, webhook: str, path: str, said: tuple[str, ...]
) -> None:
    where = notify.addresses({notify.VARIABLE: webhook})
    assert notify.tell(where, "example.cn: 证书续期失败", "connection refused", failed=True) == []
    [(host, asked, body)] = listening.heard
    assert (host, asked) == (webhook.split("/")[2], path)
    heard = body
    for key in said:
        heard = heard[key]
    assert "connection refused" in heard
    assert "证书续期失败" in str(body)


def test_dingtalk_is_signed_with_the_robot_s_secret(listening: Robots) -> None:
    where = notify.addresses({notify.VARIABLE: f"{DINGTALK}#secret=SEC0123456789abcdef"})
    assert notify.tell(where, "title", "text", failed=False) == []
    [(_, path, _)] = listening.heard
    assert "sign=" in path
    assert "timestamp=" in path
    assert "SEC0123456789abcdef" not in path


def test_one_that_refuses_keeps_nobody_else_from_hearing(listening: Robots) -> None:
    where = notify.addresses({notify.VARIABLE: f"http://127.0.0.1:9/token-of-mine {PLAIN}"})
    [silent] = notify.tell(where, "title", "text", failed=False)
    assert silent.startswith("json://127.0.0.1:9/")
    assert len(listening.heard) == 1
    listening.status = 500
    assert len(notify.tell(where, "title", "text", failed=False)) == 2


def test_a_token_is_not_shown_when_a_robot_is_silent(listening: Robots) -> None:
    listening.status = 500
    where = notify.addresses({notify.VARIABLE: f"{WECOM} {DINGTALK} {FEISHU}"})
    told = " ".join(notify.tell(where, "title", "text", failed=False))
    for token in ("7aaa-4bc4", "0123456789abcdef", "d9cb-469f"):
        assert token not in told


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("https://qyapi.weixin.qq.com/cgi-bin/webhook/send", "address 1: the webhook has no key="),
        ("https://oapi.dingtalk.com/robot/send?token=secret-of-mine", "address 1: the webhook has no access_token="),
        (f"{PLAIN} nothing-known://secret-of-mine", "address 2 is none that can be told at"),
        ("secret-of-mine", "address 1 is none that can be told at"),
    ],
)
def test_an_address_that_can_be_none_is_refused_without_being_shown(text: str, reason: str) -> None:
    with pytest.raises(notify.BadAddress) as caught:
        notify.addresses({notify.VARIABLE: text})
    assert reason in str(caught.value)
    assert "secret-of-mine" not in str(caught.value)


def test_nobody_is_told_where_nobody_is_named() -> None:
    assert notify.addresses({}) == ()
