"""Public records of domains that are not filed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi_policy import ReportViolation, ResourceValidationArgs
from pydantic import ValidationError

from luodi.filing.facts import SECTION, FilingSettings, contradictions
from luodi.filing.gate import publication
from luodi.filing.numbers import NumberError
from luodi.problems import explain
from luodi.settings import today_in_china
from policy import stack
from policy.filing_numbers import domain_number
from policy.names import apex_of, shown
from policy.properties import RECORD, STACK, known, value

FILED = "filed"
ELSEWHERE = "elsewhere"

_LEADS_VISITORS = {"A", "AAAA", "CNAME", "显性URL", "隐性URL"}


def published_name(properties: Mapping[str, Any]) -> str | None:
    """The host name that a DNSPod record leads visitors to, or None for any other record.

    A label that begins with an underscore is no host (RFC 8552): such records prove and configure. Raises
    UnknownValueError where only `pulumi up` can know it.
    """
    label = str(value(properties, "subDomain", "@"))
    if str(value(properties, "recordType")).upper() not in _LEADS_VISITORS or label.startswith("_"):
        return None
    if str(value(properties, "status", "ENABLE")).upper() == "DISABLE":
        return None
    domain = str(value(properties, "domain"))
    return domain if label in ("", "@") else f"{label}.{domain}"


def served_elsewhere(name: str, config: Mapping[str, Any]) -> bool:
    """Whether the pack's config says that a name is served from outside the mainland, where nothing is filed."""
    return apex_of(name) in map(apex_of, config.get(ELSEWHERE) or ())


def no_record_unfiled(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Judge the numbers of the pack's config, then each record."""
    config = args.get_config()
    filed = config.get(FILED) or {}
    if args.resource_type == STACK:
        for domain, number in filed.items():
            if fault := _fault(number):
                report(
                    f"{FILED}, in the config of this policy: {domain}: {fault} {domain} counts as unfiled.", args.urn
                )
    if args.resource_type != RECORD:
        return
    name = published_name(args.props)
    if name is None or served_elsewhere(name, config):
        return
    apex = apex_of(name)
    if any(apex_of(domain) == apex and not _fault(number) for domain, number in filed.items()):
        return
    if why := _unfiled(name, apex):
        target = known(args.props, "value", "the server")
        report(f"{args.name} would lead {shown(name)} to {target}, and {why}", args.urn)


def _fault(number: object) -> str | None:
    try:
        domain_number(str(number))
    except NumberError as error:
        return str(error)
    return None


def _unfiled(name: str, apex: str) -> str | None:
    """Why the stack's own filing does not let `name` be published; None where it does."""
    site = next((site for site in stack.sites() if apex_of(site.domain) == apex), None)
    if site is None:
        return (
            f"no filing (ICP 备案) of {shown(apex)} is known here. Until there is one the provider answers for the "
            f"domain in the site's place. Take the record out, or set its status to DISABLE, until the number is "
            f"issued; then name it in this policy's config, {FILED}: {{{shown(apex)}: 粤ICP备...号}}. A domain that "
            f"is served from outside the mainland belongs under {ELSEWHERE}"
        )
    try:
        facts = FilingSettings.model_validate(site.filing or {})
    except ValidationError as error:
        return str(explain(site.path, (FilingSettings,), error.errors()[0]))
    today = today_in_china()
    if problem := next(contradictions(facts, today), None):
        return f"{site.path}{problem.path.removeprefix(SECTION)}: {problem.text}"
    decided = publication(facts, today, shown(name), apex=shown(apex))
    if decided.public and not decided.override:
        return None
    if decided.override:
        return f"it is {decided.reason.en}. This pack takes no override: take the record out until the number is issued"
    return f"{decided.line.en} {decided.way_forward.en}"
