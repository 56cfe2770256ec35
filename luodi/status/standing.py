"""Where a stack and its sites stand: what was found, and what follows from it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from luodi import authorities
from luodi.certificate.standing import Standing
from luodi.filing_report import Report
from luodi.price.amounts import Price
from luodi.stackfiles import StackFile
from luodi.words import Words

_UNAVAILABLE = 503
_FIRST_SERVER_ERROR = 500
_OVERDUE = Words("{what}：{when}（{day}）", "{what}: {when} ({day})")
_NO_ANSWER = Words("打不开：{why}", "can't be opened: {why}")
_TO_OPEN = Words("备案已允许对外，运行 `pulumi up` 开放", "its filing lets it open now; run `pulumi up`")
_TO_CLOSE = Words(
    "备案已不允许对外，运行 `pulumi up` 关闭", "its filing does not let it be open any more; run `pulumi up`"
)


class Live(StrEnum):
    """Whether visitors get a site."""

    LIVE = "live"
    CLOSED = "closed"
    """Its filing keeps it from the public, as it should."""
    MAINTENANCE = "maintenance"
    FAILING = "failing"
    """It is open, and its server does not answer, or with an error of its own (5xx)."""
    NOT_UP = "not-up"
    UNKNOWN = "unknown"
    """The stack's state can't be had."""
    BROKEN = "broken"
    """The stack's file can't be right."""


@dataclass(frozen=True)
class Visit:
    """What the server answered for a site's first page: a status, or why there is none."""

    status: int | None
    error: str | None = None


@dataclass(frozen=True)
class SiteStatus:
    """A site of a stack. `certificate` and `visit` are None where the stack is not up, or has not this site yet;
    `visit` also where nobody is to be answered."""

    report: Report
    certificate: Standing | None = None
    visit: Visit | None = None

    def live(self, otherwise: Live = Live.NOT_UP) -> Live:
        """Whether visitors get it; `otherwise` where the stack says nothing of it."""
        if self.certificate is None:
            return otherwise
        if not self.certificate.declared.public:
            return Live.CLOSED
        status = self.visit.status if self.visit else None
        if status == _UNAVAILABLE and self.report.site.site.maintenance:
            return Live.MAINTENANCE
        return Live.LIVE if status and status < _FIRST_SERVER_ERROR else Live.FAILING

    def late(self, today: date) -> Iterator[Words]:
        """What is overdue, a line each."""
        for deadline in self.report.due():
            if deadline.overdue(today):
                yield _OVERDUE.fill(what=deadline.name, when=deadline.when(today), day=deadline.day)

    def faults(self, now: datetime) -> Iterator[Words]:
        """What is wrong with what visitors get, a line each."""
        from luodi.certificate_view import remarks

        if self.live() is Live.FAILING and self.visit:
            yield _NO_ANSWER.fill(why=self.visit.error or f"HTTP {self.visit.status}")
        if self.certificate:
            yield from remarks(_for_tries(self.certificate), now)

    def advice(self) -> Iterator[Words]:
        """What the next `up` changes for visitors."""
        if self.certificate and self.certificate.declared.public != self.report.publication.public:
            yield _TO_OPEN if self.report.publication.public else _TO_CLOSE


def _for_tries(standing: Standing) -> Standing:
    """That no browser trusts an authority for tries is no fault of the certificate's."""
    authority = standing.declared.authority
    if not authority or authorities.find(authority).trusted:
        return standing
    return replace(standing, served=tuple(replace(one, distrust=None) for one in standing.served))


@dataclass(frozen=True)
class StackStatus:
    """A stack: its file, and where that is right its sites. `address` is its server's; where it has none `why` says
    why, and `missing` what that means for its sites. `price` is None where nobody can be asked."""

    file: StackFile
    sites: tuple[SiteStatus, ...] = ()
    address: str | None = None
    why: str = ""
    missing: Live = Live.NOT_UP
    price: Price | None = None

    @property
    def state(self) -> Live | None:
        """What there is to say of it instead of its sites: broken, not up or unknown; None where it is up."""
        if self.file.settings is None:
            return Live.BROKEN
        return None if self.address else self.missing

    def wrong(self, today: date, now: datetime) -> bool:
        """Whether anything of it is, or can't be known."""
        return self.state in (Live.BROKEN, Live.UNKNOWN) or any(
            True for site in self.sites for _ in (*site.late(today), *site.faults(now))
        )
