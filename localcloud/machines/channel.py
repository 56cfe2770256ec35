"""The daemon's end of the line to a machine's agent (`guest/agent.py`)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Callable, Sequence
from typing import Any

from localcloud.machines.errors import (
    MachineError,
    MissingDirectory,
    NotRunning,
    UnknownUser,
)

_MESSAGE_BYTES = 65536
_MOST_DESCRIPTORS = 64
_REFUSALS = {"user": UnknownUser, "directory": MissingDirectory}


class Channel:
    """Requests and their answers over one sequenced-packet socket, many at once."""

    def __init__(self, end: socket.socket, on_power: Callable[[str], None]) -> None:
        """Take over `end`; must be made inside the running loop.

        `on_power` is called with `reboot` or `poweroff` when somebody inside asks for it.
        """
        end.setblocking(False)
        self._on_power = on_power
        self._end = end
        self._loop = asyncio.get_running_loop()
        self._next = 0
        self._waiting: dict[int, asyncio.Future[tuple[dict[str, Any], list[int]]]] = {}
        self.up: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(end.fileno(), self._receive)

    async def ask(self, operation: str, fds: Sequence[int] = (), **arguments: Any) -> tuple[dict[str, Any], list[int]]:
        """Send a request; return the answer and the descriptors that came with it.

        Raises NotRunning when the machine is or goes down, or MachineError for its refusal. When
        the caller is cancelled, so is the request.
        """
        self._next += 1
        message = json.dumps({"id": self._next, "op": operation, **arguments}).encode()
        answer = self._loop.create_future()
        self._waiting[self._next] = answer
        number = self._next
        try:
            await self._send(message, fds)
            fields, passed = await answer
        except asyncio.CancelledError:
            with contextlib.suppress(OSError):
                self._end.send(json.dumps({"id": 0, "op": "cancel", "request": number}).encode())
            raise
        finally:
            self._waiting.pop(number, None)
        if "error" in fields:
            raise _REFUSALS.get(fields["error"], MachineError)(fields["message"])
        return fields, passed

    async def _send(self, message: bytes, fds: Sequence[int]) -> None:
        while True:
            try:
                socket.send_fds(self._end, [message], fds)
            except BlockingIOError:
                # The agent reads whenever it runs: a full buffer empties within its next turn.
                await asyncio.sleep(0.005)
            except OSError:
                raise NotRunning("the machine is down") from None
            else:
                return

    def _receive(self) -> None:
        try:
            data, fds, _, _ = socket.recv_fds(self._end, _MESSAGE_BYTES, _MOST_DESCRIPTORS)
        except BlockingIOError:
            return
        except OSError:
            data, fds = b"", []
        if not data:
            self.close()
            return
        message = json.loads(data)
        event = message.get("event")
        if event == "up" and not self.up.done():
            self.up.set_result(None)
        elif event in {"reboot", "poweroff"}:
            self._on_power(event)
        answer = self._waiting.pop(message.get("id", 0), None)
        if answer is not None and not answer.done():
            answer.set_result((message, list(fds)))
            return
        for fd in fds:
            os.close(fd)

    def close(self) -> None:
        """Hang up; whoever waits for an answer gets NotRunning. Closing twice is fine."""
        if self._end.fileno() < 0:
            return
        self._loop.remove_reader(self._end.fileno())
        self._end.close()
        waiting: list[asyncio.Future[Any]] = [*self._waiting.values(), self.up]
        for each in waiting:
            if not each.done():
                each.set_exception(NotRunning("the machine went down"))
                each.exception()  # seen, even if nobody waits for it
        self._waiting.clear()
