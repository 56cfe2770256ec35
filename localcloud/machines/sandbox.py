"""One machine's sandbox: started, asked to do things, stopped. Its disk is somebody else's."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import logging
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

from localcloud.machines.channel import Channel
from localcloud.machines.errors import MachineError, NotRunning, SandboxUnavailable
from localcloud.machines.layout import INSIDE, arguments
from localcloud.machines.spec import OUTPUT_LIMIT, Intranet, MachineSpec, Outcome

BOOT_SECONDS = 30.0
STOP_SECONDS = 20.0
GONE_SECONDS = 10.0
_SOCKETS_AT_ONCE = 32

_ADVICE = (
    "Machines are bubblewrap sandboxes. As an ordinary user they need unprivileged user"
    " namespaces: set `sudo sysctl -w user.max_user_namespaces=15000`; on Debian also"
    " `kernel.unprivileged_userns_clone=1`; on Ubuntu 23.10 and later also"
    " `kernel.apparmor_restrict_unprivileged_userns=0`, or an AppArmor profile that lets"
    " /usr/bin/bwrap make them. In a container, start it with `--privileged`."
)


class Sandbox:
    """A running or stopped machine, in a directory of its own.

    ``console.log`` is what it says; ``lock`` is held for as long as one of its processes lives,
    whichever daemon started it, so that no machine is ever run twice.
    """

    def __init__(
        self,
        directory: Path,
        spec: MachineSpec,
        *,
        intranet: Intranet | None,
        on_power: Callable[[str], None],
        log: logging.Logger,
    ) -> None:
        """`on_power` is called with `reboot` or `poweroff` when somebody in the machine asks."""
        self._intranet = intranet
        self._on_power = on_power
        self._directory = directory
        self._spec = spec
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._channel: Channel | None = None
        self._watch: asyncio.Task[None] | None = None
        self._detaching: asyncio.Task[None] | None = None
        self._stopping = False
        self._sockets: list[socket.socket] = []
        self._more: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether the machine is up."""
        return self._channel is not None

    async def start(self) -> None:
        """Boot; return once the agent inside answers. Starting a running machine does nothing.

        Raises SandboxUnavailable when this host can't run machines, MachineError otherwise.
        """
        if self.running:
            return
        program = shutil.which("bwrap")
        if program is None:
            raise SandboxUnavailable(
                "bubblewrap isn't installed, and the rehearsal's machines are made with it."
                " Install it: `sudo apt-get install bubblewrap` (Debian, Ubuntu), or your"
                " distribution's package of that name."
            )
        options = arguments(
            self._directory / "disk",
            self._spec.hostname,
            one_user=os.geteuid() != 0,
            disk_bytes=self._spec.disk_bytes,
        )
        lock = await self._lock()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        console = _open_console(self._directory / "console.log")
        said_before = os.fstat(console).st_size
        given = _memory_file("\0".join(options).encode() + b"\0")
        self._stopping = False
        try:
            self._process = await asyncio.create_subprocess_exec(
                program,
                "--args",
                str(given),
                str(INSIDE / "bin/python"),
                "-m",
                "localcloud.machines.guest.agent",
                str(theirs.fileno()),
                str(self._intranet.cos_port if self._intranet else 0),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                pass_fds=(given, theirs.fileno(), lock),
                start_new_session=True,
            )
        finally:
            theirs.close()
            for fd in (console, given, lock):
                os.close(fd)
        self._channel = Channel(ours, self._on_power)
        self._watch = asyncio.create_task(self._wait(self._process, self._channel))
        try:
            await asyncio.wait_for(asyncio.shield(self._channel.up), BOOT_SECONDS)
            await self._attach(self._channel, self._watch)
        except (TimeoutError, NotRunning):
            await self.kill()
            raise self._boot_failure(said_before) from None

    def _boot_failure(self, offset: int) -> MachineError:
        said = _read_from(self._directory / "console.log", offset)
        lines = [line for line in said.splitlines() if line.strip()]
        reason = lines[-1] if lines else f"it said nothing within {BOOT_SECONDS:.0f} s"
        if reason.startswith("bwrap:") and any(
            word in reason for word in ("namespace", "uid map", "loopback", "not permitted")
        ):
            return SandboxUnavailable(f"no machine can be started on this host: {reason}. {_ADVICE}")
        return MachineError(f"{self._spec.id} did not boot: {reason}. See {self._directory / 'console.log'}.")

    async def _wait(self, process: asyncio.subprocess.Process, channel: Channel) -> None:
        await process.wait()
        channel.close()
        if self._channel is channel:
            self._channel = None
            self._forget_sockets()
            if not self._stopping:
                self._log.error("%s: went down by itself, see its console.log", self._spec.id)

    async def _attach(self, channel: Channel, watch: asyncio.Task[None]) -> None:
        """Answer in the machine at the addresses of the provider's own network, until it is off."""
        if self._intranet is None:
            return
        _, fds = await channel.ask("intranet")
        attachment = await self._intranet.attach([socket.socket(fileno=fd) for fd in fds])

        async def detach() -> None:
            await asyncio.wait([watch])
            await attachment.close()

        self._detaching = asyncio.create_task(detach())

    async def _lock(self) -> int:
        """Return a descriptor that holds the machine's lock; wait for a predecessor to be gone."""
        fd = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + GONE_SECONDS
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno != errno.EWOULDBLOCK or time.monotonic() > deadline:
                    os.close(fd)
                    raise MachineError(
                        f"{self._spec.id} is being run by another localcloud with the same home"
                        f" ({self._directory.parent.parent}). Stop that one first."
                    ) from None
                await asyncio.sleep(0.01)
            else:
                return fd

    async def stop(self) -> None:
        """Stop services and processes in their own way, within a bound; then the machine is off."""
        if self._channel is None or self._process is None:
            return
        self._stopping = True
        with contextlib.suppress(TimeoutError, MachineError):
            async with asyncio.timeout(STOP_SECONDS):
                await self._channel.ask("shutdown")
                await asyncio.shield(self._watch or asyncio.sleep(0))
        await self.kill()

    async def kill(self) -> None:
        """Turn the power off; return when every process of the machine is gone."""
        self._stopping = True
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)
        if self._watch is not None:
            await self._watch
        if self._detaching is not None:
            await self._detaching
        self._process = self._watch = self._detaching = None
        os.close(await self._lock())

    async def run(
        self,
        script: bytes,
        *,
        username: str,
        working_directory: str,
        timeout: float,  # noqa: ASYNC109 - the machine keeps it
    ) -> Outcome:
        """Run a script in the machine; see `Machines.run`."""
        channel = self._require()
        source = _memory_file(script)
        reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        os.set_blocking(writer, True)  # the script's end
        output = _Output(reader)
        try:
            try:
                answer, _ = await channel.ask(
                    "run",
                    (source, writer),
                    username=username,
                    directory=working_directory,
                    timeout=timeout,
                )
            except NotRunning:
                return Outcome(None, output.finish(), timed_out=False)
            timed_out = answer.get("timed_out", False)
            return Outcome(answer.get("exit_code"), output.finish(), timed_out=timed_out)
        finally:
            output.close()
            os.close(source)
            os.close(writer)

    async def socket(self) -> socket.socket:
        """Return a new, unconnected TCP socket of the machine's own network.

        Kept in stock, so that a connection costs no question to the agent. Raises NotRunning.
        """
        while not self._sockets:
            self._require()
            await asyncio.shield(self._refill())
        if len(self._sockets) <= _SOCKETS_AT_ONCE // 2:
            self._refill()
        return self._sockets.pop()

    def _refill(self) -> asyncio.Task[None]:
        if self._more is None or self._more.done():
            self._more = asyncio.create_task(self._fetch_sockets(self._require()))
        return self._more

    async def _fetch_sockets(self, channel: Channel) -> None:
        try:
            _, fds = await channel.ask("sockets", count=_SOCKETS_AT_ONCE)
        except MachineError:
            return
        made = [socket.socket(fileno=fd) for fd in fds]
        if self._channel is channel:
            self._sockets += made
        else:
            for each in made:
                each.close()

    def _forget_sockets(self) -> None:
        while self._sockets:
            self._sockets.pop().close()

    def _require(self) -> Channel:
        if self._channel is None:
            raise NotRunning(f"{self._spec.id} is not running")
        return self._channel


class _Output:
    """Collects what a command writes, up to the limit; the rest is read and dropped."""

    def __init__(self, reader: int) -> None:
        self._reader = reader
        self._data = bytearray()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(reader, self._read)

    def _read(self) -> bool:
        try:
            data = os.read(self._reader, 65536)
        except BlockingIOError:
            return False
        self._data += data[: OUTPUT_LIMIT - len(self._data)]
        if not data:
            self._loop.remove_reader(self._reader)
        return bool(data)

    def finish(self) -> bytes:
        """Return all that was written by now; a process left behind may keep its end open."""
        # As much as a pipe holds, and no more: the process left behind may write for ever.
        for _ in range(64):
            if not self._read():
                break
        return bytes(self._data)

    def close(self) -> None:
        self._loop.remove_reader(self._reader)
        os.close(self._reader)


def _memory_file(data: bytes) -> int:
    fd = os.memfd_create("luodi")
    with os.fdopen(os.dup(fd), "wb") as file:
        file.write(data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _open_console(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _read_from(path: Path, offset: int) -> str:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read().decode(errors="replace")
