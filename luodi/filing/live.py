"""Where the stack file and Tencent Cloud's own records of a filing differ: ``live.toml``."""

from __future__ import annotations

from dataclasses import dataclass

from luodi.filing.facts import FilingSettings
from luodi.filing.rules import rules
from luodi.words import Words


@dataclass(frozen=True)
class Recorded:
    """What Tencent Cloud has on record of a domain.

    `granted`: the authority has approved a filing of it. `here`: Tencent Cloud is its access provider (接入).
    `banned`: the domain is blocked whatever its filing is.
    """

    granted: bool
    here: bool
    banned: bool = False


def difference(facts: FilingSettings, recorded: Recorded, domain: str) -> Words | None:
    """What doesn't agree and what to do about it; None where all does, or where a filing under way explains it."""
    key = _difference(facts, recorded)
    return words(key, domain, number=facts.covering.number if facts.covering else "") if key else None


def words(key: str, domain: str, **values: object) -> Words:
    """A line of ``live.toml``."""
    return Words.of(rules("live")["difference"][key]).fill(domain=domain, **values)


def _difference(facts: FilingSettings, recorded: Recorded) -> str | None:
    filing = facts.covering
    if recorded.banned:
        return "banned"
    if facts.group == "cancellation":
        return None
    if filing and filing.revoked:
        return "not-revoked" if recorded.granted else None
    if filing and not recorded.granted:
        return "not-granted"
    moving = facts.group == "transfer" and facts.completed is None
    if not recorded.granted or (moving and not recorded.here):
        return None
    if filing:
        return None if recorded.here else "not-here"
    return "granted" if recorded.here else "granted-elsewhere"
