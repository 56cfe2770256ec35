"""How the certificates of a project are shown: a table for people, plain values for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from luodi.certificate.standing import BOUGHT, Standing, State

_BAR = 12
_NAMES = 4
"""How many names are shown."""
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
        "renewal": {"at": one.plan.at.isoformat(), "why": one.plan.why},
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


def show(console: Console, standings: Sequence[Standing], unknown: Mapping[str, str], now: datetime) -> None:
    """A paragraph for each certificate, and in red whatever is not as it should be."""
    for one in standings:
        console.print(_paragraph(one, now))
        for line in remarks(one, now):
            console.print(Text(f"  {line}", "red"), soft_wrap=True)
    for stack, why in unknown.items():
        console.print(Text(f"{stack}: {why}", "yellow"), soft_wrap=True)


def remarks(one: Standing, now: datetime) -> list[str]:
    """What is not as it should be, a line each, with what to do."""
    lines = []
    if one.declared.source == BOUGHT and one.state(now) in (State.DUE, State.EXPIRED):
        lines.append(
            f"was bought and ends {one.declared.not_after:%Y-%m-%d %H:%M} UTC; put its successor into "
            "luodi:certificate.files and luodi:certificate-key, then `pulumi up`"
        )
    elif one.state(now) is State.EXPIRED:
        lines.append(f"expired {one.declared.not_after:%Y-%m-%d %H:%M} UTC; run `luodi renew --stack {one.stack}`")
    for each in one.strangers:
        if each.certificate is None:
            lines.append(f"{each.address} shows no certificate: {each.error}")
        else:
            lines.append(
                f"{each.address} serves another certificate than the stack declares: serial {each.certificate.serial} "
                f"of {each.certificate.issuer}; `pulumi refresh`, then `pulumi up` puts the declared one there"
            )
    lines += [
        f"{each.address}: a visitor's browser would not take it: {each.distrust}"
        for each in one.served
        if each.certificate and each.distrust and each not in one.strangers
    ]
    return lines


def _paragraph(one: Standing, now: datetime) -> Group:
    seen, colour = one.seen, _COLOURS[one.state(now)]
    names = seen.names if seen else one.declared.names
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    table = Table.grid(padding=(0, 2))
    issuer = seen.issuer if seen else one.declared.issuer
    left = _left(one.declared.not_after - now)
    served = ", ".join(each.address for each in one.served if each not in one.strangers)
    for head, text in (
        ("names", ", ".join(names[:_NAMES]) + more),
        ("issuer", f"{issuer} · {seen.key}" if seen else issuer),
        ("left", Text(f"{_bar(one, now)} {left}, until {one.declared.not_after:%Y-%m-%d %H:%M} UTC".lstrip(), colour)),
        ("renewal", f"{one.plan.at:%Y-%m-%d %H:%M} UTC; {one.plan.why}"),
        ("served", Text(f"as declared, at {served}" if served else "nowhere as declared", colour)),
    ):
        table.add_row(f"  {head}", text)
    return Group(Text(f"{one.stack}  {one.declared.domain}", "bold"), table)


def _left(left: timedelta) -> str:
    if left <= timedelta(0):
        return "expired"
    days = left / timedelta(days=1)
    return f"{days:.0f} days" if days >= 2 else f"{left / timedelta(hours=1):.0f} hours"


def _bar(one: Standing, now: datetime) -> str:
    """What is left of its life, of `_BAR` characters."""
    seen = one.seen
    if seen is None or seen.life <= timedelta(0):
        return ""
    part = max(0.0, min(1.0, (seen.not_after - now) / seen.life))
    full = round(part * _BAR)
    return "█" * full + "░" * (_BAR - full)
