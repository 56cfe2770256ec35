"""Public addresses and ports: given out once, and never where another program listens already."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from localcloud import ports
from localcloud.addresses import PublicAddresses
from localcloud.claims import Claims
from localcloud.errors import CloudError
from localcloud.machines.edge import loopback_ports
from localcloud.store import Store
from tests import loopback


@pytest.fixture
def network() -> Iterator[ipaddress.IPv4Network]:
    with loopback.network(8) as one:
        yield one


@pytest.fixture
def claims() -> Iterator[Claims]:
    with closing(Claims()) as one:
        yield one


@pytest.fixture
def addresses(tmp_path: Path, network: ipaddress.IPv4Network, claims: Claims) -> PublicAddresses:
    return PublicAddresses(Store(tmp_path / "state.db"), network, claims)


def test_each_is_given_out_once_until_none_is_left(addresses: PublicAddresses, network: ipaddress.IPv4Network) -> None:
    given = [addresses.allocate("ins-1") for _ in range(6)]
    assert sorted(given) == [str(host) for host in network.hosts()]
    with pytest.raises(CloudError, match=rf"Every public address of {re.escape(str(network))} is taken"):
        addresses.allocate("ins-2")
    addresses.release(given[2])
    assert addresses.allocate("ins-3") == given[2]


def test_one_where_another_program_listens_is_passed_over(
    addresses: PublicAddresses, network: ipaddress.IPv4Network
) -> None:
    first, second, *_ = (str(host) for host in network.hosts())
    with socket.create_server((first, loopback_ports()[443])):
        assert addresses.allocate("ins-1") == second


def test_two_clouds_give_out_different_ones_before_anything_listens(
    addresses: PublicAddresses, claims: Claims, network: ipaddress.IPv4Network, tmp_path: Path
) -> None:
    first, second, *_ = (str(host) for host in network.hosts())
    kept = Store(tmp_path / "other.db")
    with closing(Claims()) as others:
        other = PublicAddresses(kept, network, others)
        assert (addresses.allocate("ins-1"), other.allocate("ins-2")) == (first, second)
    with closing(Claims()) as others:  # the other cloud is started again
        PublicAddresses(kept, network, others)
        assert not claims.take(second)
    assert claims.take(second)


def test_ports_are_taken_once_and_never_where_another_program_listens(claims: Claims) -> None:
    first = ports.take(claims, 30000)
    with closing(Claims()) as others, socket.create_server(("127.0.0.1", 0)) as listening:
        taken = listening.getsockname()[1]
        assert ports.take(others, first) > first
        assert ports.take(others, taken) > taken
    claims.close()
    assert ports.take(claims, first) == first
