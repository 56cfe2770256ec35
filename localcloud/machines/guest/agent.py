"""The agent of a machine: boots it, runs commands for the cloud, and shuts it down.

Started by the sandbox with two arguments: the descriptor of its channel to the daemon, a
sequenced-packet socket of JSON messages, some with descriptors attached, and the port of COS on the
provider's own network (0: there is no such network). When the channel closes the daemon is gone,
and so is the machine.

Requests ``{"id": n, "op": ...}``, each answered with the same id:

``run``      username, directory, timeout; descriptors: the script, where its output goes
``sockets``  count; answered with that many TCP sockets of the machine's network
``intranet`` answered with the sockets of the provider's own network, once: see `network.py`
``cancel``   request, the id of one that needs no answer any more; isn't answered itself
``shutdown`` services are stopped, every process is asked to end, then the machine is off

Events: ``{"event": "up"}`` once, ``reboot`` and ``poweroff`` when somebody inside asks for it.
"""

# ruff: noqa: ASYNC240 - small local files, in a process that serves one machine

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from localcloud.machines.guest import commands, first_boot, journal, network, processes, units
from localcloud.machines.guest.commands import Refused
from localcloud.machines.guest.control import Systemctl
from localcloud.machines.guest.services import Services
from localcloud.machines.guest.units import UnitError

SAVED_DISK = Path("/usr/local/qcloud/disk")
"""Where the saved disk is seen when the root directory lives in memory."""

NOT_ON_DISK = {"usr", "proc", "dev", "run"}
TERM_SECONDS = 5.0
MESSAGE_BYTES = 65536


class Agent:
    """Serves one channel until the daemon asks for the shutdown or goes away."""

    def __init__(self, channel: socket.socket, cos_port: int) -> None:
        self._channel = channel
        self._cos_port = cos_port
        self._intranet: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._requests: dict[int, asyncio.Task[None]] = {}
        self._over = asyncio.Event()
        self._services = Services()

    async def serve(self) -> None:
        """Boot, answer requests, return when the machine is to be off."""
        self._channel.setblocking(False)
        prepare()
        if self._cos_port:
            self._intranet = network.open_services(self._cos_port)
        await Systemctl(self._services, self._tell).listen()
        asyncio.get_running_loop().add_reader(self._channel.fileno(), self._receive)
        self._tell("up")
        self._start(self._boot())
        await self._over.wait()

    def _tell(self, event: str) -> None:
        self._send({"event": event})

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _boot(self) -> None:
        """Start the enabled services, then run the user data if this is the first boot."""
        journal.console(f"{socket.gethostname()}: booted")
        with contextlib.suppress(UnitError):  # said on the console
            await self._services.start(units.wanted_at_boot())
        await first_boot.run_user_data()

    async def _shut_down(self) -> None:
        journal.console(f"{socket.gethostname()}: going down")
        await self._services.stop_all()
        await processes.end_all(TERM_SECONDS)
        if SAVED_DISK.is_dir():
            save_disk()
        journal.console(f"{socket.gethostname()}: down")

    def _receive(self) -> None:
        try:
            data, fds, _, _ = socket.recv_fds(self._channel, MESSAGE_BYTES, 8)
        except BlockingIOError:
            return
        except OSError:
            data, fds = b"", []
        if not data:
            self._over.set()
            return
        request = json.loads(data)
        if request["op"] == "cancel":
            if (task := self._requests.get(request["request"])) is not None:
                task.cancel()
            return
        task = self._start(self._answer(request, list(fds)))
        self._requests[request["id"]] = task
        task.add_done_callback(lambda _: self._requests.pop(request["id"]))

    async def _answer(self, request: dict[str, Any], fds: list[int]) -> None:
        answer: dict[str, Any] = {"id": request["id"]}
        passed: list[socket.socket] = []
        try:
            if request["op"] == "run":
                answer |= await commands.run(request, *fds)
            elif request["op"] == "sockets":
                passed = [socket.socket() for _ in range(request["count"])]
            elif request["op"] == "intranet":
                passed, self._intranet = self._intranet, []
            elif request["op"] == "shutdown":
                await self._shut_down()
                self._over.set()
        except Refused as error:
            answer |= {"error": error.code, "message": str(error)}
        except OSError as error:
            answer |= {"error": "system", "message": str(error)}
        finally:
            for fd in fds:
                os.close(fd)
        self._send(answer, [each.fileno() for each in passed])
        for each in passed:
            each.close()

    def _send(self, message: dict[str, Any], fds: list[int] | None = None) -> None:
        # Answers are few and small beside the socket's buffer: a full one means a dead daemon.
        with contextlib.suppress(OSError):
            socket.send_fds(self._channel, [json.dumps(message).encode()], fds or [])


def prepare() -> None:
    """Lay out what is fresh at each boot."""
    os.umask(0o022)
    os.chdir("/")
    if SAVED_DISK.is_dir():
        copy_tree(SAVED_DISK, Path("/"))
    for name in ("lock", "systemd/system", "user"):
        Path("/run", name).mkdir(parents=True, exist_ok=True)
    Path("/run/lock").chmod(0o1777)
    commands.FOLDER.mkdir(mode=0o711)


def copy_tree(source: Path, target: Path) -> None:
    """Copy the entries of a root directory, with owners and modes, into another."""
    names = [str(each) for each in source.iterdir() if each.name not in NOT_ON_DISK]
    if names:
        subprocess.run(["cp", "-a", "-t", str(target), *names], check=True)


def save_disk() -> None:
    """Make the saved disk what the one in memory is."""
    for entry in SAVED_DISK.iterdir():
        if entry.name in NOT_ON_DISK:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    copy_tree(Path("/"), SAVED_DISK)


def main() -> None:
    """Be the agent on the channel whose descriptor is the first argument."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.set_inheritable(False)
    asyncio.run(Agent(channel, int(sys.argv[2])).serve())


if __name__ == "__main__":
    main()
