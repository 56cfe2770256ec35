"""`luodi stack`: further environments of a project."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import click

from luodi.commands.terminal import console, cwd_option, json_option, lang_option, print_json, stack_names
from luodi.words import Language, Words

if TYPE_CHECKING:
    from luodi.environments.staging import Staging, Wishes
    from luodi.settings import Settings
    from luodi.stackfiles import StackFile

_EXIT_CODES = """
\b
Exit codes:
  0    done
  1    the stack can't be made as asked, or its source can't be right; nothing was written
  2    the command line itself is wrong
  130  stopped by Ctrl-C; nothing was written
"""
_TITLE = Words("{stack}，按 {source} 生成：{count} 处不同", "{stack}, made from {source}: {count} differences")
_COLUMNS = (Words("设置", "setting"), Words("来源", "there"), Words("这里", "here"), Words("原因", "why"))
_WRITTEN = Words("已写入 {path}", "{path} is written")
_NOT_WRITTEN = Words("没有写入任何文件（--dry-run）", "nothing was written (--dry-run)")
_ASKED = Words("写入 {path}？", "Write {path}?")
_NEXT = Words("接下来", "Next")
_SECRETS = Words("{count} 项要自己设置，每行一项：", "{count} of its own to be set, a line each:")


def _names(value: str, check: Callable[[str], str]) -> str:
    try:
        return check(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _stack_name(_context: click.Context, _option: click.Parameter, value: str) -> str:
    from luodi.environments.naming import stack_name

    return _names(value, stack_name)


def _label(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    from luodi.environments.naming import label

    return value if value is None else _names(value, label)


def _networks(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    from pydantic import TypeAdapter, ValidationError

    from luodi.settings.values import Network

    try:
        return tuple(TypeAdapter(Network).validate_python(value) for value in values)
    except ValidationError as error:
        raise click.BadParameter(str(error.errors()[0]["ctx"]["error"])) from None


def _authority(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    from luodi import authorities

    if value is not None:
        try:
            authorities.find(value)
        except ValueError as error:
            raise click.BadParameter(f"{value} {error}") from None
    return value


def _users(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    from luodi.web import user_name

    return tuple(_names(value, user_name) for value in values)


@click.group()
def stack() -> None:
    """环境。Make further environments of a project."""


@stack.command(epilog=_EXIT_CODES)
@click.argument("name", callback=_stack_name)
@click.option(
    "--from",
    "source",
    required=True,
    metavar="STACK",
    shell_complete=stack_names,
    help="The stack that it is made from.",
)
@click.option(
    "--subdomain",
    callback=_label,
    metavar="LABEL",
    help="What its names stand under in each zone; by default the stack's own name.",
)
@click.option(
    "--server",
    type=click.Choice(("cvm", "lighthouse")),
    default="cvm",
    show_default=True,
    help="cvm: pay-as-you-go (按量计费). lighthouse: prepaid, for a month.",
)
@click.option("--size", help="An instance type (S5.MEDIUM2) or a bundle, in place of the source's.")
@click.option(
    "--authority",
    callback=_authority,
    help="Who issues its certificates; by default letsencrypt-staging, or letsencrypt where HSTS covers subdomains.",
)
@click.option(
    "--allow", multiple=True, callback=_networks, metavar="CIDR", help="From where it opens without a password."
)
@click.option(
    "--user",
    "users",
    multiple=True,
    callback=_users,
    metavar="NAME",
    help="Who opens it by a password, which is asked for (or read from standard input, a line each).",
)
@click.option("--public", is_flag=True, help="Let everybody open it. Else it is for the team alone.")
@click.option("--force", is_flag=True, help="Write over a stack file that is there.")
@click.option("--dry-run", is_flag=True, help="Show what would differ, and write nothing.")
@click.option("--yes", "-y", is_flag=True, help="Don't ask.")
@json_option
@lang_option
@cwd_option
def new(
    name: str,
    source: str,
    subdomain: str | None,
    server: str,
    size: str | None,
    authority: str | None,
    allow: tuple[str, ...],
    users: tuple[str, ...],
    public: bool,
    force: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    lang: str,
    cwd: Path,
) -> None:
    """按已有环境生成预发布环境。Make a staging stack that reproduces another, and show what differs and why.

    Its names stand under a subdomain (staging.example.cn, www.staging.example.cn), which the apex's filing covers; its
    server is paid by the hour; its certificate is from the authority for tests; search engines leave it alone; and it
    opens for the team alone. Nothing secret is copied: each secret that has to be set is named, with its command.

    Without --allow, --user and --public it is closed until a password for the user `team` is set.

    \b
    Examples:
      luodi stack new staging --from production
      luodi stack new staging --from production --allow 203.0.113.7/32 --user team
      luodi stack new dev --from production --size S5.SMALL2 --dry-run
    """
    from luodi.environments.password import locked
    from luodi.environments.staging import Wishes
    from luodi.stackfiles import stack_folder

    language = cast("Language", lang)
    if public and (allow or users):
        raise click.UsageError("--public lets everybody in; leave out --allow and --user, or it")
    if name == source:
        raise click.UsageError(f"{name} can't be made from itself; give the new stack another name")
    project, file, settings = _source(cwd, source)
    path = stack_folder(project) / f"Pulumi.{name}.yaml"
    if path.exists() and not (force or dry_run):
        raise click.ClickException(f"{_shown(path, project)} is there already; --force writes over it")
    wishes = Wishes(
        stack=name,
        label=subdomain or _label_of(name),
        locked=locked(),
        server=cast("Literal['cvm', 'lighthouse']", server),
        size=size,
        authority=authority,
        allow=allow,
        users={} if dry_run else _passwords(users, language),
        public=public,
    )
    if dry_run and users:
        wishes = _with_users(wishes, users)
    made, text = _made(file, settings, wishes, language)
    if not as_json:
        _show(made, name, source, language)
    if not dry_run:
        if not (yes or as_json) and sys.stdin.isatty():
            click.confirm(_ASKED.fill(path=_shown(path, project)).in_(language), default=True, abort=True)
        _write(path, text)
    if as_json:
        print_json(_values(made, name, source, None if dry_run else str(path)))
    else:
        _tell(made, name, None if dry_run else _shown(path, project), language)


def _source(cwd: Path, name: str) -> tuple[Path, StackFile, Settings]:
    from luodi.settings import today_in_china
    from luodi.stackfiles import NoProject, choose, project_folder, stack_files

    try:
        project = project_folder(cwd)
        file = choose(stack_files(project, today_in_china()), name)
        return project, file, file.judged()
    except NoProject as error:
        raise click.ClickException(str(error)) from None


def _label_of(name: str) -> str:
    from luodi.environments.naming import label

    try:
        return label(name)
    except ValueError as error:
        raise click.UsageError(f"{error}; name what its names stand under by --subdomain") from None


def _passwords(users: Sequence[str], language: Language) -> Mapping[str, str]:
    """The hash of each user's password, which is asked for where somebody can be asked."""
    from luodi.environments.password import NoHash, hash_of

    hashes = {}
    for name in users:
        if sys.stdin.isatty():
            prompt = Words(f"{name} 的口令", f"Password of {name}").in_(language)
            password = click.prompt(prompt, hide_input=True, confirmation_prompt=True, err=True)
        else:
            password = sys.stdin.readline().rstrip("\n")
        try:
            hashes[name] = hash_of(password)
        except NoHash as error:
            raise click.ClickException(f"--user {name}: {error}") from None
    return hashes


