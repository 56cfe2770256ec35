"""`systemctl`: its commands, carried out by the agent for the client in ``systemctl.py``."""

# ruff: noqa: ASYNC240 - small local files, in a process that serves one machine

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from localcloud.machines.guest import journal, units
from localcloud.machines.guest.services import Service, Services
from localcloud.machines.guest.units import UnitError, UnitNotFound

SOCKET = Path("/run/systemd/private")
NOT_ACTIVE = 3  # systemctl(1), exit status: the LSB's "program is not running"
_WITH_VALUE = {"-p", "--property", "-t", "--type", "--state", "-n", "--lines", "-o", "--output",
               "-s", "--signal", "--kill-who", "--kill-whom"}  # fmt: skip
_ASKING = {"is-active", "is-enabled", "is-failed", "status", "show", "cat", "list-units",
           "list-unit-files", "is-system-running"}  # fmt: skip


class Call:
    """One command line of systemctl and what it answers."""

    def __init__(self, arguments: list[str]) -> None:
        self.options: dict[str, str] = {}
        self.words: list[str] = []
        self.out: list[str] = []
        self.err: list[str] = []
        rest = iter(arguments)
        for argument in rest:
            name, equals, value = argument.partition("=")
            if name in _WITH_VALUE:
                self.options[name.lstrip("-")[:1]] = value if equals else next(rest, "")
            elif argument.startswith("-"):
                self.options[name.lstrip("-")] = value
            else:
                self.words.append(argument)

    @property
    def verb(self) -> str:
        """What is to be done."""
        return self.words[0] if self.words else "list-units"

    @property
    def names(self) -> list[str]:
        """The units that it is to be done to, with their suffixes."""
        return [units.full_name(word) for word in self.words[1:]]

    @property
    def quiet(self) -> bool:
        """Whether only the exit code is wanted."""
        return "q" in self.options or "quiet" in self.options


