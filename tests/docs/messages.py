"""What the programs here say: every text in their sources, with `…` for what differs from case to case."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from tests.project import REPOSITORY

HOLE = "…"
_PROGRAMS = ("luodi", "localcloud", "engine")
_FILLED = re.compile(r"\{[^{}]*\}")
_SHELLS = re.compile(r"\{\{.*?\}\}|\$\{[^}]*\}|\$\([^)]*\)|\$\w+")


@cache
def texts() -> tuple[str, ...]:
    """All of them, each in one line."""
    return tuple({flat(text) for text in _texts() if " " in text})


def flat(text: str) -> str:
    """A text in one line; of holes side by side there is one."""
    return re.sub(f"{HOLE}+", HOLE, " ".join(text.split()))


def said(message: str) -> bool:
    """Whether a program says that."""
    return any(message in text for text in texts())


def _texts() -> Iterator[str]:
    for program in _PROGRAMS:
        for path in sorted((REPOSITORY / program).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    yield "".join(_part(part) for part in node.values)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield _FILLED.sub(HOLE, node.value)
        for path in sorted((REPOSITORY / program).rglob("*.toml")):
            yield from (_FILLED.sub(HOLE, text) for text in _strings(tomllib.loads(path.read_text("utf-8"))))
    for path in sorted((REPOSITORY / "templates/server").rglob("*.j2")):
        yield from (_SHELLS.sub(HOLE, line) for line in path.read_text("utf-8").splitlines())


def _part(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else HOLE


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def said_by_a_binary(message: str, program: Path) -> bool:
    """Whether a compiled program has each part of a message, between its holes."""
    content = program.read_bytes()
    return all(part.strip().encode() in content for part in message.split(HOLE))
