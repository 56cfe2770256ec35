"""Tencent Cloud's ICP service, asked whether a domain is filed: only where ``luodi:filing.live-check`` says so."""

from __future__ import annotations

from luodi.api import Account, ApiError
from luodi.filing.facts import FilingSettings
from luodi.filing.live import Recorded, difference, words
from luodi.words import Words


def check(account: Account, facts: FilingSettings, domain: str) -> Words | None:
    """What to say where Tencent Cloud knows otherwise than the stack file, or can't be asked; else None.

    `domain` is the registered domain. Nothing is raised: the answer is advice.
    """
    if not facts.live_check:
        return None
    try:
        answer = account.call("ba", "DescribeDomainIcpStatus", {"Domain": domain})
    except ApiError as error:
        return words("unanswered", domain, error=error)
    recorded = Recorded(
        granted=bool(answer.get("GovStatus")), here=bool(answer.get("LandedStatus")), banned=bool(answer.get("Ban"))
    )
    return difference(facts, recorded, domain)
