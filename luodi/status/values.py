"""Where stacks stand, for programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from luodi import certificate_view
from luodi.describing import server_kind, server_size
from luodi.settings import Settings
from luodi.status.standing import SiteStatus, StackStatus


def as_json(found: Sequence[StackStatus], today: date, now: datetime) -> dict[str, Any]:
    """All of it; times are ISO 8601 with their offset, what is said comes in both languages. A site's `filing` is as
    `luodi filing` prints it, its `certificate` as `luodi certificate` does."""
    return {
        "today": today.isoformat(),
        "now": now.isoformat(),
        "stacks": [_stack(status, today, now) for status in found],
    }


def _stack(status: StackStatus, today: date, now: datetime) -> dict[str, Any]:
    file = status.file
    return {
        "stack": file.stack,
        "file": str(file.path),
        "state": status.state.value if status.state else "up",
        "why": status.why or None,
        "problems": [{"path": problem.path, "text": problem.text} for problem in file.problems],
        "address": status.address,
        "server": _server(file.settings) if file.settings else None,
        "price": status.price.json() if status.price else None,
        "sites": [_site(site, status, today, now) for site in status.sites],
    }


def _server(settings: Settings) -> dict[str, Any]:
    server = settings.server
    return {
        "kind": server.kind,
        "name": server_kind(server).json(),
        "region": settings.region.id,
        "size": server_size(server),
    }


def _site(site: SiteStatus, status: StackStatus, today: date, now: datetime) -> dict[str, Any]:
    certificates = [site.certificate] if site.certificate else []
    return {
        "domain": site.report.domain,
        "url": f"https://{site.report.site.site.domain}",
        "live": site.live(status.missing).value,
        "status": site.visit.status if site.visit else None,
        "overdue": [words.json() for words in site.late(today)],
        "faults": [words.json() for words in site.faults(now)],
        "advice": [words.json() for words in site.advice()],
        "filing": site.report.json(today),
        "certificate": next(iter(certificate_view.as_json(certificates, {}, now)["certificates"]), None),
    }
