"""A stack file as text: its configuration, and beside each difference why it is there. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from rich.cells import cell_len, set_cell_size

from luodi.environments.secret import Path
from luodi.environments.staging import Change
from luodi.filing.words import Language, Words

_WIDTH = 120
_COLUMN = 36
"""Where a comment begins that stands beside a short line."""
_HEAD = Words(
    "{stack}：由 `luodi stack new` 按 {source} 生成；不同之处都注明了原因。",
    "{stack}, made from {source} by `luodi stack new`; whatever differs says why.",
)
_WITHOUT = Words("没有 {keys}：{why}", "without {keys}: {why}")


def stack_file(
    config: Mapping[str, Any], changes: Sequence[Change], *, stack: str, source: str, language: Language
) -> str:
    """The text of a stack file that holds `config`; `changes` are what differs from the stack `source`."""
    node = yaml.representer.SafeRepresenter(sort_keys=False).represent_data({"config": dict(config)})
    _lay_out(node, ())
    text = yaml.serialize(node, Dumper=yaml.SafeDumper, allow_unicode=True, width=10_000)
    lines = text.splitlines()
    at = _lines(yaml.compose(text), ())
    beside: dict[int, list[str]] = {}
    below: dict[int, dict[str, list[str]]] = {}
    for change in changes:
        path, why = ("config", *change.path), change.why.in_(language)
        there = next(path[:length] for length in range(len(path), 0, -1) if path[:length] in at)
        if change.after is None:
            missing = ".".join(str(part) for part in path[len(there) :])
            below.setdefault(at[there], {}).setdefault(why, []).append(missing)
        elif why not in beside.setdefault(at[there], []):
            beside[at[there]].append(why)
    written = [f"# {_HEAD.fill(stack=stack, source=source).in_(language)}"]
    for number, line in enumerate(lines):
        written += _commented(line, beside.get(number, []))
        inner = " " * (len(line) - len(line.lstrip()) + 2)
        for why, keys in below.get(number, {}).items():
            said = _WITHOUT.fill(keys=", ".join(keys), why=why).in_(language)
            written += textwrap.wrap(said, _WIDTH, initial_indent=f"{inner}# ", subsequent_indent=f"{inner}# ")
    return "\n".join(written) + "\n"


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
