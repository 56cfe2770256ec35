"""Web servers that serve the same: files, and an application at ``/app/``, over TLS on a port of the loopback."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import programs
from luodi.filing.numbers import parse_icp
from luodi.rendering import Footer, Headers, Location, Proxy, Static, Upstream, VirtualHost
from tests.loopback import free_port
from tests.template.server import Server, certificates, issued

NAME = "example.cn"
_SANDBOX = (
    *("bwrap", "--bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--die-with-parent", "--unshare-pid"),
    *("--tmpfs", "/run"),
)
"""As luodi's nginx stands in one; what that costs, everybody pays."""
_CADDY = Path(__file__).with_name("caddy")


@dataclass(frozen=True)
class Ground:
    """What every contender is given: a folder of its own, the files, where the application is, and the value of a
    further header, X-Padding.

    How long an answer's header is decides how what follows lies in memory, and so how fast some processors copy it: of
    a large file a sixth of the rate is won or lost by it. So each round has another length, for all the same."""

    folder: Path
    content: dict[str, bytes]
    upstream: str
    padding: str

    def padded(self, configuration: str) -> str:
        """The text of an nginx.conf, with that header."""
        return configuration.replace("http {", f"http {{\n    add_header X-Padding {self.padding};", 1)

    def prepared(self, name: str) -> tuple[Path, Path, int]:
        """A folder with ``html/``, a folder with the certificate, and a port."""
        place = self.folder / name
        for path, data in self.content.items():
            file = place / "html" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        tls = place / "tls"
        tls.mkdir()
        certificate = issued((NAME,))
        (tls / "chain.pem").write_bytes(certificate.chain)
        (tls / "key.pem").write_bytes(certificate.key_pem)
        (place / "log").mkdir()
        return place, tls, free_port()


@contextmanager
def luodi(ground: Ground, *, footer: bool = False) -> Iterator[int]:
    """What luodi renders for a static site with an application at a path."""
    icp = parse_icp("粤ICP备2026068982号-1") if footer else None
    host = VirtualHost(
        names=(NAME,),
        title="bench",
        footer=Footer(icp=icp),
        certificates=certificates(NAME),
        kind=Static(),
        paths=(Location("/app/", Proxy(Upstream((ground.upstream,)))),),
        headers=Headers(more={"X-Padding": ground.padding}),
    )
    server = Server(ground.folder / ("luodi-footer" if footer else "luodi"))
    server.add(host, "r1", ground.content)
    server.switch("r1")
    server.start()
    try:
        yield server.listen.https
    finally:
        server.stop()


@contextmanager
def debian(ground: Ground) -> Iterator[int]:
    """nginx as Debian ships it, and in its site no more than what makes it serve this."""
    place, tls, port = ground.prepared("debian")
    shipped = Path("/etc/nginx/nginx.conf.distribution")
    text = (shipped if shipped.exists() else Path("/etc/nginx/nginx.conf")).read_text()
    text = text.replace("/var/log/nginx", str(place / "log")).replace("/run/nginx.pid", str(place / "nginx.pid"))
    text = re.sub(r"(?m)^\s*include .*modules-enabled.*$", "", text)  # what was installed besides, for tests
    text = re.sub(r"(?m)^\s*include .*(conf\.d/\*\.conf|sites-enabled).*$", "", text, count=1)
    text = re.sub(r"(?m)^\s*include .*sites-enabled.*$", f"    include {place}/site.conf;", text)
    (place / "nginx.conf").write_text(ground.padded(text))
    site = f"""server {{
    listen 127.0.0.1:{port} ssl http2;
    server_name {NAME};
    ssl_certificate {tls}/chain.pem;
    ssl_certificate_key {tls}/key.pem;
    root {place}/html;
    {_passing(ground.upstream)}
}}"""
    (place / "site.conf").write_text(site)
    with _nginx(place, port):
        yield port


@contextmanager
def h5bp(ground: Ground, checkout: Path) -> Iterator[int]:
    """The configuration of h5bp/server-configs-nginx, from a checkout of it; of its TLS policies the one that has TLS
    1.3, as all others have."""
    place, tls, port = ground.prepared("h5bp")
    for part in ("h5bp", "mime.types", "nginx.conf"):
        source = checkout / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, place / part)
    text = (place / "nginx.conf").read_text().replace("/var/log/nginx", str(place / "log"))
    text = re.sub(r"(?m)^\s*pid\s.*;$", f"pid {place}/nginx.pid;", text)
    text = re.sub(r"(?m)^.*custom\.d.*$", "", text)
    (place / "nginx.conf").write_text(ground.padded(text))
    (place / "conf.d").mkdir()
    site = f"""server {{
    listen 127.0.0.1:{port} ssl http2;
    server_name {NAME};
    include h5bp/tls/ssl_engine.conf;
    ssl_certificate {tls}/chain.pem;
    ssl_certificate_key {tls}/key.pem;
    include h5bp/tls/policy_strict.conf;
    root {place}/html;
    include h5bp/basic.conf;
    {_passing(ground.upstream)}
}}"""
    (place / "conf.d" / "site.conf").write_text(site)
    with _nginx(place, port):
        yield port


@contextmanager
def caddy(ground: Ground) -> Iterator[int]:
    """Caddy, built from its Go module."""
    place, tls, port = ground.prepared("caddy")
    program = programs.go(_CADDY, "github.com/caddyserver/caddy/v2/cmd/caddy")
    (place / "Caddyfile").write_text(f"""{{
    admin off
    auto_https off
    persist_config off
    log {{
        output file {place}/log/caddy.log
    }}
}}
https://{NAME}:{port} {{
    bind 127.0.0.1
    tls {tls}/chain.pem {tls}/key.pem
    encode gzip
    header X-Padding {ground.padding}
    log {{
        output file {place}/log/access.log
    }}
    handle /app/* {{
        reverse_proxy {ground.upstream}
    }}
    handle {{
        root * {place}/html
        file_server
    }}
}}
""")
    command = [str(program), "run", "--config", str(place / "Caddyfile"), "--adapter", "caddyfile"]
    with _running(command, port, place / "log" / "output", {"HOME": str(place), "XDG_DATA_HOME": str(place)}):
        yield port


def _passing(upstream: str) -> str:
    """What nginx's own documentation gives for an application with WebSockets, with connections kept."""
    return f"""location /app/ {{
        proxy_pass http://{upstream};
        proxy_http_version 1.1;
        proxy_set_header Host $host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $http_connection;
    }}"""


@contextmanager
def _nginx(place: Path, port: int) -> Iterator[None]:
    command = ["nginx", "-p", str(place), "-c", str(place / "nginx.conf"), "-g", "daemon off;"]
    with _running(command, port, place / "log" / "output"):
        yield


@contextmanager
def _running(command: list[str], port: int, output: Path, more: dict[str, str] | None = None) -> Iterator[None]:
    environment = {**os.environ, **(more or {})}
    with (
        output.open("w") as file,
        # In a session of its own, as the nginx of luodi's sandbox is, which is a daemon: Linux shares the processors
        # out among sessions first (autogroups), so who is in that of the load gets another share.
        subprocess.Popen(
            [*_SANDBOX, *command], stdout=file, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        ) as process,
    ):
        try:
            _wait(port, process, output)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait(port: int, process: subprocess.Popen[bytes], output: Path) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"{process.args!r} does not serve:\n{output.read_text()}") from None
            time.sleep(0.05)
        else:
            return
