"""Whether a connection is let in: the rules by themselves, and real connections to real machines."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.errors import CloudError
from localcloud.firewall import Rule, allows, check
from tests.cloud import Cloud
from tests.localcloud import orders
from tests.localcloud.refusals import code_of

_addresses = st.ip_addresses(v=4).map(str)
_networks = st.builds(
    lambda address, length: str(ipaddress.IPv4Network(f"{address}/{length}", strict=False)),
    _addresses,
    st.integers(0, 32),
)
_ports = st.integers(1, 65535)
_specs = st.one_of(
    st.just("ALL"),
    _ports.map(str),
    st.lists(_ports, min_size=1, max_size=4).map(lambda ports: ",".join(map(str, ports))),
    st.tuples(_ports, _ports).map(lambda pair: f"{min(pair)}-{max(pair)}"),
)
_rules = st.builds(
    Rule,
    action=st.sampled_from(["ACCEPT", "DROP"]),
    protocol=st.sampled_from(["ALL", "TCP", "UDP", "ICMP"]),
    port=_specs,
    cidr=_networks,
)


def _ports_of(spec: str) -> set[int]:
    if spec == "ALL":
        return set(range(65536))
    ports: set[int] = set()
    for part in spec.split(","):
        first, _, last = part.partition("-")
        ports.update(range(int(first), int(last or first) + 1))
    return ports


@given(st.lists(_rules, max_size=5), _addresses, _ports)
def test_the_first_rule_that_matches_decides(rules: list[Rule], address: str, port: int) -> None:
    expected = False
    for rule in rules:
        inside = ipaddress.ip_address(address) in ipaddress.ip_network(rule.cidr)
        if rule.protocol in {"ALL", "TCP"} and inside and port in _ports_of(rule.port):
            expected = rule.action == "ACCEPT"
            break
    assert allows(rules, address, port) is expected


@given(_addresses, _ports)
def test_what_no_rule_matches_is_refused(address: str, port: int) -> None:
    assert not allows([], address, port)
    assert not allows([Rule("ACCEPT", protocol="UDP", cidr="0.0.0.0/0")], address, port)


@given(_rules)
def test_rules_as_they_are_written_are_taken(rule: Rule) -> None:
    check(rule.action, rule.protocol, rule.port, rule.cidr)


@given(st.text(), st.text(), st.text(), st.text())
def test_whatever_is_written_is_taken_or_refused(action: str, protocol: str, port: str, cidr: str) -> None:
    code = code_of(lambda: check(action, protocol, port, cidr))
    assert code in {None, "InvalidParameterValue"}
    if code is None:
        allows([Rule(action, protocol, port, cidr)], "192.0.2.1", 443)


@pytest.mark.parametrize("port", ["", "http", "80-", "-80", "90-80", "65536", "80, 443", "1-2-3", "８０"])
def test_ports_that_are_none(port: str) -> None:
    with pytest.raises(CloudError):
        check("ACCEPT", "TCP", port, "0.0.0.0/0")


def test_members_of_a_group_and_ipv6() -> None:
    rule = Rule("ACCEPT", "TCP", "5432", sources=frozenset({"10.0.0.4"}))
    assert allows([rule], "10.0.0.4", 5432)
    assert not allows([rule], "10.0.0.5", 5432)
    assert allows([Rule("ACCEPT", cidr="2001:db8::/32")], "2001:db8::1", 80)
    assert not allows([Rule("ACCEPT", cidr="2001:db8::/32")], "192.0.2.1", 80)


def _comes_through(cloud: Cloud, address: str, client: str = "127.0.0.1") -> bool:
    """Whether a connection to port 80 of a public address is taken by what listens in the machine."""
    port = cloud.endpoints.public_ports["80"]
    try:
        with socket.create_connection((address, port), timeout=10, source_address=(client, 0)) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return bool(connection.recv(1))
    except (ConnectionError, TimeoutError):
        return False


def _serve(cloud: Cloud, instance: str) -> None:
    """Let something answer on port 80 of an instance."""
    script = "cd /root && (setsid python3 -m http.server 80 >/dev/null 2>&1 &)"
    cloud.run(instance, script)


def test_a_security_group_decides_at_each_new_connection(cloud: Cloud) -> None:
    with orders.cvm(cloud) as (instance, group):
        address = orders.address(cloud, instance)
        _serve(cloud, instance)

        def rules(*ingress: dict[str, Any]) -> None:
            policies = {"Ingress": list(ingress), "Egress": []}
            parameters = {"SecurityGroupId": group, "SecurityGroupPolicySet": policies}
            cloud.call("vpc", "ModifySecurityGroupPolicies", parameters)

        everybody = {"Protocol": "TCP", "Port": "80,443", "CidrBlock": "0.0.0.0/0", "Action": "ACCEPT"}
        cloud.until(lambda: _comes_through(cloud, address))
        rules()
        assert not _comes_through(cloud, address)
        rules({"Protocol": "TCP", "Port": "80", "CidrBlock": "127.0.0.7", "Action": "ACCEPT"})
        assert not _comes_through(cloud, address)
        assert _comes_through(cloud, address, "127.0.0.7")
        rules({"Protocol": "TCP", "Port": "80", "CidrBlock": "127.0.0.7/32", "Action": "DROP"}, everybody)
        assert _comes_through(cloud, address)
        assert not _comes_through(cloud, address, "127.0.0.7")
        rules(everybody)
        assert _comes_through(cloud, address, "127.0.0.7")


def test_a_lighthouse_firewall_decides(cloud: Cloud) -> None:
    with orders.lighthouse(cloud) as instance:
        address = orders.address(cloud, instance)
        _serve(cloud, instance)
        cloud.until(lambda: _comes_through(cloud, address))
        web = [{"Protocol": "TCP", "Port": "80", "CidrBlock": "0.0.0.0/0", "Action": "ACCEPT"}]
        cloud.call("lighthouse", "DeleteFirewallRules", {"InstanceId": instance, "FirewallRules": web})
        assert not _comes_through(cloud, address)
        cloud.call("lighthouse", "CreateFirewallRules", {"InstanceId": instance, "FirewallRules": web})
        assert _comes_through(cloud, address)


def test_a_stopped_instance_answers_nobody(cloud: Cloud) -> None:
    with orders.lighthouse(cloud) as instance:
        address = orders.address(cloud, instance)
        _serve(cloud, instance)
        cloud.until(lambda: _comes_through(cloud, address))
        cloud.call("lighthouse", "StopInstances", {"InstanceIds": [instance]})
        cloud.settle()
        with contextlib.suppress(ConnectionError):
            assert not _comes_through(cloud, address)
