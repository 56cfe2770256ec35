"""Whether every authoritative server of a zone answers with a TXT value.

A CA asks the zone's own servers, from several places; a challenge answered before all of them know the
record is a failed validation. So each server is asked itself, never a cache (RFC 8555, section 8.4).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdatatype
from dns.rdtypes.txtbase import TXTBase

DNS_PORT = 53
_ANSWER_SECONDS = 3.0
_AT_ONCE = 16
_SILENT = "no answer"


class NotPropagated(Exception):
    """A record that some server still didn't answer with when the time was up."""


class NoAnswer(Exception):
    """A name server that answers nothing of use; the message is its code, or that it was silent."""


@dataclass(frozen=True)
class NameServer:
    """One address of one authoritative server."""

    name: str
    address: str
    port: int = DNS_PORT

    def __str__(self) -> str:
        return f"{self.name} ({self.address})"


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
