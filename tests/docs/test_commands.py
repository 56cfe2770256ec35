"""Every command that the documentation shows is spelt as its program has it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs import commands, pages
from tests.docs.pages import Block

_PAGES = pages.paths()
_PROGRAMS = ("luodi", "make", "pulumi")
_NAMED = re.compile(r"(?:luodi|make|pulumi|(?:\.venv/bin/)?python3? -m \S+) [a-z-]+(?: |$)")


def _commands_of(path: Path) -> list[list[str]]:
    return [command for block in pages.read(path).blocks for command in commands.commands(block) if _is_shell(block)]


def _is_shell(block: Block) -> bool:
    return block.info in ("", *commands.SHELL)


@pytest.mark.parametrize("path", _PAGES, ids=pages.name_of)
def test_every_command_is_one(path: Path) -> None:
    told = {" ".join(command): commands.mistake(command) for command in _commands_of(path)}
    assert {command: mistake for command, mistake in told.items() if mistake} == {}


@pytest.mark.parametrize("path", _PAGES, ids=pages.name_of)
def test_every_command_that_is_named_in_a_sentence_is_one(path: Path) -> None:
    # What a sentence names need not be whole.
    told = {
        line: mistake
        for line in pages.read(path).code
        if _NAMED.match(line)
        for command in commands.commands(Block("sh", line, 1))
        if (mistake := commands.mistake(command)) and not mistake.startswith(("Missing ", "Usage: "))
    }
    assert told == {}


def test_commands_of_every_program_are_found() -> None:
    found = [command for path in _PAGES for command in _commands_of(path)]
    assert {program: sum(program in command for command in found) > 3 for program in _PROGRAMS} == dict.fromkeys(
        _PROGRAMS, True
    )


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("luodi filling", "No such command 'filling'."),
        ("python -m luodi filing dosier --stack production", "No such command 'dosier'. Did you mean 'dossier'?"),
        (".venv/bin/python -m luodi filing --langs en", "No such option '--langs'. Did you mean '--lang'?"),
        ("luodi filing --lang fr", "Invalid value for '--lang': 'fr' is not one of 'zh', 'en'."),
        ("luodi logs acess", "Invalid value for '[access|error|app|audit]': 'acess' is not one of"),
        ("luodi compare staging", "Missing argument 'B'."),
        ("luodi stack new staging", "Missing option '--from'."),
        ("luodi stack", "Usage: luodi stack"),
        ("luodi releases | luodi rolback", "No such command 'rolback'."),
        ("python -m localcloud filing enforced", "No such command 'enforced'. Did you mean 'enforce'?"),
        ("python -m luodi.refrence > docs/settings.md", "there is no module luodi.refrence"),
        ("make locals", "make has no target locals"),
        ("pulumi upp --stack local", "pulumi upp is no command"),
        ("pulumi stack slect production", "pulumi stack slect is no command"),
        ("pulumi config set --sercet luodi:certificate-key", "pulumi config set has no flag --sercet"),
        ("pulumi up --stack", "--stack lacks its value"),
        ('curl "https://$(pulumi stack ouput address)/"', "pulumi stack ouput is no command"),
        ("FOO=bar pulumi previw", "pulumi previw is no command"),
    ],
)
def test_a_misspelt_command_is_told(line: str, told: str) -> None:
    mistakes = [commands.mistake(command) for command in commands.commands(Block("sh", f"{line}  # why\n", 1))]
    (found,) = filter(None, mistakes)
    assert found.startswith(told)


def test_what_is_written_into_a_file_is_no_command() -> None:
    text = "cat > Makefile <<'END'\npulumi upp\nEND\nluodi diff [--exit-code]\npulumi new <your repository's address>\n"
    assert list(commands.commands(Block("sh", text, 1))) == [
        ["cat", ">", "Makefile", "<<END"],
        ["luodi", "diff", "--exit-code"],
        ["pulumi", "new", "x"],
    ]
