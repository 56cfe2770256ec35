"""Where stacks stand, as one self-contained page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from luodi import describing
from luodi.rendering import Templates
from luodi.status import wording
from luodi.status.standing import StackStatus
from luodi.words import Language, Words

_LABELS = {
    "title": Words("站点状态", "Status"),
    "server": Words("服务器", "Server"),
    "address": Words("地址", "Address"),
    "stage": Words("备案阶段", "Filing stage"),
    "next": Words("下一步", "Next"),
    "certificate": Words("证书", "Certificate"),
    "until": Words("至 {day}", "until {day}"),
    "deadlines": Words("期限", "Deadlines"),
    "wrong": Words("问题", "Wrong"),
    "advice": Words("提示", "Advice"),
    "as_of": Words("截至", "as of"),
}


def page(project: str, found: Sequence[StackStatus], today: date, now: datetime, language: Language) -> str:
    """The page, HTML. `project` is its name. Nothing in it is fetched from elsewhere."""
    return Templates().page(
        "status/status.html",
        project=project,
        found=found,
        today=today,
        now=now,
        language=language,
        lang=language,
        wording=wording,
        describing=describing,
        labels={name: words.in_(language) for name, words in _LABELS.items()},
        until=_LABELS["until"],
        summary=wording.summary(found, today).in_(language),
    )
