"""What several unit tests stand on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit import nameserver
from tests.unit.nameserver import NameServer


@pytest.fixture
def name_servers() -> Iterator[list[NameServer]]:
    """Three authoritative servers of example.cn, on one port of three loopback addresses; the first knows the
    delegation too."""
    with nameserver.serving(["127.0.0.1", "127.0.0.2", "127.0.0.3"]) as servers:
        for number, server in enumerate(servers, 1):
            servers[0].publish("example.cn", f"ns{number}.dnspod.test.", kind="NS")
            servers[0].publish(f"ns{number}.dnspod.test", server.address, kind="A")
        yield servers
