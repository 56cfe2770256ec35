"""Ports for remote login that the world can reach."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pulumi_policy import ReportViolation, ResourceValidationArgs
from pulumi_policy.proxy import UnknownValueError

from policy.properties import (
    FIREWALL_RULES,
    FIREWALL_TEMPLATE,
    LIGHTHOUSE,
    LITE_RULES,
    RULE,
    RULE_SET,
    is_set,
    value,
)

PORTS = "ports"
LOGIN = {22: "SSH", 3389: "RDP (远程桌面)"}

# A block of this many addresses or more is nobody's office: the world is let in by halves too.
_WIDE = {4: 8, 6: 16}
_WITH_PORTS = ("TCP", "UDP", "ALL")
_ALL = "ALL"


@dataclass(frozen=True)
class Rule:
    """An inbound rule; the first of a list that fits decides. `source` is a block, or the id of something else."""

    accepts: bool
    source: str
    protocol: str
    port: str

    def opens(self, number: int) -> bool:
        """Whether it lets the world reach a port."""
        return self.accepts and self._is_for(number) and self.protocol in _WITH_PORTS and _is_world(self.source, _WIDE)

    def shuts(self, number: int, protocol: str) -> bool:
        """Whether it keeps everybody from a port that is asked for by `protocol`, whatever comes after it."""
        everybody = _is_world(self.source, {4: 0, 6: 0})
        return not self.accepts and self._is_for(number) and self.protocol in (protocol, _ALL) and everybody

    def _is_for(self, number: int) -> bool:
        return any(_spans(part, number) for part in self.port.split(","))


def remote_login_closed(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Judge the inbound rules of a security group or a Lighthouse firewall."""
    ports = [int(port) for port in args.get_config().get(PORTS) or LOGIN]
    if args.resource_type == LIGHTHOUSE and 22 in ports and not is_set(args.props, "firewallTemplateId"):
        report(
            f"{args.name} names no firewallTemplateId, so it starts with the default firewall, which opens 22 (SSH) to "
            "the world as a rule that no stack declares. Give it a template (防火墙模板) without such a rule; a "
            "FirewallRule of the stack then opens what is needed",
            args.urn,
        )
    if args.resource_type not in _READ:
        return
    key, read = _READ[args.resource_type]
    rules: list[Rule] = []
    unknown: UnknownValueError | None = None
    for item in value(args.props, key, ()) if key else (args.props,):
        try:
            if rule := read(item):
                rules.append(rule)
        except UnknownValueError as error:
            unknown = error
    for port in ports:
        if opening := _opening(rules, port):
            what = f"{port} ({LOGIN[port]})" if port in LOGIN else str(port)
            report(
                f"{args.name} opens {what} to the world: {opening.source} may reach {opening.protocol} {opening.port}. "
                "Take the rule out, or name the team's own address as its source, such as 203.0.113.7/32; TAT "
                "(自动化助手) and the console (OrcaTerm) need no open port",
                args.urn,
            )
    if unknown:
        raise unknown  # the engine says that the rest is judged by `pulumi up`


def _opening(rules: Sequence[Rule], port: int) -> Rule | None:
    for index, rule in enumerate(rules):
        if rule.opens(port) and not any(before.shuts(port, rule.protocol) for before in rules[:index]):
            return rule
    return None


def _is_world(source: str, wide: Mapping[int, int]) -> bool:
    if source == "0.0.0.0":  # how a Lighthouse template writes all sources  # noqa: S104
        return True
    try:
        block = ipaddress.ip_network(source, strict=False)
    except ValueError:
        return False  # a security group, or an address template, whose addresses no policy sees
    return block.prefixlen <= wide[block.version]


def _spans(part: str, number: int) -> bool:
    if part.upper() == _ALL:
        return True
    low, _, high = part.strip().partition("-")
    try:
        return int(low) <= number <= int(high or low)
    except ValueError:
        return False


# --- how each resource writes its rules ----------------------------------------------------------


def _of_rule_set(item: Mapping[str, Any]) -> Rule | None:
    if value(item, "serviceTemplateId") or value(item, "serviceTemplateGroup"):
        return None  # whose ports no policy sees
    source = value(item, "cidrBlock") or value(item, "ipv6CidrBlock", "")
    return _rule(value(item, "action"), source, value(item, "protocol", _ALL), value(item, "port", _ALL))


def _of_rule(item: Mapping[str, Any]) -> Rule | None:
    if str(value(item, "type")).lower() != "ingress" or value(item, "protocolTemplate"):
        return None
    source, protocol, port = value(item, "cidrIp", ""), value(item, "ipProtocol", _ALL), value(item, "portRange", _ALL)
    return _rule(value(item, "policy"), source, protocol, port)


def _of_lite_rules(item: str) -> Rule | None:
    action, source, port, protocol = item.split("#")
    return _rule(action, source, protocol, port)


def _of_firewall(item: Mapping[str, Any]) -> Rule | None:
    source = value(item, "cidrBlock", "0.0.0.0/0")
    return _rule(value(item, "action", "ACCEPT"), source, value(item, "protocol"), value(item, "port", _ALL))


def _rule(action: str, source: str, protocol: str, port: str) -> Rule:
    return Rule(action.upper() == "ACCEPT", source, protocol.upper(), port)


_READ: Mapping[str, tuple[str | None, Callable[[Any], Rule | None]]] = {
    RULE_SET: ("ingresses", _of_rule_set),
    RULE: (None, _of_rule),
    LITE_RULES: ("ingresses", _of_lite_rules),
    FIREWALL_RULES: ("firewallRules", _of_firewall),
    FIREWALL_TEMPLATE: ("templateRules", _of_firewall),
}
"""The property that lists a resource's rules, None where it is one itself, and how one is read."""
