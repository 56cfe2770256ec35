"""When an object expires by its bucket's lifecycle (生命周期). Pure.

Source: https://cloud.tencent.com/document/product/436/17029 (生命周期配置元素).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from localcloud.formats import BEIJING
from localcloud.services.cos.request import CosError, not_implemented
from localcloud.services.cos.xml import malformed

MOST_RULES = 1000
_UNKNOWN = ("Transition", "NoncurrentVersionTransition", "NoncurrentVersionExpiration")


def check(configuration: Mapping[str, Any]) -> None:
    """Raise CosError for rules that can't be, or that the rehearsal cloud doesn't keep."""
    rules = configuration.get("Rule") or []
    if not 1 <= len(rules) <= MOST_RULES:
        raise malformed(f"A lifecycle has 1 to {MOST_RULES} rules, not {len(rules)}.")
    identifiers = [rule["ID"] for rule in rules if rule.get("ID")]
    if len(set(identifiers)) < len(identifiers):
        raise _invalid("Two rules have the same ID.")
    for rule in rules:
        if rule.get("Status") not in {"Enabled", "Disabled"}:
            raise malformed("A rule's Status is Enabled or Disabled.")
        for action in _UNKNOWN:
            if rule.get(action):
                raise not_implemented(f"{action} of a lifecycle")
        expiration, unfinished = rule.get("Expiration") or {}, rule.get("AbortIncompleteMultipartUpload") or {}
        if not expiration and not unfinished:
            raise malformed("A rule needs an action: Expiration or AbortIncompleteMultipartUpload.")
        for name, days in (("Days", expiration.get("Days")), ("DaysAfterInitiation", _days_after(rule))):
            if days is not None and not (days.isdigit() and 1 <= int(days) <= 3650):
                raise _invalid(f"{name} is {days}; give 1 to 3650.")
        if expiration.get("Date"):
            _moment(expiration["Date"])


def expires(rules: Sequence[Mapping[str, Any]], key: str, modified: datetime) -> datetime | None:
    """Return when the first of an object's rules ends it, or None where none does.

    Days are whole ones after the last change, and end at the following midnight in Beijing.
    """
    moments = []
    for rule in _of(rules, key):
        expiration = rule.get("Expiration") or {}
        if expiration.get("Date"):
            moments.append(_moment(expiration["Date"]))
        elif expiration.get("Days"):
            moments.append(_midnight_after(modified + timedelta(days=int(expiration["Days"]))))
    return min(moments, default=None)


def abandoned(rules: Sequence[Mapping[str, Any]], key: str, initiated: datetime) -> datetime | None:
    """Return when an upload in parts that nobody has completed is ended, or None."""
    days = [int(text) for rule in _of(rules, key) if (text := _days_after(rule))]
    return _midnight_after(initiated + timedelta(days=min(days))) if days else None


def _of(rules: Sequence[Mapping[str, Any]], key: str) -> list[Mapping[str, Any]]:
    return [rule for rule in rules if rule["Status"] == "Enabled" and key.startswith(_prefix(rule))]


def _prefix(rule: Mapping[str, Any]) -> str:
    where = rule.get("Filter") or {}
    return str((where.get("And") or {}).get("Prefix") or where.get("Prefix") or rule.get("Prefix") or "")


def _days_after(rule: Mapping[str, Any]) -> str | None:
    text = (rule.get("AbortIncompleteMultipartUpload") or {}).get("DaysAfterInitiation")
    return None if text is None else str(text)


def _midnight_after(moment: datetime) -> datetime:
    local = moment.astimezone(BEIJING)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if midnight == local else midnight + timedelta(days=1)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _invalid(f"Date is {text!r}; give one such as 2026-12-31T00:00:00+08:00.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _invalid(message: str) -> CosError:
    return CosError(HTTPStatus.BAD_REQUEST, "InvalidArgument", message)
