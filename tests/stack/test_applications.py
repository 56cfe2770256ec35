"""An application landed by `pulumi up`: its secrets, another release of it, its domains and its logs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.cloud import Cloud
from tests.project import Project, Stack, fetch

DOMAIN = "yingyong.com.cn"
CODE = """
require("node:http").createServer((request, response) => {
  if (request.url === "/healthz") return response.end("ok");
  console.log("asked for " + request.url);
  if (request.url === "/") {
    response.setHeader("Content-Type", "text/html");
    return response.end("<!doctype html><body>one</body>");
  }
  response.end(JSON.stringify({ release: "one", token: process.env.TOKEN, greeting: process.env.GREETING }));
}).listen(process.env.PORT, process.env.HOST);
"""


@pytest.fixture(scope="module")
def project(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("applications") / "site", cloud.environment())
    (project.folder / "app").mkdir()
    (project.folder / "app/server.js").write_text(CODE)
    return project


@pytest.fixture(scope="module")
def stack(project: Project) -> Iterator[Stack]:
    app = {
        "content": "app",
        "command": ["node", "server.js"],
        "packages": ["nodejs"],
        "environment": {"GREETING": "你好"},
        "secrets": {"TOKEN": "token"},
        "health": "/healthz",
        "drain": 1,
    }
    stack = project.configure(
        "app",
        {
            "tencentcloud:region": "ap-guangzhou",
            "luodi:site": {"domain": DOMAIN, "title": "应用", "kind": "mini-program", "app": app},
            "luodi:server": {"kind": "cvm"},
            "luodi:dns": {"manage": "create"},
            "luodi:filing": {"icp": {"number": "粤ICP备2024000123号-1", "approved": "2024-05-20"}},
        },
    )
    secret(project, "the first token")
    stack.up()
    yield stack
    assert stack.run("destroy").code == 0


def secret(project: Project, value: str) -> None:
    set_ = project.pulumi("config", "set", "--secret", "--path", "luodi:app-secrets.token", value, "--stack", "app")
    assert set_.returncode == 0, set_.stderr


def told(cloud: Cloud, stack: Stack) -> dict[str, str]:
    page = fetch(stack.outputs()["address"], cloud.https_port, DOMAIN, cloud.roots, "/api")
    assert page.status == 200, page.body
    return dict(json.loads(page.body))


def test_it_is_served_with_its_secret_which_no_state_shows(cloud: Cloud, project: Project, stack: Stack) -> None:
    assert told(cloud, stack) == {"release": "one", "token": "the first token", "greeting": "你好"}
    assert "the first token" not in stack.state()
    assert stack.outputs()["miniProgram"]["wechat"]["socket"] == [f"wss://{DOMAIN}"]
    assert stack.run("preview", "--expect-no-changes").code == 0


def test_another_release_and_another_secret_take_its_place(cloud: Cloud, project: Project, stack: Stack) -> None:
    (project.folder / "app/server.js").write_text(CODE.replace('"one"', '"two"').replace("one</body>", "two"))
    secret(project, "the second token")
    # Its page has no place for the footer any more.
    assert f"https://{DOMAIN}/ came without its footer" in stack.up().output
    assert told(cloud, stack) == {"release": "two", "token": "the second token", "greeting": "你好"}


def test_one_that_does_not_start_is_told_in_its_own_words_and_the_last_one_serves(
    cloud: Cloud, project: Project, stack: Stack
) -> None:
    (project.folder / "app/server.js").write_text("throw new Error('no database');")
    failed = stack.run("up")
    assert failed.code != 0
    assert "no database" in failed.output
    assert "nothing was switched" in failed.output
    assert told(cloud, stack)["release"] == "two"
    (project.folder / "app/server.js").write_text(CODE.replace('"one"', '"two"'))
    assert "came without its footer" not in stack.up().output


def test_its_log_is_read_through_the_cloud(cloud: Cloud, project: Project, stack: Stack) -> None:
    told(cloud, stack)
    ran = subprocess.run(
        [sys.executable, "-m", "luodi", "logs", "app", "--stack", "app", "--lines", "5"],
        cwd=project.folder, env=project.environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "asked for /api" in ran.stdout
