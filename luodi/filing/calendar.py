"""Deadlines as a calendar file (RFC 5545)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

import icalendar

from luodi.filing.deadlines import Deadline
from luodi.words import Language, Words

_REMINDERS = (timedelta(days=7), timedelta(days=1))
_PROVISIONAL = Words(
    "按工作日推算，途经的年份国务院尚未公布放假安排，可能相差几天。",
    "Counted in working days through a year whose holidays are not ordered yet: it may move by some days.",
)


def calendar(due: Iterable[tuple[str, Deadline]], today: date, language: Language) -> str:
    """A calendar of what is not met yet: pairs of a domain and what is due for it.

    The same facts give the same file, and an entry keeps its UID when its day moves, so that importing it again
    updates what was imported before.
    """
    file = icalendar.Calendar()
    file.add("prodid", "-//luodi//filing//ZH")
    file.add("version", "2.0")
    file.add("method", "PUBLISH")
    for domain, deadline in due:
        if deadline.met is None:
            file.add_component(_event(domain, deadline, today, language))
    return str(file.to_ical(), "utf-8")


def _event(domain: str, deadline: Deadline, today: date, language: Language) -> icalendar.Event:
    event = icalendar.Event()
    event.add("uid", f"{deadline.id}.{domain}@luodi")
    event.add("dtstamp", datetime.combine(today, time(), UTC))
    event.add("summary", f"{domain} {deadline.name.in_(language)}")
    event.add("dtstart", deadline.day)
    event.add("dtend", deadline.day + timedelta(days=1))
    event.add("transp", "TRANSPARENT")
    lines = [deadline.where.name.in_(language), deadline.where.url, deadline.source.text]
    if deadline.provisional:
        lines.append(_PROVISIONAL.in_(language))
    event.add("description", "\n".join(filter(None, lines)))
    if deadline.where.url:
        event.add("url", deadline.where.url)
    if deadline.kind in ("duty", "term"):
        for before in _REMINDERS:
            alarm = icalendar.Alarm()
            alarm.add("action", "DISPLAY")
            alarm.add("description", event["summary"])
            alarm.add("trigger", -before)
            event.add_component(alarm)
    return event
