"""Where a site's certificate stands: what was declared, what is served, and when the next is due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from luodi.certificate.lifetime import Certificate, Renewal
from luodi.certificate.served import Served
from luodi.words import Words

BOUGHT = "files"
"""The source of a certificate that the stack is given."""


class State(StrEnum):
    """How a certificate is."""

    VALID = "valid"
    DUE = "due"
    EXPIRED = "expired"
    OTHER = "other"
    """What is served is not what was declared."""
    UNSEEN = "unseen"
    """No address shows one."""


@dataclass(frozen=True)
class Declared:
    """What the stack exports of a site's certificate. `fingerprints` are SHA-256 in hex, one for each kind of key;
    `authority` is the ACME directory that issued it, empty for one from elsewhere; `source` as in the settings."""

    domain: str
    names: tuple[str, ...]
    public: bool
    issuer: str
    not_after: datetime
    renewal: datetime
    fingerprints: tuple[str, ...]
    authority: str
    source: str = "acme"

    @property
    def plan(self) -> Renewal:
        """When it is renewed, as far as the stack exports it."""
        return Renewal(self.renewal, Words("按环境输出的有效期计算", "of its life, as the stack exports it"))


def declared(outputs: Mapping[str, Any]) -> list[Declared]:
    """What a stack exports of the certificates of all its sites, its own first. Raises KeyError or ValueError for the
    outputs of something else than luodi, or of a version of it that exported less."""
    return [_declared(site) for site in (outputs, *outputs.get("sites", ()))]


def _declared(site: Mapping[str, Any]) -> Declared:
    certificate = site["certificate"]
    return Declared(
        domain=site["names"][0],
        names=tuple(site["names"]),
        public=bool(site["filing"]["public"]),
        issuer=certificate["issuer"],
        not_after=datetime.fromisoformat(certificate["notAfter"]),
        renewal=datetime.fromisoformat(certificate["renewal"]),
        fingerprints=tuple(certificate["fingerprints"]),
        authority=certificate["authority"] or "",
        source=certificate.get("source") or "acme",
    )


@dataclass(frozen=True)
class Standing:
    """Where the certificate of one site of a stack stands."""

    stack: str
    declared: Declared
    served: tuple[Served, ...]
    plan: Renewal

    @property
    def seen(self) -> Certificate | None:
        """The declared certificate as a server shows it; else what else is shown, the one that ends first."""
        shown = [one.certificate for one in self.served if one.certificate]
        ours = [one for one in shown if one.fingerprint in self.declared.fingerprints]
        return min(ours or shown, key=lambda one: one.not_after, default=None)

    @property
    def strangers(self) -> tuple[Served, ...]:
        """The addresses that show another certificate than the declared, or none."""
        return tuple(
            one
            for one in self.served
            if one.certificate is None or one.certificate.fingerprint not in self.declared.fingerprints
        )

    def state(self, now: datetime) -> State:
        """How it is, the worst first."""
        if now >= self.declared.not_after:
            return State.EXPIRED
        if self.plan.due(now):
            return State.DUE
        if self.served and all(one.certificate is None for one in self.served):
            return State.UNSEEN
        return State.OTHER if self.strangers else State.VALID

    @property
    def renewable(self) -> bool:
        """Whether `pulumi up` can have a new one; one that was bought is replaced by whoever buys."""
        return self.declared.source != BOUGHT

    def wants_renewal(self, now: datetime) -> bool:
        """Whether a new certificate is to be had now."""
        return self.renewable and self.state(now) in (State.EXPIRED, State.DUE)
