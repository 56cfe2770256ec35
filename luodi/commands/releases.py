"""`luodi releases`, `luodi rollback`, `luodi diff`: what a stack's server holds, and the way back."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from luodi.commands.server import EXIT_CODES, StackServer, ask, of_a_stack, stack_server
from luodi.commands.terminal import colour, json_option, print_json
from luodi.words import Language, Words

if TYPE_CHECKING:
    from luodi.delivery.files import File
    from luodi.delivery.served import Past

_PREVIEW_SECONDS = 600
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine writes in place of what only an `up` will tell."""

_NO_RELEASE_YET = Words("还没有发布：第一次由 `pulumi up` 送去。", "No release yet: `pulumi up` delivers the first.")
_SWITCH_BACK = Words("切换回去？", "Switch back?")
_SERVED = Words("现在提供服务的是发布 {release}。", "Release {release} is being served.")
_PROJECT_STAYS = Words(
    "项目里仍是后来的内容：下一次 `pulumi up --stack {stack}` 会再次发布它，在那之前 `pulumi refresh` 会显示差异。"
    "请把项目也退回去（git revert），或者修好它。",
    "The project still says what came later: the next `pulumi up --stack {stack}` delivers that again, and `pulumi "
    "refresh` shows the difference until then. Put the project back too (git revert), or mend it.",
)
_NGINX_DOWN = Words(
    "服务器上的 nginx 没有运行；`pulumi up` 会启动它。", "nginx does not run on the server; `pulumi up` starts it."
)
_DIFFER = Words(
    "{of} 个文件中有 {count} 个与发布 {release} 不同", "{count} of {of} files differ from release {release}"
)
_BY_HAND = Words(
    "；其中 {count} 个是在服务器上手工改动的，下一次 `pulumi up` 会改正",
    "; {count} were changed on the server by hand, and the next `pulumi up` puts them right",
)
_NONE_BEFORE = Words("服务器上没有更早的发布可以退回。", "There is no earlier release on the server to go back to.")
_NOT_ONE = Words(
    "服务器上以 {asked} 开头的发布有 {count} 个；现有：{known}",
    "{count} releases on the server begin with {asked}; there are: {known}",
)
_COLUMNS = (
    Words("发布", "release"),
    Words("时间", "delivered"),
    Words("由谁", "by"),
    Words("提交", "commit"),
    Words("文件", "files"),
    Words("大小", "size"),
)
_ONLY_THEN = Words(
    "{stack}：要等 `pulumi up` 运行才知道会发布什么，因为之前还有别的要变。`pulumi preview` 会显示是什么。",
    "{stack}: what is delivered is only known once `pulumi up` runs: something before it changes too. `pulumi preview` "
    "shows what.",
)
_NO_PULUMI = Words("PATH 上没有 pulumi", "there is no pulumi on PATH")
_NO_ANSWER = Words("pulumi preview 在 {seconds} 秒内没有结束", "pulumi preview gave no answer within {seconds} s")
_PREVIEW_FAILED = Words("pulumi preview 失败：\n{said}", "pulumi preview failed:\n{said}")
_NO_RELEASE = Words("pulumi preview 没有提到任何发布", "pulumi preview tells of no release")


@click.command(epilog=EXIT_CODES)
@json_option
@of_a_stack
def releases(as_json: bool, stack: str | None, lang: Language, cwd: Path) -> None:
    """服务器上的发布。List the releases on a stack's server, the newest first.

    \b
    Examples:
      luodi releases --stack production
      luodi releases --json
    """
    chosen = ask(lambda: stack_server(cwd, stack))
    found = ask(chosen.server.releases)
    if as_json:
        told = [{**asdict(past), "at": past.at.isoformat()} for past in found]
        print_json(told)
    elif found:
        _show(found, lang)
    else:
        click.echo(_NO_RELEASE_YET.in_(lang))


@click.command(epilog=EXIT_CODES)
@click.argument("release", required=False)
@click.option("--yes", "-y", is_flag=True, help="Don't ask.")
@of_a_stack
def rollback(release: str | None, yes: bool, stack: str | None, lang: Language, cwd: Path) -> None:
    """回到之前的发布。Switch a stack's server back: to RELEASE, or to the one before the one that is served.

    With the same checks, the same look at what is served and the same way back as `pulumi up`; nothing is dropped. Only
    the server is changed: the project still says what it said, so the next `pulumi up` delivers that again.

    \b
    Examples:
      luodi rollback --stack production
      luodi rollback 3f1c --stack production --yes
    """
    from luodi.delivery import provenance
    from luodi.delivery.deliver import Delivery

    chosen = ask(lambda: stack_server(cwd, stack))
    there = ask(chosen.server.releases)
    target = _target(there, release, lang)
    served = next((past for past in there if past.current), None)
    click.echo(f"{chosen.name}: {_named(served) if served else '-'} -> {_named(target)}")
    if not yes:
        click.confirm(_SWITCH_BACK.in_(lang), abort=True)
    # When it goes back is for the server to say, not when that release was delivered.
    known = {key: value for key, value in target.record.items() if key != "at"}
    who = provenance.find(chosen.project).who
    ask(lambda: Delivery(chosen.shell, chosen.scripts).rollback(target.id, {**known, "who": who}))
    click.echo(_SERVED.fill(release=target.id).in_(lang))
    click.echo(_PROJECT_STAYS.fill(stack=chosen.name).in_(lang), err=True)


