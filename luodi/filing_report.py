"""Where the filings of a project's stacks stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from luodi.filing.deadlines import Deadline, deadlines
from luodi.filing.eligibility import Declared, Finding, findings, too_many
from luodi.filing.facts import SECTION, days
from luodi.filing.gate import Publication, publication
from luodi.filing.oddities import oddities
from luodi.filing.rules import rules
from luodi.settings import HostedSite, Settings, readable
from luodi.stackfiles import StackFile
from luodi.words import Words


@dataclass(frozen=True)
class Event:
    """Something that happened on a day."""

    day: date
    name: Words


@dataclass(frozen=True)
class Report:
    """Where the filing of one of a stack's sites stands.

    A site that is a subdomain and names no filing of its own stands under its apex's (`follows`): nothing is due
    for it.
    """

    stack: str
    site: HostedSite
    publication: Publication
    deadlines: tuple[Deadline, ...]
    events: tuple[Event, ...]
    advice: tuple[Finding, ...]
    follows: bool

    @property
    def domain(self) -> str:
        """The site's domain, as a person reads it."""
        return readable(self.site.site.domain)

    def due(self) -> tuple[Deadline, ...]:
        """What is not met yet."""
        return tuple(deadline for deadline in self.deadlines if deadline.met is None)

    def nearest(self, today: date) -> Deadline | None:
        """What is to be looked at first of what is due: the longest overdue, else the next to come."""
        pressing = [deadline for deadline in self.due() if deadline.kind != "earliest"]
        late = [deadline for deadline in pressing if deadline.overdue(today)]
        ahead = [deadline for deadline in pressing if deadline.left(today) >= 0]
        return next(iter(late or ahead), None)

    def json(self, today: date) -> dict[str, Any]:
        """All of it, for a program; what is said comes in both languages."""
        facts, gate = self.site.filing, self.publication
        return {
            "stack": self.stack,
            "domain": self.domain,
            "path": self.site.path or None,
            "follows": self.follows,
            "type": facts.type,
            "service": facts.service,
            "stage": gate.stage.value,
            "public": gate.public,
            "override": gate.override,
            "reason": gate.reason.json(),
            "day": gate.day,
            "next": {"step": gate.next_step.json(), "where": gate.where.name.json(), "url": gate.where.url or None},
            "warnings": [words.json() for words in gate.warnings],
            "events": [{"day": event.day.isoformat(), "name": event.name.json()} for event in self.events],
            "deadlines": [_deadline(deadline, today) for deadline in self.deadlines],
            "advice": [
                {
                    "path": found.path,
                    "text": found.words.json(),
                    "source": found.source.text,
                    "confidence": found.source.confidence,
                }
                for found in self.advice
            ],
        }


def reports(stack: str, settings: Settings, today: date) -> Iterator[Report]:
    """Where each site of the stack stands, its own first."""
    for site in settings.sites:
        yield _report(stack, site, settings, today)


def decided(site: HostedSite, main: HostedSite, today: date) -> Publication:
    """Whether a site of the stack may be served today. Keys are named where the stack file has them for this site."""
    shared = site.shares_filing_of(main)
    found = publication(site.filing, today, readable(site.site.domain), readable(site.apex), follows=shared)
    if shared or not site.path:
        return found

    def there(words: Words) -> Words:
        return Words(*(text.replace(SECTION, site.at(SECTION)) for text in (words.zh, words.en)))

    warnings = tuple(map(there, found.warnings))
    return replace(found, reason=there(found.reason), next_step=there(found.next_step), warnings=warnings)


def _report(stack: str, site: HostedSite, settings: Settings, today: date) -> Report:
    facts, declared = site.filing, settings.declared(site)
    gate = decided(site, settings.main, today)
    follows = site.shares_filing_of(settings.main) or (facts.type is None and site.site.domain != site.apex)
    names = rules("regime")["fact"]
    dates = days(facts)
    events = sorted((Event(dates[key], Words.of(names[key])) for key in names if key in dates), key=lambda e: e.day)
    return Report(
        stack,
        site,
        gate,
        () if follows else deadlines(facts),
        () if follows else tuple(events),
        () if follows else tuple(_advice(site, declared)),
        follows,
    )


def across(files: Iterable[StackFile]) -> tuple[Finding, ...]:
    """What no single stack can see."""
    found = [file.settings for file in files if file.settings]
    return tuple(too_many((settings.declared(site), site.filing) for settings in found for site in settings.sites))


def _advice(site: HostedSite, declared: Declared) -> Iterator[Finding]:
    """What to look at again, by the stack file's own paths."""
    found = (each for each in findings(declared, site.filing) if not each.refused)
    for each in (*oddities(site.filing), *found):
        yield replace(each, path=site.at(each.path))


def _deadline(deadline: Deadline, today: date) -> dict[str, Any]:
    return {
        "id": deadline.id,
        "kind": deadline.kind,
        "name": deadline.name.json(),
        "day": deadline.day.isoformat(),
        "met": deadline.met.isoformat() if deadline.met else None,
        "left": deadline.left(today),
        "overdue": deadline.overdue(today),
        "provisional": deadline.provisional,
        "source": deadline.source.text,
        "confidence": deadline.source.confidence,
    }
