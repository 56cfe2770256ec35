"""How the certificates of a project are shown: a table for people, plain values for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from luodi.certificate.lifetime import span
from luodi.certificate.standing import BOUGHT, Standing, State
from luodi.words import Language, Words

_BAR = 12
_NAMES = 4
"""How many names are shown."""
_BOUGHT_ENDS = Words(
    "证书购于别处，{end} UTC 到期；请把新证书写入 luodi:certificate.files 和 luodi:certificate-key，再运行 `pulumi up`",
    "was bought and ends {end} UTC; put its successor into luodi:certificate.files and luodi:certificate-key, then "
    "`pulumi up`",
)
_HAS_EXPIRED = Words(
    "已于 {end} UTC 过期；请运行 `luodi renew --stack {stack}`", "expired {end} UTC; run `luodi renew --stack {stack}`"
)
_SHOWS_NONE = Words("{address} 没有出示证书：{error}", "{address} shows no certificate: {error}")
_ANOTHER = Words(
    "{address} 上的证书不是环境声明的那张：序列号 {serial}，签发者 {issuer}；"
    "先 `pulumi refresh`，再 `pulumi up`，即可换回",
    "{address} serves another certificate than the stack declares: serial {serial} of {issuer}; `pulumi refresh`, then "
    "`pulumi up` puts the declared one there",
)
_DISTRUSTED = Words(
    "{address}：访客的浏览器不会信任它：{why}", "{address}: a visitor's browser would not take it: {why}"
)
_MORE = Words(" 等 {count} 个", " and {more} more")
_EXPIRED = Words("已过期", "expired")
_UNTIL = Words("{left}，至 {end} UTC", "{left}, until {end} UTC")
_AS_DECLARED = Words("与声明一致：{served}", "as declared, at {served}")
_NOWHERE = Words("没有一处与声明一致", "nowhere as declared")
_NAMES_ROW, _ISSUER_ROW, _LEFT_ROW, _RENEWAL_ROW, _SERVED_ROW = (
    Words("域名", "names"),
    Words("签发者", "issuer"),
    Words("剩余", "left"),
    Words("续期", "renewal"),
    Words("在用", "served"),
)
_COLOURS = {State.VALID: "green", State.DUE: "yellow", State.OTHER: "red", State.UNSEEN: "red", State.EXPIRED: "red"}


def as_json(standings: Sequence[Standing], unknown: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """All of it; times are ISO 8601 with their offset."""
    return {
        "now": now.isoformat(),
        "certificates": [_values(one, now) for one in standings],
        "unknown": [{"stack": stack, "reason": why} for stack, why in unknown.items()],
    }


def _values(one: Standing, now: datetime) -> dict[str, Any]:
    declared, seen = one.declared, one.seen
    return {
        "stack": one.stack,
        "domain": declared.domain,
        "names": list(seen.names if seen else declared.names),
        "state": one.state(now).value,
        "issuer": seen.issuer if seen else declared.issuer,
        "key": seen.key if seen else None,
        "serial": seen.serial if seen else None,
        "notAfter": declared.not_after.isoformat(),
        "daysLeft": round((declared.not_after - now) / timedelta(days=1), 2),
        "renewal": {"at": one.plan.at.isoformat(), "why": one.plan.why.en},
        "served": [
            {
                "address": each.address,
                "fingerprint": each.certificate.fingerprint if each.certificate else None,
                "declared": each not in one.strangers,
                "trusted": each.certificate is not None and each.distrust is None,
                "reason": each.error or each.distrust,
            }
            for each in one.served
        ],
    }


def show(
    console: Console,
    standings: Sequence[Standing],
    unknown: Mapping[str, str],
    now: datetime,
    language: Language = "en",
) -> None:
    """A paragraph for each certificate, and in red whatever is not as it should be."""
    for one in standings:
        console.print(_paragraph(one, now, language))
        for line in remarks(one, now):
            console.print(Text(f"  {line.in_(language)}", "red"), soft_wrap=True)
    for stack, why in unknown.items():
        console.print(Text(f"{stack}: {why}", "yellow"), soft_wrap=True)


def remarks(one: Standing, now: datetime) -> list[Words]:
    """What is not as it should be, a line each, with what to do."""
    lines, end = [], f"{one.declared.not_after:%Y-%m-%d %H:%M}"
    if one.declared.source == BOUGHT and one.state(now) in (State.DUE, State.EXPIRED):
        lines.append(_BOUGHT_ENDS.fill(end=end))
    elif one.state(now) is State.EXPIRED:
        lines.append(_HAS_EXPIRED.fill(end=end, stack=one.stack))
    for each in one.strangers:
        if each.certificate is None:
            lines.append(_SHOWS_NONE.fill(address=each.address, error=each.error))
        else:
            seen = each.certificate
            lines.append(_ANOTHER.fill(address=each.address, serial=seen.serial, issuer=seen.issuer))
    lines += [
        _DISTRUSTED.fill(address=each.address, why=each.distrust)
        for each in one.served
        if each.certificate and each.distrust and each not in one.strangers
    ]
    return lines


def _paragraph(one: Standing, now: datetime, language: Language) -> Group:
    seen, colour = one.seen, _COLOURS[one.state(now)]
    names = seen.names if seen else one.declared.names
    more = _MORE.fill(count=len(names), more=len(names) - _NAMES).in_(language) if len(names) > _NAMES else ""
    table = Table.grid(padding=(0, 2))
    issuer = seen.issuer if seen else one.declared.issuer
    left = one.declared.not_after - now
    until = _UNTIL.fill(
        left=span(left) if left > timedelta(0) else _EXPIRED, end=f"{one.declared.not_after:%Y-%m-%d %H:%M}"
    )
    served = ", ".join(each.address for each in one.served if each not in one.strangers)
    as_declared = _AS_DECLARED.fill(served=served) if served else _NOWHERE
    for head, text in (
        (_NAMES_ROW, ", ".join(names[:_NAMES]) + more),
        (_ISSUER_ROW, f"{issuer} · {seen.key}" if seen else issuer),
        (_LEFT_ROW, Text(f"{_bar(one, now)} {until.in_(language)}".lstrip(), colour)),
        (_RENEWAL_ROW, f"{one.plan.at:%Y-%m-%d %H:%M} UTC; {one.plan.why.in_(language)}"),
        (_SERVED_ROW, Text(as_declared.in_(language), colour)),
    ):
        table.add_row(f"  {head.in_(language)}", text)
    return Group(Text(f"{one.stack}  {one.declared.domain}", "bold"), table)


def _bar(one: Standing, now: datetime) -> str:
    """What is left of its life, of `_BAR` characters."""
    seen = one.seen
    if seen is None or seen.life <= timedelta(0):
        return ""
    part = max(0.0, min(1.0, (seen.not_after - now) / seen.life))
    full = round(part * _BAR)
    return "█" * full + "░" * (_BAR - full)
