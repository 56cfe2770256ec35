"""A staging stack's file as text: its configuration, and beside each difference why it is there. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from luodi.environments.secret import Path
from luodi.environments.staging import Change
from luodi.stacktext import stack_text
from luodi.words import Language, Words

_HEAD = Words(
    "{stack}：由 `luodi stack new` 按 {source} 生成；不同之处都注明了原因。",
    "{stack}, made from {source} by `luodi stack new`; whatever differs says why.",
)
_WITHOUT = Words("没有 {keys}：{why}", "without {keys}: {why}")


def stack_file(
    config: Mapping[str, Any], changes: Sequence[Change], *, stack: str, source: str, language: Language
) -> str:
    """The text of a stack file that holds `config`; `changes` are what differs from the stack `source`."""
    beside: dict[Path, list[str]] = {}
    missing: dict[Path, dict[str, list[str]]] = {}
    for change in changes:
        there, why = _there(config, change.path), change.why.in_(language)
        if change.after is None:
            left_out = ".".join(str(part) for part in change.path[len(there) :])
            missing.setdefault(there, {}).setdefault(why, []).append(left_out)
        else:
            beside.setdefault(there, []).append(why)
    below = {
        there: [_WITHOUT.fill(keys=", ".join(keys), why=why).in_(language) for why, keys in whys.items()]
        for there, whys in missing.items()
    }
    head = _HEAD.fill(stack=stack, source=source).in_(language)
    return stack_text(config, head=head, beside=beside, below=below)


def _there(config: Any, path: Path) -> Path:
    """As much of the path as the configuration has."""
    for length, part in enumerate(path):
        try:
            config = config[part]
        except (LookupError, TypeError):
            return path[:length]
    return path
