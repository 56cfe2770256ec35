"""What is due by when: ``deadlines.toml``, counted from the facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from luodi.filing import workdays
from luodi.filing.facts import FilingSettings, days
from luodi.filing.gate import Console, console
from luodi.filing.rules import Source, rules
from luodi.words import Words

Kind = Literal["duty", "expected", "earliest", "term"]
_TODAY, _PAST = Words("今天", "today"), Words("已过 {days} 天", "{days} days ago")
_OVERDUE, _LEFT = Words("已逾期 {days} 天", "{days} days overdue"), Words("还有 {days} 天", "{days} days left")


@dataclass(frozen=True)
class Deadline:
    """Something due, expected, possible or ending on a day.

    `met` is the day it was done, where it was. `provisional`: it was counted in working days through a year whose
    holidays nobody has ordered yet, and may move by some days.
    """

    id: str
    kind: Kind
    name: Words
    day: date
    met: date | None
    provisional: bool
    where: Console
    source: Source

    def left(self, today: date) -> int:
        """Days left; negative when it is past."""
        return (self.day - today).days

    def overdue(self, today: date) -> bool:
        """Whether a duty or a term has gone by without being met."""
        return self.kind in ("duty", "term") and self.met is None and self.day < today

    def when(self, today: date) -> Words:
        """How far away it is."""
        left = self.left(today)
        if left == 0:
            return _TODAY
        if left > 0:
            return _LEFT.fill(days=left)
        return (_OVERDUE if self.overdue(today) else _PAST).fill(days=-left)


def deadlines(facts: FilingSettings) -> tuple[Deadline, ...]:
    """Every deadline that follows from the facts, by day; those met come too."""
    known: dict[str, date] = days(facts)
    if facts.public_security and facts.public_security.number and facts.public_security.approved:
        known["public-security.number"] = facts.public_security.approved
    if facts.ended:
        known["ended"] = facts.ended
    rows = (row for row in rules("deadlines")["deadline"] if _applies(row, facts))
    return tuple(sorted((d for row in rows for d in _deadline(row, known, facts.service)), key=lambda d: d.day))


def _applies(row: Mapping[str, Any], facts: FilingSettings) -> bool:
    if row.get("under-way") and facts.ended:
        return False
    if facts.icp and facts.icp.revoked:
        return False
    wanted = {"types": facts.type, "groups": facts.group, "services": facts.service}
    return all(value in row[key] for key, value in wanted.items() if key in row)


def _deadline(row: Mapping[str, Any], known: Mapping[str, date], service: str) -> Iterator[Deadline]:
    start = known.get(row["after"]) or known.get(row.get("or", ""))
    if start is None:
        return
    if "days" in row:
        counted = workdays.Counted(start + timedelta(days=row["days"]), provisional=False)
    else:
        counted = workdays.after(start, row["working-days"])
    met = min((known[key] for key in row["met"] if key in known), default=None)
    yield Deadline(
        row["id"],
        row["kind"],
        Words.of(row["name"]),
        counted.day,
        met,
        counted.provisional,
        console(row.get("console-of", {}).get(service, row["console"])),
        Source.of(row),
    )
