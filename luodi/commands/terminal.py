"""What every command shares at the terminal: its options, its language, its colours, its JSON."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click

from luodi.language import language
from luodi.words import Language

if TYPE_CHECKING:
    from rich.console import Console

F = TypeVar("F", bound=Callable[..., Any])

INTERRUPTED = 128 + signal.SIGINT
"""What a command that Ctrl-C has stopped ends with, as shells have it."""
_WIDTH = 120
"""Columns where the output is no terminal, which would tell its own."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
cwd_option = click.option(
    "--cwd", "-C", type=click.Path(path_type=Path, file_okay=False, exists=True), default=Path(), help="Project folder."
)
lang_option = click.option(
    "--lang",
    type=click.Choice(get_args(Language)),
    callback=lambda _context, _option, value: value or language(),
    help="zh or en; by default the terminal's (LC_ALL, LC_MESSAGES, LANG).",
)


def stack_names(context: click.Context, _option: click.Parameter, begun: str) -> list[str]:
    """The project's stacks, for a shell that completes a name; none where there is no project."""
    from luodi.stackfiles import NoProject, project_folder, stack_paths

    try:
        return [
            name for name in stack_paths(project_folder(context.params.get("cwd") or Path())) if name.startswith(begun)
        ]
    except NoProject:
        return []


def stack_option(*names: str, **more: Any) -> Callable[[F], F]:
    """--stack, whose values a shell can complete."""
    return click.option("--stack", "-s", *names, shell_complete=stack_names, **more)


def console(*, err: bool = False) -> Console:
    """Where a command shows things; without colours where NO_COLOR is set or nobody looks."""
    from rich.console import Console

    shown = Console(stderr=err, highlight=False)
    return shown if shown.is_terminal else Console(stderr=err, highlight=False, width=_WIDTH)


def colour() -> bool | None:
    """For `click.secho`: None lets the terminal decide; https://no-color.org/ asks for no colours at all."""
    return False if os.environ.get("NO_COLOR") else None


def print_json(value: Any) -> None:
    """Print for a program."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def write_file(path: Path, text: str) -> None:
    """Write what was asked for by an option. Ends the command where that can't be done."""
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise click.UsageError(f"{path}: {error.strerror}; name a file that can be written") from None
