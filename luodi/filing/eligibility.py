"""Whether a filing can be made of what is declared: server, domain, names. ``eligibility.toml`` has the rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from luodi.filing.facts import SECTION, FilingSettings
from luodi.filing.provinces import provinces
from luodi.filing.rules import Source, rules
from luodi.words import Words


@dataclass(frozen=True)
class Declared:
    """What a stack declares, as far as a filing is concerned.

    `apex` is the registered domain, and all names are in Unicode as a person reads them. `months` is how long the
    server is prepaid for, None for pay-as-you-go; `mbps` its public bandwidth, 0 without a public address, None where a
    bundle sets it.
    """

    region: str
    mainland: bool
    months: int | None
    mbps: int | None
    domain: str
    apex: str
    names: tuple[str, ...]
    title: str

    @property
    def under_its_apex(self) -> bool:
        """Whether the site is a subdomain, which stands under the filing of its apex."""
        return self.domain != self.apex


@dataclass(frozen=True)
class Finding:
    """Something about what is declared that a filing does not take. `path` is the stack file's key."""

    path: str
    words: Words
    source: Source

    @property
    def refused(self) -> bool:
        """Whether it is sure, and so refused, and not advice."""
        return self.source.confidence == "H"


def findings(declared: Declared, facts: FilingSettings) -> Iterator[Finding]:
    """What a filing does not take, the sure ones first.

    A server whose site is a subdomain carries no filing, so what a filing asks of a server is not asked of it.
    """
    if not declared.mainland:
        yield _finding("tencentcloud:region", "region", region=declared.region)
    if not declared.under_its_apex:
        yield from _server(declared)
        yield from _domain(declared)
    if facts.service == "website":
        yield from _name(declared, facts)


def too_many(sites: Iterable[tuple[Declared, FilingSettings]]) -> Iterator[Finding]:
    """What no single stack can see: an individual's second site."""
    by_person: dict[str, set[str]] = {}
    for declared, facts in sites:
        if facts.subject and facts.subject.kind == "individual" and facts.service == "website":
            by_person.setdefault(facts.subject.name, set()).add(declared.apex)
    for name, domains in by_person.items():
        if len(domains) > 1:
            yield _finding(f"{SECTION}.subject", "one-site", name=name, domains=", ".join(sorted(domains)))


def least_months() -> int:
    """Months that a server must be prepaid for."""
    return int(rules("eligibility")["period"]["least"])


def _finding(path: str, rule: str, **values: Any) -> Finding:
    row = rules("eligibility")["rule"][rule]
    return Finding(path, Words.of(row["say"]).fill(**values), Source.of(row))


def _server(declared: Declared) -> Iterator[Finding]:
    least, months = least_months(), declared.months
    if months is None:
        yield _finding("luodi:server.charge-type", "charge-type", domain=declared.domain, least=least)
    elif months < least:
        counted = "1 month" if months == 1 else f"{months} months"
        yield _finding("luodi:server.period", "period", months=months, counted=counted, least=least)
    if declared.mbps is not None and declared.mbps <= 0:
        yield _finding("luodi:server.bandwidth", "bandwidth")


def _domain(declared: Declared) -> Iterator[Finding]:
    known = rules("suffixes")
    suffix = declared.apex.rpartition(".")[2]
    if suffix not in known["suffixes"]:
        yield _finding("luodi:site.domain", "suffix", suffix=suffix, date=known["date"])
    www = f"www.{declared.apex}"
    if www not in declared.names:
        yield _finding("luodi:site.names", "apex-and-www", apex=declared.apex, missing=www)


def _name(declared: Declared, facts: FilingSettings) -> Iterator[Finding]:
    names, title = rules("eligibility")["names"], declared.title
    source = Source.of(names)

    def refused(rule: str, **values: Any) -> Finding:
        return Finding("luodi:site.title", Words.of(names["say"][rule]).fill(title=title, **values), source)

    # CJK Unified Ideographs with extension A: https://www.unicode.org/charts/PDF/U4E00.pdf
    characters = re.findall(r"[\u3400-\u4dbf\u4e00-\u9fff]", title)
    if title.lower() in (declared.domain, declared.apex, *declared.names):
        yield refused("domain")
    elif not characters:
        yield refused("only-ascii")
    elif len(characters) < names["least"]:
        yield refused("short")
    individual = facts.subject is not None and facts.subject.kind == "individual"
    lists = {"state": names["state"], "sensitive": names["sensitive"]}
    if individual:
        lists |= {"company": names["company"], "place": [province.chinese for province in provinces()]}
    for rule, words in lists.items():
        if word := next((word for word in words if word in title), None):
            yield refused(rule, word=word)
