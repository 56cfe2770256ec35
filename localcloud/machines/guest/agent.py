"""The agent of a machine: boots it, runs commands for the cloud, and shuts it down.

Started by the sandbox with one argument, the descriptor of its channel to the daemon: a
sequenced-packet socket of JSON messages, some with descriptors attached. When the channel closes
the daemon is gone, and so is the machine.

Requests ``{"id": n, "op": ...}``, each answered with the same id:

``run``      username, directory, timeout; descriptors: the script, where its output goes
``sockets``  count; answered with that many TCP sockets of the machine's network
``shutdown`` services are stopped, every process is asked to end, then the machine is off
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HOME = Path("/usr/local/qcloud")
SAVED_DISK = HOME / "disk"
"""Where the saved disk is seen when the root directory lives in memory."""

INSTANCE = Path("/var/lib/cloud/instance")
COMMANDS = Path("/run/tat_agent")
UNITS = Path("/etc/systemd/system")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MARK = "TAT_INVOCATION"
"""In the environment of every process of a command, so that all can be found at the time-out."""

TERM_SECONDS = 5.0
MESSAGE_BYTES = 65536


class Refused(Exception):
    """A request that can't be carried out; `code` is for the daemon, the text for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Agent:
    """Serves one channel until the daemon asks for the shutdown or goes away."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._tasks: set[asyncio.Task[None]] = set()
        self._over = asyncio.Event()

    async def serve(self) -> None:
        """Boot, answer requests, return when the machine is to be off."""
        loop = asyncio.get_running_loop()
        self._channel.setblocking(False)
        prepare()
        loop.add_reader(self._channel.fileno(), self._receive)
        self._send({"event": "up"})
        self._start(boot())
        await self._over.wait()

    def _start(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

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
        self._start(self._answer(json.loads(data), fds))

    async def _answer(self, request: dict[str, Any], fds: list[int]) -> None:
        answer: dict[str, Any] = {"id": request["id"]}
        passed: list[socket.socket] = []
        try:
            if request["op"] == "run":
                answer.update(await run(request, *fds))
            elif request["op"] == "sockets":
                passed = [socket.socket() for _ in range(request["count"])]
            elif request["op"] == "shutdown":
                await shut_down()
                self._over.set()
        except Refused as error:
            answer.update(error=error.code, message=str(error))
        except OSError as error:
            answer.update(error="system", message=str(error))
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


def log(text: str) -> None:
    """Write one line to the machine's console."""
    print(f"[{time.strftime('%Y-%m-%d %H:%M:%S')}] {text}", flush=True)


def prepare() -> None:
    """Lay out what is fresh at each boot."""
    if SAVED_DISK.is_dir():
        copy_tree(SAVED_DISK, Path("/"))
    for name in ("lock", "systemd/system", "user"):
        Path("/run", name).mkdir(parents=True, exist_ok=True)
    Path("/run/lock").chmod(0o1777)
    COMMANDS.mkdir(mode=0o711)
    os.umask(0o022)
    os.chdir("/")


async def boot() -> None:
    """Start the enabled services, then run the user data if this is the first boot."""
    log(f"{socket.gethostname()}: booting")
    units = enabled_units()
    if units:
        await to_console("systemctl", "start", *units)
    log(f"{socket.gethostname()}: up" + (f", started {', '.join(units)}" if units else ""))
    await run_user_data()


def enabled_units() -> list[str]:
    """Return the services that were enabled on this machine, in a stable order."""
    return sorted({link.name for link in UNITS.glob("*.wants/*.service")})


