"""Filing numbers that can't be right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_policy import ReportViolation, ResourceValidationArgs

from luodi.filing.numbers import IcpNumber, Service, parse_icp
from luodi.filing.verdict import Purpose, judge
from luodi.settings import today_in_china
from policy import stack
from policy.properties import STACK


def numbers_well_formed(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Judge the numbers of the stack's own configuration, before anything is declared."""
    if args.resource_type != STACK:
        return
    for section, filing in {site.path: site.filing for site in stack.sites()}.items():
        if filing is not None and not isinstance(filing, dict):
            report(f"{section}: must be a mapping of settings, such as {{icp: {{number: ...}}}}", args.urn)
            continue
        for path, text, purpose in _numbers(filing or {}):
            verdict = judge(str(text), purpose, today=today_in_china())
            if verdict.verdict == "invalid":
                report(f"{section}.{path}: {verdict.reason} Copy it from where it was issued.", args.urn)


def domain_number(text: str) -> IcpNumber:
    """The number of a filing that covers a domain: a subject's, a website's or an APP's. Raises NumberError."""
    number = parse_icp(text)
    return number if number.service is Service.APP else number.require_website()


def _numbers(filing: Mapping[str, Any]) -> Iterator[tuple[str, Any, Purpose]]:
    service = filing.get("service")
    of_service: Purpose = service if service in ("mini-program", "app") else "website"
    purposes: tuple[tuple[str, Purpose], ...] = (
        ("icp.number", of_service),
        ("domain.icp.number", "website"),
        ("public-security.number", "public-security"),
        ("licence", "licence"),
    )
    for path, purpose in purposes:
        found: Any = filing
        for key in path.split("."):
            found = found.get(key) if isinstance(found, dict) else None
        if found is not None:
            yield path, found, purpose
