"""Resource types of the Tencent Cloud provider, and how their properties are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi_policy.proxy import UnknownValueError

STACK = "pulumi:pulumi:Stack"
GATE = "pulumi-python:dynamic/luodi:Gate"
CVM = "tencentcloud:Instance/instance:Instance"
LIGHTHOUSE = "tencentcloud:Lighthouse/instance:Instance"
SERVERS = {CVM: "CVM instance (云服务器)", LIGHTHOUSE: "Lighthouse instance (轻量应用服务器)"}
ELASTIC_IP = "tencentcloud:Eip/instance:Instance"
ELASTIC_IP_ASSOCIATION = "tencentcloud:Eip/association:Association"
RECORD = "tencentcloud:Dnspod/record:Record"
RULE_SET = "tencentcloud:Security/groupRuleSet:GroupRuleSet"
RULE = "tencentcloud:Security/groupRule:GroupRule"
LITE_RULES = "tencentcloud:Security/groupLiteRule:GroupLiteRule"
FIREWALL_RULES = "tencentcloud:Lighthouse/firewallRule:FirewallRule"
FIREWALL_TEMPLATE = "tencentcloud:Lighthouse/firewallTemplate:FirewallTemplate"


def value(properties: Mapping[str, Any], key: str, default: Any = None) -> Any:
    """A property, or `default` where it is not set. Raises UnknownValueError where only `pulumi up` can know it."""
    found = properties.get(key)
    return default if found is None else found


def is_set(properties: Mapping[str, Any], key: str) -> bool:
    """Whether the program sets a property, be its value known or not."""
    return key in list(properties)  # asked by `in`, a mapping of the engine's looks at the value


def known(properties: Mapping[str, Any], key: str, default: Any = None) -> Any:
    """A property, or `default` where it is not set, or not known yet.

    At a preview the engine shows what the provider will compute, which is nearly everything that a program leaves
    out, as unknown too.
    """
    try:
        return value(properties, key, default)
    except UnknownValueError:
        return default
