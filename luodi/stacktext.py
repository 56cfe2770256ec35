"""A stack file as text: its configuration, with comments beside keys and below them. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from rich.cells import cell_len, set_cell_size

from luodi.environments.secret import Path

_WIDTH = 120
_COLUMN = 36
"""Where a comment begins that stands beside a short line."""


def stack_text(
    config: Mapping[str, Any],
    *,
    head: str,
    beside: Mapping[Path, Sequence[str]],
    below: Mapping[Path, Sequence[str]],
) -> str:
    """The text of a stack file that holds `config`, `head` its first line.

    Comments are by what they are said of, which has to be there: `beside` it, or, where they are too long, above;
    and `below` the line that it begins on, each on lines of its own.
    """
    node = yaml.representer.SafeRepresenter(sort_keys=False).represent_data({"config": dict(config)})
    _lay_out(node, ())
    text = yaml.serialize(node, Dumper=yaml.SafeDumper, allow_unicode=True, width=10_000)
    at = _lines(yaml.compose(text), ())
    after, under = _by_line(beside, at), _by_line(below, at)
    written = [f"# {head}"]
    for number, line in enumerate(text.splitlines()):
        written += _commented(line, after.get(number, []))
        inner = " " * (len(line) - len(line.lstrip()) + 2)
        for comment in under.get(number, []):
            written += textwrap.wrap(comment, _WIDTH, initial_indent=f"{inner}# ", subsequent_indent=f"{inner}# ")
    return "\n".join(written) + "\n"


def _by_line(comments: Mapping[Path, Sequence[str]], at: Mapping[Path, int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for path, said in comments.items():
        there = found.setdefault(at["config", *path], [])
        there += [each for each in said if each not in there]
    return found


def _commented(line: str, comments: Sequence[str]) -> list[str]:
    if not comments:
        return [line]
    comment = "; ".join(comments)
    beside = set_cell_size(line, max(cell_len(line) + 2, _COLUMN)) + f"# {comment}"
    if cell_len(beside) <= _WIDTH:
        return [beside]
    return [f"{' ' * (len(line) - len(line.lstrip()))}# {comment}", line]


def _lay_out(node: yaml.Node, path: Path) -> bool:
    """Sections as blocks, and what holds nothing but plain values on one line. Whether the node is such a value."""
    if isinstance(node, yaml.MappingNode):
        plain = [_lay_out(value, (*path, key.value)) for key, value in node.value]
        node.flow_style = len(path) > 2 and all(plain)
        return False
    if isinstance(node, yaml.SequenceNode):
        plain = [_lay_out(value, (*path, index)) for index, value in enumerate(node.value)]
        node.flow_style = all(plain)
        return False
    return True


def _lines(node: yaml.Node | None, path: Path) -> dict[Path, int]:
    """On which line each key and each item stands, counted from 0."""
    found: dict[Path, int] = {}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            found[(*path, key.value)] = key.start_mark.line
            found |= _lines(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            found[(*path, index)] = value.start_mark.line
            found |= _lines(value, (*path, index))
    return found
