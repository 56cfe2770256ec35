"""A server for scripts to run on: a sandbox with a root of its own, its own network and the real nginx."""

from __future__ import annotations

import hashlib
import shlex
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from luodi.rendering import RELEASE

_END = "--- the end of that command ---"
_SYSTEMCTL = """#!/bin/bash
# Does to nginx what Debian's unit of it does; what nginx says goes to the journal.
exec 2>> /run/journal
case "$*" in
  "is-active --quiet nginx") kill -0 "$(cat /run/nginx.pid)" ;;
  "reload nginx") [[ ! -e /run/reload-fails ]] && nginx -s reload ;;
  "start nginx") [[ ! -e /run/start-fails ]] && nginx ;;
  *) echo "systemctl $*: not known here"; exit 1 ;;
esac
"""
_JOURNALCTL = """#!/bin/bash
echo "the journal of nginx"
"""
_DISTRIBUTION = """user root;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log;
events {}
http { access_log off; server { listen 80; return 200 "Welcome to nginx!"; } }
"""
KEY = "/etc/luodi/keys/site.pem"
_SETUP = f"""
mkdir -p /etc/nginx /etc/luodi/keys /var/log/nginx /var/lib/nginx /opt/luodi/releases
printf %s {shlex.quote(_DISTRIBUTION)} > /etc/nginx/nginx.conf
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {KEY} \\
  -out /etc/luodi/site.crt -subj /CN=x -addext subjectAltName=DNS:example.cn,DNS:*.example.cn
"""


@dataclass(frozen=True)
class Ran:
    """How a script ended, and what it printed."""

    code: int
    output: str


class Machine:
    """Runs scripts as root, one after another, in the same sandbox."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, script: str) -> Ran:
        """Run a bash script, as TAT does: from a file, both of its outputs together."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        command = f"printf %s {shlex.quote(script)} > /tmp/script; bash /tmp/script < /dev/null 2>&1"
        self._process.stdin.write(f"{command}; printf '\\n%d\\n{_END}\\n' $?\n")
        self._process.stdin.flush()
        *said, code = iter(self._process.stdout.readline, f"{_END}\n")
        return Ran(int(code), "".join(said).removesuffix("\n"))

    def says(self, script: str) -> str:
        """What a script that must succeed prints."""
        ran = self.run(script)
        assert ran.code == 0, ran.output
        return ran.output.strip()

    @property
    def certificate(self) -> str:
        """PEM, for the key at KEY."""
        return self.says("cat /etc/luodi/site.crt")

    @property
    def current(self) -> str:
        """The release that is switched on, if any."""
        return self.says("readlink /opt/luodi/current || true").rpartition("/")[2]

    @property
    def releases(self) -> set[str]:
        """What is in the folder of releases, also what is hidden."""
        return set(self.says("ls --almost-all /opt/luodi/releases").split())

    def get(self, path: str = "/", name: str = "example.cn") -> str:
        """What nginx serves."""
        # By HTTP/2 a server that reloads closes a connection that has asked for nothing yet; curl doesn't ask again.
        return self.says(f"curl -sSk --http1.1 --max-time 5 --resolve {name}:443:127.0.0.1 https://{name}{path}")

    def eventually_serves(self, page: str, name: str = "example.cn") -> None:
        """A worker of the configuration before may take one more request after a reload."""
        until = time.monotonic() + 10
        while (served := self.get(name=name)) != page:
            assert time.monotonic() < until, served
            time.sleep(0.02)


@contextmanager
def running(folder: Path, *, disk: int | None = None) -> Iterator[Machine]:
    """A fresh server with nginx installed and not started; `disk`: bytes that fit /opt."""
    tools = folder / "tools"
    tools.mkdir()
    for name, text in {"systemctl": _SYSTEMCTL, "journalctl": _JOURNALCTL}.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    files = [
        "/etc/passwd",
        "/etc/group",
        "/etc/nsswitch.conf",
        "/etc/ld.so.cache",
        "/etc/ssl/openssl.cnf",
        "/etc/alternatives",
    ]
    command = [
        "bwrap",
        *("--unshare-user", "--uid", "0", "--gid", "0", "--cap-add", "ALL"),
        *("--unshare-net", "--unshare-pid", "--unshare-ipc", "--die-with-parent", "--clearenv"),
        *("--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev"),
        *("--symlink", "usr/bin", "/bin", "--symlink", "usr/sbin", "/sbin"),
        *("--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64"),
        *("--tmpfs", "/etc", "--tmpfs", "/run", "--tmpfs", "/tmp", "--tmpfs", "/var"),
        *(part for file in files for part in ("--ro-bind-try", file, file)),
        *(("--size", str(disk)) if disk else ()),
        *("--tmpfs", "/opt"),
        *("--ro-bind", str(tools), "/tools", "--setenv", "PATH", "/tools:/usr/sbin:/usr/bin"),
        *("bash", "-s"),
    ]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            machine = Machine(process)
            machine.says(_SETUP)
            yield machine
        finally:
            process.kill()


def site(certificate: str, page: str = "hello", *, names: str = "example.cn", more: str = "") -> dict[str, bytes]:
    """The files of a small release; `more` goes into its nginx configuration."""
    configuration = f"""
user root;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log;
events {{}}
http {{
    access_log off;
    {more}
    server {{
        listen 443 ssl;
        server_name {names};
        ssl_certificate /opt/luodi/releases/{RELEASE}/tls/site.pem;
        ssl_certificate_key {KEY};
        root /opt/luodi/releases/{RELEASE}/html;
        location = /.well-known/luodi/release {{ return 200 "{RELEASE}"; }}
    }}
}}
"""
    return {
        "nginx/nginx.conf": configuration.encode(),
        "tls/site.pem": certificate.encode(),
        "html/index.html": page.encode(),
    }


def sha256sum(data: bytes) -> str:
    """What the program of that name prints for its standard input."""
    return f"{hashlib.sha256(data).hexdigest()}  -"