async def to_console(*command: str) -> int:
    """Run a command with its output on the console; return its exit code."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=subprocess.DEVNULL, env=environment(pwd.getpwuid(0))
        )
    except OSError as error:
        log(f"{command[0]}: {error}")
        return 127
    return await process.wait()


async def run_user_data() -> None:
    """Run the instance's user data once in its life, as cloud-init does.

    The mark is set before, so that a script which reboots the machine isn't run again.
    """
    data, mark = INSTANCE / "user-data.txt", INSTANCE / "sem" / "config_scripts_user"
    if not data.exists() or mark.exists():
        return
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    if data.read_bytes()[:2] != b"#!":
        log("user data: not run: it doesn't begin with '#!' (only scripts are run here)")
        return
    script = INSTANCE / "scripts" / "part-001"
    script.parent.mkdir(exist_ok=True)
    shutil.copyfile(data, script)
    script.chmod(0o700)
    log("user data: started")
    begun = time.monotonic()
    code = await run_logged(script, Path("/var/log/cloud-init-output.log"))
    log(f"user data: exit code {code} after {time.monotonic() - begun:.1f} s")
    (INSTANCE / "boot-finished").write_text(f"{code}\n")


async def run_logged(script: Path, path: Path) -> int:
    """Run a script as root, its output both on the console and in the file."""
    try:
        process = await asyncio.create_subprocess_exec(
            str(script),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(pwd.getpwuid(0)),
            start_new_session=True,
        )
    except OSError as error:
        log(f"user data: {error}")
        return 126
    output = process.stdout
    assert output is not None  # noqa: S101 - asked for above
    with path.open("ab", buffering=0) as file:
        while data := await output.read(65536):
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            with contextlib.suppress(OSError):  # the disk may be full
                file.write(data)
    return await process.wait()


def environment(account: pwd.struct_passwd) -> dict[str, str]:
    """Return what a command of this account finds in its environment."""
    return {
        "HOME": account.pw_dir,
        "LANG": "C.UTF-8",
        "LOGNAME": account.pw_name,
        "PATH": PATH,
        "SHELL": account.pw_shell,
        "USER": account.pw_name,
    }


async def run(request: dict[str, Any], script_fd: int, output_fd: int) -> dict[str, Any]:
    """Run one command of the cloud (TAT); return its exit code, or that time ran out."""
    try:
        account = pwd.getpwnam(request["username"])
    except KeyError:
        raise Refused("user", f"no user {request['username']!r} in /etc/passwd") from None
    directory = request["directory"] or account.pw_dir
    if not Path(directory).is_dir():
        raise Refused("directory", f"no directory {directory!r}")
    mark = secrets.token_hex(8)
    script = COMMANDS / f"{mark}.sh"
    with os.fdopen(os.dup(script_fd), "rb") as source, script.open("wb") as target:
        shutil.copyfileobj(source, target)
    script.chmod(0o700)
    os.chown(script, account.pw_uid, account.pw_gid)
    try:
        process = await asyncio.create_subprocess_exec(
            *interpreter(script),
            stdin=subprocess.DEVNULL,
            stdout=output_fd,
            stderr=output_fd,
            cwd=directory,
            env={**environment(account), MARK: mark},
            start_new_session=True,
            **identity(account),
        )
        try:
            code = await asyncio.wait_for(process.wait(), request["timeout"])
        except TimeoutError:
            await kill_all_of(mark, process.pid)
            await process.wait()
            return {"timed_out": True}
        return {"exit_code": code if code >= 0 else 128 - code}
    finally:
        script.unlink(missing_ok=True)


def interpreter(script: Path) -> list[str]:
    """Return how to start a script: its own first line decides, else a shell."""
    with script.open("rb") as file:
        if file.read(2) == b"#!":
            return [str(script)]
    return [shutil.which("bash", path=PATH) or "/bin/sh", str(script)]


def identity(account: pwd.struct_passwd) -> dict[str, Any]:
    """Return the arguments that make a child process this account's."""
    if account.pw_uid == 0:
        return {}
    groups = os.getgrouplist(account.pw_name, account.pw_gid)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": groups}


async def kill_all_of(mark: str, leader: int) -> None:
    """Kill a command and all that it started, whatever session or parent they moved to."""
    for _ in range(100):
        found = processes_of(mark, leader)
        if not found:
            return
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0.01)


def processes_of(mark: str, leader: int) -> set[int]:
    """Return the living processes that carry the mark, are in the leader's session or below it."""
    wanted = f"{MARK}={mark}".encode()
    parents: dict[int, int] = {}
    found: set[int] = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        pid = int(entry.name)
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            marked = wanted in (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        state, parent, session = fields[0], int(fields[1]), int(fields[3])
        if state in "ZX":
            continue
        parents[pid] = parent
        if marked or session == leader or pid == leader:
            found.add(pid)
    while below := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= below
    return found


async def shut_down() -> None:
    """Stop the services in their own way, ask all else to end, and save the disk."""
    log("going down")
    units = enabled_units()
    if units:
        await to_console("systemctl", "stop", *units)
    deadline = time.monotonic() + TERM_SECONDS
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGTERM)
    while others() and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    for pid in others():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if SAVED_DISK.is_dir():
        save_disk()
    log("down")


def others() -> set[int]:
    """Return every living process but this one and the sandbox's own."""
    pids = {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    return {pid for pid in pids - {1, os.getpid()} if is_alive(pid)}


def is_alive(pid: int) -> bool:
    """Whether a process is more than a zombie."""
    try:
        stat = Path("/proc", str(pid), "stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


NOT_ON_DISK = {"usr", "proc", "dev", "run"}


def copy_tree(source: Path, target: Path) -> None:
    """Copy the entries of a root directory, with owners and modes, into another."""
    names = [str(each) for each in source.iterdir() if each.name not in NOT_ON_DISK]
    subprocess.run(["cp", "-a", "-t", str(target), *names], check=True)  # noqa: S607


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
    """Be the agent on the channel whose descriptor is the argument."""
    os.environ.pop("LD_LIBRARY_PATH", None)  # was for this interpreter alone
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.set_inheritable(False)
    ctypes.CDLL(None).prctl(15, b"tat_agent", 0, 0, 0)  # PR_SET_NAME, for `ps`
    asyncio.run(Agent(channel).serve())


if __name__ == "__main__":
    main()
