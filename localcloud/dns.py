"""An authoritative DNS server for the DNSPod zones, over UDP and TCP on loopback.

Two addresses stand for DNSPod's two name servers. What is answered is read from the store, so a
record is served the moment the API call that made it returns.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset

from localcloud.store import Document, Kind, Store
from localcloud.zones import DEFAULT_LINE, NAME_SERVERS, to_rdata

ADDRESSES = ("127.0.0.1", "127.0.0.2")
"""Where the two name servers listen, both on one port."""
PLACES = tuple((address, kind) for address in ADDRESSES for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM))
"""What of that port must be free: both protocols at both addresses."""
UDP_SIZE = 1232
"""Bytes of the largest answer over UDP (DNS flag day 2020)."""
SOA_REFRESH = (3600, 180, 1209600, 180)
"""Refresh, retry, expire and minimum, as DNSPod's zones have them."""
SOA_TTL = 600
SERVER_TTL = 86400
TCP_IDLE = 10.0
_MAXIMUM_CHAIN = 8

Records = dict[dns.name.Name, dict[dns.rdatatype.RdataType, dns.rdataset.Rdataset]]


class Zone:
    """One zone as it is answered: its enabled records of the default line."""

    def __init__(self, origin: dns.name.Name, records: Records) -> None:
        """Hold `records`, whose names are absolute."""
        self.origin = origin
        self.records = records
        self._names = {ancestor for name in records for ancestor in _up_to(name, origin)} | {origin}

    def find(self, name: dns.name.Name) -> dict[dns.rdatatype.RdataType, dns.rdataset.Rdataset] | None:
        """Return what a name has (nothing, for one that only has names below it), or None.

        A name that isn't there is answered by the wildcard at its closest ancestor (RFC 4592).
        """
        if name in self._names:
            return self.records.get(name, {})
        encloser = name.parent()
        while encloser not in self._names:
            encloser = encloser.parent()
        return self.records.get(dns.name.Name(("*", *encloser.labels)))


class Zones:
    """All zones of the account, read again whenever the store has changed."""

    def __init__(self, store: Store) -> None:
        """Read the zones of `store`."""
        self._store = store
        self._revision = -1
        self._zones: dict[dns.name.Name, Zone] = {}
        self._servers = _server_zone()

    def of(self, name: dns.name.Name) -> Zone | None:
        """Return the zone that `name` is in, or None where we aren't its name server."""
        if self._revision != self._store.revision:
            self._revision = self._store.revision
            self._zones = {zone.origin: zone for zone in self._read()}
        for ancestor in _up_to(name, dns.name.root):
            zone = self._zones.get(ancestor)
            if zone is not None:
                return zone
        return self._servers if name.is_subdomain(self._servers.origin) else None

    def _read(self) -> Iterator[Zone]:
        records = self._store.all(Kind.RECORD)
        for domain in self._store.all(Kind.DOMAIN):
            if domain["Status"] == "ENABLE":
                own = [one for one in records if one["_Domain"] == domain["Punycode"]]
                yield _zone(domain, own)


class Responder:
    """Answers queries."""

    def __init__(self, zones: Zones, log: logging.Logger) -> None:
        """Answer from `zones`."""
        self._zones = zones
        self._log = log

    def answer(self, wire: bytes, *, maximum: int, transport: str) -> bytes | None:
        """Return the answer to a query in wire format, or None where none is due.

        `maximum` is how many bytes it may have (over UDP, less if the client says so).
        """
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return _malformed(wire)
        if query.flags & dns.flags.QR:
            return None
        response = dns.message.make_response(query, our_payload=UDP_SIZE)
        response.flags &= ~dns.flags.RA
        self._fill(query, response)
        if transport == "udp":
            maximum = min(maximum, max(query.payload, 512) if query.edns >= 0 else 512)
        question = query.question[0] if query.question else None
        self._log.info(
            "%s %s %s -> %s, %d answers",
            transport,
            question.name if question else "-",
            dns.rdatatype.to_text(question.rdtype) if question else "-",
            dns.rcode.to_text(response.rcode()),
            len(response.answer),
        )
        try:
            return response.to_wire(max_size=maximum)
        except dns.exception.TooBig:
            short = dns.message.make_response(query, our_payload=UDP_SIZE)
            short.flags = (response.flags | dns.flags.TC) & ~dns.flags.RA
            return short.to_wire()

    def _fill(self, query: dns.message.Message, response: dns.message.Message) -> None:
        if query.opcode() != dns.opcode.QUERY:
            response.set_rcode(dns.rcode.NOTIMP)
            return
        if len(query.question) != 1:
            response.set_rcode(dns.rcode.FORMERR)
            return
        question = query.question[0]
        transfer = question.rdtype in {dns.rdatatype.AXFR, dns.rdatatype.IXFR}
        if question.rdclass != dns.rdataclass.IN or transfer:
            response.set_rcode(dns.rcode.REFUSED)
            return
        zone = self._zones.of(question.name)
        if zone is None:
            response.set_rcode(dns.rcode.REFUSED)
            return
        response.flags |= dns.flags.AA
        self._follow(zone, question.name, question.rdtype, response)

    def _follow(
        self,
        zone: Zone,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        response: dns.message.Message,
    ) -> None:
        """Answer `name`, going after CNAMEs for as long as they lead into zones of ours."""
        for _ in range(_MAXIMUM_CHAIN):
            found = zone.find(name)
            if found is None:
                response.set_rcode(dns.rcode.NXDOMAIN)
                _add_soa(zone, response)
                return
            wanted = list(found.values()) if rdtype == dns.rdatatype.ANY else [found[rdtype]] if rdtype in found else []
            for rdataset in wanted:
                response.answer.append(dns.rrset.from_rdata_list(name, rdataset.ttl, list(rdataset)))
            if wanted:
                return
            alias = found.get(dns.rdatatype.CNAME)
            if alias is None:
                _add_soa(zone, response)
                return
            response.answer.append(dns.rrset.from_rdata_list(name, alias.ttl, list(alias)))
            name = alias[0].target
            next_zone = self._zones.of(name)
            if next_zone is None:
                return
            zone = next_zone


