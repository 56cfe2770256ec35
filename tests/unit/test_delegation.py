"""Who answers for a zone, asked of real servers."""

from __future__ import annotations

import time

import dns.rcode
import pytest

from luodi.certificate import delegation, propagation
from luodi.certificate.delegation import NoNameServers
from tests.loopback import free_port
from tests.unit.nameserver import NameServer


def asked(servers: list[NameServer]) -> list[propagation.NameServer]:
    return [propagation.NameServer(f"ns{n}.dnspod.test", one.address, one.port) for n, one in enumerate(servers, 1)]


def test_name_servers_are_found_by_delegation(name_servers: list[NameServer]) -> None:
    first = name_servers[0]
    found = delegation.authoritative("example.cn", via=[(first.address, first.port)])
    assert found == asked(name_servers)
    assert [str(server) for server in found] == [
        "ns1.dnspod.test (127.0.0.1)",
        "ns2.dnspod.test (127.0.0.2)",
        "ns3.dnspod.test (127.0.0.3)",
    ]


def test_every_address_of_a_name_server_counts_once(name_servers: list[NameServer]) -> None:
    first = name_servers[0]
    first.publish("ns1.dnspod.test", "127.0.0.3", kind="A")
    first.publish("ns3.dnspod.test", "127.0.0.3", kind="A")
    found = delegation.authoritative("example.cn", via=[(first.address, first.port)])
    assert [(server.name, server.address) for server in found] == [
        ("ns1.dnspod.test", "127.0.0.1"),
        ("ns1.dnspod.test", "127.0.0.3"),
        ("ns2.dnspod.test", "127.0.0.2"),
        ("ns3.dnspod.test", "127.0.0.3"),
    ]


def test_a_name_server_without_ipv4_is_left_out(name_servers: list[NameServer]) -> None:
    first = name_servers[0]
    del first.records["ns2.dnspod.test", "A"]
    first.publish("ns2.dnspod.test", "::1", kind="AAAA")
    found = delegation.authoritative("example.cn", via=[(first.address, first.port)])
    assert [server.name for server in found] == ["ns1.dnspod.test", "ns3.dnspod.test"]


def test_a_zone_that_is_not_delegated(name_servers: list[NameServer]) -> None:
    first = name_servers[0]
    with pytest.raises(NoNameServers) as caught:
        delegation.authoritative("other.cn", via=[(first.address, first.port)])
    assert str(caught.value) == (
        "other.cn: its name servers can't be found (The DNS query name does not exist: other.cn). Is the domain "
        "registered, and are DNSPod's name servers set at the registrar (修改 DNS 服务器)?"
    )


def test_a_zone_whose_name_servers_have_no_ipv4(name_servers: list[NameServer]) -> None:
    first = name_servers[0]
    first.records["example.cn", "NS"] = ["ns9.dnspod.test."]
    first.publish("ns9.dnspod.test", "::1", kind="AAAA")
    with pytest.raises(NoNameServers, match="none of them has an IPv4 address"):
        delegation.authoritative("example.cn", via=[(first.address, first.port)])


def test_resolvers_are_asked_in_turn_and_a_silent_one_costs_its_time_once(name_servers: list[NameServer]) -> None:
    first, silent, failing = name_servers
    silent.silent, failing.rcode = True, dns.rcode.SERVFAIL
    start = time.monotonic()
    found = delegation.authoritative("example.cn", via=[(one.address, one.port) for one in (failing, silent, first)])
    took = time.monotonic() - start
    assert found == asked(name_servers)
    assert silent.asked == failing.asked == [("example.cn", "NS")]
    assert took < 4, "the silent one alone takes two seconds; three lookups would take six"


def test_of_resolvers_that_are_all_out_of_order_each_is_named(name_servers: list[NameServer]) -> None:
    for server in name_servers:
        server.rcode = dns.rcode.REFUSED
    with pytest.raises(NoNameServers) as caught:
        delegation.authoritative("example.cn", via=[(one.address, one.port) for one in name_servers])
    for server in name_servers:
        assert server.address in str(caught.value)


def test_the_name_servers_are_asked_on_the_port_of_the_resolver_that_knew_them(name_servers: list[NameServer]) -> None:
    first = name_servers[0]
    dead = free_port()
    found = delegation.authoritative("example.cn", via=[("127.0.0.9", dead), (first.address, first.port)])
    assert {server.port for server in found} == {first.port}
