"""What to prepare for a filing: ``materials.toml``, by type, service, subject and province."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from luodi.filing.facts import FilingSettings
from luodi.filing.rules import Source, rules
from luodi.words import Words


@dataclass(frozen=True)
class Material:
    """Something to prepare: a file to upload, an answer to give, or a thing to see to before.

    `letter`: a draft of it comes with the dossier.
    """

    id: str
    form: Literal["upload", "answer", "check"]
    what: Words
    why: Words
    where: Words
    wrong: Words
    source: Source
    letter: bool


@dataclass(frozen=True)
class Approval:
    """An approval that some content needs before it can be filed (前置审批)."""

    id: str
    name: Words
    what: Words
    where: Words
    covers: Words


def materials(facts: FilingSettings) -> tuple[Material, ...]:
    """What to prepare. Where the subject's kind or province isn't known, what any of them needs comes too."""
    rows = rules("materials")["material"]
    return tuple(_material(row) for row in rows if _applies(row, facts))


def _material(row: Mapping[str, Any]) -> Material:
    what, why, where, wrong = (Words.of(row[key]) for key in ("what", "why", "where", "wrong"))
    return Material(row["id"], row["form"], what, why, where, wrong, Source.of(row), row.get("letter", False))


def approvals() -> tuple[Approval, ...]:
    """Every kind of content that needs an approval first."""
    return tuple(
        Approval(row["id"], *(Words.of(row[key]) for key in ("name", "what", "where", "covers")))
        for row in rules("materials")["approval"]
    )


def _applies(row: Mapping[str, Any], facts: FilingSettings) -> bool:
    subject = facts.subject
    kind, province = (subject.kind, subject.province) if subject else (None, None)
    group = "opening" if facts.group == "none" else facts.group
    known = {"groups": group, "types": facts.type, "services": facts.service, "subjects": kind, "provinces": province}
    if kind in row.get("unless-subjects", ()):
        return False
    return all(value is None or value in row[key] for key, value in known.items() if key in row)
