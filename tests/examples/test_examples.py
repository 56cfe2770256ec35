"""Every example, all on one rehearsal machine: real nginx, Node.js and Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from luodi import hosting
from luodi.apps import App, packages
from luodi.delivery.content import read
from luodi.delivery.files import digest
from luodi.rendering import Kind, MiniProgram, Proxy, Spa, Static, Upstream
from luodi.settings import Settings
from luodi.settings.app import AppSettings
from tests.examples.conftest import EXAMPLES
from tests.examples.server import Refused, Server, released, rendered, site

NODE, PYTHON, API = "node.example.cn", "python.example.cn", "api.example.cn"
WECHAT = "http://127.0.0.1:9001"
STAND_IN = """
// WeChat's code2Session, as far as a login asks it: https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/code2Session.html
require("node:http").createServer((request, response) => {
  const asked = new URL(request.url, "http://localhost");
  const value = (name) => asked.searchParams.get(name);
  const known = asked.pathname === "/sns/jscode2session" && value("grant_type") === "authorization_code";
  if (!known) return response.writeHead(404).end();
  const ours = value("appid") === "wx0123456789abcdef" && value("secret") === "a-secret";
  if (!ours) return response.end('{"errcode":40125}');
  if (value("js_code") !== "the-code") return response.end('{"errcode":40029,"errmsg":"invalid code"}');
  response.end('{"openid":"o-1","session_key":"c2Vzc2lvbi1rZXk="}');
}).listen(9001, "127.0.0.1");
"""
SOCKET = """
const {{ WebSocket }} = require("{modules}/ws");
const socket = new WebSocket("wss://127.0.0.1{path}", {{
  rejectUnauthorized: false, servername: "{host}", headers: {{ Host: "{host}", Authorization: "Bearer {token}" }},
}});
socket.on("open", () => socket.send("你好"));
socket.on("message", (data) => {{ console.log(String(data)); socket.close(); }});
socket.on("error", (error) => {{ console.log(error.message); process.exit(0); }});
"""


def stack(example: str) -> dict[str, Any]:
    """What an example's stack file says of its site."""
    told = yaml.safe_load((EXAMPLES / example / f"Pulumi.{example}.yaml").read_text("utf-8"))
    return dict(told["config"]["luodi:site"])


def files(folder: str) -> dict[str, bytes]:
    return {path: file.open().read() for path, file in read(EXAMPLES.parent / folder).items()}


def app(example: str, **environment: str) -> tuple[App, dict[str, bytes]]:
    """An example's application, and what a release holds of it."""
    told = stack(example)
    settings = AppSettings.model_validate({**told["app"], "secrets": {}})
    settings = settings.model_copy(update={"environment": {**settings.environment, **environment}, "drain": 1})
    content = read(EXAMPLES.parent / settings.content)
    made = App(told["domain"], told["domain"], f"sites/{told['domain']}/app", digest(content), settings)
    return made, released(made, files(settings.content))


@pytest.fixture(scope="module")
def server(machine: Server, fetched: None) -> Server:
    """A machine that serves all of them."""
    machine.run(f"cat > /tmp/wechat.js <<'EOF'\n{STAND_IN}\nEOF\nsetsid node /tmp/wechat.js > /tmp/wechat.log 2>&1 &")
    node, python = app("proxy-node"), app("proxy-python")
    api = app("mini-program", WECHAT_API=WECHAT, WECHAT_SECRET="a-secret")
    machine.run(f"apt-get install -y {' '.join(packages([python[0].settings]))}")

    def proxy(made: App) -> Kind:
        return Proxy(Upstream(managed=made.name), health=made.settings.health)

    sites = [
        site(NODE, proxy(node[0])),
        site(PYTHON, proxy(python[0])),
        site(API, MiniProgram(Upstream(managed=api[0].name), health="/healthz")),
        site("static.example.cn", Static()),
        site("spa.example.cn", Spa()),
    ]
    release = {**rendered(*sites), **node[1], **python[1], **api[1]}
    for example in ("static", "spa"):
        told = stack(example)
        release |= {f"sites/{told['domain']}/html/{path}": data for path, data in files(told["content"]).items()}
    machine.deliver(release, (NODE, PYTHON, API, "static.example.cn", "spa.example.cn"))
    return machine


def socket(server: Server, host: str, path: str, token: str = "") -> str:
    modules = f"/opt/luodi/apps/{host}/*/app/node_modules"
    script = SOCKET.format(modules=server.run(f"echo {modules}"), host=host, path=path, token=token)
    return server.run(f"node -e '{script}'")


