"""Firewall rules as Lighthouse writes them."""

from __future__ import annotations

from collections.abc import Sequence

from tencentcloud.lighthouse.v20200324 import models

from localcloud.errors import CloudError
from localcloud.firewall import ANYWHERE, check
from localcloud.store import Document

DEFAULT_RULES = (("TCP", "22"), ("TCP", "80"), ("TCP", "443"), ("ICMP", "ALL"))
"""What a Linux instance's firewall lets in when nothing else is asked for
(https://cloud.tencent.com/document/product/1207/44577, 管理防火墙)."""
_APPLICATIONS = {
    ("TCP", "80"): "HTTP(80)",
    ("TCP", "443"): "HTTPS(443)",
    ("TCP", "22"): "Linux登录(22)",
    ("TCP", "3389"): "Windows登录(3389)",
    ("TCP", "3306"): "MySQL(3306)",
    ("TCP", "1433"): "SQL Server(1433)",
    ("TCP", "ALL"): "全部TCP",
    ("UDP", "ALL"): "全部UDP",
    ("ICMP", "ALL"): "Ping",
    ("ICMPV6", "ALL"): "Ping (IPv6)",
    ("ALL", "ALL"): "ALL",
}
"""Names shown for well-known rules (docstring of FirewallRuleInfo.AppType)."""


def rules_of(rules: Sequence[models.FirewallRule]) -> list[Document]:
    made = [rule_of(rule) for rule in rules]
    keys = [key_of(rule) for rule in made]
    for rule in made:
        if keys.count(key_of(rule)) > 1:
            raise CloudError("InvalidParameter.FirewallRulesDuplicated", f"Given twice: {text_of(rule)}.")
    return made


def rule_of(rule: models.FirewallRule) -> Document:
    if rule.Protocol is None:
        raise CloudError("MissingParameter", "The request is missing a required parameter `Protocol`.")
    protocol, port = rule.Protocol.upper(), (rule.Port or "ALL").upper()
    over_ip6 = bool(rule.Ipv6CidrBlock) or protocol == "ICMPV6"
    cidr = rule.CidrBlock or ("" if over_ip6 else ANYWHERE)
    cidr6 = rule.Ipv6CidrBlock or ("::/0" if over_ip6 and not cidr else "")
    if cidr and cidr6:
        raise CloudError("InvalidParameterValue", "CidrBlock and Ipv6CidrBlock can't be given at the same time.")
    action_ = (rule.Action or "ACCEPT").upper()
    check(action_, protocol, port, cidr or cidr6)
    description = rule.FirewallRuleDescription or ""
    if len(description) > 64:
        raise CloudError(
            "InvalidParameterValue.FirewallRuleDescriptionTooLong",
            "A rule's description has at most 64 characters.",
        )
    return _info(protocol, port, cidr, cidr6, action_, description)


def default_rules() -> list[Document]:
    return [_info(protocol, port, ANYWHERE, "", "ACCEPT", "") for protocol, port in DEFAULT_RULES]


def key_of(rule: Document) -> tuple[str, ...]:
    names = ("Protocol", "Port", "CidrBlock", "Ipv6CidrBlock", "Action")
    return tuple(rule[name] for name in names)


def text_of(rule: Document) -> str:
    source = rule["CidrBlock"] or rule["Ipv6CidrBlock"]
    return f"{rule['Action']} {rule['Protocol']} {rule['Port']} {source}"


def no_rule(rule: Document) -> CloudError:
    return CloudError("ResourceNotFound.FirewallRulesNotFound", f"There is no rule {text_of(rule)}.")


def _info(protocol: str, port: str, cidr: str, cidr6: str, action_: str, description: str) -> Document:
    return {
        "AppType": _APPLICATIONS.get((protocol, port), "自定义"),
        "Protocol": "ICMPv6" if protocol == "ICMPV6" else protocol,
        "Port": port,
        "CidrBlock": cidr,
        "Ipv6CidrBlock": cidr6,
        "Action": action_,
        "FirewallRuleDescription": description,
    }
