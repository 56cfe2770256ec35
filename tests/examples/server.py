"""A prepared server in a rehearsal machine, to which releases are brought as `pulumi up` brings them."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from luodi.apps import App, Php
from luodi.delivery import tat
from luodi.delivery.deliver import Delivery, Wanted
from luodi.delivery.files import File
from luodi.delivery.scripts import Scripts
from luodi.delivery.tat import CommandFailed
from luodi.rendering import RELEASE, CertificateFiles, Footer, Kind, Renderer, VirtualHost
from luodi.words import Words
from tests.localcloud.machines.rehearsal import Rehearsal

SCRIPTS = Scripts(Path(__file__).parents[2] / "templates")
_CERTIFICATE = """
mkdir -p /etc/luodi/test
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=test \
  -addext 'subjectAltName=DNS:*.example.cn,DNS:example.cn' \
  -keyout /etc/luodi/test/key.pem -out /etc/luodi/test/chain.pem 2>/dev/null
"""


class Refused(Exception):
    """A script that failed on the server, with what it said."""


class Server:
    """A machine that is prepared."""

    def __init__(self, runner: asyncio.Runner, rehearsal: Rehearsal, machine: str) -> None:
        self._runner, self._rehearsal, self.machine = runner, rehearsal, machine

    def run(self, script: str, *, username: str = "root", seconds: float = 240) -> str:
        """Run a script that must succeed; what it printed. Raises Refused."""
        ran = self._runner.run(
            self._rehearsal.run(self.machine, script, username=username, directory="/", seconds=seconds)
        )
        said = ran.output.decode()
        if ran.exit_code:
            raise Refused(said)
        return said.strip()

    def until(self, script: str) -> None:
        """Wait until a script succeeds."""
        self._runner.run(self._rehearsal.until(self.machine, script))

    def reboot(self) -> None:
        """Off and on again."""
        self._runner.run(self._rehearsal.machines.reboot(self.machine))

    def get(self, path: str = "/", name: str = "shop.example.cn", options: str = "") -> str:
        """What nginx serves, by curl on the server itself; `options` are curl's."""
        address = shlex.quote(f"https://{name}{path}")
        return self.run(f"curl -sSfk --max-time 20 --resolve {name}:443:127.0.0.1 {options} {address}")

    def deliver(self, files: Mapping[str, bytes], names: tuple[str, ...] = ("shop.example.cn",)) -> str:
        """Bring a release and switch it on; its id. Raises CommandFailed."""
        held = {path: File.holding(data) for path, data in files.items()}
        pages = dict.fromkeys(names, "")
        return Delivery(Shell(self), SCRIPTS).deliver(Wanted(held, names, pages, RELEASE, {"who": "a test"})).id

    def rollback(self, release: str) -> None:
        """Go back to a release that is there. Raises CommandFailed."""
        Delivery(Shell(self), SCRIPTS).rollback(release, {"who": "a test"})


class Shell(tat.Shell):
    """The machine, in the place of a server behind TAT."""

    def __init__(self, server: Server) -> None:
        self._server, self.instance = server, server.machine

    def wait(self, seconds: float = 300) -> None:
        """It is there."""

    def run(self, what: str | Words, script: str, *, seconds: int = 120) -> str:
        """As of a server."""
        try:
            return self._server.run(script, seconds=seconds)
        except Refused as error:
            raise CommandFailed(what, self.instance, "FAILED", 1, str(error)) from None


@contextmanager
def running(home: Path) -> Iterator[Server]:
    """A machine with nginx and a certificate, prepared by the script that prepares real servers."""
    with asyncio.Runner() as runner:

        async def start() -> Rehearsal:
            return Rehearsal(home)

        rehearsal = runner.run(start())
        try:
            server = Server(runner, rehearsal, runner.run(rehearsal.create()))
            server.run(SCRIPTS.prepare())
            server.run(_CERTIFICATE)
            yield server
        finally:
            runner.run(rehearsal.machines.close())


def site(name: str, kind: Kind, **more: Any) -> VirtualHost:
    """A site before an application."""
    files = CertificateFiles("/etc/luodi/test/chain.pem", "/etc/luodi/test/key.pem")
    return VirtualHost((name,), "测试", Footer(), (files,), kind, **more)


def rendered(*sites: VirtualHost) -> dict[str, bytes]:
    """The nginx of a release."""
    return {path: text.encode() for path, text in Renderer().nginx_files(*sites).items()}


def released(app: App | Php, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """What a release holds of an application."""
    defined = {path: text.encode() for path, text in app.files().items()}
    return {**defined, **{f"{app.content}/{path}": data for path, data in files.items()}}