@click.command(epilog=EXIT_CODES + "     With --exit-code also 1 where something differs.\n")
@click.option("--exit-code", is_flag=True, help="End with 1 where something differs.")
@of_a_stack
@click.pass_context
def diff(context: click.Context, exit_code: bool, stack: str | None, lang: Language, cwd: Path) -> None:
    """下次发布会改变什么。Show what `pulumi up` would change on a stack's server, file by file.

    And what was changed there by hand. Asks `pulumi preview` what it would deliver and the server what it has. Text is
    shown line by line, anything else by its size. Nothing is changed.

    \b
    Examples:
      luodi diff --stack production
      luodi diff --stack production --exit-code      for a program
    """
    from luodi.delivery.difference import MOST_TEXT, changes, lines
    from luodi.delivery.files import PRIVATE, placed
    from luodi.rendering import RELEASE

    chosen = ask(lambda: stack_server(cwd, stack))
    wanted = _wanted(chosen, lang)
    server = chosen.server
    served = ask(server.served)
    # Each side's nginx files name their own release: as the one that is served, they differ by what was changed alone.
    as_served = placed(wanted, RELEASE, served.release)
    # A preview keeps password hashes to itself: of those only what was changed by hand is known.
    differ = changes(ask(server.manifest), served, as_served)
    found = [change for change in differ if change.by_hand or not PRIVATE.fullmatch(change.path)]
    old = ask(lambda: server.read([each.path for each in found if each.kind != "new"], most=MOST_TEXT))
    for change in found:
        for line in lines(change, old.get(change.path), as_served.get(change.path)):
            click.secho(line, fg=_COLOURS.get(line[:1]), color=colour())
    if not served.serving:
        click.secho(_NGINX_DOWN.in_(lang), err=True, fg="red", color=colour())
    by_hand = sum(change.by_hand for change in found)
    told = _DIFFER.fill(count=len(found), of=len(wanted), release=served.release or "-")
    click.echo(told.in_(lang) + (_BY_HAND.fill(count=by_hand).in_(lang) if by_hand else ""), err=True)
    if exit_code and (found or not served.serving):
        context.exit(1)


_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def _target(there: list[Past], asked: str | None, language: Language) -> Past:
    """The release that is meant: by its id or the beginning of it, or the one before."""
    from luodi.delivery.served import before

    if asked is None:
        if (found := before(there)) is None:
            raise click.ClickException(_NONE_BEFORE.in_(language))
        return found
    matching = [past for past in there if past.id.startswith(asked)]
    if len(matching) != 1:
        known = ", ".join(past.id for past in there) or "-"
        raise click.ClickException(_NOT_ONE.fill(count=len(matching), asked=asked, known=known).in_(language))
    return matching[0]


def _named(past: Past) -> str:
    commit = str(past.record.get("commit") or "")[:8]
    return f"{past.id} ({past.at.astimezone():%Y-%m-%d %H:%M}{f', {commit}' if commit else ''})"


def _show(found: list[Past], language: Language) -> None:
    from rich.console import Console
    from rich.table import Table

    from luodi.delivery.deliver import amount

    table = Table(box=None, pad_edge=False)
    table.add_column()
    for column in _COLUMNS:
        table.add_column(column.in_(language), justify="right" if column in _COLUMNS[-2:] else "left")
    for past in found:
        record = past.record
        commit = str(record.get("commit") or "-")[:8] + ("+" if record.get("dirty") else "")
        size = amount(record["bytes"]) if "bytes" in record else "-"
        delivered, who = f"{past.at.astimezone():%Y-%m-%d %H:%M}", str(record.get("who", "-"))
        table.add_row("*" if past.current else "", past.id, delivered, who, commit, str(record.get("files", "-")), size)
    Console(highlight=False, markup=False, soft_wrap=True).print(table)


def _wanted(chosen: StackServer, language: Language) -> Mapping[str, File]:
    """The files of the release that `pulumi up` would deliver, by its preview."""
    from luodi.delivery.resources import release_files

    inputs = _previewed(chosen, language)
    if _UNKNOWN in json.dumps(inputs):
        raise click.ClickException(_ONLY_THEN.fill(stack=chosen.name).in_(language))
    sources = {
        path: {**folder, "source": str(chosen.project / folder["source"])} for path, folder in inputs["folders"].items()
    }
    return ask(lambda: release_files({**inputs, "private": {}, "folders": sources}))


def _previewed(chosen: StackServer, language: Language) -> dict[str, Any]:
    """The inputs of the stack's release."""
    program = shutil.which("pulumi")
    if program is None:
        raise click.ClickException(_NO_PULUMI.in_(language))
    command = [program, "preview", "--json", "--show-sames", "--stack", chosen.name, "--non-interactive"]
    try:
        ran = subprocess.run(
            command, cwd=chosen.project, capture_output=True, text=True, timeout=_PREVIEW_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise click.ClickException(_NO_ANSWER.fill(seconds=_PREVIEW_SECONDS).in_(language)) from None
    try:
        told = json.loads(ran.stdout)
    except ValueError:
        failed = _PREVIEW_FAILED.fill(said=(ran.stderr or ran.stdout).strip())
        raise click.ClickException(failed.in_(language)) from None
    for step in told.get("steps", []):
        state = step.get("newState") or {}
        if str(state.get("type", "")).endswith("luodi:Release"):
            return dict(state["inputs"])
    said = [str(each.get("message", "")).strip() for each in told.get("diagnostics", [])]
    raise click.ClickException("\n".join([_NO_RELEASE.in_(language), *filter(None, said)]))
