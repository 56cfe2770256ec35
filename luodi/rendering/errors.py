"""What can't be rendered, and why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar


class RenderingError(ValueError):
    """Something that can't be rendered."""


class TemplateError(RenderingError):
    """A template that can't be rendered; its text has the file, the line and the lines around it."""

    def __init__(self, reason: str, file: str, line: int | None) -> None:
        self.reason, self.file, self.line = reason, file, line
        where = file if line is None else f"{file}, line {line}"
        super().__init__("\n".join([f"{where}: {reason}", *_neighbours(file, line)]))


T = TypeVar("T")


def checked(check: Callable[[T], T], value: T) -> T:
    """`value`, if `check` finds nothing wrong with it. Raises RenderingError."""
    try:
        return check(value)
    except RenderingError:
        raise
    except ValueError as error:
        raise RenderingError(str(error)) from None


def _neighbours(file: str, line: int | None) -> list[str]:
    if line is None or not Path(file).is_file():
        return []
    lines = Path(file).read_text("utf-8", errors="replace").splitlines()
    first, last = max(1, line - 2), min(len(lines), line + 2)
    return [f"{'>' if n == line else ' '} {n:4} | {lines[n - 1]}" for n in range(first, last + 1)]
