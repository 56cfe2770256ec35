"""A finding: what is wrong, why it matters and how it is mended, as ``findings.toml`` has it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from luodi.filing.rules import Source
from luodi.words import Words

Level = Literal["ok", "warning", "failing"]


@dataclass(frozen=True)
class Finding:
    """One line of the report. `id` is the finding's name in ``findings.toml``, or the check's for a line that is ok."""

    id: str
    check: str
    where: str
    level: Level
    what: Words
    why: Words | None = None
    fix: Words | None = None
    source: Source | None = None

    def json(self) -> dict[str, Any]:
        """For a program."""
        told = {"id": self.id, "check": self.check, "where": self.where, "level": self.level, "what": self.what.json()}
        if self.why and self.fix and self.source:
            told |= {"why": self.why.json(), "fix": self.fix.json()}
            told |= {"source": self.source.text, "confidence": self.source.confidence}
        return told


@cache
def texts() -> Mapping[str, Any]:
    """The data file."""
    return tomllib.loads(resources.files("luodi.doctor").joinpath("findings.toml").read_text("utf-8"))


def found(name: str, where: str, **values: object) -> Finding:
    """The finding of that name, at a host or a part of it. What its source is not sure of only warns."""
    row = texts()["finding"][name]
    source = Source.of(row)
    level: Level = row["level"] if source.confidence == "H" else "warning"
    what, why, fix = (Words.of(row[key]).fill(**values) for key in ("what", "why", "fix"))
    return Finding(name, row["check"], where, level, what, why, fix, source)


def with_ok(findings: Iterable[Finding], where: str, checks: Iterable[str]) -> list[Finding]:
    """The findings, and after them a line that is ok for each of the `checks` that found nothing."""
    told = list(findings)
    fine = [check for check in checks if all(finding.check != check for finding in told)]
    return [*told, *(Finding(check, check, where, "ok", Words.of(texts()["checks"][check])) for check in fine)]
