"""`luodi filing`: where the filings of a project stand, what is due, and what to hand in."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar, cast, get_args

import click

from luodi.commands.terminal import colour, print_json, stack_option
from luodi.filing.verdict import Purpose, find_province, judge
from luodi.settings import Settings, readable, today_in_china
from luodi.stackfiles import NoProject, StackFile, choose, project_folder, selected, stack_files
from luodi.words import Language, Words

F = TypeVar("F", bound=Callable[..., Any])

_EXIT_CODES = """
\b
Exit codes:
  0  done
  1  a stack file can't be right, or there is no such project or stack
  2  the command line itself is wrong
"""


@dataclass(frozen=True)
class Asked:
    """What every command is asked for in the same way."""

    language: Language
    today: date
    cwd: Path

    def files(self) -> list[StackFile]:
        """The project's stack files, judged."""
        try:
            return stack_files(project_folder(self.cwd), self.today)
        except NoProject as error:
            raise click.ClickException(str(error)) from None

    def say(self, words: Words) -> str:
        """The words in the language asked for."""
        return words.in_(self.language)


def _asked(context: click.Context, lang: str | None, today: datetime | None, cwd: Path | None) -> Asked:
    """Options stand before or after a sub-command's name; the later one counts."""
    before: Asked | None = context.parent.obj if context.parent else None
    language = cast("Language", lang) if lang else before.language if before else "zh"
    day = today.date() if today else before.today if before else today_in_china()
    return Asked(language, day, cwd or (before.cwd if before else Path()))


def _common(command: F) -> F:
    for option in (
        click.option(
            "--cwd", "-C", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Project folder."
        ),
        click.option("--today", type=click.DateTime(["%Y-%m-%d"]), help="Judge as of this day, by default today."),
        click.option("--lang", type=click.Choice(get_args(Language)), help="By default zh."),
    ):
        command = option(command)
    return command


@click.group(invoke_without_command=True, epilog=_EXIT_CODES)
@stack_option(help="Only this stack.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, in both languages.")
@_common
@click.pass_context
def filing(
    context: click.Context,
    stack: str | None,
    as_json: bool,
    lang: str | None,
    today: datetime | None,
    cwd: Path | None,
) -> None:
    """备案：各环境的备案进度、期限和下一步。Where every stack's filing stands, what is due by when, what to do next.

    Reads the stack files alone: no engine is started and nothing is asked of the cloud.

    \b
    Examples:
      luodi filing                          all stacks
      luodi filing --stack production       one of them
      luodi filing --lang en --json         for a program
      luodi filing number 京ICP备05070602号-1 --for website
      luodi filing calendar > filing.ics
      luodi filing dossier --stack production
    """
    asked = context.obj = _asked(context, lang, today, cwd)
    if context.invoked_subcommand:
        return
    from luodi.commands import filing_view
    from luodi.filing_report import across, reports

    files = asked.files()
    try:
        chosen = selected(files, stack)
    except NoProject as error:
        raise click.ClickException(str(error)) from None
    found = [report for file in chosen if file.settings for report in reports(file.stack, file.settings, asked.today)]
    broken = [file for file in chosen if file.problems]
    if as_json:
        print_json(filing_view.as_json(found, broken, across(files), asked.today))
    else:
        filing_view.show(found, broken, across(files), asked.today, asked.language)
    if broken:
        context.exit(1)


