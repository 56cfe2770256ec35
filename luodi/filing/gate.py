"""What may be published, why, and what comes next: the decision table of ``gate.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from luodi.filing.facts import FilingSettings, IcpFiling
from luodi.filing.rules import Source, rules
from luodi.filing.stage import Stage, stage
from luodi.words import Language, Words


@dataclass(frozen=True)
class Console:
    """Where a step is done; `url` is empty for a terminal."""

    name: Words
    url: str


@dataclass(frozen=True)
class Publication:
    """Whether a domain may be served, and what to say about it.

    `public`: its records may be published and it may answer everybody. When not, there is no public record, and it
    answers nobody but those who are let in by address. `day` counts the days since the filing under way was
    submitted. `override`: it is public only because the stack says so. `warnings` are for every preview.
    """

    domain: str
    stage: Stage
    public: bool
    reason: Words
    next_step: Words
    where: Console
    source: Source
    day: int | None = None
    override: bool = False
    warnings: tuple[Words, ...] = ()

    @property
    def line(self) -> Words:
        """Whether it is published and why, in one line."""
        words = Words.of(rules("gate")["line"]["open" if self.public else "closed"])
        return words.fill(domain=self.domain, reason=self.reason)

    @property
    def way_forward(self) -> Words:
        """What comes next, in one line."""
        return Words.of(rules("gate")["line"]["next"]).fill(next=self.next_step)

    def text(self, language: Language = "en") -> str:
        """All there is to say at a preview: a line for it, one for each warning, and one for what comes next."""
        return "\n".join(words.in_(language) for words in (self.line, *self.warnings, self.way_forward))


def publication(
    facts: FilingSettings, today: date, domain: str, apex: str | None = None, *, follows: bool = False
) -> Publication:
    """Whether `domain` may be served today.

    `facts` are free of contradictions. `apex` is the registered domain that `domain` belongs to: filings are of that,
    and its subdomains stand under them. `follows`: they are looked after with another site, whose they are.
    """
    now = stage(facts)
    values = _values(facts, today)
    row = _decision(facts, now)
    decided = Publication(
        domain,
        now,
        row["public"],
        Words.of(row["reason"]).fill(**values),
        *_next(facts, now),
        Source.of(row),
        day=values["day"] if facts.ended is None else None,
        warnings=(Words.of(row["warning"]).fill(**values),) if "warning" in row else (),
    )
    if facts.service != "website" and (facts.service == "mini-program" or _own(facts)):
        decided = _by_the_domain(decided, facts)
    if apex and apex != domain:
        decided = _under_its_apex(decided, facts, apex, follows=follows)
    if facts.publish_without_filing:
        decided = _overridden(decided, facts.publish_without_filing)
    page = facts.page_number.page_warning if facts.page_number else None
    return replace(decided, warnings=(*decided.warnings, page)) if page else decided


def _own(facts: FilingSettings) -> IcpFiling | None:
    return facts.domain.icp if facts.domain else None


def _decision(facts: FilingSettings, now: Stage) -> Mapping[str, Any]:
    rows = (row for row in rules("gate")["decision"] if facts.group in row["groups"] and now in row["stages"])
    return next(rows)


def _next(facts: FilingSettings, now: Stage) -> tuple[Words, Console]:
    fits = {"groups": facts.group, "services": facts.service, "stages": now.value}
    row = next(row for row in rules("gate")["step"] if all(v in row[k] for k, v in fits.items() if k in row))
    return Words.of(row["next"]).fill(type=facts.type_name), console(row["console"])


def console(name: str) -> Console:
    """A console of ``regime.toml``."""
    row = rules("regime")["console"][name]
    return Console(Words.of(row["name"]), row["url"])


def _by_the_domain(decided: Publication, facts: FilingSettings) -> Publication:
    """Where the domain is filed apart from the service: its filing decides, and the service's stage does not."""
    texts, own = rules("gate")["domain"], _own(facts)
    key = "unfiled" if own is None else "revoked" if own.revoked else "filed"
    values = {"number": own.number, "approved": own.approved, "revoked": own.revoked} if own else {}
    decided = replace(
        decided,
        public=key == "filed",
        reason=Words.of(texts[key]).fill(**values),
        source=Source.of(texts),
        warnings=(),
    )
    if key == "filed":
        return decided
    both = Words.of(texts["next"]).fill(service=facts.service_name, step=decided.next_step)
    return replace(decided, next_step=both, where=console("tencent"))


def _under_its_apex(decided: Publication, facts: FilingSettings, apex: str, *, follows: bool) -> Publication:
    texts = {
        key: Words.of(rules("gate")["apex"][key]).fill(apex=apex)
        for key in ("follows", "next-open", "next-closed", "next-with")
    }
    if decided.public:
        covered = texts["follows"]
        reason = Words(f"{decided.reason.zh}；{covered.zh}", f"{decided.reason.en}; {covered.en}")
        decided = replace(decided, reason=reason)
    if follows:
        decided = replace(decided, next_step=texts["next-with"], where=console("terminal"))
    elif facts.type is None and facts.service == "website":
        next_step = texts["next-open" if decided.public else "next-closed"]
        decided = replace(decided, next_step=next_step, where=console("terminal"))
    return decided


def _overridden(decided: Publication, why: str) -> Publication:
    texts = rules("gate")["override"]
    if decided.public:
        return replace(decided, warnings=(*decided.warnings, Words.of(texts["needless"])))
    reason = Words.of(texts["reason"]).fill(why=why, reason=decided.reason)
    return replace(decided, public=True, override=True, reason=reason, warnings=())


def _values(facts: FilingSettings, today: date) -> dict[str, Any]:
    icp = facts.icp
    return {
        "type": facts.type_name,
        "submitted": facts.submitted,
        "day": (today - facts.submitted).days if facts.submitted else None,
        "reviewed": facts.provider_review,
        "completed": facts.completed,
        "number": icp.number if icp else None,
        "approved": icp.approved if icp else None,
        "revoked": icp.revoked if icp else None,
    }
