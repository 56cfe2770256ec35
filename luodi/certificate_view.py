"""How the certificates of a project are shown: a table for people, plain values for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from luodi.certificate.standing import BOUGHT, Standing, State

_BAR = 12
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
    """A row for each certificate, and a line for each thing that is not as it should be."""
    if standings:
        console.print(_table(standings, now))
    for one in standings:
        for line in remarks(one, now):
            console.print(Text(f"{one.stack}: {one.declared.domain}: {line}", "red"), soft_wrap=True)
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


def _table(standings: Sequence[Standing], now: datetime) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for head in ("stack", "names", "issuer", "key", "left", "", "next renewal", "served"):
        table.add_column(head, no_wrap=head not in ("names", "next renewal"), overflow="fold")
    for one in standings:
        seen, state = one.seen, one.state(now)
        left = one.declared.not_after - now
        matching = len(one.served) - len(one.strangers)
        table.add_row(
            one.stack,
            "\n".join(one.declared.names[:4])
            + (f"\n… {len(one.declared.names)}" if len(one.declared.names) > 4 else ""),
            seen.issuer if seen else one.declared.issuer,
            seen.key if seen else "?",
            Text(_left(left), _COLOURS[state]),
            Text(_bar(one, now), _COLOURS[state]),
            f"{one.plan.at:%Y-%m-%d %H:%M} UTC\n{one.plan.why}",
            Text("as declared" if not one.strangers else f"{matching} of {len(one.served)}", _COLOURS[state]),
        )
    return table


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
