"""Where stacks stand, at the terminal: a table, and beneath it what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from luodi.describing import server_words
from luodi.status import wording
from luodi.status.standing import Live, SiteStatus, StackStatus
from luodi.words import Language, Words

_STYLES = {"good": "green", "attention": "yellow", "bad": "red", "quiet": "dim"}
_HEADS = (
    Words("环境", "stack"),
    Words("站点", "site"),
    Words("状态", "now"),
    Words("备案阶段", "filing"),
    Words("最近期限", "next due"),
    Words("证书", "certificate"),
)
_WHOLE, _LONGEST = 3, 30
"""So many columns are not broken into lines, unless one is longer than so many cells."""
_NARROW = 100
"""Columns below which six of them can't be read beside each other."""


_Row = tuple[Text, ...]
"""A site, or a stack that says nothing of its sites; the first cell is the stack's name and its server,
of its first site alone."""


def show(console: Console, found: Sequence[StackStatus], today: date, now: datetime, language: Language) -> None:
    """Print a table, a line for each site; on a narrow terminal a paragraph. Then what is wrong."""
    rows = [row for status in found for row in _rows(status, today, now, language)]
    heads = [head.in_(language) for head in _HEADS]
    if console.width < _NARROW:
        _paragraphs(console, heads, rows)
    else:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for index, head in enumerate(heads):
            longest = max(cell_len(line) for row in rows for line in row[index].plain.splitlines() or [""])
            table.add_column(head, overflow="fold", no_wrap=index < _WHOLE and longest <= _LONGEST)
        for row in rows:
            table.add_row(*row)
        console.print(table)
    for status in found:
        lines = list(_remarks(status, today, now, language))
        if lines:
            console.print()
            console.print(Text(status.file.stack, "bold"))
        for line in lines:
            console.print(Text.assemble("  ", line), soft_wrap=True)
    console.print()
    console.print(Text(wording.summary(found, today).in_(language)))


def _paragraphs(console: Console, heads: Sequence[str], rows: Sequence[_Row]) -> None:
    for number, (stack, site, *rest) in enumerate(rows):
        if stack.plain:
            console.print(*[""] * bool(number), stack, sep="\n")
        console.print(Text.assemble("  ", site))
        lines = Table.grid(padding=(0, 2))
        lines.add_column(no_wrap=True)
        lines.add_column(overflow="fold")
        for head, cell in zip(heads[2:], rest, strict=True):
            lines.add_row(f"    {head}", cell)
        console.print(lines)


def _rows(status: StackStatus, today: date, now: datetime, language: Language) -> Iterator[_Row]:
    name, nothing = Text(status.file.stack, "bold"), Text(wording.NOTHING.in_(language))
    if status.file.settings is None:
        yield (name, nothing, _live(Live.BROKEN, language), *[nothing] * 3)
        return
    server = server_words(status.file.settings).in_(language)
    price = wording.price(status)
    cost = ("\n", (price.in_(language), "dim")) if price else ()
    for index, site in enumerate(status.sites):
        yield (
            Text("") if index else Text.assemble(name, "\n", (server, "dim"), *cost),
            Text(site.report.domain),
            _live(site.live(status.missing), language),
            Text(site.report.publication.stage.label.in_(language)),
            _due(site, today, language) or nothing,
            _certificate(site, now, language) or nothing,
        )


def _live(live: Live, language: Language) -> Text:
    return Text(wording.LIVE[live].in_(language), _STYLES[wording.TONES[live]])


def _due(site: SiteStatus, today: date, language: Language) -> Text | None:
    due = site.report.nearest(today)
    if due is None:
        return None
    return Text(f"{due.day} {due.when(today).in_(language)}", "bold red" if due.overdue(today) else "")


def _certificate(site: SiteStatus, now: datetime, language: Language) -> Text | None:
    one = site.certificate
    if one is None:
        return None
    style = _STYLES[wording.CERTIFICATE_TONES[one.state(now)]]
    return Text.assemble((wording.left(one, now).in_(language), style), f" ({wording.issuer(one)})")


def _remarks(status: StackStatus, today: date, now: datetime, language: Language) -> Iterator[Text]:
    if status.file.settings is None:
        yield Text(wording.problems(status).in_(language), "red")
        yield from (Text(f"  {problem}", "red") for problem in status.file.problems)
    if status.why:
        yield Text(status.why, "yellow")
    for site in status.sites:
        of = f"{site.report.domain}: " if len(status.sites) > 1 else ""
        yield from (Text(f"{of}{words.in_(language)}", "red") for words in (*site.late(today), *site.faults(now)))
        yield from (Text(f"{of}{words.in_(language)}", "yellow") for words in site.advice())