def test_koa_sees_its_visitor_and_echoes_on_its_socket(server: Server) -> None:
    assert json.loads(server.get("/api/me", NODE, "-H 'X-Forwarded-For: 8.8.8.8'")) == {
        "address": "127.0.0.1",
        "secure": True,
        "host": NODE,
        "greeting": "你好",
    }
    assert "<h1>你好</h1>" in server.get("/", NODE)
    assert socket(server, NODE, "/ws") == "你好"


def test_flask_sees_its_visitor(server: Server) -> None:
    told = json.loads(server.get("/api/me", PYTHON, "-H 'X-Forwarded-For: 8.8.8.8'"))
    assert told == {"address": "127.0.0.1", "secure": True, "greeting": "你好"}


def login(server: Server, code: str = "the-code") -> str:
    data = json.dumps({"code": code})
    return str(json.loads(server.get("/login", API, f"-X POST -d '{data}'"))["token"])


def test_a_mini_program_logs_in_and_its_session_key_stays_on_the_server(server: Server) -> None:
    token = login(server)
    assert json.loads(server.get("/me", API, f"-H 'Authorization: Bearer {token}'"))["member"]
    kept = server.run(f"cat /var/lib/luodi-apps/{API}/sessions/*")
    assert json.loads(kept)["sessionKey"] == "c2Vzc2lvbi1rZXk="
    assert token not in kept + server.run(f"ls /var/lib/luodi-apps/{API}/sessions")
    assert server.run(f"stat --format=%a /var/lib/luodi-apps/{API}/sessions") == "700"
    for refused in (f"-H 'Authorization: Bearer {'A' * 43}'", "-H 'Authorization: Bearer ../../etc/passwd'", ""):
        with pytest.raises(Refused, match="401"):
            server.get("/me", API, refused)
    with pytest.raises(Refused, match="401"):
        login(server, "another-code")


def test_its_files_travel_whole(server: Server) -> None:
    token = f"-H 'Authorization: Bearer {login(server)}'"
    server.run("head -c 20000000 /dev/urandom > /tmp/large")
    [sha256, _] = server.run("sha256sum /tmp/large").split()
    told = json.loads(server.get("/upload/", API, f"{token} -F file=@/tmp/large"))
    assert (told["size"], told["sha256"]) == (20_000_000, sha256)
    address = f"https://{API}/download/{told['id']}"
    assert server.run(f"curl -sSfk --resolve {API}:443:127.0.0.1 {token} {address} | sha256sum").startswith(sha256)
    assert server.run(f"sha256sum < /var/lib/luodi-shared/{API}/files/{told['id']}").startswith(sha256)
    with pytest.raises(Refused, match="400"):
        server.get("/download/..%2f..%2fserver.js", API, token)
    with pytest.raises(Refused, match="401"):
        server.get("/upload/", API, "-F file=@/etc/hostname")


def test_its_socket_opens_for_those_who_are_logged_in(server: Server) -> None:
    assert socket(server, API, "/ws/", login(server)) == "你好"
    assert "401" in socket(server, API, "/ws/", "A" * 43)


def test_files_and_a_single_page_application(server: Server) -> None:
    assert "一个静态网站" in server.get("/", "static.example.cn")
    assert "这里没有您要找的页面" in server.run(
        "curl -sSk --resolve static.example.cn:443:127.0.0.1 https://static.example.cn/missing"
    )
    assert "max-age=31536000" in server.get("/style.3f9a1c7e.css", "static.example.cn", "-I").lower()
    assert "app.9b2e4d10.js" in server.get("/about", "spa.example.cn")
    with pytest.raises(Refused, match="404"):
        server.get("/assets/missing.js", "spa.example.cn")


@pytest.mark.parametrize("example", sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir()))
def test_an_example_is_whole(example: str) -> None:
    folder: Path = EXAMPLES / example
    assert f"examples/{example}" in (folder / "README.md").read_text("utf-8")
    assert f"({example}/README.md)" in (EXAMPLES / "README.md").read_text("utf-8")
    for lock in folder.rglob("package-lock.json"):
        assert '"resolved"' not in lock.read_text("utf-8"), "a server's own mirror is asked"


@pytest.mark.parametrize("example", sorted(path.parent.name for path in EXAMPLES.glob("*/Pulumi.*.yaml")))
def test_the_stack_file_of_an_example_is_right(example: str) -> None:
    folder: Path = EXAMPLES / example
    assert f"Pulumi.{example}.yaml" in (folder / "README.md").read_text("utf-8")
    told = yaml.safe_load((folder / f"Pulumi.{example}.yaml").read_text("utf-8"))["config"]
    settings = Settings.parse(told)
    sources = [source for each in settings.sites for source in hosting.contents(each).values()]
    assert sources
    project = folder if (folder / "Pulumi.yaml").is_file() else EXAMPLES.parent
    assert all((project / source.folder).is_dir() for source in sources)
    assert bool(hosting.console_domains(settings.main)) == (example == "mini-program")
