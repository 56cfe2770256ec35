"""`luodi new`: a first stack, and the project around it where there is none."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from luodi.commands.terminal import INTERRUPTED, json_option, lang_option, print_json
from luodi.starting.answers import QUESTIONS, Answers, Question
from luodi.words import Language, Words

if TYPE_CHECKING:
    from luodi.commands.new_place import Place

_EXIT_CODES = """
\b
Exit codes:
  0    done
  1    it can't be made there as asked, or wasn't wanted; nothing was written
  2    the command line itself is wrong
  130  interrupted; nothing was written
"""
_NO_TERMINAL = Words("这里没有终端可以提问；请给出 {options}", "there is no terminal to ask at; give {options}")
_DEFAULTS = Words("--yes（其余取默认值）", "--yes for the defaults of what isn't given")
_NO_DEFAULT = Words("没有默认值，请给出：{options}", "there is no default for {options}; give it on the command line")
_IS_THERE = Words(
    "{path} 已经存在，不会覆盖；换一个名称，或先把它移走",
    "{path} is there already and isn't written over; take another name, or move it away",
)
_STOPPED = Words("已中断，没有写入任何文件", "interrupted; nothing was written")
_UNWANTED = Words("没有写入任何文件", "nothing was written")
_ASKED = Words("写入 {folder}？", "Write this into {folder}?")


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for question in reversed(QUESTIONS):
        values = " | ".join(choice.value for choice in question.choices) if len(question.choices) < 8 else None
        metavar = values or question.name.rpartition("-")[2].upper()
        command = click.option(question.option, question.name.replace("-", "_"), metavar=metavar, help=question.help)(
            command
        )
    return command


@click.command(epilog=_EXIT_CODES)
@click.argument("directory", required=False, type=click.Path(path_type=Path))
@_options
@click.option("--yes", "-y", is_flag=True, help="Ask nothing: take the default of what isn't given.")
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@json_option
@lang_option
def new(
    directory: Path | None,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    lang: str,
    **options: str | None,
) -> None:
    """从几个问题开始一个网站。Start a site: asks what it has to know, and writes what `pulumi up` needs.

    In a project (this one, or DIRECTORY) it writes a stack's file, and a first page where there is no content yet; in
    a folder that is new or empty, a whole project beside it. What is there is never written over. Each question has an
    option; one that is given isn't asked.

    \b
    Examples:
      luodi new
      luodi new shop --domain example.cn --kind php
      luodi new --yes --domain example.cn --title 示例科技 --subject-name 示例科技有限公司 --province 粤
    """
    language = cast("Language", lang)
    given = {name.replace("_", "-"): value for name, value in options.items() if value is not None}
    try:
        _new(directory, given, language, quiet=yes or as_json, dry_run=dry_run, as_json=as_json)
    except (KeyboardInterrupt, EOFError):
        click.echo(f"\n{_STOPPED.in_(language)}", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None


def _new(
    directory: Path | None,
    given: Mapping[str, str],
    language: Language,
    *,
    quiet: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    from luodi.commands.new_place import Place
    from luodi.commands.new_view import Start, show, tell, values
    from luodi.placing import NotPlaced, place
    from luodi.stackfiles import NoProject

    try:
        where = Place.of(directory)
    except NoProject as error:
        raise click.ClickException(str(error)) from None
    asked = not quiet
    if asked and not _at_a_terminal():
        told = ", ".join([*_without_default(given), _DEFAULTS.in_(language)])
        raise click.UsageError(_NO_TERMINAL.fill(options=told).in_(language))
    answers = _answers(where, given, language, asked=asked)
    start = Start(where, answers, where.files(answers, language))
    if not as_json:
        show(start, language)
    if asked and not dry_run:
        from luodi.commands.new_dialogue import confirm

        if not confirm(_ASKED.fill(folder=where.folder), language):
            raise click.ClickException(_UNWANTED.in_(language))
    if not dry_run:
        try:
            place(start.files.texts)
        except NotPlaced as error:
            raise click.ClickException(str(error)) from None
    if as_json:
        print_json(values(start, written=not dry_run))
    else:
        tell(start, language, written=not dry_run)


def _at_a_terminal() -> bool:
    # A stream that the shell has closed is None.
    return all(stream is not None and stream.isatty() for stream in (sys.__stdin__, sys.__stdout__))


def _answers(where: Place, given: Mapping[str, str], language: Language, *, asked: bool) -> dict[str, str]:
    """An answer to each question: as it was given, else as it is told, else its default."""
    if not asked and (missing := _without_default(given)):
        raise click.UsageError(_NO_DEFAULT.fill(options=", ".join(missing)).in_(language))
    known: dict[str, str] = {}
    for question in QUESTIONS:
        default = where.default(question, known)
        if question.name in given:
            try:
                known[question.name] = question.check(_decoded(given[question.name]), known)
            except ValueError as error:
                raise click.BadParameter(question.refusal(error, language), param_hint=question.option) from None
        elif asked:
            from luodi.commands.new_dialogue import ask

            check = _checked(question, known, where, language)
            known[question.name] = ask(question, known, default, check, language)
        elif default is not None:
            known[question.name] = default
        if taken := _taken(where, known, language):
            raise click.ClickException(taken)
    return known


def _without_default(given: Mapping[str, str]) -> list[str]:
    return [each.option for each in QUESTIONS if each.name not in given and each.default is None]


def _checked(question: Question, known: Answers, where: Place, language: Language) -> Callable[[str], str]:
    """What is taken where somebody types it, who is told at once that a stack is there."""

    def check(text: str) -> str:
        try:
            answer = question.check(_decoded(text), known)
        except ValueError as error:
            raise ValueError(question.refusal(error, language)) from None
        if taken := _taken(where, {**known, question.name: answer}, language):
            raise ValueError(taken)
        return answer

    return check


def _taken(where: Place, known: Answers, language: Language) -> str | None:
    path = where.file_of(known["stack"]) if "stack" in known else None
    return _IS_THERE.fill(path=where.shown(path)).in_(language) if path and path.exists() else None


def _decoded(given: str) -> str:
    """What was typed, where the locale (LANG=C) has left its bytes undecoded. Raises ValueError."""
    try:
        return given.encode("utf-8", "surrogateescape").decode("utf-8")
    except UnicodeError:
        raise ValueError("is no UTF-8") from None