class Systemctl:
    """Answers the calls that come in at the machine's control socket."""

    def __init__(self, services: Services, power: Callable[[str], None]) -> None:
        """`power` is called with `reboot` or `poweroff` when somebody in the machine asks."""
        self._services = services
        self._ask_for = power
        self._verbs: dict[str, Callable[[Call], Awaitable[int]]] = {
            "cat": self._cat,
            "daemon-reexec": self._daemon_reload,
            "daemon-reload": self._daemon_reload,
            "disable": self._disable,
            "enable": self._enable,
            "halt": self._power,
            "is-active": self._is_active,
            "is-enabled": self._is_enabled,
            "is-failed": self._is_failed,
            "is-system-running": self._is_system_running,
            "kill": self._kill,
            "list-unit-files": self._list_unit_files,
            "list-units": self._list_units,
            "mask": self._mask,
            "poweroff": self._power,
            "reboot": self._power,
            "reenable": self._reenable,
            "reload": self._reload,
            "reload-or-restart": self._reload_or_restart,
            "reload-or-try-restart": self._reload_or_try_restart,
            "reset-failed": self._reset_failed,
            "restart": self._restart,
            "show": self._show,
            "shutdown": self._power,
            "start": self._start,
            "status": self._status,
            "stop": self._stop,
            "try-reload-or-restart": self._reload_or_try_restart,
            "try-restart": self._try_restart,
            "unmask": self._unmask,
        }

    async def listen(self) -> None:
        """Open the control socket."""
        SOCKET.parent.mkdir(parents=True, exist_ok=True)
        await asyncio.start_unix_server(self._serve, SOCKET, limit=1 << 20)
        SOCKET.chmod(0o666)  # anyone may ask; only root may change: see _serve

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            arguments = json.loads(await reader.readline())
            peer = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            _, uid, _ = struct.unpack("3i", peer)
            call = Call(arguments)
            code = await self._run(call, privileged=uid == os.getuid())
            answer = {"code": code, "out": call.out, "err": call.err}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        except (ValueError, ConnectionError):
            pass  # the client is gone, or is none
        finally:
            writer.close()

    async def _run(self, call: Call, *, privileged: bool) -> int:
        action = self._verbs.get(call.verb)
        if action is None:
            call.err.append(f"Unknown command verb '{call.verb}'.")
            return 1
        if not privileged and call.verb not in _ASKING:
            call.err.append(f"Failed to {call.verb}: Access denied")
            return 4
        try:
            return await action(call)
        except UnitError as error:
            call.err.append(str(error))
            return error.code
        except OSError as error:
            call.err.append(f"Failed to {call.verb}: {error}")
            return 1

    async def _each(self, call: Call, action: Callable[[Service], Awaitable[None]]) -> int:
        """Do one thing to every unit named; the last failure gives the exit code."""
        if not call.names:
            call.err.append("Too few arguments.")
            return 1
        code = 0
        for name in call.names:
            if not name.endswith(".service"):
                units.find(name)
                call.err.append(f"{name}: only services are run in a rehearsal")
                continue
            try:
                await action(self._find(call.verb, name))
            except UnitError as error:
                call.err.append(str(error))
                code = error.code
        return code

    def _find(self, verb: str, name: str) -> Service:
        try:
            return self._services.get(name)
        except UnitNotFound:
            raise UnitError(f"Failed to {verb} {name}: Unit {name} not found.", 5) from None

    # Changing

    async def _start(self, call: Call) -> int:
        async def start(service: Service) -> None:
            await self._services.start([service.name])

        return await self._each(call, start)

    async def _stop(self, call: Call) -> int:
        return await self._each(call, Service.stop)

    async def _restart(self, call: Call) -> int:
        return await self._each(call, Service.restart)

    async def _reload(self, call: Call) -> int:
        return await self._each(call, Service.reload)

    async def _try_restart(self, call: Call) -> int:
        async def act(service: Service) -> None:
            if service.active:
                await service.restart()

        return await self._each(call, act)

    async def _reload_or_restart(self, call: Call) -> int:
        async def act(service: Service) -> None:
            can_reload = service.active and service.unit.all("Service", "ExecReload")
            await (service.reload() if can_reload else service.restart())

        return await self._each(call, act)

    async def _reload_or_try_restart(self, call: Call) -> int:
        async def act(service: Service) -> None:
            if service.active:
                can_reload = service.unit.all("Service", "ExecReload")
                await (service.reload() if can_reload else service.restart())

        return await self._each(call, act)

    async def _kill(self, call: Call) -> int:
        name = call.options.get("s", "SIGTERM")
        number = int(name) if name.isdigit() else signal.Signals[f"SIG{name.removeprefix('SIG')}"]

        async def act(service: Service) -> None:
            service.kill(number)

        return await self._each(call, act)

    async def _reset_failed(self, call: Call) -> int:
        names = call.names or [service.name for service in self._services.known()]
        for name in names:
            self._find(call.verb, name).reset()
        return 0

    async def _daemon_reload(self, _call: Call) -> int:
        return 0  # unit files are read when they are used

    async def _enable(self, call: Call) -> int:
        for name in call.names:
            unit = self._load(call.verb, name)
            if units.enablement(unit) != "static":
                made = units.enable(unit)
                call.err += [] if call.quiet else [f"Created symlink {link} → {target}." for link, target in made]
            else:
                call.err.append(f"{name} has no [Install] section: it is started by others.")
        return await self._start(call) if "now" in call.options else 0

    async def _disable(self, call: Call) -> int:
        for name in call.names:
            removed = units.disable(self._load(call.verb, name))
            call.err += [] if call.quiet else [f"Removed {link}." for link in removed]
        return await self._stop(call) if "now" in call.options else 0

    async def _reenable(self, call: Call) -> int:
        await self._disable(call)
        return await self._enable(call)

    async def _mask(self, call: Call) -> int:
        for name in call.names:
            link = units.ADMINISTRATOR / name
            if link.exists() and not units.is_masked(link):
                raise UnitError(f"Failed to mask unit: File {link} already exists.")
            link.unlink(missing_ok=True)
            link.symlink_to("/dev/null")
            call.err.append(f"Created symlink {link} → /dev/null.")
        return await self._stop(call) if "now" in call.options else 0

    async def _unmask(self, call: Call) -> int:
        for name in call.names:
            link = units.ADMINISTRATOR / name
            if link.is_symlink() and units.is_masked(link):
                link.unlink()
                call.err.append(f"Removed {link}.")
        return 0

    async def _power(self, call: Call) -> int:
        again = call.verb == "reboot" or {"r", "reboot"} & call.options.keys()
        self._ask_for("reboot" if again else "poweroff")
        return 0

    # Asking

    async def _is_active(self, call: Call) -> int:
        states = [self._state(name) for name in call.names]
        if not call.quiet:
            call.out += states
        return 0 if states and "active" in states else NOT_ACTIVE

    async def _is_failed(self, call: Call) -> int:
        states = [self._state(name) for name in call.names]
        if not call.quiet:
            call.out += states
        return 0 if "failed" in states else 1

    async def _is_enabled(self, call: Call) -> int:
        code = 1
        for name in call.names:
            try:
                said = "masked" if units.is_masked(units.find(name)) else ""
            except UnitNotFound:
                call.err.append(f"Failed to get unit file state for {name}: No such file or directory")
                continue
            said = said or units.enablement(units.load(name))
            code = 0 if said in {"enabled", "static"} else code
            if not call.quiet:
                call.out.append(said)
        return code

    async def _is_system_running(self, call: Call) -> int:
        failed = any(service.state == "failed" for service in self._services.known())
        call.out.append("degraded" if failed else "running")
        return 1 if failed else 0

    async def _status(self, call: Call) -> int:
        code = 0
        for name in call.names:
            unit = self._load(call.verb, name)
            service = self._services.get(name)
            since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(service.since))
            call.out += [
                f"● {name} - {unit.description}",
                f"     Loaded: loaded ({unit.path}; {units.enablement(unit)})",
                f"     Active: {service.state} ({service.substate}) since {since}",
            ]
            if service.main:
                call.out.append(f"   Main PID: {service.main}")
            lines = journal.tail(name, int(call.options.get("n") or 10))
            call.out += ["", *lines] if lines else []
            code = code if service.active else NOT_ACTIVE
        return code

    async def _show(self, call: Call) -> int:
        wanted = call.options.get("p", "")
        for name in call.names:
            properties = self._properties(name)
            for key in wanted.split(",") if wanted else properties:
                value = properties.get(key, "")
                call.out.append(value if "value" in call.options else f"{key}={value}")
        return 0

    def _properties(self, name: str) -> dict[str, str]:
        try:
            unit, service = units.load(name), self._services.get(name)
        except UnitNotFound:
            return {"Id": name, "LoadState": "not-found", "ActiveState": "inactive"}
        except UnitError:
            return {"Id": name, "LoadState": "masked", "ActiveState": "inactive"}
        return {
            "Id": name,
            "Description": unit.description,
            "LoadState": "loaded",
            "ActiveState": service.state,
            "SubState": service.substate,
            "FragmentPath": str(unit.path),
            "UnitFileState": units.enablement(unit),
            "MainPID": str(service.main or 0),
            "Type": unit.get("Service", "Type", "simple"),
        }

    async def _cat(self, call: Call) -> int:
        for name in call.names:
            path = units.find(name)
            call.out += [f"# {path}", *path.read_text().splitlines()]
        return 0

    async def _list_units(self, call: Call) -> int:
        for service in self._services.known():
            if service.state != "inactive" or "a" in call.options or "all" in call.options:
                call.out.append(f"{service.name} loaded {service.state} {service.substate} {service.unit.description}")
        return 0

    async def _list_unit_files(self, call: Call) -> int:
        names = {
            path.name
            for folder in units.FOLDERS
            for path in folder.glob("*.service")
            if not call.names or path.name in call.names
        }
        for name in sorted(names):
            try:
                call.out.append(f"{name} {units.enablement(units.load(name))}")
            except UnitError:
                call.out.append(f"{name} masked")
        return 0

    def _state(self, name: str) -> str:
        try:
            return self._services.get(name).state
        except UnitError:
            return "inactive"

    def _load(self, verb: str, name: str) -> units.Unit:
        try:
            return units.load(name)
        except UnitNotFound:
            if verb == "status":
                raise UnitError(f"Unit {name} could not be found.", 4) from None
            raise UnitError(f"Failed to {verb} unit: Unit file {name} does not exist.") from None
