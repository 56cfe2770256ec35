"""An authoritative name server on loopback, over UDP and TCP, that can be slow, silent or broken."""

from __future__ import annotations

import random
import socket
import socketserver
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest

from tests.loopback import free_port

UDP_BYTES = 512
"""What a server may answer over UDP to a query without EDNS (RFC 1035, section 4.2.1)."""


@dataclass
class NameServer:
    """What a server knows: full name and type to values, as a zone file writes them."""

    address: str
    port: int
    records: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    rcode: dns.rcode.Rcode = dns.rcode.NOERROR
    silent: bool = False
    seconds: float = 0.0
    """How long each answer takes."""
    lost: float = 0.0
    """Which part of the queries over UDP gets no answer."""
    failing: float = 0.0
    """Which part of the queries is answered SERVFAIL."""
    late: float = 0.0
    """For how many seconds a value that was published is not answered yet: a slow secondary."""
    chance: random.Random = field(default_factory=lambda: random.Random(5))
    asked: list[tuple[str, str]] = field(default_factory=list)
    _known: dict[tuple[str, str], float] = field(default_factory=dict)

    def publish(self, name: str, *values: str, kind: str = "TXT") -> None:
        """Add values to a name."""
        written = [f'"{value}"' for value in values] if kind == "TXT" else list(values)
        self._known |= {(name, value): time.monotonic() + self.late for value in written}
        self.records[name, kind] += written

    def withdraw(self, name: str, value: str) -> None:
        """Take one TXT value away; ValueError when it is not there."""
        self.records[name, "TXT"].remove(f'"{value}"')

    def values(self, name: str) -> list[str]:
        """The TXT values of a name."""
        return [value.strip('"') for value in self.records[name, "TXT"]]

    def _is_known(self, name: str, value: str) -> bool:
        return self._known.get((name, value), 0.0) <= time.monotonic()

    def answer(self, wire: bytes, *, over_tcp: bool) -> bytes | None:
        """What is sent back, or None."""
        query = dns.message.from_wire(wire)
        [question] = query.question
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        time.sleep(self.seconds)
        if self.silent or (not over_tcp and self.chance.random() < self.lost):
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        if self.chance.random() < self.failing:
            response.set_rcode(dns.rcode.SERVFAIL)
            return response.to_wire()
        response.set_rcode(self.rcode)
        owner = question.name
        if kind != "CNAME" and (alias := self.records.get((name, "CNAME"))):
            response.answer.append(dns.rrset.from_text_list(owner, 60, dns.rdataclass.IN, "CNAME", alias))
            owner = dns.name.from_text(alias[0])
            name = owner.to_text(omit_final_dot=True).lower()
        if values := [one for one in self.records.get((name, kind), ()) if self._is_known(name, one)]:
            found = dns.rrset.from_text_list(owner, 60, dns.rdataclass.IN, question.rdtype, values)
            response.answer.append(found)
        elif self.rcode == dns.rcode.NOERROR and not any(known == name for known, _ in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        wire = response.to_wire()
        if over_tcp or len(wire) <= UDP_BYTES:
            return wire
        response.answer.clear()
        response.flags |= dns.flags.TC
        return response.to_wire()


class _UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True
    knows: NameServer


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128  # an authority asks about many names at once
    allow_reuse_address = True  # a port may still be waiting out connections of a run before
    knows: NameServer


class _Datagram(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        wire, back = self.request
        if answer := cast("_UdpServer", self.server).knows.answer(wire, over_tcp=False):
            back.sendto(answer, self.client_address)


class _Stream(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while length := self.rfile.read(2):
            wire = self.rfile.read(int.from_bytes(length))
            if answer := cast("_TcpServer", self.server).knows.answer(wire, over_tcp=True):
                self.wfile.write(len(answer).to_bytes(2) + answer)


@contextmanager
def serving(addresses: list[str]) -> Iterator[list[NameServer]]:
    """A server at each of these loopback addresses, all on the same port."""
    port = free_port([(address, kind) for address in addresses for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)])
    servers = [NameServer(address, port) for address in addresses]
    running: list[_UdpServer | _TcpServer] = []
    for server in servers:
        udp = _UdpServer((server.address, port), _Datagram)
        tcp = _TcpServer((server.address, port), _Stream)
        udp.knows = tcp.knows = server
        running += [udp, tcp]
    threads = [threading.Thread(target=one.serve_forever, args=(0.01,), daemon=True) for one in running]
    for thread in threads:
        thread.start()
    try:
        yield servers
    finally:
        for one in running:
            one.shutdown()
            one.server_close()
        for thread in threads:
            thread.join()


@pytest.fixture
def name_servers() -> Iterator[list[NameServer]]:
    """Three authoritative servers of example.cn, on one port of three loopback addresses; the first knows the
    delegation too."""
    with serving(["127.0.0.1", "127.0.0.2", "127.0.0.3"]) as servers:
        for number, server in enumerate(servers, 1):
            servers[0].publish("example.cn", f"ns{number}.dnspod.test.", kind="NS")
            servers[0].publish(f"ns{number}.dnspod.test", server.address, kind="A")
        yield servers
