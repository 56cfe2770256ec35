"""The door: every machine of the rehearsal cloud, by its id."""

from __future__ import annotations

import asyncio
import compileall
import contextlib
import logging
import os
import re
import resource
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from localcloud.machines.edge import Allows, Edge, Judge, loopback_ports
from localcloud.machines.errors import MachineError, UnknownMachine
from localcloud.machines.image import make_disk
from localcloud.machines.inspection import Serves
from localcloud.machines.layout import GUEST
from localcloud.machines.sandbox import Sandbox
from localcloud.machines.spec import Intranet, MachineSpec, Outcome

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class _Machine:
    """One machine: its sandbox, its edge while it has an address, and its firewall."""

    def __init__(
        self,
        directory: Path,
        spec: MachineSpec,
        intranet: Intranet | None,
        on_power: Callable[[str], None],
        log: logging.Logger,
    ) -> None:
        self.directory = directory
        self.spec = spec
        self.sandbox = Sandbox(directory, spec, intranet=intranet, on_power=on_power, log=log)
        self.edge: Edge | None = None
        self.allows: Allows = _nothing
        self.judge: Judge = _nobody
        self.busy = asyncio.Lock()
        """Held while the machine starts, stops or is removed."""

    def lets_in(self, source: str, port: int) -> bool:
        """Ask the firewall as it is now."""
        return self.allows(source, port)

    def judged_by(self) -> Serves | None:
        """Ask who judges host names now."""
        return self.judge()


def _nothing(_address: str, _port: int) -> bool:
    return False


def _nobody() -> Serves | None:
    return None


