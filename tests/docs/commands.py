"""The commands that the documentation tells a reader to type, each judged by the program that it is for."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from unittest import mock

import click

from localcloud.cli import main as localcloud
from localcloud.engine import engine_environment
from luodi.cli import main as luodi
from tests.docs.pages import Block
from tests.project import REPOSITORY

SHELL = ("sh", "sh refused", "bash", "shell")
"""What a block of commands says after its fence. One that says nothing may hold some, or a program's answer."""
_PROGRAMS: Mapping[str, click.Group] = {"luodi": luodi, "localcloud": localcloud}
_HEREDOC = re.compile(r"<<'?(\w+)'?$")
_SUBSTITUTION = re.compile(r"\$\(([^()]*)\)")
_PLACEHOLDER = re.compile(r"<[a-z][^<>]*>")
_OPTIONAL = re.compile(r"\[(-[^\]]+)\]")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
_SEPARATORS = frozenset({"|", "||", "&", "&&", ";", "(", ")"})
_TARGET = re.compile(r"^([.a-z][./a-z-]*(?:-%)?):(?!=)", re.MULTILINE)
_FLAG = re.compile(r"^ +(?:(-\w), )?(--[a-z][a-z-]*)( [a-zA-Z]\w*)?", re.MULTILINE)


def commands(block: Block) -> Iterator[list[str]]:
    """The words of each command in a block; those of a `$(...)` besides.

    Raises ValueError where a block that says it is for a shell has a quote that isn't closed.
    """
    for line in _lines(block.text):
        yield from _of(_OPTIONAL.sub(r"\1", _PLACEHOLDER.sub("x", line)), strict=block.info in SHELL)


def _lines(text: str) -> Iterator[str]:
    end = ""
    for line in text.replace("\\\n", " ").splitlines():
        if not end:
            yield line
            heredoc = _HEREDOC.search(line)
            end = heredoc[1] if heredoc else ""
        elif line == end:
            end = ""


def _of(line: str, *, strict: bool) -> Iterator[list[str]]:
    for inner in _SUBSTITUTION.findall(line):
        yield from _of(inner, strict=strict)
    lexer = shlex.shlex(_SUBSTITUTION.sub("x", line), posix=True, punctuation_chars="();&|")
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:
        if strict:
            raise
        return
    command: list[str] = []
    for word in [*words, ";"]:
        if word in _SEPARATORS:
            if command:
                yield command
            command = []
        elif command or not _ASSIGNMENT.fullmatch(word):
            command.append(word)


def mistake(command: list[str]) -> str | None:
    """What the program that a command is for would find wrong with it; None where that is nothing, or it isn't ours."""
    program, *arguments = command
    name = program.rpartition("/")[2]
    if name.startswith("python") and arguments[:1] == ["-m"] and len(arguments) > 1:
        module, *rest = arguments[1:]
        if module in _PROGRAMS:
            return _click(_PROGRAMS[module], module, rest)
        ours = (REPOSITORY / module.partition(".")[0]).is_dir()
        return None if not ours or importlib.util.find_spec(module) else f"there is no module {module}"
    if name == "luodi":
        return _click(luodi, name, arguments)
    if name == "make":
        return next((f"make has no target {target}" for target in arguments if not _is_target(target)), None)
    if name == "pulumi":
        return _pulumi(arguments)
    return None


def _click(program: click.Command, name: str, arguments: list[str]) -> str | None:
    # Whether a file is there is no question of spelling.
    with mock.patch.object(click.Path, "convert", lambda _self, value, *_: value):
        try:
            _parse(program, name, arguments, None)
        except click.exceptions.Exit:  # --help
            return None
        except click.UsageError as error:
            return error.format_message()
    return None


def _parse(command: click.Command, name: str, arguments: list[str], parent: click.Context | None) -> None:
    context = command.make_context(name, list(arguments), parent=parent)
    rest = [*context._protected_args, *context.args]
    if isinstance(command, click.Group) and rest:
        found, inner, left = command.resolve_command(context, rest)
        assert inner is not None
        _parse(inner, found or "", left, context)


def _is_target(word: str) -> bool:
    targets = _TARGET.findall((REPOSITORY / "Makefile").read_text("utf-8"))
    return "=" in word or word in targets or any(word.startswith(one[:-1]) for one in targets if one.endswith("%"))


@dataclass(frozen=True)
class _Help:
    """What `pulumi ... --help` says: whether there are commands below it, and its flags, with whether each takes a
    value."""

    text: str
    has_commands: bool
    flags: Mapping[str, bool]


def _pulumi(arguments: list[str]) -> str | None:
    known = _help(())
    assert known is not None
    path: tuple[str, ...] = ()
    words = iter(arguments)
    for word in words:
        flag, given, _ = word.partition("=")
        if word == "--":
            break
        if word.startswith("-"):
            if flag not in known.flags:
                return f"{' '.join(('pulumi', *path))} has no flag {flag}"
            if known.flags[flag] and not given and next(words, None) is None:
                return f"{flag} lacks its value"
        elif known.has_commands:
            path = (*path, word)
            below = _help(path)
            # For a word that it doesn't know, an inner command shows its own help.
            if below is None or below.text == known.text:
                return f"{' '.join(('pulumi', *path))} is no command"
            known = below
    return None


@cache
def _help(path: tuple[str, ...]) -> _Help | None:
    done = subprocess.run(
        ["pulumi", *path, "--help"],
        env={**os.environ, **engine_environment(), "PULUMI_SKIP_UPDATE_CHECK": "true"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode != 0:
        return None
    before, _, flags = done.stdout.partition("\nFlags:")
    return _Help(
        done.stdout,
        "Commands:\n" in before,
        {name: bool(value) for short, long, value in _FLAG.findall(flags) for name in (short, long) if name},
    )
