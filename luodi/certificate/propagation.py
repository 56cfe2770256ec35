"""Whether every authoritative server of a zone answers with a TXT value.

A CA asks the zone's own servers, from several places; a challenge answered before all of them know the
record is a failed validation. So each server is asked itself, never a cache (RFC 8555, section 8.4).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.message
import dns.name
import dns.nameserver
import dns.query
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.resolver
from dns.rdtypes.txtbase import TXTBase

_PORT = 53
_ANSWER_SECONDS, _LOOKUP_SECONDS = 3.0, 10.0
_AT_ONCE = 16
_SILENT = "no answer"


class NotPropagated(Exception):
    """A record that some server still didn't answer with when the time was up."""


class NoAnswer(Exception):
    """A name server that answers nothing of use; the message is its code, or that it was silent."""


class NoNameServers(Exception):
    """A zone whose name servers can't be found."""

    def __init__(self, zone: str, why: str) -> None:
        super().__init__(
            f"{zone}: its name servers can't be found ({why.rstrip('.')}). Is the domain registered, and are DNSPod's "
            "name servers set at the registrar (修改 DNS 服务器)?"
        )


@dataclass(frozen=True)
class NameServer:
    """One address of one authoritative server."""

    name: str
    address: str
    port: int = _PORT

    def __str__(self) -> str:
        return f"{self.name} ({self.address})"


class _Resolver(dns.resolver.Resolver):
    """Several are asked in turn; the one that had an answer is asked first from then on, so that a silent one costs
    its time once."""

    def resolve(self, *args: Any, **kwargs: Any) -> dns.resolver.Answer:
        answer = super().resolve(*args, **kwargs)
        last = (answer.nameserver, answer.port)
        self.nameservers = sorted(self.nameservers, key=lambda one: self._where(one) != last)
        return answer

    def _where(self, server: str | dns.nameserver.Nameserver) -> tuple[str, int]:
        if isinstance(server, str):
            return server, self.port
        return server.answer_nameserver(), server.answer_port()


def resolver_at(via: Sequence[tuple[str, int]] = ()) -> dns.resolver.Resolver:
    """The resolvers at these addresses and ports, asked in turn where one is silent or out of order; of none, the
    system's. Raises DNSException or OSError."""
    resolver = _Resolver(configure=not via)
    if via:
        resolver.nameservers = [dns.nameserver.Do53Nameserver(*one) for one in via]
    resolver.lifetime = _LOOKUP_SECONDS + resolver.timeout * (len(resolver.nameservers) - 1)
    return resolver


def authoritative(zone: str, *, via: Sequence[tuple[str, int]] = ()) -> list[NameServer]:
    """The IPv4 addresses of a zone's name servers, as delegated.

    `via` are addresses and ports to ask, in turn, instead of the system's resolvers; the servers found are then asked
    on the port of the one that knew them. Raises NoNameServers.
    """
    found: set[NameServer] = set()
    try:
        resolver = resolver_at(via)
        for delegation in resolver.resolve(zone, "NS"):
            host = delegation.target.to_text()
            addresses = resolver.resolve(host, "A", raise_on_no_answer=False)
            found |= {NameServer(host.rstrip("."), address.to_text(), addresses.port or _PORT) for address in addresses}
    except (dns.exception.DNSException, OSError) as error:
        raise NoNameServers(zone, str(error)) from None
    if not found:
        raise NoNameServers(zone, "none of them has an IPv4 address")
    return sorted(found, key=str)


def wait(
    wanted: Mapping[str, Collection[str]],
    servers: list[NameServer],
    *,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait until every server answers with every value: `wanted` is full name to TXT values.

    Raises NotPropagated, naming each server that is behind and what it said, after `seconds`.
    """
    end, pause = clock() + seconds, 0.1
    left: dict[NameServer, Mapping[str, Collection[str]]] = dict.fromkeys(servers, wanted)
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        while True:
            found = zip(left, pool.map(_lacking, left, left.values()), strict=True)
            behind = {server: lacks for server, lacks in found if lacks}
            if not behind:
                return
            if clock() >= end:
                raise NotPropagated(
                    f"After {seconds:g} s not every name server has the challenge record: {_told(behind)}. "
                    "luodi:certificate.propagation-timeout sets how long to wait."
                )
            left = {server: {name: wanted[name] for name in lacks} for server, lacks in behind.items()}
            sleep(max(0.0, min(pause, end - clock())))
            pause = min(pause * 1.5, 5.0)


def _told(behind: Mapping[NameServer, Mapping[str, str]]) -> str:
    return "; ".join(f"{server} for {name}: {why}" for server, lacks in behind.items() for name, why in lacks.items())


def _lacking(server: NameServer, wanted: Mapping[str, Collection[str]]) -> dict[str, str]:
    """The names that a server doesn't answer with every value, and what it says instead.

    A server that is silent for one name is not asked for the others: each would cost as long again.
    """
    lacks: dict[str, str] = {}
    for name, values in wanted.items():
        said = _SILENT if _SILENT in lacks.values() else ask(server, name)
        if isinstance(said, str):
            lacks[name] = said
        elif not said.issuperset(values):
            lacks[name] = f"{len(said)} TXT values, not the new one" if said else "no TXT record"
    return lacks


def ask(server: NameServer, name: str) -> set[str] | str:
    """The TXT values that a server has for a name, or why it has no answer."""
    try:
        found = records(server, name, dns.rdatatype.TXT)
    except NoAnswer as error:
        return str(error)
    return {b"".join(record.strings).decode("ascii", "replace") for record in found if isinstance(record, TXTBase)}


def records(server: NameServer, name: str, kind: dns.rdatatype.RdataType) -> list[dns.rdata.Rdata]:
    """What a server answers for a name: records of this kind, and the CNAMEs on the way. Raises NoAnswer."""
    query = dns.message.make_query(dns.name.from_text(name), kind)
    query.flags &= ~dns.flags.RD
    try:
        answer, _ = dns.query.udp_with_fallback(query, server.address, timeout=_ANSWER_SECONDS, port=server.port)
    except dns.exception.Timeout:
        raise NoAnswer(_SILENT) from None
    except (dns.exception.DNSException, OSError) as error:
        raise NoAnswer(f"no answer ({error})") from None
    if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        raise NoAnswer(dns.rcode.to_text(answer.rcode()))
    wanted = (kind, dns.rdatatype.CNAME)
    return [record for rrset in answer.answer if rrset.rdtype in wanted for record in rrset]
