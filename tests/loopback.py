"""Ports and addresses of this host that no other test process uses, whoever's it is."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from socket import SocketKind

from localcloud import ports
from localcloud.claims import Claims

_FIRST_PORT = 20000
_claims = Claims()


def free_port(places: Sequence[tuple[str, SocketKind]] = ports.LOOPBACK) -> int:
    """A port that can be listened at in all these places, and is this process's until it ends."""
    return ports.take(_claims, _FIRST_PORT, places)


@contextmanager
def network(addresses: int = 256) -> Iterator[ipaddress.IPv4Network]:
    """A loopback network of that many addresses at most, for a while."""
    number = next((number for number in range(16, 100) if _claims.take(f"network {number}")), None)
    assert number is not None, "every test network is in use"
    try:
        yield ipaddress.IPv4Network((f"127.{number}.0.0", 32 - (addresses - 1).bit_length()))
    finally:
        _claims.give_back(f"network {number}")
