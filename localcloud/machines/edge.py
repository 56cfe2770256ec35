"""The edge of the rehearsal cloud: where a machine's public address is answered.

A connection to the address is checked against the firewall, then joined with one made inside the
machine's network from the client's own address, so that a server in there sees who really asks.
What the firewall keeps out, and what nothing in the machine listens for, is reset: on loopback a
client that waits for an answer which never comes learns nothing more. Where host names are judged,
what the client sends is inspected before it goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import struct
from collections.abc import Awaitable, Callable

from localcloud.machines.errors import MachineError
from localcloud.machines.inspection import Inspection, Interception, Serves

LOOPBACK = "127.0.0.1"
VISITOR = "127.0.1.1"
"""What a program on this host looks like to a machine: its own address there is the machine's own too."""

PORTS = (80, 443)
_HIGH = {80: 8080, 443: 8443}
_CONNECT_SECONDS = 10.0
_IP_BIND_ADDRESS_NO_PORT = 24  # linux/in.h; Python names it from 3.12 on
_BACKLOG = 1024
HEAD_SECONDS = 60.0
"""How long the beginning of a request may take, as with nginx (client_header_timeout)."""
_LINGER_SECONDS = 5.0

Allows = Callable[[str, int], bool]
Judge = Callable[[], Serves | None]
"""Who judges host names, asked at each new connection; None for nobody."""


def loopback_ports() -> dict[int, int]:
    """Return which port really answers for each public one: itself, or a high one.

    An ordinary user may not bind ports below `net.ipv4.ip_unprivileged_port_start`.
    """
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", PORTS[0]))
        except PermissionError:
            return dict(_HIGH)
        except OSError:
            pass  # in use there, so allowed
    return {port: port for port in PORTS}


