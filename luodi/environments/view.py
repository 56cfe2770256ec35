"""How settings of two stacks are shown beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

NOTHING = "-"
_NARROW = 90
"""Columns below which four of them can't be read beside each other."""


@dataclass(frozen=True)
class Row:
    """A setting, its two values, and why they differ; `style` as rich names one."""

    key: str
    values: tuple[Any, Any]
    why: str
    style: str = ""


def show(console: Console, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """The rows as a table; on a narrow terminal each as a paragraph."""
    if console.width < _NARROW:
        for row in rows:
            first, second = map(shown, row.values)
            console.print(Text(f"{row.key.removeprefix('luodi:')}: {first} | {second}", row.style))
            console.print(Padding(Text(row.why, "dim"), (0, 0, 0, 2)))
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        cells = (row.key.removeprefix("luodi:"), *map(shown, row.values), row.why)
        table.add_row(*map(Text, cells), style=row.style)  # as Text: an index in brackets is no markup
    console.print(table)


def shown(value: Any) -> str:
    """A value as a stack file writes it on one line; NOTHING for none."""
    if value is None:
        return NOTHING
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and not any(isinstance(each, dict | list | tuple) for each in value):
        return ", ".join(shown(each) for each in value) or NOTHING
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10_000)
    return text.removesuffix("\n").removesuffix("\n...")
