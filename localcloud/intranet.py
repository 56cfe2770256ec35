"""The provider's own network as the machines see it: resolvers that know COS's names, and COS at an address inside.

A server in a VPC gets an internal address for COS from Tencent's resolvers
(https://cloud.tencent.com/document/product/436/31315), and so does a machine here. It has no other way out: the
resolvers refuse every other name.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from aiohttp import web

from localcloud.machines.guest.network import COS
from localcloud.services.cos import Cos, is_cos

_TTL = 120


class Intranet:
    """Answers at the sockets that machines open for it."""

    def __init__(self, cos: Cos, cos_port: int) -> None:
        """Serve `cos`, at port `cos_port` of its address in every machine."""
        self.cos_port = cos_port
        self._runner = web.ServerRunner(web.Server(cos.handle, access_log=None))

    async def start(self) -> None:
        """Be ready for machines."""
        await self._runner.setup()

    async def close(self) -> None:
        """Answer no more."""
        await self._runner.cleanup()

    async def attach(self, sockets: Sequence[socket.socket]) -> Attachment:
        """Answer at a machine's sockets, in the order in which `open_services` makes them, until they are detached."""
        cos, *resolvers = sockets
        site = web.SockSite(self._runner, cos)
        await site.start()
        loop = asyncio.get_running_loop()
        transports = [(await loop.create_datagram_endpoint(_Resolver, sock=one))[0] for one in resolvers]
        return Attachment(site, transports)


class Attachment:
    """One machine's part of the network."""

    def __init__(self, site: web.SockSite, transports: Sequence[asyncio.DatagramTransport]) -> None:
        self._site = site
        self._transports = transports

    async def close(self) -> None:
        """Let go of the machine's sockets, so that its network can end."""
        for transport in self._transports:
            transport.close()
        await self._site.stop()


class _Resolver(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = resolve(data)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)


def resolve(wire: bytes) -> bytes | None:
    """Return the answer to a query in wire format, or None where none is due."""
    try:
        query = dns.message.from_wire(wire)
    except dns.exception.DNSException:
        return None
    if query.flags & dns.flags.QR or not query.question:
        return None
    response = dns.message.make_response(query, recursion_available=True)
    question = query.question[0]
    if not is_cos(question.name.to_text(omit_final_dot=True)):
        response.set_rcode(dns.rcode.REFUSED)
    elif question.rdtype == dns.rdatatype.A:
        response.answer.append(dns.rrset.from_text(question.name, _TTL, dns.rdataclass.IN, dns.rdatatype.A, COS))
    return response.to_wire()
