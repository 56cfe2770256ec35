"""Services: started, watched, restarted and stopped as systemd would, of one machine.

Types simple, exec, idle, forking, notify and oneshot; see ``units.py`` for the keys.
"""

# ruff: noqa: ASYNC240 - small local files, in a process that serves one machine

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import grp
import os
import pwd
import re
import resource
import secrets
import shlex
import shutil
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from localcloud.machines.guest import journal, processes, units
from localcloud.machines.guest.units import Command, Unit, UnitError

_libc = ctypes.CDLL(None)

START_SECONDS = 90.0  # systemd's DefaultTimeoutStartSec and DefaultTimeoutStopSec
STOP_SECONDS = 90.0
_RESTARTS, _RESTARTS_WITHIN = 5, 10.0  # systemd's DefaultStartLimitBurst and -IntervalSec
_CLEAN_SIGNALS = {signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE}
_TYPES = {"simple", "exec", "idle", "forking", "notify", "notify-reload", "oneshot"}
_DIRECTORIES = {
    "RuntimeDirectory": "/run",
    "StateDirectory": "/var/lib",
    "CacheDirectory": "/var/cache",
    "LogsDirectory": "/var/log",
    "ConfigurationDirectory": "/etc",
}


class Service:
    """One service and its processes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.unit = units.load(name)
        self.state = "inactive"
        self.substate = "dead"
        self.main: int | None = None
        self.since = time.time()
        self._mark = ""
        self._leaders: set[int] = set()
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._restart: asyncio.Task[None] | None = None
        self._restarts: deque[float] = deque(maxlen=_RESTARTS)
        self._pipe = journal.Pipe(name)
        self._notified: asyncio.Queue[str] | None = None
        self._busy = asyncio.Lock()

    @property
    def active(self) -> bool:
        """Whether the service is up."""
        return self.state == "active"

    async def start(self) -> None:
        """Start the service unless it is up. Raises UnitError."""
        async with self._busy:
            self._cancel_restart()
            self.unit = units.load(self.name)
            if not self.active:
                await self._start()

    async def stop(self) -> None:
        """Stop the service: its own way, then by signals."""
        async with self._busy:
            self._cancel_restart()
            await self._stop()
            if self.state != "failed":
                self._set("inactive", "dead")

    async def restart(self) -> None:
        """Stop, then start. Raises UnitError."""
        async with self._busy:
            self._cancel_restart()
            await self._stop()
            self.unit = units.load(self.name)
            await self._start()

    async def reload(self) -> None:
        """Have the service read its configuration again. Raises UnitError."""
        async with self._busy:
            if not self.active:
                raise UnitError(f"{self.name} is not active, cannot reload.")
            commands = self.unit.commands("ExecReload")
            if not commands and self._type != "notify-reload":
                raise UnitError(
                    f"Failed to reload {self.name}: Job type reload is not applicable for unit {self.name}."
                )
            try:
                for command in commands:
                    await self._control(command, START_SECONDS)
            except UnitError:
                raise UnitError(f"Job for {self.name} failed.{self._advice()}") from None
            if not commands and self.main:
                os.kill(self.main, signal.SIGHUP)

    def kill(self, number: int) -> None:
        """Send a signal to every process of the service."""
        processes.send(number, processes.belonging(self._mark, self._leaders))

    def reset(self) -> None:
        """Forget a failure."""
        if self.state == "failed":
            self._set("inactive", "dead")

    # Starting

    @property
    def _type(self) -> str:
        return self.unit.get("Service", "Type", "simple").lower()

    async def _start(self) -> None:
        if self._type not in _TYPES:
            raise UnitError(f"{self.name}: Type={self._type} is not known in a rehearsal.")
        self._mark = f"INVOCATION_ID={secrets.token_hex(16)}"
        self._leaders = set()
        self._set("activating", "start")
        journal.write(self.name, f"Starting {self.unit.description}")
        limit = self.unit.seconds("TimeoutStartSec", self.unit.seconds("TimeoutSec", START_SECONDS))
        try:
            async with asyncio.timeout(limit):
                self._make_directories()
                for command in self.unit.commands("ExecStartPre"):
                    await self._control(command, limit)
                await self._start_main(limit)
                for command in self.unit.commands("ExecStartPost"):
                    await self._control(command, limit)
        except (UnitError, OSError, KeyError) as error:  # a TimeoutError is an OSError
            reason = "took too long" if isinstance(error, TimeoutError) else str(error)
            await self._give_up(reason)
            raise UnitError(
                f"Job for {self.name} failed because the control process exited with error code.{self._advice()}"
            ) from None
        if self.state == "activating":
            if self._type == "oneshot" and not self.unit.flag("RemainAfterExit"):
                self._set("inactive", "dead")
            else:
                self._set("active", "exited" if self._type == "oneshot" else "running")
        journal.write(self.name, f"Started {self.unit.description}")

    async def _give_up(self, reason: str) -> None:
        self._stop_watching()
        await processes.kill_all(self._mark, self._leaders)
        self._pipe.flush()
        self.main = self._process = None
        self._set("failed", "failed")
        journal.write(self.name, f"Failed to start {self.unit.description}: {reason}")

    def _advice(self) -> str:
        return f'\nSee "systemctl status {self.name}" and "journalctl -xeu {self.name}" for details.'

    async def _start_main(self, limit: float) -> None:
        commands = self.unit.commands("ExecStart")
        if self._type == "oneshot":
            for command in commands:
                await self._control(command, limit)
            return
        if len(commands) != 1:
            raise UnitError(f"{len(commands)} ExecStart lines; Type={self._type} has one")
        if self._type == "forking":
            await self._control(commands[0], limit)
            await self._find_main()
        else:
            notify = self._open_notify() if self._type.startswith("notify") else None
            try:
                self._process = await self._spawn(commands[0], notify_at=notify)
                self.main = self._process.pid
                self._leaders = {self.main}
                self._watch = asyncio.create_task(self._supervise(self._process, None))
                if notify:
                    await self._ready()
            finally:
                if notify:
                    Path(notify).unlink(missing_ok=True)

    async def _find_main(self) -> None:
        pid_file = self._pid_file()
        while pid_file is not None and self.main is None:
            with contextlib.suppress(OSError, ValueError):
                pid = int(pid_file.read_text())
                if processes.alive(pid):
                    self.main = pid
                    break
            await asyncio.sleep(0.01)
        if self.main is None:
            found = processes.belonging(self._mark, set())
            if not found:
                raise UnitError("it left no process behind")
            self.main = min(found)
        # A daemon begins a session of its own, perhaps only now, and may write its title over its
        # environment: the mark alone would not find its children when it is gone.
        self._leaders = {processes.session(self.main), self.main}
        self._watch = asyncio.create_task(self._supervise(None, os.pidfd_open(self.main)))

    def _pid_file(self) -> Path | None:
        value = self.unit.get("Service", "PIDFile")
        return Path("/run", value) if value else None

    def _open_notify(self) -> str:
        path = f"/run/systemd/notify-{self.name}"
        Path(path).unlink(missing_ok=True)
        end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        end.bind(path)
        Path(path).chmod(0o777)
        end.setblocking(False)
        said: asyncio.Queue[str] = asyncio.Queue()
        self._notified = said
        loop = asyncio.get_running_loop()

        def receive() -> None:
            with contextlib.suppress(BlockingIOError):
                for line in end.recv(4096).decode(errors="replace").splitlines():
                    said.put_nowait(line)
                    if line == "READY=1":
                        loop.remove_reader(end.fileno())
                        end.close()
                        return

        loop.add_reader(end.fileno(), receive)
        return path

    async def _ready(self) -> None:
        """Wait for the service to say that it is ready, or to end."""
        said, watch = self._notified, self._watch
        if said is None or watch is None:
            return
        while True:
            line = asyncio.ensure_future(said.get())
            await asyncio.wait({line, watch}, return_when=asyncio.FIRST_COMPLETED)
            if not line.done():
                line.cancel()
                raise UnitError("it ended before it was ready")
            if line.result() == "READY=1":
                return
            if line.result().startswith("MAINPID="):
                self.main = int(line.result().partition("=")[2])

    def _make_directories(self) -> None:
        account, group = self._account()
        for key, parent in _DIRECTORIES.items():
            mode = int(self.unit.get("Service", f"{key}Mode", "0755"), 8)
            for name in self.unit.names("Service", key):
                path = Path(parent, name)
                path.mkdir(parents=True, exist_ok=True)
                path.chmod(mode)
                if key != "ConfigurationDirectory":
                    os.chown(path, account.pw_uid, group)

    # Processes

    def _account(self) -> tuple[pwd.struct_passwd, int]:
        user = self.unit.get("Service", "User") or "root"
        if self.unit.flag("DynamicUser"):
            user = "nobody"
        account = pwd.getpwuid(int(user)) if user.isdigit() else pwd.getpwnam(user)
        group = self.unit.get("Service", "Group")
        if not group:
            return account, account.pw_gid
        return account, int(group) if group.isdigit() else grp.getgrnam(group).gr_gid

    def _environment(self, account: pwd.struct_passwd) -> dict[str, str]:
        result = {"LANG": "C.UTF-8", "PATH": processes.PATH}
        if self.unit.get("Service", "User"):
            result |= processes.environment(account)
        for name, parent in (("RUNTIME", "/run"), ("STATE", "/var/lib"), ("LOGS", "/var/log")):
            if folders := self.unit.names("Service", f"{name.capitalize()}Directory"):
                result[f"{name}_DIRECTORY"] = ":".join(f"{parent}/{each}" for each in folders)
        for value in self.unit.all("Service", "Environment"):
            result |= _assignments(shlex.split(value))
        for value in self.unit.all("Service", "EnvironmentFile"):
            path = Path(value.lstrip("-"))
            if path.exists() or not value.startswith("-"):
                result |= _assignments(_environment_file(path.read_text()))
        key, _, mark = self._mark.partition("=")
        result[key] = mark
        if self.main:
            result["MAINPID"] = str(self.main)
        return result

    async def _spawn(self, command: Command, *, notify_at: str | None = None) -> asyncio.subprocess.Process:
        account, group = self._account()
        environment = self._environment(account)
        if notify_at:
            environment["NOTIFY_SOCKET"] = notify_at
        words = units.expand(command, environment)
        if not words:
            raise UnitError("an empty command line")
        program = words[0] if "/" in words[0] else shutil.which(words[0], path=processes.PATH)
        if program is None:
            raise UnitError(f"{words[0]}: no such program")
        directory = self.unit.get("Service", "WorkingDirectory", "/")
        optional, directory = directory.startswith("-"), directory.lstrip("-")
        directory = account.pw_dir if directory == "~" else directory
        if optional and not Path(directory).is_dir():
            directory = "/"
        with contextlib.ExitStack() as opened:
            output = self._output(opened)
            return await asyncio.create_subprocess_exec(
                program,
                *words[1:],
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output
                if self.unit.get("Service", "StandardError", "inherit") == "inherit"
                else self._pipe.writer,
                cwd=directory,
                env=environment,
                start_new_session=True,
                preexec_fn=self._confinement(),
                **({} if command.as_root else processes.identity(account, group)),
            )

    def _output(self, opened: contextlib.ExitStack) -> int:
        """Return where the unit's processes write: a file where the unit says so, else the journal."""
        how, _, path = self.unit.get("Service", "StandardOutput", "journal").partition(":")
        if how not in {"append", "file", "truncate"}:
            return self._pipe.writer
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
        flags |= {"append": os.O_APPEND, "file": 0, "truncate": os.O_TRUNC}[how]
        descriptor = os.open(path, flags, 0o640)
        opened.callback(os.close, descriptor)
        return descriptor

    def _confinement(self) -> Callable[[], None]:
        """Return what a process does to itself before it becomes the unit's program.

        Of what a unit may forbid this is what a process can give up for good by itself. The folders that
        systemd hides or makes read-only, and the kernel's accounting of memory, are not rehearsed.
        """
        umask = int(self.unit.get("Service", "UMask", "0022"), 8)
        files = self.unit.get("Service", "LimitNOFILE")
        forgo = self.unit.flag("NoNewPrivileges")

        def confine() -> None:
            os.umask(umask)
            if files.isdigit():
                hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
                most = int(files) if hard == resource.RLIM_INFINITY else min(int(files), hard)
                resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
            if forgo:
                _libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS, prctl(2)

        return confine

    async def _control(self, command: Command, limit: float) -> None:
        """Run one command of the unit to its end. Raises UnitError when it fails."""
        process = await self._spawn(command)
        try:
            code = await asyncio.wait_for(process.wait(), limit)
        except (TimeoutError, asyncio.CancelledError):
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise
        self._pipe.flush()
        if code and not command.ignore_failure:
            raise UnitError(f"{shlex.join(command.words)} exited with code {code}")

    # Watching

    async def _supervise(self, process: asyncio.subprocess.Process | None, pidfd: int | None) -> None:
        """Wait for the main process to end; say what that means for the service."""
        if process is not None:
            code: int | None = await process.wait()
        else:
            code = await self._wait_for(pidfd)
        self._pipe.flush()
        if self.state == "active":
            self._watch = None
            self._restart = asyncio.create_task(self._ended(code))

    async def _wait_for(self, pidfd: int | None) -> int | None:
        """Wait for a process that isn't our child; whether it ended well can only be guessed."""
        if pidfd is None:
            return None
        loop = asyncio.get_running_loop()
        over = asyncio.Event()
        loop.add_reader(pidfd, over.set)
        try:
            await over.wait()
        finally:
            loop.remove_reader(pidfd)
            os.close(pidfd)
        pid_file = self._pid_file()
        # A daemon that ends in good order removes its file; one that is killed can't.
        return 0 if pid_file is not None and not pid_file.exists() else -signal.SIGKILL

    async def _ended(self, code: int | None) -> None:
        async with self._busy:
            if not self.active:
                return
            clean = code == 0 or (code is not None and -code in _CLEAN_SIGNALS)
            journal.write(self.name, f"Main process {self.main} ended: {_how(code)}")
            self.main = self._process = None
            await processes.kill_all(self._mark, self._leaders)
            if clean and self.unit.flag("RemainAfterExit"):
                self._set("active", "exited")
                return
            self._set(*(("inactive", "dead") if clean else ("failed", "failed")))
            if not self._restarts_after(code, clean):
                return
            self._set("activating", "auto-restart")
        await asyncio.sleep(self.unit.seconds("RestartSec", 0.1))
        async with self._busy:
            if self.substate == "auto-restart":
                with contextlib.suppress(UnitError):
                    await self._start()

    def _restarts_after(self, code: int | None, clean: bool) -> bool:
        policy = self.unit.get("Service", "Restart", "no")
        killed = code is None or code < 0
        wanted = policy == "always" or (
            policy == "on-success" if clean
            else policy == "on-failure" or (killed and policy in {"on-abnormal", "on-abort"})
        )  # fmt: skip
        now = time.monotonic()
        if not wanted:
            return False
        if len(self._restarts) == _RESTARTS and now - self._restarts[0] < _RESTARTS_WITHIN:
            journal.write(self.name, "Start request repeated too quickly")
            self._set("failed", "failed")
            return False
        self._restarts.append(now)
        return True

    def _cancel_restart(self) -> None:
        if self._restart is not None and self.substate == "auto-restart":
            self._restart.cancel()
            self._restart = None
            self._set("inactive", "dead")

    # Stopping

    async def _stop(self) -> None:
        if self.state not in {"active", "activating"}:
            return
        self._set("deactivating", "stop")
        journal.write(self.name, f"Stopping {self.unit.description}")
        limit = self.unit.seconds("TimeoutStopSec", self.unit.seconds("TimeoutSec", STOP_SECONDS))
        for command in self.unit.commands("ExecStop"):
            with contextlib.suppress(UnitError, OSError):
                await self._control(command, limit)
        await self._kill(limit)
        for command in self.unit.commands("ExecStopPost"):
            with contextlib.suppress(UnitError, OSError):
                await self._control(command, limit)
        self._stop_watching()
        self._pipe.flush()
        self.main = self._process = None
        if pid_file := self._pid_file():
            pid_file.unlink(missing_ok=True)
        self._set("inactive", "dead")
        journal.write(self.name, f"Stopped {self.unit.description}")

    async def _kill(self, limit: float) -> None:
        """End the processes by signals, as KillMode says."""
        mode = self.unit.get("Service", "KillMode", "control-group")
        if mode == "none":
            return
        main = {self.main} if self.main and processes.alive(self.main) else set()
        first = main if mode in {"mixed", "process"} else self._all()
        name = self.unit.get("Service", "KillSignal", "SIGTERM")
        number = int(name) if name.isdigit() else signal.Signals[f"SIG{name.removeprefix('SIG')}"]
        processes.send(number, first)
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            left = {pid for pid in first if processes.alive(pid)}
            if not left and (mode != "control-group" or not self._all()):
                break
            await asyncio.sleep(0.01)
        if mode == "process":
            processes.send(signal.SIGKILL, {pid for pid in main if processes.alive(pid)})
        else:
            await processes.kill_all(self._mark, self._leaders)

    def _all(self) -> set[int]:
        return processes.belonging(self._mark, self._leaders)

    def _stop_watching(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _set(self, state: str, substate: str) -> None:
        if state != self.state:
            self.since = time.time()
        self.state, self.substate = state, substate


class Services:
    """Every service that was ever touched since the boot."""

    def __init__(self) -> None:
        self._known: dict[str, Service] = {}

    def get(self, name: str) -> Service:
        """Return a service by its full name. Raises UnitNotFound, or UnitError when masked."""
        if name not in self._known:
            self._known[name] = Service(name)
        return self._known[name]

    def known(self) -> list[Service]:
        """Return the services that were touched, by name."""
        return [self._known[name] for name in sorted(self._known)]

    async def start(self, names: Iterable[str]) -> None:
        """Start services and what they require, in order. Raises UnitError after trying all."""
        wanted = list(names)
        failures: list[UnitError] = []
        for name in self._in_order(self._with_required(wanted)):
            try:
                await self.get(name).start()
            except UnitError as error:
                if name in wanted:
                    failures.append(error)
        if failures:
            raise UnitError("\n".join(map(str, failures)), failures[0].code)

    async def stop_all(self) -> None:
        """Stop what runs, in the reverse of the order in which it would start."""
        names = [each.name for each in self.known() if each.state in {"active", "activating"}]
        for name in reversed(self._in_order(names)):
            with contextlib.suppress(UnitError):
                await self._known[name].stop()

    def _unit(self, name: str) -> Unit | None:
        try:
            return self.get(name).unit
        except UnitError:
            return None

    def _with_required(self, names: Iterable[str]) -> list[str]:
        found: list[str] = []
        waiting = list(names)
        while waiting:
            name = waiting.pop(0)
            if name in found:
                continue
            found.append(name)
            if unit := self._unit(name):
                needed = [n for key in ("Requires", "BindsTo") for n in unit.names("Unit", key)]
                waiting += [each for each in needed if each.endswith(".service")]
        return found

    def _in_order(self, names: Iterable[str]) -> list[str]:
        """Sort services so that each comes after those that its After= or their Before= name."""
        names = list(names)
        after: dict[str, set[str]] = {name: set() for name in names}
        for name in names:
            if unit := self._unit(name):
                after[name] |= set(unit.names("Unit", "After")) & after.keys()
                for later in set(unit.names("Unit", "Before")) & after.keys():
                    after[later].add(name)
        ordered: list[str] = []
        while waiting := [name for name in names if name not in ordered]:
            ready = [name for name in waiting if after[name] <= set(ordered)]
            ordered += ready or waiting[:1]  # a ring of Afters: any order will do
        return ordered


def _assignments(words: Iterable[str]) -> dict[str, str]:
    pairs = (word.partition("=") for word in words)
    return {name: value for name, equals, value in pairs if equals}


_ASSIGNMENT = re.compile(
    r"""^[ \t]*(?:[#;][^\n]*|(?P<name>[A-Za-z_]\w*)=[ \t]*
    (?P<value>(?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^"'\\\n])*))$""",
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)
_PIECE = re.compile(r"""\"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)|([^"'\\]+)""", re.DOTALL)


def _environment_file(text: str) -> list[str]:
    """Return the assignments of an environment file (systemd.exec(5)): a quoted value may have several lines."""
    found = (match for match in _ASSIGNMENT.finditer(text) if match["name"])
    return [f"{match['name']}={_unquoted(match['value'].rstrip())}" for match in found]


def _unquoted(value: str) -> str:
    return "".join(
        re.sub(r"""\\(["\\`$])""", r"\1", double).replace("\\\n", "")
        + single
        + ("" if escaped == "\n" else escaped)
        + bare
        for double, single, escaped, bare in _PIECE.findall(value)
    )


def _how(code: int | None) -> str:
    if code is None:
        return "unknown"
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