class DnsServer:
    """Listens for queries."""

    def __init__(self, store: Store, log: logging.Logger) -> None:
        """Answer for the zones of `store`."""
        self._responder = Responder(Zones(store), log)
        self._transports: list[asyncio.DatagramTransport] = []
        self._servers: list[asyncio.Server] = []

    async def start(self, port: int) -> None:
        """Listen on `port` of both addresses; raise OSError where it is taken."""
        loop = asyncio.get_running_loop()
        for address in ADDRESSES:
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _Datagrams(self._responder), local_addr=(address, port)
            )
            self._transports.append(transport)
            self._servers.append(await asyncio.start_server(self._serve, address, port))

    async def close(self) -> None:
        """Stop listening."""
        for transport in self._transports:
            transport.close()
        for server in self._servers:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            while True:
                async with asyncio.timeout(TCP_IDLE):
                    (length,) = struct.unpack("!H", await reader.readexactly(2))
                    query = await reader.readexactly(length)
                response = self._responder.answer(query, maximum=65535, transport="tcp")
                if response is None:
                    break
                writer.write(struct.pack("!H", len(response)) + response)
                await writer.drain()
        writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, responder: Responder) -> None:
        self._responder = responder
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        response = self._responder.answer(data, maximum=UDP_SIZE, transport="udp")
        if response is not None and self._transport is not None:
            self._transport.sendto(response, addr)


def _zone(domain: Document, records: list[Document]) -> Zone:
    origin = dns.name.from_text(domain["Punycode"])
    names: Records = {}
    for record in records:
        if record["Status"] == "ENABLE" and record["Line"] == DEFAULT_LINE:
            owner = dns.name.from_text("" if record["Name"] == "@" else record["Name"], origin)
            rdata = to_rdata(record["Type"], record["Value"], record["MX"])
            _put(names, owner, record["TTL"], rdata)
    updated = max((record["RecordId"] for record in records), default=1) % 2**31
    _put_soa(names, origin, updated)
    return Zone(origin, names)


def _server_zone() -> Zone:
    """Return the part of dnspod.net that we answer: the name servers' own addresses."""
    origin = dns.name.from_text("dnspod.net")
    names: Records = {}
    for server, address in zip(NAME_SERVERS, ADDRESSES, strict=True):
        _put(names, dns.name.from_text(server), SERVER_TTL, to_rdata("A", address, 0))
        _put(names, origin, SERVER_TTL, to_rdata("NS", f"{server}.", 0))
    _put_soa(names, origin, 1)
    return Zone(origin, names)


def _put(names: Records, owner: dns.name.Name, ttl: int, rdata: dns.rdata.Rdata) -> None:
    rdatasets = names.setdefault(owner, {})
    if rdata.rdtype not in rdatasets:
        rdatasets[rdata.rdtype] = dns.rdataset.Rdataset(dns.rdataclass.IN, rdata.rdtype, ttl=ttl)
    rdatasets[rdata.rdtype].add(rdata, ttl)


def _put_soa(names: Records, origin: dns.name.Name, serial: int) -> None:
    times = " ".join(map(str, SOA_REFRESH))
    text = f"{NAME_SERVERS[0]}. freednsadmin.dnspod.com. {serial} {times}"
    soa = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.SOA, text)
    _put(names, origin, SOA_TTL, soa)


def _add_soa(zone: Zone, response: dns.message.Message) -> None:
    soa = zone.records[zone.origin][dns.rdatatype.SOA]
    ttl = min(soa.ttl, SOA_REFRESH[-1])
    response.authority.append(dns.rrset.from_rdata_list(zone.origin, ttl, list(soa)))


def _up_to(name: dns.name.Name, origin: dns.name.Name) -> Iterator[dns.name.Name]:
    """Go from `name` up to `origin`, both included."""
    while True:
        yield name
        if name == origin or name == dns.name.root:
            return
        name = name.parent()


def _malformed(wire: bytes) -> bytes | None:
    if len(wire) < 12 or wire[2] & 0x80:
        return None
    response = dns.message.Message(id=int.from_bytes(wire[:2], "big"))
    response.flags |= dns.flags.QR
    response.set_rcode(dns.rcode.FORMERR)
    return response.to_wire()
