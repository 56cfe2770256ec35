"""A server's logs as `luodi logs` shows them: by the real script, on files of a server."""

from __future__ import annotations

import base64
import gzip
import json
import random
import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from luodi.api import ApiError, NoCredentials, Unreachable
from luodi.apps import app_name
from luodi.cli import main
from luodi.commands import logs as logs_cli
from luodi.commands.server import StackServer
from luodi.delivery.logs import Log
from luodi.delivery.scripts import Scripts
from luodi.delivery.tat import CommandFailed, Shell, Silent
from luodi.settings import Settings
from luodi.words import Words

REPOSITORY = Path(__file__).parents[2]
SCRIPTS = Scripts(REPOSITORY / "templates")
TAT_OUTPUT = 24 * 1024
APP = {"content": "app", "command": ["node", "server.js"]}
DOCS_API = app_name("docs.example.cn", "/api/")
STACK = {
    "tencentcloud:region": "ap-guangzhou",
    "luodi:site": {"domain": "example.cn", "title": "示例"},
    "luodi:sites": [
        {"site": {"domain": "shop.example.cn", "title": "示例商城", "kind": "proxy", "app": APP}},
        {
            "site": {
                "domain": "docs.example.cn",
                "title": "示例文档",
                "paths": [{"path": "/api/", "kind": "proxy", "app": APP}],
            }
        },
    ],
    "luodi:server": {"kind": "lighthouse", "bundle": "bundle_starter_mc_promo_med2_01"},
}


class Server(Shell):
    """Runs scripts here, with a server's logs in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.calls = folder, 0

    def run(self, what: str | Words, script: str, *, seconds: int = 120) -> str:
        self.calls += 1
        placed = script.replace("file=/var/log", f"file={self.folder}")
        said = subprocess.run(["bash", "-c", placed], capture_output=True, text=True, check=True).stdout
        assert len(said) <= TAT_OUTPUT
        return said


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    for name in ("nginx", "luodi"):
        (tmp_path / name).mkdir()
    server = Server(tmp_path)
    stack = StackServer("production", Settings.parse(STACK), REPOSITORY, server, SCRIPTS)
    monkeypatch.setattr(logs_cli, "stack_server", lambda cwd, name: stack)
    return server


def luodi(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["logs", *arguments])


def shown(*arguments: str) -> list[str]:
    result = luodi(*arguments)
    assert result.exit_code == 0, result.output
    return result.output.splitlines()


def write(server: Server, name: str, lines: Sequence[str]) -> None:
    with (server.folder / name).open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def test_the_last_lines_of_each_log(server: Server) -> None:
    lines = [f"line {number} 落地" for number in range(300)]
    for name in ("nginx/access.log", "nginx/error.log", "luodi/shop.example.cn.log", "luodi/audit.log"):
        write(server, name, [f"{name} {line}" for line in lines])
    assert shown() == [f"nginx/access.log {line}" for line in lines[-100:]]
    assert shown("error", "--lines", "2") == [f"nginx/error.log {line}" for line in lines[-2:]]
    assert shown("app", "-n", "1", "--site", "shop.example.cn") == [f"luodi/shop.example.cn.log {lines[-1]}"]
    assert shown("audit", "-n", "1000") == [f"luodi/audit.log {line}" for line in lines]
    assert shown("app", "--site", "docs.example.cn") == [], "that has written nothing yet"


def test_what_each_application_says(server: Server) -> None:
    """Also one that serves but a path of a site, though the stack's own site has none."""
    write(server, "luodi/shop.example.cn.log", ["sold", '{"level": "info"}'])
    write(server, f"luodi/{DOCS_API}.log", ["asked"])
    assert shown("app", "--site", "docs.example.cn") == ["asked"]
    assert shown("app") == ["shop.example.cn: sold", 'shop.example.cn: {"level": "info"}', f"{DOCS_API}: asked"]
    assert [json.loads(line) for line in shown("app", "--json")] == [
        {"log": "app", "app": "shop.example.cn", "line": "sold"},
        {"app": "shop.example.cn", "level": "info"},
        {"log": "app", "app": DOCS_API, "line": "asked"},
    ]


def test_a_site_without_an_application_says_so(server: Server) -> None:
    result = luodi("app", "--site", "example.cn")
    assert result.exit_code == 1
    assert "example.cn has no application that luodi runs, and so no log of one" in result.output


def test_what_is_more_than_tat_passes_on_comes_in_parts(server: Server) -> None:
    noise = random.Random(3)
    lines = [noise.randbytes(60).hex() for _ in range(2000)]
    write(server, "nginx/access.log", lines)
    assert shown("-n", "2000") == lines
    assert server.calls > 5


def test_lines_that_come_while_the_last_are_counted_cut_none(server: Server) -> None:
    """nginx goes on writing between two commands of the script."""
    lines = [f"line {number:03}" for number in range(50)]
    write(server, "nginx/access.log", lines)
    path = server.folder / "nginx/access.log"
    busy = SCRIPTS.logs("/var/log/nginx/access.log", lines=3).replace(
        "tail --lines", f"echo new >> {path}; tail --lines"
    )
    said = server.run("Reading", busy)
    _, _, part = said.partition("\n")
    got = gzip.decompress(base64.b64decode(part)).decode().splitlines()
    assert set(got) <= {*lines, "new"}, "a line is whole or not there"
    assert got[-1] in ("new", lines[-1])
    assert len(got) <= 3


