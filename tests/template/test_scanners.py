"""What scanners find in what is rendered: nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import packages
from luodi.filing.numbers import parse_icp, parse_public_security
from luodi.rendering import (
    Area,
    Endpoint,
    Footer,
    Headers,
    Hsts,
    Kind,
    Location,
    Log,
    Maintenance,
    MiniProgram,
    Nginx,
    Php,
    Proxy,
    Redirect,
    Renderer,
    Spa,
    Static,
    Upstream,
    VirtualHost,
)
from tests.template.server import LOCAL, Server, certificates

FOOTER = Footer(parse_icp("京ICP备2026068982号-1"), parse_public_security("京公网安备11010502000001号"), "示例")
BEHIND = Upstream(("127.0.0.1:3000",))
SAFE = Headers(hsts=Hsts(63072000, subdomains=True))
RELEASE = "/opt/luodi/releases/scanned"


def hosts() -> list[VirtualHost]:
    """A site of each kind, and all that may be said of one."""
    kinds: dict[str, Kind] = {
        "static.cn": Static(immutable=("/fonts/",)),
        "spa.cn": Spa(),
        "proxy.cn": Proxy(BEHIND, "/health", stream_requests=True, stream_responses=True, decompress=True),
        "program.cn": MiniProgram(BEHIND, socket=Endpoint("/", "ws.program.cn")),
        "php.cn": Php("unix:/run/php/php.cn.sock"),
    }
    found = []
    for name, kind in kinds.items():
        found.append(
            VirtualHost(
                (name, f"ws.{name}"),
                "示例",
                FOOTER,
                certificates(name),
                kind,
                paths=(Location("/api/", Proxy(BEHIND)), Location("/blog/", Php("unix:/run/php/blog.sock"))),
                redirects=(Redirect("/old", "/new"), Redirect("/was/*", "https://other.cn/")),
                areas=(
                    Area("/admin/", (("me", "$6$salt$hash"),), ("10.0.0.0/8",)),
                    Area("/office/", (), ("10.0.0.0/8",)),
                ),
                verification={"WW_verify_x.txt": "x"},
                maintenance=Maintenance(("10.0.0.0/8",)) if name == "spa.cn" else None,
                headers=SAFE,
                one_name=True,
                audience=("10.0.0.0/8",) if name == "php.cn" else None,
            )
        )
    return found


@pytest.mark.parametrize("version", ["1.22.1", "1.26.3"])
def test_gixy_finds_nothing(tmp_path: Path, version: str) -> None:
    nginx = Nginx(version, log=Log("json"), trusted_proxies=("100.64.0.0/10",))
    for path, text in Renderer().nginx_files(*hosts(), release="scanned", nginx=nginx).items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace(RELEASE, str(tmp_path)))
    command = [str(Path(sys.executable).with_name("gixy")), "--format", "json", str(tmp_path / "nginx/nginx.conf")]
    said = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert json.loads(said.stdout) == [], said.stdout
    assert "error" not in said.stderr.lower(), said.stderr


@pytest.fixture(scope="module")
def testssl() -> str:
    """The program, by whichever name the distribution gives it."""
    packages.require(packages.SCANNERS)
    found = shutil.which("testssl") or shutil.which("testssl.sh")
    assert found
    return found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("scanned") / "server")
    server.add(
        VirtualHost(("static.cn",), "示例", FOOTER, certificates("static.cn"), Static(False), headers=SAFE), "r1"
    )
    with server.serving("r1"):
        yield server


def test_testssl_finds_nothing(served: Server, testssl: str, tmp_path: Path) -> None:
    """Protocols, ciphers, forward secrecy and headers; the rest of its tests takes minutes."""
    (tmp_path / "ca.pem").write_text(served.authority)
    command = [testssl, "--quiet", "--color", "0", "--warnings", "off", "--ip", LOCAL, "--add-ca", "ca.pem"]
    command += ["--protocols", "--std", "--fs", "--headers", "--jsonfile", "found.json"]
    command += [f"static.cn:{served.listen.https}"]
    environment = {**os.environ, "NO_ENGINE": "true"}  # else it warns of what the scanning machine's OpenSSL lacks
    said = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=500, check=False
    )
    found = json.loads((tmp_path / "found.json").read_text())
    assert {"TLS1_1", "TLS1_3", "cipherlist_STRONG", "HSTS_time"} <= {each["id"] for each in found}, said.stdout
    assert [each for each in found if each["severity"] not in ("OK", "INFO")] == [], said.stdout
