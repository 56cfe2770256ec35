"""Whether a firewall lets a connection in: rules in order, the first that matches decides.

Source: https://cloud.tencent.com/document/product/213/12452 (安全组概述): rules are tried from the
top, several security groups one after another, and what no rule matches is refused.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Set
from dataclasses import dataclass
from typing import Literal

from localcloud.errors import CloudError

Protocol = Literal["TCP", "UDP", "ICMP", "ICMPV6", "GRE", "ALL"]
PROTOCOLS: frozenset[str] = frozenset({"TCP", "UDP", "ICMP", "ICMPV6", "GRE", "ALL"})
ACTIONS = frozenset({"ACCEPT", "DROP"})
ANYWHERE = "0.0.0.0/0"
_PORT = re.compile(r"[0-9]{1,5}")
_RANGE = re.compile(r"([0-9]{1,5})-([0-9]{1,5})")


@dataclass(frozen=True)
class Rule:
    """One inbound rule. `port` is `ALL`, `80`, `80,443` or `8000-8010`.

    Where it comes from is either `cidr` (an address or a network, IPv4 or IPv6) or `sources`, the
    addresses of the members of another security group.
    """

    action: str
    protocol: str = "ALL"
    port: str = "ALL"
    cidr: str = ""
    sources: Set[str] = frozenset()

    def matches(self, protocol: str, address: str, port: int) -> bool:
        """Whether a packet of `protocol` from `address` to `port` is this rule's business."""
        return self.protocol in {"ALL", protocol} and _port_matches(self.port, port) and self._comes_from(address)

    def _comes_from(self, address: str) -> bool:
        if not self.cidr:
            return address in self.sources
        source, network = ipaddress.ip_address(address), ipaddress.ip_network(self.cidr, False)
        return source.version == network.version and source in network


def allows(rules: Iterable[Rule], address: str, port: int, protocol: str = "TCP") -> bool:
    """Whether a connection from `address` to `port` comes through: the first match decides."""
    for rule in rules:
        if rule.matches(protocol, address, port):
            return rule.action == "ACCEPT"
    return False


def check(action: str, protocol: str, port: str, cidr: str) -> None:
    """Raise CloudError InvalidParameterValue for a rule that Tencent would not take."""
    if action not in ACTIONS:
        raise _invalid("Action", action, "ACCEPT or DROP")
    if protocol not in PROTOCOLS:
        raise _invalid("Protocol", protocol, ", ".join(sorted(PROTOCOLS)))
    if port != "ALL":
        for part in port.split(","):
            _check_port(part, port)
    if cidr:
        try:
            ipaddress.ip_network(cidr, strict=False)
        except ValueError:
            raise _invalid("CidrBlock", cidr, "an address or a network") from None


def _check_port(part: str, port: str) -> None:
    span = _RANGE.fullmatch(part)
    if span is not None and int(span[1]) <= int(span[2]) <= 65535:
        return
    if span is None and _PORT.fullmatch(part) and int(part) <= 65535:
        return
    raise _invalid("Port", port, "ALL, a port, ports with commas, or a range with a hyphen")


def _port_matches(ports: str, port: int) -> bool:
    if ports == "ALL":
        return True
    for part in ports.split(","):
        first, _, last = part.partition("-")
        if int(first) <= port <= int(last or first):
            return True
    return False


def _invalid(name: str, value: str, wanted: str) -> CloudError:
    return CloudError("InvalidParameterValue", f"Invalid parameter value: {name}: {value!r}; give {wanted}.")
