"""What a change to a stack file does to a site that is open: said before it is done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from luodi.filing.numbers import NumberError, parse_icp
from luodi.filing.rules import rules
from luodi.filing.stage import Stage
from luodi.words import Words

ACCOUNTED_FOR = (Stage.REVOKED.value, Stage.CANCELLED.value)
"""Stages that close a site because something happened to its filing, and a dated fact says what."""


@dataclass(frozen=True)
class Standing:
    """How a site stands: its host names as a person reads them, whether everybody may see them, the ICP number that
    covers them, in force, and the stage of its filing."""

    names: tuple[str, ...]
    public: bool
    number: str | None
    stage: str


def closes(before: Standing, now: Standing) -> tuple[str, ...]:
    """The names that everybody could see and will not any more."""
    still = now.names if now.public else ()
    return tuple(name for name in before.names if before.public and name not in still)


def warnings(before: Standing, now: Standing, reason: str) -> Iterator[Words]:
    """What to say before a site goes from `before` to `now`; `reason` is why it is not public, where it is not."""
    texts = {key: Words.of(row) for key, row in rules("gate")["change"].items()}
    if closing := closes(before, now):
        names = Words("、".join(closing), ", ".join(closing))
        if now.public:
            yield texts["dropped"].fill(names=names)
        else:
            said = texts["closes"].fill(names=names, reason=reason)
            hint = texts["unsaid"].fill(number=before.number) if _forgotten(before, now) else Words("", "")
            yield Words(said.zh + hint.zh, said.en + hint.en)
    if before.number and now.number and _subject(before.number) != _subject(now.number):
        yield texts["subject"].fill(names=now.names[0], before=before.number, now=now.number)


def _forgotten(before: Standing, now: Standing) -> bool:
    return before.number is not None and now.number is None and now.stage not in ACCOUNTED_FOR


def _subject(number: str) -> str:
    try:
        return str(parse_icp(number).stem)
    except NumberError:
        return number