def _with_users(wishes: Wishes, users: Sequence[str]) -> Wishes:
    """For a look at what would differ: nobody is asked for a password."""
    from dataclasses import replace

    return replace(wishes, users=dict.fromkeys(users, wishes.locked))


def _made(file: StackFile, settings: Settings, wishes: Wishes, language: Language) -> tuple[Staging, str]:
    """The staging stack and its file's text, judged as every stack file is."""
    import yaml

    from luodi.environments.staging import CannotStage, staging
    from luodi.environments.writing import stack_file
    from luodi.problems import SettingsError
    from luodi.settings import Settings
    from luodi.stackfiles import configuration

    try:
        made = staging(configuration(file.path), settings, wishes)
        text = stack_file(made.config, made.changes, stack=wishes.stack, source=file.stack, language=language)
        Settings.parse(yaml.safe_load(text)["config"], source=f"Pulumi.{wishes.stack}.yaml, as it would be written")
    except CannotStage as error:
        raise click.ClickException(error.words.in_(language)) from None
    except (SettingsError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    return made, text


def _write(path: Path, text: str) -> None:
    from luodi.placing import NotPlaced, replace

    try:
        replace(path, text)
    except NotPlaced as error:
        raise click.ClickException(str(error)) from None


def _shown(path: Path, project: Path) -> str:
    return str(path.relative_to(project))


def _show(made: Staging, name: str, source: str, language: Language) -> None:
    from rich.text import Text

    from luodi.environments.view import Row, show

    screen = console()
    title = _TITLE.fill(stack=name, source=source, count=len(made.changes)).in_(language)
    screen.print(Text(title, "bold"))
    rows = [Row(each.key, (each.before, each.after), each.why.in_(language)) for each in made.changes]
    show(screen, [column.in_(language) for column in _COLUMNS], rows)


def _tell(made: Staging, name: str, path: str | None, language: Language) -> None:
    click.echo()
    click.echo(_WRITTEN.fill(path=path).in_(language) if path else _NOT_WRITTEN.in_(language))
    for remark in made.remarks:
        click.echo(f"- {remark.in_(language)}")
    click.echo(f"\n{_NEXT.in_(language)}:")
    click.echo(f"  pulumi stack init {name}")
    if made.secrets:
        click.echo(f"  # {_SECRETS.fill(count=len(made.secrets)).in_(language)}")
        for secret in made.secrets:
            click.echo(f"  {secret.command(name)}")
    click.echo(f"  pulumi up --stack {name}")


def _values(made: Staging, name: str, source: str, path: str | None) -> dict[str, Any]:
    return {
        "stack": name,
        "from": source,
        "path": path,
        "differences": [
            {"key": change.key, "there": change.before, "here": change.after, "why": change.why.json()}
            for change in made.changes
        ],
        "secrets": [
            {"key": secret.key, "hashed": secret.hashed, "command": secret.command(name)} for secret in made.secrets
        ],
        "remarks": [remark.json() for remark in made.remarks],
    }