def test_a_site_s_own_lines(server: Server) -> None:
    hosts = ["example.cn", "shop.example.cn", "notexample.cn"]
    write(server, "nginx/access.log", [json.dumps({"host": host, "path": "/"}) for host in hosts])
    write(server, "nginx/error.log", [f'an error, client: 1.2.3.4, server: {host}, host: "{host}"' for host in hosts])
    assert [json.loads(line)["host"] for line in shown("--site", "example.cn", "--json")] == ["example.cn"]
    assert len(shown("error", "--site", "shop.example.cn")) == 1
    result = luodi("--site", "other.example.cn")
    assert result.exit_code == 2
    assert "has no site other.example.cn; it has example.cn, shop.example.cn" in result.output


def test_a_line_cannot_play_with_the_terminal(server: Server) -> None:
    write(server, "nginx/access.log", ["\x1b[2Jgone \x9b1m\tand\x07"])
    [line] = shown()
    assert re.fullmatch(r"�\[2Jgone �1m\tand�", line)
    [line] = shown("--json")
    assert line.isprintable()
    assert json.loads(line) == {"log": "access", "line": "\x1b[2Jgone \x9b1m\tand\x07"}
    # As nginx writes it: what is beyond ASCII passes its escaping.
    write(server, "nginx/access.log", [json.dumps({"agent": "\x1b[2J \x9b2J \x7f 浏览器"}, ensure_ascii=False)])
    line = shown("--json", "-n", "1")[0]
    assert line.isprintable()
    assert json.loads(line) == {"agent": "\x1b[2J \x9b2J \x7f 浏览器"}


def test_what_comes_is_followed_also_when_the_log_is_turned_over(server: Server) -> None:
    log, file = Log(server, SCRIPTS, "/var/log/nginx/access.log"), server.folder / "nginx/access.log"
    write(server, "nginx/access.log", ["one", "two"])
    assert list(log.lines(1)) == ["two"]
    assert list(log.lines(1)) == []
    with file.open("a") as opened:
        opened.write("thr")
    assert list(log.lines(1)) == []
    write(server, "nginx/access.log", ["ee", "four"])
    assert list(log.lines(1)) == ["three", "four"]
    file.rename(file.with_suffix(".1"))
    write(server, "nginx/access.log", ["five"])
    assert list(log.lines(1)) == ["five"]
    file.write_text("six\n")  # emptied and written anew, as copytruncate leaves it
    assert list(log.lines(1)) == ["six"]


@pytest.mark.parametrize(
    ("error", "zh", "en"),
    [
        (NoCredentials(), "没有腾讯云的访问密钥。请设置 TENCENTCLOUD_SECRET_ID", "No Tencent Cloud credentials. Set"),
        (
            ApiError("RunCommand", "AuthFailure.SignatureFailure", "no"),
            "腾讯云拒绝了 RunCommand：no（AuthFailure.SignatureFailure）。TENCENTCLOUD_SECRET_KEY 与",
            "Tencent Cloud refused RunCommand: no (AuthFailure.SignatureFailure). TENCENTCLOUD_SECRET_KEY does not",
        ),
        (
            Unreachable("RunCommand", "127.0.0.1:9140", "Connection refused"),
            "腾讯云 API 在 127.0.0.1:9140 没有应答",
            "Tencent Cloud's API does not answer at 127.0.0.1:9140",
        ),
        (
            Silent("ins-1", 10.0),
            "ins-1 的自动化助手（TAT）客户端在 10 秒内没有上线。",
            "The TAT agent (自动化助手) of ins-1 was not online within 10 s.",
        ),
        (
            CommandFailed(Words("退回发布 3f", "Switching back to release 3f"), "ins-1", "FAILED", 1, " {no} room\n"),
            "退回发布 3f：在 ins-1 上失败（退出码 1）：\n{no} room\n",
            "Switching back to release 3f failed with exit code 1 on ins-1:\n{no} room\n",
        ),
        (
            CommandFailed("x", "ins-1", "NEW", None, ""),
            "x：在 ins-1 上NEW：\n（没有输出）",
            "x NEW on ins-1:\n(no output)",
        ),
    ],
)
def test_what_is_wrong_is_said_in_the_language_that_is_asked_for(
    server: Server, monkeypatch: pytest.MonkeyPatch, error: Exception, zh: str, en: str
) -> None:
    def run(*_: object, **__: object) -> str:
        raise error

    monkeypatch.setattr(Server, "run", run)
    for lang, said in {"zh": zh, "en": en}.items():
        result = luodi("--lang", lang)
        assert (result.exit_code, result.output.startswith(f"Error: {said}")) == (1, True), result.output
    assert luodi("--lang", "en").output == f"Error: {error}\n"


def test_following_goes_on_until_it_is_interrupted(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    write(server, "nginx/access.log", ["one"])
    pauses = iter(["two", "three"])

    def pause(_seconds: float) -> None:
        try:
            write(server, "nginx/access.log", [next(pauses)])
        except StopIteration:
            raise KeyboardInterrupt from None

    monkeypatch.setattr(time, "sleep", pause)
    assert shown("--follow") == ["one", "two", "three"]
