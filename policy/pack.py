"""The policies of the pack."""

from __future__ import annotations

from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyConfigSchema,
    PolicyPack,
    ResourceValidationPolicy,
    StackValidationPolicy,
)

from luodi.filing.eligibility import least_months
from luodi.filing.rules import rules
from policy.filing_numbers import numbers_well_formed
from policy.ports import LOGIN, PORTS, remote_login_closed
from policy.production import PRODUCTION, STACKS, server_image_kept, server_protected, site_stays_open
from policy.records import ELSEWHERE, FILED, no_record_unfiled
from policy.servers import CARRIES, REGIONS, server_fit_for_filing, server_on_mainland

_NAMES = {"type": "array", "items": {"type": "string"}}
_PAIRS = {"type": "object", "additionalProperties": {"type": "string"}}


def _elsewhere() -> dict[str, Any]:
    return {**_NAMES, "description": "Domains that are served from outside the mainland, where nothing is filed."}


def _regions() -> dict[str, Any]:
    return {**_NAMES, "description": "Mainland regions besides those that luodi knows."}


def _production() -> dict[str, Any]:
    return {**_NAMES, "default": list(PRODUCTION), "description": "Patterns of the names of production's stacks."}


def policies() -> list[Policy]:
    """Every policy, with what it takes from the pack's config."""
    where, when = rules("eligibility")["rule"]["region"]["source"], rules("gate")["decision"][0]["source"]
    mandatory, advisory = EnforcementLevel.MANDATORY, EnforcementLevel.ADVISORY
    return [
        ResourceValidationPolicy(
            "filing-numbers-well-formed",
            "Filing numbers (备案号) in luodi:filing are what the authorities issue. "
            "Source: https://beian.miit.gov.cn/, https://beian.mps.gov.cn/",
            numbers_well_formed,
            mandatory,
        ),
        ResourceValidationPolicy(
            "no-public-record-unfiled",
            f"No public DNSPod record for a domain without an ICP filing (ICP 备案). Source: {when}",
            no_record_unfiled,
            mandatory,
            PolicyConfigSchema(
                {
                    FILED: {**_PAIRS, "description": "Filed domains, each with its ICP number (备案号)."},
                    ELSEWHERE: _elsewhere(),
                }
            ),
        ),
        ResourceValidationPolicy(
            "server-on-mainland",
            f"A server that a site can be filed with stands on the mainland. Source: {where}",
            server_on_mainland,
            mandatory,
            PolicyConfigSchema(
                {
                    ELSEWHERE: {
                        **_NAMES,
                        "description": "Patterns of the resource names of servers that carry no filed domain.",
                    },
                    REGIONS: _regions(),
                }
            ),
        ),
        StackValidationPolicy(
            "filed-server-eligible",
            f"A server that carries a filed domain stands on the mainland, is prepaid for {least_months()} months or "
            "more, and has a public address and bandwidth. "
            f"Source: {where}",
            server_fit_for_filing,
            mandatory,
            PolicyConfigSchema(
                {
                    CARRIES: {
                        **_PAIRS,
                        "description": "Patterns of servers' resource names, each with the domain that is to stand "
                        "there, for servers that no record of the stack leads to.",
                    },
                    ELSEWHERE: _elsewhere(),
                    REGIONS: _regions(),
                }
            ),
        ),
        ResourceValidationPolicy(
            "remote-login-closed",
            "SSH and RDP are not open to the world. "
            "Source: https://www.tencentcloud.com/document/product/215/35519 (a rule can name who may log in)",
            remote_login_closed,
            mandatory,
            PolicyConfigSchema(
                {
                    PORTS: {
                        "type": "array",
                        "items": {"type": "integer", "minimum": 1, "maximum": 65535},
                        "default": list(LOGIN),
                        "description": "Ports that the world must not reach.",
                    }
                }
            ),
        ),
        ResourceValidationPolicy(
            "production-server-protected",
            "A production server is protected. "
            "Source: https://www.pulumi.com/docs/iac/concepts/resources/options/protect/",
            server_protected,
            mandatory,
            PolicyConfigSchema({STACKS: _production()}),
        ),
        ResourceValidationPolicy(
            "production-site-stays-open",
            f"A production site that is open closes for a reason that its filing's facts have. Source: {when}",
            site_stays_open,
            mandatory,
            PolicyConfigSchema({STACKS: _production()}),
        ),
        ResourceValidationPolicy(
            "production-server-image-kept",
            "A production server's system is not installed anew by the way. "
            "Source: https://www.pulumi.com/docs/iac/concepts/resources/options/ignorechanges/",
            server_image_kept,
            advisory,
            PolicyConfigSchema({STACKS: _production()}),
        ),
    ]


def serve() -> None:
    """Serve them to the engine until it has done with them."""
    PolicyPack("luodi", policies())
