"""How a filing report is shown: a table, a timeline for each stack, or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from luodi.commands import terminal
from luodi.filing.eligibility import Finding
from luodi.filing_report import Report
from luodi.stackfiles import StackFile
from luodi.words import Language, Words

_HEADS = (
    Words("环境", "stack"),
    Words("域名", "domain"),
    Words("备案", "filing"),
    Words("阶段", "stage"),
    Words("对外", "public"),
    Words("最近期限", "next due"),
)
_NARROW = 90
"""Columns below which a table of six can't be read."""
_OPEN, _CLOSED, _OVERRIDE = Words("开放", "yes"), Words("关闭", "no"), Words("越权开放", "by override")
_NEXT, _WHERE, _ADVICE = Words("下一步", "next"), Words("去哪里办", "where"), Words("提示", "advice")
_COLON = Words("：", ": ")
_PROVISIONAL = Words("（暂估：{year} 年放假安排未公布）", " (provisional: {year}'s holidays are not ordered yet)")
_WRONG = Words("{stack}：{count} 处设置不对", "{stack}: {count} settings can't be right")


def as_json(
    reports: Sequence[Report], broken: Sequence[StackFile], across: Sequence[Finding], today: date
) -> dict[str, Any]:
    """Everything, for a program."""
    return {
        "today": today.isoformat(),
        "stacks": [report.json(today) for report in reports],
        "problems": {
            file.stack: [{"path": problem.path, "text": problem.text} for problem in file.problems] for file in broken
        },
        "advice": [{"path": found.path, "text": found.words.json()} for found in across],
    }


def show(
    reports: Sequence[Report],
    broken: Sequence[StackFile],
    across: Sequence[Finding],
    today: date,
    language: Language,
) -> None:
    """Print a table of the stacks, unless the terminal is narrow, then for each where it stands and a timeline."""
    console = terminal.console()
    narrow = console.width < _NARROW
    if reports and not narrow:
        console.print(_table(reports, today, language))
    several = {report.stack for report in reports if report.site.path}
    for report in reports:
        console.print()
        title = f"{report.stack} · {report.domain}" if report.stack in several else report.stack
        console.print(Text(title, "bold"))
        if narrow:
            console.print(_indented(_pairs(report, today, language)))
        for line in _detail(report, today, language, narrow=narrow):
            console.print(line)
    for file in broken:
        head = _WRONG.fill(stack=file.stack, count=len(file.problems))
        console.print()
        console.print(Text(f"{head.in_(language)} ({file.path})", "red"))
        for problem in file.problems:
            console.print(_indented(Text(str(problem))))
    for found in across:
        console.print(Text(f"{_ADVICE.in_(language)}{_COLON.in_(language)}{found.words.in_(language)}", "yellow"))


def _table(reports: Sequence[Report], today: date, language: Language) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for head in _HEADS:
        table.add_column(head.in_(language), no_wrap=head is not _HEADS[-1])
    for report in reports:
        table.add_row(*_cells(report, today, language))
    return table


def _pairs(report: Report, today: date, language: Language) -> Table:
    """A row of the table, upright and without the stack's name."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for head, cell in zip(_HEADS[1:], _cells(report, today, language)[1:], strict=True):
        table.add_row(head.in_(language), cell)
    return table


def _cells(report: Report, today: date, language: Language) -> tuple[str | Text, ...]:
    facts, gate = report.site.filing, report.publication
    public = _OVERRIDE if gate.override else _OPEN if gate.public else _CLOSED
    colour = "red" if gate.override else "green" if gate.public else "yellow"
    return (
        report.stack,
        report.domain,
        f"{facts.type_name.in_(language)} · {facts.service_name.in_(language)}",
        gate.stage.label.in_(language),
        Text(public.in_(language), colour),
        _nearest(report, today, language),
    )


def _nearest(report: Report, today: date, language: Language) -> Text:
    nearest = report.nearest(today)
    if nearest is None:
        return Text("—")
    return Text(f"{nearest.day} {nearest.when(today).in_(language)}", "red" if nearest.overdue(today) else "")


def _detail(report: Report, today: date, language: Language, *, narrow: bool) -> Iterator[Any]:
    gate, colon = report.publication, _COLON.in_(language)
    yield _indented(Text(gate.line.in_(language), "red" if gate.override else ""))
    for warning in gate.warnings:
        yield _indented(Text(warning.in_(language), "red"))
    yield _indented(Text(f"{_NEXT.in_(language)}{colon}{gate.next_step.in_(language)}", "bold"))
    if gate.where.url:
        yield _indented(Text(f"{_WHERE.in_(language)}{colon}{gate.where.name.in_(language)} {gate.where.url}"))
    yield _indented(_timeline(report, today, language, narrow=narrow))
    for found in report.advice:
        words = f"{_ADVICE.in_(language)}{colon}{found.path} {found.words.in_(language)} [{found.source.confidence}]"
        yield _indented(Text(words, "yellow"))


def _timeline(report: Report, today: date, language: Language, *, narrow: bool) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))

    def line(style: str, *cells: str) -> None:
        shown = [" ".join(cells)] if narrow else cells
        table.add_row(*(Text(cell, style, overflow="fold") for cell in shown))

    for event in report.events:
        line("green", f"● {event.day}", event.name.in_(language))
    for deadline in report.due():
        when = deadline.when(today).in_(language)
        if deadline.provisional:
            when += _PROVISIONAL.fill(year=deadline.day.year).in_(language)
        style = "bold red" if deadline.overdue(today) else ""
        line(style, f"○ {deadline.day}", deadline.name.in_(language), when, deadline.where.url)
    return table


def _indented(what: Any) -> Padding:
    return Padding(what, (0, 0, 0, 2), expand=False)
