"""Prices at the terminal, and for a program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from luodi.price.amounts import HOURS_PER_MONTH, Item, Prepaid, Price, fen
from luodi.price.telling import BY_HOUR, BY_PERIOD, KINDS, cost, money, remarks
from luodi.words import Language, Words

_NARROW = 90
"""Columns below which a table of six can't be read."""

_COLUMNS = (
    (Words("环境", "stack"), "left"),
    (Words("项目", "what"), "left"),
    (Words("付费方式", "paid"), "left"),
    (Words("原价", "list price"), "right"),
    (Words("实付", "price"), "right"),
    (Words("每月", "a month"), "right"),
)
_TOTAL = Words("合计", "total")
_SUM = Words("合计每月 {monthly} 元", "{monthly} CNY a month in all")
_ONCE = Words("；下单时一次付 {once} 元", "; {once} at once when ordered")
_PARTLY = Words("（{known}/{all} 个环境）", " ({known} of {all} stacks)")
_CAPTION = Words(
    "人民币元，按现在新购询价；续费时以当时价格为准。按小时的价格每月按 {hours} 小时计。",
    "In CNY, as ordered now; a renewal costs what it costs then. What is paid by the hour is told for {hours} hours.",
)
_APART = Words("不在上述价格内：", "Not in these prices:")


def show(console: Console, prices: Mapping[str, Price], stacks: int, language: Language) -> None:
    """The stacks' prices, their sum, and what is not in it; `stacks` is how many were asked for."""
    if console.width < _NARROW:
        _paragraphs(console, prices, language)
    else:
        console.print(_table(prices, language))
    console.print()
    _print(console, _sum(prices, stacks).in_(language), "bold")
    _print(console, _CAPTION.fill(hours=HOURS_PER_MONTH).in_(language), "dim")
    console.print()
    _print(console, _APART.in_(language))
    for remark, named in _shared(prices).items():
        who = "" if len(named) == len(prices) else f"{', '.join(named)}: "
        _print(console, f"{who}{remark.in_(language)}", indent=2)


def values(prices: Mapping[str, Price], troubles: Mapping[str, str]) -> dict[str, Any]:
    """For a program: every amount as text, exact."""
    return {
        "currency": "CNY",
        "stacks": {stack: price.json() for stack, price in prices.items()},
        "monthly": str(_all_monthly(prices)),
        "atOnce": str(_all_at_once(prices)),
        "errors": dict(troubles),
    }


def _table(prices: Mapping[str, Price], language: Language) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title, side in _COLUMNS:
        table.add_column(title.in_(language), justify=side, overflow="fold")  # type: ignore[arg-type]
    for stack, price in prices.items():
        for index, item in enumerate(price.items):
            cells = (stack if not index else "", *_cells(item, language))
            table.add_row(*map(Text, cells))
    table.add_row(*(Text(each, "bold") for each in (_TOTAL.in_(language), "", "", "", "", money(_all_monthly(prices)))))
    return table


def _cells(item: Item, language: Language) -> Iterator[str]:
    paid = item.cost
    yield f"{KINDS[item.kind].in_(language)} {item.size}"
    if isinstance(paid, Prepaid):
        yield BY_PERIOD.fill(months=paid.months).in_(language)
        yield money(paid.list_price)
        yield money(paid.price)
    else:
        yield BY_HOUR.in_(language)
        yield money(paid.steps[0].list_price)
        yield money(paid.steps[0].price)
    yield money(paid.monthly)


def _paragraphs(console: Console, prices: Mapping[str, Price], language: Language) -> None:
    for stack, price in prices.items():
        _print(console, stack, "bold")
        for item in price.items:
            name = f"{KINDS[item.kind].in_(language)} {item.size}"
            _print(console, f"{name}: {cost(item).in_(language)}", indent=2)


def _print(console: Console, text: str, style: str = "", *, indent: int = 0) -> None:
    console.print(Padding(Text(text, style), (0, 0, 0, indent), expand=False))


def _sum(prices: Mapping[str, Price], stacks: int) -> Words:
    parts = [_SUM.fill(monthly=money(_all_monthly(prices)))]
    if once := _all_at_once(prices):
        parts.append(_ONCE.fill(once=money(once)))
    if len(prices) < stacks:
        parts.append(_PARTLY.fill(known=len(prices), all=stacks))
    return Words("".join(part.zh for part in parts), "".join(part.en for part in parts))


def _all_monthly(prices: Mapping[str, Price]) -> Decimal:
    return fen(sum((price.monthly for price in prices.values()), Decimal()))


def _all_at_once(prices: Mapping[str, Price]) -> Decimal:
    return fen(sum((price.at_once for price in prices.values()), Decimal()))


def _shared(prices: Mapping[str, Price]) -> Mapping[Words, list[str]]:
    """Each remark once, with the stacks that it is about."""
    found: dict[Words, list[str]] = {}
    for stack, price in prices.items():
        for remark in remarks(price):
            found.setdefault(remark, []).append(stack)
    return found
