"""Who answers for a zone, as resolvers tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dns.exception
import dns.nameserver
import dns.resolver

from luodi.certificate.propagation import DNS_PORT, NameServer

_LOOKUP_SECONDS = 10.0


class NoNameServers(Exception):
    """A zone whose name servers can't be found."""

    def __init__(self, zone: str, why: str) -> None:
        super().__init__(
            f"{zone}: its name servers can't be found ({why.rstrip('.')}). Is the domain registered, and are DNSPod's "
            "name servers set at the registrar (修改 DNS 服务器)?"
        )


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
            found |= {
                NameServer(host.rstrip("."), address.to_text(), addresses.port or DNS_PORT) for address in addresses
            }
    except (dns.exception.DNSException, OSError) as error:
        raise NoNameServers(zone, str(error)) from None
    if not found:
        raise NoNameServers(zone, "none of them has an IPv4 address")
    return sorted(found, key=str)
