"""Applications, blue and green, on a rehearsal machine with the real nginx and the real Node.js."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from luodi.apps import App, user
from luodi.delivery.files import File, digest
from luodi.delivery.tat import CommandFailed
from luodi.rendering import Proxy, Static, Upstream
from luodi.settings.app import AppSettings
from tests.examples.server import Refused, Server, released, rendered, site

NAME = "shop.example.cn"
UNITS = "ls /etc/systemd/system | grep '@' || true"
PROCESS = f"systemctl show --property=MainPID --value $(ls /etc/systemd/system | grep '^luodi-{NAME}@')"
CODE = """
const http = require("node:http");
const server = http.createServer((request, response) => {
  if (request.url === "/healthz") return response.writeHead(Number(process.env.HEALTH || 200)).end();
  if (request.url === "/slow") return setTimeout(() => response.end(process.env.GREETING), 3000);
  response.end(process.env.GREETING);
});
server.listen(process.env.PORT, process.env.LISTEN || process.env.HOST);
process.on("SIGTERM", () => { server.close(() => process.exit(0)); server.closeIdleConnections(); });
"""
LOAD = """
const https = require("node:https");
const agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false });
const seen = {}, failed = [];
let over = false;
process.on("SIGTERM", () => { over = true; });
const ask = () => new Promise((done) => {
  const options = { agent, host: "127.0.0.1", servername: "shop.example.cn", headers: { Host: "shop.example.cn" } };
  const request = https.get(options, (response) => {
    let text = "";
    response.on("data", (data) => { text += data; });
    response.on("end", () => {
      if (response.statusCode === 200) seen[text] = (seen[text] || 0) + 1; else failed.push(response.statusCode);
      done();
    });
  });
  request.on("error", (error) => {
    // A kept connection may be closed while a request is on its way: every client asks again then (RFC 9112, 9.3.1).
    if (error.code !== "ECONNRESET" || !request.reusedSocket) failed.push(String(error));
    done();
  });
});
const client = async () => { while (!over) await ask(); };
Promise.all(Array.from({ length: 4 }, client)).then(() => {
  require("node:fs").writeFileSync("/tmp/load.json", JSON.stringify({ seen, failed }));
  process.exit(0);
});
"""


def application(*, secrets_version: str | None = None, **more: Any) -> App:
    """A small one."""
    settings: dict[str, Any] = {
        "content": "./app",
        "command": ["node", "server.js"],
        "health": "/healthz",
        "drain": 8,
        "start": 15,
        **more,
    }
    judged = AppSettings.model_validate(settings)
    content = digest({"server.js": File.holding(CODE.encode())})
    return App(NAME, NAME, f"sites/{NAME}/app", content, judged, secrets_version)


def release(
    greeting: str, *, environment: dict[str, str] | None = None, extra: dict[str, bytes] | None = None, **more: Any
) -> dict[str, bytes]:
    """One in which the application says something; `extra` are other files of it."""
    app = application(environment={"GREETING": greeting, **(environment or {})}, **more)
    served = rendered(site(NAME, Proxy(Upstream(managed=app.name), health="/healthz")))
    return {**served, **released(app, {"server.js": CODE.encode()}), **(extra or {})}


def test_systemd_itself_finds_the_units_in_order_and_well_confined(programs: None, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"secrets": {"TOKEN": "token"}, "shared": ["uploads"], "environment": {"A": "b"}}
    written = application(**settings).files()
    for file, unit in {"service": "luodi-shop@3000.service", "build.service": "luodi-shop-build.service"}.items():
        text = written[f"apps/{NAME}/{file}"].replace("ExecStart=node", "ExecStart=/bin/true")
        text = re.sub(r"^(User|Group)=.*", r"\1=daemon", text, flags=re.MULTILINE)
        path = tmp_path / unit
        path.write_text(text)
        verified = subprocess.run(["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False)
        assert not [line for line in verified.stderr.splitlines() if unit in line], verified.stderr
        judged = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", str(path)], capture_output=True, text=True, check=True
        )
        exposure = re.search(r"Overall exposure level for .*: ([0-9.]+)", judged.stdout)
        assert exposure is not None, judged.stdout
        assert float(exposure[1]) < 2.5, judged.stdout


@pytest.fixture(scope="module")
def one(machine: Server) -> Server:
    """A machine on which the application says one."""
    machine.deliver(release("one"))
    assert machine.get() == "one"
    return machine


def test_it_is_a_service_of_its_own_user_that_only_nginx_reaches(one: Server) -> None:
    assert one.run(f"ps -o user:40= -p $({PROCESS})") == user(NAME)
    listening = one.run("ss -Hltn | awk '{print $4}' | grep :2")
    assert listening.startswith("127.0.0.1:2")
    assert one.run(f"grep NoNewPrivs /proc/$({PROCESS})/status").endswith("1")
    for path in ("/etc/luodi", f"/opt/luodi/apps/{NAME}/*/environment"):
        with pytest.raises(Refused, match="Permission denied"):
            one.run(f"for file in {path}; do cat $file/* $file; done", username=user(NAME))


def test_nothing_is_lost_while_releases_follow_each_other(one: Server) -> None:
    one.run(f"cat > /tmp/load.js <<'EOF'\n{LOAD}\nEOF")
    one.run("setsid node /tmp/load.js >/tmp/load.log 2>&1 & echo $! > /tmp/load.pid")
    for greeting in ("two", "three", "one"):
        one.deliver(release(greeting))
    one.run("kill $(cat /tmp/load.pid)")
    one.until("test -s /tmp/load.json")
    found = json.loads(one.run("cat /tmp/load.json"))
    assert found["failed"] == []
    assert found["seen"].keys() == {"one", "two", "three"}
    assert sum(found["seen"].values()) > 100
    assert one.run(UNITS).count("luodi-") == 1


def test_a_request_that_is_under_way_is_answered_by_the_one_it_was_made_to(one: Server) -> None:
    ask = f"curl -sSk --resolve {NAME}:443:127.0.0.1 https://{NAME}/slow"
    one.run(f"({ask} > /tmp/slow; touch /tmp/slow.done) >/dev/null 2>&1 &")
    one.until("ss -Htn state established | grep -q :2")
    one.deliver(release("two"))
    one.until("test -e /tmp/slow.done")
    assert one.run("cat /tmp/slow") == "one"
    assert one.get() == "two"
    one.deliver(release("one"))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"environment": {"HEALTH": "503"}, "start": 2}, "/healthz did not answer below 400 within 2 s"),
        ({"command": ["node", "missing.js"]}, "Cannot find module"),
        ({"command": ["no-such-program"]}, "it could not be started"),
        ({"environment": {"LISTEN": "0.0.0.0"}}, r"it listens on 0\.0\.0\.0:2\d+, where others may reach it"),
        ({"install": ["sh", "-c", "echo no such package; exit 3"]}, "no such package\n.*could not be fetched"),
        ({"extra": {"nginx/nginx.conf": b"nonsense"}}, "nginx refuses release"),
    ],
)
def test_one_that_is_not_well_changes_nothing(one: Server, change: dict[str, Any], why: str) -> None:
    before = one.run(f"{UNITS}; {PROCESS}; readlink /opt/luodi/current; ss -Hltn | sort")
    with pytest.raises(CommandFailed, match=why) as refused:
        one.deliver(release("two", **change))
    assert "nothing was switched" in str(refused.value)
    assert one.get() == "one"
    assert one.run(f"{UNITS}; {PROCESS}; readlink /opt/luodi/current; ss -Hltn | sort") == before


def test_one_that_did_not_change_is_left_alone(one: Server) -> None:
    before = one.run(PROCESS)
    one.deliver({**release("one"), f"sites/{NAME}/html/new.txt": b"new"})
    assert one.run(PROCESS) == before
    one.deliver(release("one"))
    assert one.run(PROCESS) == before


def test_the_way_back_brings_the_application_of_then(one: Server) -> None:
    first, second = one.deliver(release("one")), one.deliver(release("two"))
    one.rollback(first)
    assert one.get() == "one"
    one.rollback(second)
    assert one.get() == "two"
    assert one.run(UNITS).count("luodi-") == 1
    one.deliver(release("one"))


def test_it_is_there_after_a_reboot(one: Server) -> None:
    one.reboot()
    one.until(f"curl -sSfk --resolve {NAME}:443:127.0.0.1 https://{NAME}/ | grep -qx one")


def test_a_port_that_is_in_use_is_named(one: Server) -> None:
    one.run("setsid python3 -m http.server --bind 127.0.0.1 3001 >/dev/null 2>&1 & echo $! > /tmp/taken")
    one.until("ss -Hltn | grep -q :3001")
    with pytest.raises(CommandFailed, match="port 3001 is in use"):
        one.deliver(release("two", ports=[3001, 3002]))
    one.run("kill $(cat /tmp/taken)")
    assert one.get() == "one"


def test_one_that_is_gone_from_the_release_is_taken_down(one: Server) -> None:
    one.deliver(rendered(site(NAME, Static(has_content=False))))
    assert one.run(UNITS) == ""
    assert one.run("ss -Hltn | grep -c :2 || true") == "0"
    one.deliver(release("one"))
    assert one.get() == "one"
