"""What a stack's status is said in: the words of the table and of the page. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from luodi.certificate.lifetime import span
from luodi.certificate.standing import Standing, State
from luodi.price.telling import money
from luodi.status.standing import Live, StackStatus
from luodi.words import Words

Tone = Literal["good", "attention", "bad", "quiet"]

LIVE: Mapping[Live, Words] = MappingProxyType(
    {
        Live.LIVE: Words("已开放", "live"),
        Live.CLOSED: Words("未对外开放", "closed"),
        Live.MAINTENANCE: Words("维护中", "maintenance"),
        Live.FAILING: Words("打不开", "failing"),
        Live.NOT_UP: Words("未部署", "not up"),
        Live.UNKNOWN: Words("未知", "unknown"),
        Live.BROKEN: Words("设置有误", "settings wrong"),
    }
)
TONES: Mapping[Live, Tone] = MappingProxyType(
    {
        Live.LIVE: "good",
        Live.CLOSED: "attention",
        Live.MAINTENANCE: "attention",
        Live.FAILING: "bad",
        Live.NOT_UP: "quiet",
        Live.UNKNOWN: "attention",
        Live.BROKEN: "bad",
    }
)
CERTIFICATE_TONES: Mapping[State, Tone] = MappingProxyType(
    {
        State.VALID: "good",
        State.DUE: "attention",
        State.EXPIRED: "bad",
        State.OTHER: "bad",
        State.UNSEEN: "bad",
    }
)
_STATES: Mapping[State, Words] = MappingProxyType(
    {
        State.DUE: Words("待续期", "renewal due"),
        State.EXPIRED: Words("已过期", "expired"),
        State.OTHER: Words("与声明的不是同一张", "not the declared one"),
        State.UNSEEN: Words("没有看到", "not shown"),
    }
)
NOTHING = Words("—", "—")
OVERDUE = Words("{count} 项逾期", "{count} overdue")
_PRICE = Words("每月 {amount} 元", "{amount} CNY a month")
_LEFT = Words("剩 {left}", "{left} left")
_PROBLEMS = Words("{file} 有 {count} 处设置不对", "{file}: {count} settings can't be right")
_PROBLEM = Words("{file} 有 1 处设置不对", "{file}: 1 setting can't be right")


def price(status: StackStatus) -> Words | None:
    """What the stack's server costs, None where that is not known."""
    return _PRICE.fill(amount=money(status.price.monthly)) if status.price else None


def total(found: Sequence[StackStatus]) -> Words | None:
    """What all the servers cost whose price is known, where there are several."""
    prices = [status.price.monthly for status in found if status.price]
    return _PRICE.fill(amount=money(sum(prices, Decimal()))) if len(prices) > 1 else None


def issuer(standing: Standing) -> str:
    """Who issued the certificate that is served, or else the declared."""
    return standing.seen.issuer if standing.seen else standing.declared.issuer


def left(standing: Standing, now: datetime) -> Words:
    """What is left of a certificate's life, and what else is to be said of it in a word."""
    rest, state = standing.declared.not_after - now, standing.state(now)
    if state is State.EXPIRED:
        return _STATES[state]
    words = _LEFT.fill(left=span(rest))
    if state is State.VALID:
        return words
    return Words(f"{words.zh}，{_STATES[state].zh}", f"{words.en}, {_STATES[state].en}")


def problems(status: StackStatus) -> Words:
    """That a stack's file can't be right; each problem is told beside it."""
    count = len(status.file.problems)
    return (_PROBLEM if count == 1 else _PROBLEMS).fill(file=status.file.path.name, count=count)


def summary(found: Sequence[StackStatus], today: date) -> Words:
    """How many there are of each, in one line."""
    states = Counter(state for status in found for state in _states(status))
    overdue = sum(due.overdue(today) for status in found for site in status.sites for due in site.report.due())
    parts = [
        Words(f"{LIVE[state].zh} {states[state]}", f"{states[state]} {LIVE[state].en}")
        for state in Live
        if states[state]
    ]
    parts += [OVERDUE.fill(count=overdue)] if overdue else []
    if cost := total(found):
        parts.append(cost)
    return Words(" · ".join(part.zh for part in parts), " · ".join(part.en for part in parts))


def _states(status: StackStatus) -> list[Live]:
    return [site.live(status.missing) for site in status.sites] or [Live.BROKEN]
