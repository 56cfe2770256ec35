"""How Tencent writes ids and times."""

from __future__ import annotations

import secrets
import string
from calendar import monthrange
from datetime import UTC, datetime, timedelta, timezone

_ALPHABET = string.ascii_lowercase + string.digits
BEIJING = timezone(timedelta(hours=8))


def new_id(prefix: str) -> str:
    """Return an id as Tencent makes them: a prefix and eight letters or digits."""
    return f"{prefix}-{''.join(secrets.choice(_ALPHABET) for _ in range(8))}"


def timestamp(moment: datetime | None = None) -> str:
    """Return a time (UTC, now by default) as most products write it: 2026-11-21T03:00:00Z."""
    return (moment or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")


def local_timestamp(moment: datetime | None = None) -> str:
    """Return a time (now by default) as VPC, DNSPod and SSL write it: 2026-11-21 11:00:00.

    They mean Beijing's time (UTC+8).
    """
    return (moment or datetime.now(UTC)).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def months_later(moment: datetime, months: int) -> datetime:
    """Return the same day and time `months` later, or the last day of a shorter month."""
    years, month = divmod(moment.month - 1 + months, 12)
    year, month = moment.year + years, month + 1
    return moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))
