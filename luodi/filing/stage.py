"""Where a filing stands: derived from the facts, never typed."""

from __future__ import annotations

from enum import StrEnum

from luodi.filing.facts import FilingSettings, Type
from luodi.filing.rules import rules
from luodi.words import Words


class Stage(StrEnum):
    """Where a filing stands, from the first thought of it to its end."""

    PREPARING = "preparing"
    PROVIDER_REVIEW = "provider-review"
    SMS_VERIFICATION = "sms-verification"
    AUTHORITY_REVIEW = "authority-review"
    APPROVED = "approved"
    OPEN = "open"
    PUBLIC_SECURITY_REVIEW = "public-security-review"
    PUBLIC_SECURITY_APPROVED = "public-security-approved"
    COMPLETE = "complete"
    CANCELLED = "cancelled"
    REVOKED = "revoked"

    @property
    def label(self) -> Words:
        """What it is called."""
        return Words.of(rules("gate")["stage"][self.value])


_REVIEWS = (Stage.PROVIDER_REVIEW, Stage.SMS_VERIFICATION, Stage.AUTHORITY_REVIEW)
_AFTER_APPROVAL = (
    Stage.APPROVED,
    Stage.OPEN,
    Stage.PUBLIC_SECURITY_REVIEW,
    Stage.PUBLIC_SECURITY_APPROVED,
    Stage.COMPLETE,
)


def reachable(kind: Type | None) -> tuple[Stage, ...]:
    """Every stage that a type of filing can be at, in order; None is a filing whose type nobody wrote down."""
    if kind is None:
        return (Stage.PREPARING, *_AFTER_APPROVAL, Stage.REVOKED)
    row = rules("regime")["type"][kind]
    after = (Stage.CANCELLED,) if row["group"] == "cancellation" else _AFTER_APPROVAL
    return (Stage.PREPARING, *(Stage(step) for step in row["steps"]), *after, Stage.REVOKED)


def stage(facts: FilingSettings) -> Stage:
    """The stage that the facts amount to. They are taken to be free of contradictions."""
    if facts.icp and facts.icp.revoked:
        return Stage.REVOKED
    if facts.ended is None and facts.type is not None:
        return _under_way(facts, facts.type)
    if facts.group == "cancellation":
        return Stage.CANCELLED
    return _after_approval(facts) if facts.icp else Stage.PREPARING


def _under_way(facts: FilingSettings, kind: Type) -> Stage:
    if facts.submitted is None:
        return Stage.PREPARING
    passed = {Stage.PROVIDER_REVIEW: facts.provider_review, Stage.SMS_VERIFICATION: facts.sms_verified}
    steps = rules("regime")["type"][kind]["steps"]
    return next(step for step in _REVIEWS if step in steps and not passed.get(step))


def _after_approval(facts: FilingSettings) -> Stage:
    security = facts.public_security
    if security and security.number:
        return Stage.COMPLETE
    if security and security.approved:
        return Stage.PUBLIC_SECURITY_APPROVED
    if security and security.submitted:
        return Stage.PUBLIC_SECURITY_REVIEW
    return Stage.OPEN if facts.opened else Stage.APPROVED