@filing.command(
    epilog="""
\b
Exit codes:
  0  the number is right; or it is unusual, and the reason is told
  1  it can't be right
  2  the command line itself is wrong
"""
)
@click.argument("text")
@click.option("--for", "purpose", type=click.Choice(get_args(Purpose)), help="What the number is for.")
@click.option("--province", metavar="CHAR", help="The subject's province, such as 粤.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
@_common
@click.pass_context
def number(
    context: click.Context,
    text: str,
    purpose: Purpose | None,
    province: str | None,
    as_json: bool,
    lang: str | None,
    today: datetime | None,
    cwd: Path | None,
) -> None:
    """判断一个备案号、许可证号或公安备案号。Judge one number; its canonical form goes to stdout, a reason to stderr.

    \b
    Examples:
      luodi filing number 京ICP备05070602号-1
      luodi filing number "粤 ICP 备 2026068982 号 - 1" --for website --province 粤
      luodi filing number 京公网安备11010102000001号 --for public-security
      luodi filing number B2-20201388 --for licence --json
    """
    asked = _asked(context, lang, today, cwd)
    place = find_province(province) if province is not None else None
    if province is not None and place is None:
        raise click.BadParameter(
            f"{province!r} is no province; write its character, such as 粤", param_hint="--province"
        )
    verdict = judge(text, purpose, place, today=asked.today)
    reason = asked.say(verdict.reason) if verdict.reason else None
    if as_json:
        fields = {"verdict": verdict.verdict, "kind": verdict.kind, "canonical": verdict.canonical, "reason": reason}
        click.echo(json.dumps(fields, ensure_ascii=False))
    else:
        if verdict.canonical:
            click.echo(verdict.canonical)
        if reason:
            click.secho(reason, err=True, fg="red" if verdict.verdict == "invalid" else "yellow", color=colour())
    if verdict.verdict == "invalid":
        context.exit(1)


@filing.command("calendar", epilog=_EXIT_CODES)
@stack_option(help="Only this stack.")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="File to write, by default stdout."
)
@_common
@click.pass_context
def calendar_(
    context: click.Context,
    stack: str | None,
    output: Path | None,
    lang: str | None,
    today: datetime | None,
    cwd: Path | None,
) -> None:
    """把期限导出为日历文件（.ics）。Write what is due as a calendar file, with reminders.

    \b
    Examples:
      luodi filing calendar > filing.ics
      luodi filing calendar --stack production --output production.ics
    """
    from luodi.filing.calendar import calendar
    from luodi.filing_report import reports

    asked = _asked(context, lang, today, cwd)
    chosen = _settled(asked, stack)
    found = [report for name, settings in chosen.items() for report in reports(name, settings, asked.today)]
    text = calendar(((each.domain, due) for each in found for due in each.due()), asked.today, asked.language)
    if output is None:
        sys.stdout.buffer.write(text.encode())
    else:
        output.write_bytes(text.encode())
        click.echo(str(output), err=True)


@filing.command(epilog=_EXIT_CODES)
@stack_option(help="Which stack; need not be said where there is one.")
@click.option("--site", metavar="DOMAIN", help="Which of the stack's sites; need not be said where there is one.")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder, by default filing-<stack>, and with several sites filing-<stack>-<domain>.",
)
@click.option("--force", is_flag=True, help="Write over what is in the folder.")
@_common
@click.pass_context
def dossier(
    context: click.Context,
    stack: str | None,
    site: str | None,
    output: Path | None,
    force: bool,
    lang: str | None,
    today: datetime | None,
    cwd: Path | None,
) -> None:
    """生成备案资料夹：表单内容、材料清单、承诺书样稿。Write a folder with everything that the filing form asks.

    Markdown to fill in, HTML to print, and PDF where there is a Chromium. What the stack knows is filled in, its public
    address too once it is up; what is left blank is marked. Nothing is sent anywhere.

    \b
    Examples:
      luodi filing dossier --stack production
      luodi filing dossier --stack production --site example.cn
      luodi filing dossier --stack production --output ~/备案资料 --lang en
    """
    from luodi import dossier as dossiers

    asked = _asked(context, lang, today, cwd)
    try:
        file = choose(asked.files(), stack)
    except NoProject as error:
        raise click.ClickException(str(error)) from None
    settings = _settled(asked, file.stack)[file.stack]
    try:
        chosen = dossiers.find_site(settings, site)
    except dossiers.DossierError as error:
        raise click.ClickException(str(error)) from None
    project = project_folder(asked.cwd)
    outputs = dossiers.stack_outputs(project, file.stack)
    several = "".join(f"-{readable(chosen.site.domain)}" for _ in settings.sites[1:2])
    folder = output or Path(f"filing-{file.stack}{several}")
    documents = dossiers.documents(file.stack, settings, chosen, outputs.values, asked.today, asked.language)
    try:
        for written in dossiers.write(documents, folder, force=force):
            click.echo(str(written))
        pdfs = dossiers.print_pdfs(folder, documents)
    except dossiers.DossierError as error:
        raise click.ClickException(str(error)) from None
    for pdf in pdfs.written:
        click.echo(str(pdf))
    for note in (outputs.note, pdfs.note):
        if note:
            click.secho(asked.say(note), err=True, fg="yellow", color=colour())


def _settled(asked: Asked, stack: str | None) -> dict[str, Settings]:
    """The settings of the stacks asked for. Ends the command where a file can't be right."""
    files = asked.files()
    try:
        chosen = selected(files, stack)
    except NoProject as error:
        raise click.ClickException(str(error)) from None
    broken = [file.trouble for file in chosen if file.problems]
    if broken:
        raise click.ClickException("\n".join(broken))
    return {file.stack: file.settings for file in chosen if file.settings}
