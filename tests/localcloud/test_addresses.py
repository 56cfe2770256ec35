"""Public addresses: given out once, and never where another program listens already."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path

import pytest

from localcloud.addresses import PublicAddresses
from localcloud.errors import CloudError
from localcloud.machines.edge import loopback_ports
from localcloud.store import Store

_NETWORK = ipaddress.IPv4Network("127.250.3.0/29")


@pytest.fixture
def addresses(tmp_path: Path) -> PublicAddresses:
    return PublicAddresses(Store(tmp_path / "state.db"), _NETWORK)


def test_each_is_given_out_once_until_none_is_left(addresses: PublicAddresses) -> None:
    given = [addresses.allocate("ins-1") for _ in range(6)]
    assert sorted(given) == [str(host) for host in _NETWORK.hosts()]
    with pytest.raises(CloudError, match=r"Every public address of 127\.250\.3\.0/29 is taken"):
        addresses.allocate("ins-2")
    addresses.release(given[2])
    assert addresses.allocate("ins-3") == given[2]


def test_one_where_another_program_listens_is_passed_over(addresses: PublicAddresses) -> None:
    first, second, *_ = (str(host) for host in _NETWORK.hosts())
    with socket.create_server((first, loopback_ports()[443])):
        assert addresses.allocate("ins-1") == second
