"""Facts that can be true and seldom are: said, never refused."""

from __future__ import annotations

from collections.abc import Iterator

from luodi.filing.eligibility import Finding
from luodi.filing.facts import SECTION, FilingSettings
from luodi.filing.numbers import Filing
from luodi.filing.rules import Source
from luodi.words import Words

_NUMBERS = Source("numbers as issued; the ministry's query, https://beian.miit.gov.cn/", "M")


def oddities(facts: FilingSettings) -> Iterator[Finding]:
    """What to look at again, each with its path."""
    yield from _icp(facts)
    security = facts.public_security
    if security and security.number:
        for warning in security.number.warnings:
            yield _finding("public-security.number", warning)
    if security and facts.service == "website" and not facts.icp:
        yield _finding(
            "icp",
            Words(
                "有公安备案，却没有 ICP 备案号；公安备案在 ICP 备案之后办理",
                "is not set, but public-security is; that filing is made after the ministry's",
            ),
        )


def _icp(facts: FilingSettings) -> Iterator[Finding]:
    if facts.icp is None:
        return
    number, approved = facts.icp.number, facts.icp.approved
    for warning in number.warnings:
        if warning != number.page_warning:  # that one is said at every preview (`luodi.filing.gate`)
            yield _finding("icp.number", warning)
    subject = facts.subject
    if subject and subject.province and number.province and subject.province != number.province:
        yield _finding(
            "icp.number",
            Words(
                f"{number} 是“{number.province}”的备案号，主体却在“{subject.province}”；是否抄自模板？",
                f"{number} is of {number.province}, but the subject is in {subject.province}; was it copied from a "
                "template?",
            ),
        )
    if isinstance(number.stem, Filing):
        year = number.stem.year
        if year > approved.year:
            yield _finding(
                "icp.approved",
                Words(
                    f"{approved} 早于 {number} 所写的年份 {year}",
                    f"{approved} is before {year}, the year that {number} begins with",
                ),
            )


def _finding(key: str, words: Words) -> Finding:
    return Finding(f"{SECTION}.{key}", words, _NUMBERS)