class Edge:
    """Listens at one public address for one machine."""

    def __init__(
        self,
        address: str,
        ports: dict[int, int],
        *,
        allows: Allows,
        judge: Judge,
        machine_socket: Callable[[], Awaitable[socket.socket]],
        log: logging.Logger,
    ) -> None:
        self.address = address
        self._ports = ports
        self._allows = allows
        self._judge = judge
        self._machine_socket = machine_socket
        self._log = log
        self._servers: list[asyncio.Server] = []
        self._clients: set[_Side] = set()

    async def open(self) -> None:
        """Listen. Raises MachineError when the address can't be had."""
        loop = asyncio.get_running_loop()
        for port, real in self._ports.items():
            try:
                server = await loop.create_server(
                    lambda port=port: _Side(self, port),  # type: ignore[misc]
                    self.address,
                    real,
                    backlog=_BACKLOG,
                )
            except OSError as error:
                self.close()
                raise MachineError(_explain(error, self.address, real)) from error
            self._servers.append(server)

    def close(self) -> None:
        """Stop listening and cut every connection, as unbinding an address does."""
        for server in self._servers:
            server.close()
        self._servers.clear()
        for client in list(self._clients):
            client.reset()

    def accept(self, client: _Side, port: int) -> None:
        """Let a connection in or reset it."""
        source = VISITOR if client.peer_address == LOOPBACK else client.peer_address
        try:
            allowed = self._allows(source, port)
            serves = self._judge() if allowed else None
        except Exception:
            self._log.exception("firewall of %s failed for %s, port %d", self.address, source, port)
            allowed, serves = False, None
        if not allowed:
            client.reset()
            return
        if serves is not None:
            client.inspect(Inspection(serves))
        self._clients.add(client)
        client.join(asyncio.ensure_future(self._join(client, source, port)))

    def inspected(self, work: Callable[[], bytes]) -> bytes | Interception:
        """Do what may intercept; a failure is one more reason to cut."""
        try:
            return work()
        except Interception as interception:
            self._log.info("%s: intercepted: %s", self.address, interception)
            return interception
        except Exception:
            self._log.exception("inspection at %s failed", self.address)
            return Interception("inspection failed")

    def forget(self, client: _Side) -> None:
        """A connection is over."""
        self._clients.discard(client)

    async def _join(self, client: _Side, source: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        try:
            server = await self._machine_socket()
        except MachineError:
            client.reset()
            return
        try:
            server.setblocking(False)
            server.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            # Only a loopback address can also be one inside the machine.
            if source.startswith("127."):
                server.bind((source, 0))
            async with asyncio.timeout(_CONNECT_SECONDS):
                await loop.sock_connect(server, (self.address, port))
            await loop.create_connection(lambda: _Side.behind(client), sock=server)
        except OSError:  # a TimeoutError is one too
            server.close()
            client.reset()


class _Side(asyncio.Protocol):
    """One end of a joined pair; what it receives goes out at the other."""

    def __init__(self, edge: Edge | None, port: int) -> None:
        self._edge = edge
        self._port = port
        self._transport: asyncio.Transport | None = None
        self._other: _Side | None = None
        self._joining: asyncio.Future[None] | None = None
        self._ended = False
        self._inspection: Inspection | None = None
        self._deadline: asyncio.TimerHandle | None = None

    @classmethod
    def behind(cls, client: _Side) -> _Side:
        """Return the machine's side for a client."""
        side = cls(None, 0)
        side._other, client._other = client, side
        return side

    @property
    def peer_address(self) -> str:
        return str(self._socket_transport.get_extra_info("peername")[0])

    @property
    def _socket_transport(self) -> asyncio.Transport:
        assert self._transport is not None  # noqa: S101 - set by connection_made, which is first
        return self._transport

    def join(self, task: asyncio.Future[None]) -> None:
        """Keep the task that connects to the machine."""
        self._joining = task

    def inspect(self, inspection: Inspection) -> None:
        """Let what the client sends be judged before it goes on."""
        self._inspection = inspection

    def reset(self) -> None:
        """Close with a reset, on both ends."""
        for side in (self, self._other):
            if side is not None and side._transport is not None:
                raw = side._transport.get_extra_info("socket")
                with contextlib.suppress(OSError):
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                side._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport = transport
        if self._edge is not None:
            # Not here and now: Python before 3.11.4 starts to read after this, paused or not.
            asyncio.get_running_loop().call_soon(self._begin)
        elif self._other is not None and self._other._transport is not None:
            if self._other._transport.is_closing():
                transport.abort()
            else:
                self._other._transport.resume_reading()

    def _begin(self) -> None:
        if self._edge is not None and not self._socket_transport.is_closing():
            self._socket_transport.pause_reading()  # until there is somewhere to write to
            self._edge.accept(self, self._port)

    def data_received(self, data: bytes) -> None:
        other = self._other
        if other is None:
            return
        if other._inspection is not None:
            other._inspection.answered()
        elif self._inspection is not None:
            data = self._inspected(self._inspection, data)
        if data and other._transport is not None:
            other._transport.write(data)

    def _inspected(self, inspection: Inspection, data: bytes | None) -> bytes:
        """Return what goes on of what the client sent, or of what was held back when it has ended (None)."""
        assert self._edge is not None  # noqa: S101 - only a client's side is inspected
        found = self._edge.inspected(inspection.end if data is None else lambda: inspection.receive(data))
        if isinstance(found, Interception):
            self._intercept(found)
            return b""
        if inspection.over:
            self._inspection = None
        if not inspection.holding:
            self._set_deadline(None)
        elif self._deadline is None:
            self._set_deadline(HEAD_SECONDS)
        return found

    def _intercept(self, interception: Interception) -> None:
        """End the connection in the server's place."""
        if interception.answer is None:
            self.reset()
            return
        server, self._other, self._inspection = self._other, None, None
        if server is not None:
            server._other = None
            server.reset()
        self._socket_transport.write(interception.answer)
        if self._ended:
            self._socket_transport.close()
            return
        # What the client is still sending is read for a while: closed at once, it might never see the answer.
        self._socket_transport.write_eof()
        self._set_deadline(_LINGER_SECONDS)

    def _set_deadline(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if seconds is not None:
            self._deadline = asyncio.get_running_loop().call_later(seconds, self.reset)

    def eof_received(self) -> bool:
        """One direction is over: pass that on, and keep the other until it is over too."""
        self._ended = True
        if self._inspection is not None and self._other is not None and self._other._transport is not None:
            held = self._inspected(self._inspection, None)
            if held:
                self._other._transport.write(held)
        other = self._other
        if other is None or other._transport is None or other._ended:
            return False
        if other._transport.can_write_eof():
            other._transport.write_eof()
        return True

    def pause_writing(self) -> None:
        if self._other is not None and self._other._transport is not None:
            self._other._transport.pause_reading()

    def resume_writing(self) -> None:
        if self._other is not None and self._other._transport is not None:
            self._other._transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        if self._edge is not None:
            self._edge.forget(self)
        if self._joining is not None and not self._joining.done():
            self._joining.cancel()
        self._set_deadline(None)
        other = self._other
        if other is None or other._transport is None:
            return
        if error is not None:
            other.reset()
        else:
            other._transport.close()


def _explain(error: OSError, address: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"{address}:{port} is taken: another program listens there, or at all addresses on"
            f" port {port}. Find it with `ss -ltnp 'sport = :{port}'` and stop it."
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{address} isn't an address of this host; public addresses are 127.x.y.z here."
    return f"{address}:{port} can't be listened at: {error.strerror}"
