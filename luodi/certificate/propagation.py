"""Whether every authoritative server of a zone answers with a TXT value.

A CA asks the zone's own servers, from several places; a challenge answered before all of them know the
record is a failed validation. So each server is asked itself, never a cache (RFC 8555, section 8.4).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver

_PORT = 53
_ANSWER_SECONDS = 3.0


class NotPropagated(Exception):
    """A record that some server still didn't answer with when the time was up."""


class NoNameServers(Exception):
    """A zone whose name servers can't be found."""


@dataclass(frozen=True)
class NameServer:
    """One address of one authoritative server."""

    name: str
    address: str
    port: int = _PORT

    def __str__(self) -> str:
        return f"{self.name} ({self.address})"


def authoritative(zone: str, *, via: tuple[str, int] | None = None) -> list[NameServer]:
    """The IPv4 addresses of a zone's name servers, as delegated.

    `via` is an address and port to ask instead of the system's resolver; the servers found are then asked on
    that port too. Raises NoNameServers.
    """
    resolver = dns.resolver.Resolver(configure=via is None)
    if via is not None:
        resolver.nameservers, resolver.port = [via[0]], via[1]
    resolver.lifetime = 10.0
    found = []
    try:
        for delegation in resolver.resolve(zone, "NS"):
            host = delegation.target.to_text()
            for address in resolver.resolve(host, "A"):
                found.append(NameServer(host.rstrip("."), address.to_text(), resolver.port))
    except (dns.exception.DNSException, OSError) as error:
        raise NoNameServers(
            f"{zone}: its name servers can't be found ({error}). Is the domain registered, and are DNSPod's name "
            "servers set at the registrar (修改 DNS 服务器)?"
        ) from None
    return sorted(set(found), key=str)


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
    left = [(server, name) for server in servers for name in wanted]
    while True:
        behind = []
        for server, name in left:
            said = ask(server, name)
            if isinstance(said, str) or not set(wanted[name]) <= said:
                behind.append((server, name, said))
        if not behind:
            return
        if clock() + pause > end:
            told = "; ".join(
                f"{server} for {name}: {said if isinstance(said, str) else f'{len(said)} TXT values, not the new one'}"
                for server, name, said in behind
            )
            raise NotPropagated(
                f"After {seconds:.0f} s not every name server has the challenge record: {told}. "
                "luodi:certificate.propagation-timeout sets how long to wait."
            )
        left = [(server, name) for server, name, _ in behind]
        sleep(pause)
        pause = min(pause * 1.5, 5.0)


def ask(server: NameServer, name: str) -> set[str] | str:
    """The TXT values that a server has for a name, or why it has no answer."""
    query = dns.message.make_query(dns.name.from_text(name), dns.rdatatype.TXT)
    query.flags &= ~dns.flags.RD
    try:
        answer, _ = dns.query.udp_with_fallback(query, server.address, timeout=_ANSWER_SECONDS, port=server.port)
    except (dns.exception.DNSException, OSError) as error:
        return f"no answer ({type(error).__name__})"
    if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return dns.rcode.to_text(answer.rcode())
    return {
        b"".join(record.strings).decode("ascii", "replace")
        for rrset in answer.answer
        if rrset.rdtype == dns.rdatatype.TXT
        for record in rrset
    }
