"""Addresses: public ones out of a loopback network of this machine, private ones out of subnets."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Collection

from localcloud.claims import Claims
from localcloud.errors import CloudError
from localcloud.machines.edge import loopback_ports
from localcloud.store import Kind, Store

RESERVED_PER_SUBNET = 3
"""Tencent keeps a subnet's first two and its last address for itself
(https://cloud.tencent.com/document/product/215/36517)."""
_MOST_BUSY = 16
"""Addresses in use by others after which one is given out all the same: a program that listens at all addresses is
told of by the machine that then can't have its own."""


class PublicAddresses:
    """The pool of public IPv4 addresses: every one can really be opened on this machine."""

    def __init__(self, store: Store, network: ipaddress.IPv4Network, claims: Claims) -> None:
        """Give out hosts of `network`, a part of 127.0.0.0/8, none of which another cloud has claimed."""
        self._store = store
        self._network = network
        self._claims = claims
        for address in store.identifiers(Kind.PUBLIC_ADDRESS):
            claims.take(address)  # where another cloud took it meanwhile, the machine that can't have it tells

    def allocate(self, owner: str) -> str:
        """Take a free address for `owner`; an address given back is reused last.

        Raises CloudError ResourceInsufficient when none is left.
        """
        hosts, busy = self._network.num_addresses - 2, 0
        for _ in range(hosts):
            offset = self._store.next_number("public_address", 0) % hosts + 1
            address = str(self._network.network_address + offset)
            if self._store.get(Kind.PUBLIC_ADDRESS, address) is not None:
                continue
            if not self._claims.take(address):
                continue
            if busy < _MOST_BUSY and not _is_free(address):
                self._claims.give_back(address)
                busy += 1
                continue
            self._store.put(Kind.PUBLIC_ADDRESS, address, {"Owner": owner})
            return address
        raise CloudError(
            "ResourceInsufficient",
            f"Every public address of {self._network} is taken; release some, or start localcloud"
            " with a larger --network.",
        )

    def release(self, address: str) -> None:
        """Give an address back."""
        self._store.delete(Kind.PUBLIC_ADDRESS, address)
        self._claims.give_back(address)


def _is_free(address: str) -> bool:
    """Whether no program of this machine listens there."""
    for port in loopback_ports().values():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    return False
    return True


def subnet_size(cidr: str) -> int:
    """Return how many addresses of a subnet can be used."""
    return max(ipaddress.ip_network(cidr).num_addresses - RESERVED_PER_SUBNET, 0)


def private_address(cidr: str, taken: Collection[str]) -> str:
    """Return the first free address of a subnet.

    Raises CloudError LimitExceeded.VpcSubnetNum when the subnet is full.
    """
    network = ipaddress.ip_network(cidr)
    for offset in range(2, network.num_addresses - 1):
        address = str(network.network_address + offset)
        if address not in taken:
            return address
    raise CloudError("LimitExceeded.VpcSubnetNum", f"The subnet {cidr} has no free address.")