class Machines:
    """The machines under one home directory, each in ``home/machines/<id>``.

    Belongs to one event loop, whose thread must live as long as the machines: they die with it.
    Every method raises UnknownMachine for an id that was never created or is destroyed.
    """

    def __init__(self, home: Path, *, log: logging.Logger, intranet: Intranet | None = None) -> None:
        """Keep machines in `home`; without an `intranet` they reach nothing but themselves."""
        self._home = home / "machines"
        self._intranet = intranet
        self._log = log
        self._machines: dict[str, _Machine] = {}
        self._ports = loopback_ports()
        self._tasks: set[asyncio.Task[None]] = set()
        _compile_guest()
        _allow_many_connections()

    def ports(self) -> dict[int, int]:
        """Return the loopback port that is really bound at a public address for 80 and for 443."""
        return dict(self._ports)

    async def create(self, spec: MachineSpec) -> None:
        """Make a machine and boot it; user data runs on afterwards, once in the machine's life.

        Until `firewall` says otherwise nothing is let in. Raises SandboxUnavailable,
        MachineError, or OSError when the disk can't be written.
        """
        if not _ID.fullmatch(spec.id):
            raise MachineError(f"{spec.id!r} can't be a machine's id")
        if spec.id in self._machines:
            raise MachineError(f"{spec.id} exists already")
        machine = self._add(spec)
        try:
            async with machine.busy:
                await asyncio.to_thread(_make, machine.directory, spec)
                await machine.sandbox.start()
            await self.assign(spec.id, spec.address)
        except BaseException:
            await self.destroy(spec.id)
            raise

    async def start(self, id: str) -> None:  # noqa: A002 - the cloud's own word
        """Boot a stopped machine; a running one is left alone."""
        async with self._held(id) as machine:
            await machine.sandbox.start()

    async def stop(self, id: str) -> None:  # noqa: A002
        """Shut a machine down: services first, then every process, then the power."""
        async with self._held(id) as machine:
            await machine.sandbox.stop()

    async def reboot(self, id: str) -> None:  # noqa: A002
        """Shut a machine down and boot it."""
        async with self._held(id) as machine:
            await machine.sandbox.stop()
            await machine.sandbox.start()

    async def destroy(self, id: str) -> None:  # noqa: A002
        """Turn a machine off at once and remove all of it."""
        self._close_edge(self._get(id))
        async with self._held(id) as machine:
            await asyncio.to_thread(machine.directory.mkdir, parents=True, exist_ok=True)
            await machine.sandbox.kill()
            await asyncio.to_thread(_remove, machine.directory)
            self._close_edge(machine)
            del self._machines[id]

    def running(self, id: str) -> bool:  # noqa: A002
        """Whether a machine is up."""
        return self._get(id).sandbox.running

    async def run(
        self,
        id: str,  # noqa: A002
        script: bytes,
        *,
        username: str,
        working_directory: str,
        timeout: float,  # noqa: ASYNC109 - the machine keeps it
    ) -> Outcome:
        """Run a script as TAT does: by its first line's interpreter, else a shell.

        An empty `working_directory` is the user's home. After `timeout` seconds the script and
        all it started are killed, services apart; so they are when the caller is cancelled.
        Raises NotRunning, UnknownUser or MissingDirectory when it can't be started.
        """
        return await self._get(id).sandbox.run(
            script, username=username, working_directory=working_directory, timeout=timeout
        )

    async def assign(self, id: str, address: str | None) -> None:  # noqa: A002
        """Give a machine a public address, or take it away: existing connections are cut.

        Raises MachineError when the address can't be listened at; the machine then has none.
        """
        machine = self._get(id)
        if machine.edge is not None and machine.edge.address == address:
            return
        self._close_edge(machine)
        machine.spec = replace(machine.spec, address=address)
        if address is None:
            return
        edge = Edge(
            address,
            self._ports,
            allows=machine.lets_in,
            judge=machine.judged_by,
            machine_socket=machine.sandbox.socket,
            log=self._log,
        )
        await edge.open()
        machine.edge = edge

    def firewall(self, id: str, allows: Callable[[str, int], bool]) -> None:  # noqa: A002
        """Set who is let in: asked with client address and port at each new connection."""
        self._get(id).allows = allows

    def border(self, id: str, judge: Judge) -> None:  # noqa: A002
        """Set who judges the host names that visitors ask for: asked at each new connection."""
        self._get(id).judge = judge

    async def restore(self, specs: list[MachineSpec], running: set[str]) -> None:
        """Take over what an earlier daemon left, however it ended.

        Boots the machines that are to run, waiting for their predecessors' last processes to be
        gone, and removes what no spec names. What fails is logged, and the others go on.
        """
        for spec in specs:
            self._add(spec)
        await asyncio.gather(*(self._remove_left_over(each) for each in _names(self._home)))
        await asyncio.gather(*(self._restore(spec, spec.id in running) for spec in specs))

    async def _remove_left_over(self, name: str) -> None:
        if name not in self._machines:
            self._add(MachineSpec(name, name, None, "", b""))
            await self.destroy(name)

    async def _restore(self, spec: MachineSpec, running: bool) -> None:
        machine = self._machines[spec.id]
        try:
            async with machine.busy:
                await asyncio.to_thread(_make, machine.directory, spec)
                if running:
                    await machine.sandbox.start()
            await self.assign(spec.id, spec.address)
        except (MachineError, OSError) as error:
            self._log.error("%s: not restored: %s", spec.id, error)

    async def close(self) -> None:
        """Stop every machine and keep its disk; the object is then of no further use."""
        for machine in self._machines.values():
            self._close_edge(machine)
        await asyncio.gather(*(self.stop(id) for id in self._machines))  # noqa: A001
        self._machines.clear()

    def _add(self, spec: MachineSpec) -> _Machine:
        def power(event: str) -> None:
            task = asyncio.create_task(self._power(spec.id, event))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        machine = _Machine(self._home / spec.id, spec, self._intranet, power, self._log)
        self._machines[spec.id] = machine
        return machine

    async def _power(self, id: str, event: str) -> None:  # noqa: A002
        """Do what `reboot` or `poweroff` inside the machine asks for."""
        with contextlib.suppress(UnknownMachine):  # it may be destroyed meanwhile
            await (self.reboot(id) if event == "reboot" else self.stop(id))

    @asynccontextmanager
    async def _held(self, id: str) -> AsyncIterator[_Machine]:  # noqa: A002
        """Keep others from starting, stopping or removing a machine, which must still be there."""
        machine = self._get(id)
        async with machine.busy:
            if self._get(id) is not machine:
                raise UnknownMachine(f"{id} was destroyed meanwhile")
            yield machine

    def _get(self, id: str) -> _Machine:  # noqa: A002
        try:
            return self._machines[id]
        except KeyError:
            raise UnknownMachine(f"there is no machine {id}") from None

    @staticmethod
    def _close_edge(machine: _Machine) -> None:
        if machine.edge is not None:
            machine.edge.close()
            machine.edge = None


def _compile_guest() -> None:
    """Compile what runs in the machines once, here: they see it read-only."""
    compileall.compile_dir(GUEST, quiet=2)


def _allow_many_connections() -> None:
    """Let this process have as many open files as it may: each connection takes two."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _make(directory: Path, spec: MachineSpec) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    if not (directory / "disk").exists():
        make_disk(directory / "disk", spec, one_user=os.geteuid() != 0)


def _remove(directory: Path) -> None:
    """Remove a machine's files, also those that its processes made unwritable."""
    for folder, below, _ in os.walk(directory):
        for name in below:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(0o700)
    shutil.rmtree(directory)


def _names(home: Path) -> list[str]:
    return [entry.name for entry in home.iterdir() if entry.is_dir()] if home.is_dir() else []
