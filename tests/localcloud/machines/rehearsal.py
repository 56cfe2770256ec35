"""The machines' door under test, with the few things that every test asks of it."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from localcloud.machines import Machines, MachineSpec, Outcome

_numbers = itertools.count(1)
WAIT_SECONDS = 30.0


class Rehearsal:
    """The door under test, with the few things that every test asks of it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.machines = Machines(home, log=logging.getLogger("test.machines"))

    def spec(self, *, script: str = "", address: str | None = None, disk_bytes: int | None = None) -> MachineSpec:
        number = next(_numbers)
        return MachineSpec(
            id=f"ins-{number:08d}",
            hostname=f"vm-{number}",
            address=address,
            os_name="Debian 12.0 64bit",
            user_data=script.encode(),
            disk_bytes=disk_bytes,
        )

    async def create(self, *, script: str = "", address: str | None = None, disk_bytes: int | None = None) -> str:
        spec = self.spec(script=script, address=address, disk_bytes=disk_bytes)
        await self.machines.create(spec)
        return spec.id

    async def run(
        self,
        machine: str,
        script: str,
        *,
        username: str = "root",
        directory: str = "",
        seconds: float = 30.0,
    ) -> Outcome:
        return await self.machines.run(
            machine,
            script.encode(),
            username=username,
            working_directory=directory,
            timeout=seconds,
        )

    async def output(self, machine: str, script: str, *, username: str = "root") -> str:
        """Run a script that must succeed; return what it printed."""
        outcome = await self.run(machine, script, username=username)
        assert outcome.exit_code == 0, outcome
        return outcome.output.decode().strip()

    async def until(self, machine: str, script: str) -> None:
        """Wait until a script succeeds in the machine."""

        async def succeeds() -> bool:
            return (await self.run(machine, script)).exit_code == 0

        await until(succeeds, f"{script!r} in {machine}; its console:\n{self.console(machine)}")

    async def install_nginx(self, machine: str) -> None:
        await self.output(machine, "apt-get install -y nginx")

    def console(self, machine: str) -> str:
        return (self.home / "machines" / machine / "console.log").read_text(errors="replace")

    async def get(self, address: str, *, source: str = "127.0.0.1", port: int = 80) -> int:
        """Ask the machine at an address for /; return the status it answers with."""
        return await asyncio.to_thread(_get, address, self.machines.ports()[port], source)


def _get(address: str, port: int, source: str) -> int:
    connection = http.client.HTTPConnection(address, port, timeout=10, source_address=(source, 0))
    try:
        connection.request("GET", "/")
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait, within a bound, until a condition holds."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not await condition():
        assert time.monotonic() < deadline, f"in vain waited for: {what}"
        await asyncio.sleep(0.05)


def host_processes(*words: str) -> list[int]:
    """Return the host's processes whose command line ends with these words."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
            except OSError:
                continue
            if command[-len(words) :] == list(words):
                found.append(int(entry.name))
    return found
