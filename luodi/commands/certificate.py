"""`luodi certificate`, `luodi renew`, `luodi revoke`: the certificates of a project's stacks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from luodi.commands.terminal import console, cwd_option, json_option, lang_option, print_json, stack_option
from luodi.settings import today_in_china
from luodi.stackfiles import NoProject, project_folder, stack_files
from luodi.words import Language, Words

if TYPE_CHECKING:
    from luodi.certificate.order import Reason
    from luodi.certificate.standing import Standing

_EXIT_CODES = """
\b
Exit codes:
  0  done, or nothing to do
  1  a certificate is expired, not the declared one, not renewed, or can't be told
  2  the command line itself is wrong
"""

_STACKS = stack_option("stacks", multiple=True, help="Only this stack; may be given several times.")
_PORT = click.option("--port", type=click.IntRange(1, 65535), default=443, help="Where sites are served.")

Say = Callable[[Words], None]

_RENEWING = Words("{stack}：正在续期 {domains} 的证书", "{stack}: renewing the certificate of {domains}")
_AGAIN = Words(
    "{stack}：没有成功，旧证书继续使用；{pause} 秒后再试（第 {attempt} 次，共 {attempts} 次）",
    "{stack}: that failed; the old certificate stays. Again in {pause} s ({attempt} of {attempts})",
)
_RENEWED = Words(
    "已续期，有效期至 {end} UTC，服务器上用的就是新证书", "renewed; valid until {end} UTC, served as issued"
)
_NOT_RENEWED = Words("没有续期：{error}", "not renewed: {error}")
_DUE = Words("{at} UTC 起该续期（{why}）", "due since {at} UTC ({why})")
_NOT_DUE = Words("{at} UTC 之前无需续期（{why}）", "not due before {at} UTC ({why})")
_NO_SITE = Words("{stack} 没有站点 {site}；它有 {known}", "{stack} has no site {site}; it has {known}")
_PINNED = Words(
    "{stack}：{site} 的私钥是固定的，下一张证书也会用它；请先从环境文件中去掉 luodi:certificate.pin-key",
    "{stack}: the key of {site} is pinned, so the next certificate would have it too; take luodi:certificate.pin-key "
    "out of the stack file first",
)
_LEAF = Words("{names}：序列号 {serial}，签发者 {issuer}，{key}", "{names}: serial {serial} of {issuer}, {key}")
_REVOKE = Words("吊销它？此操作无法撤回", "Revoke it? That can't be undone")
_RENEWING_FIRST = Words("先为 {site} 换一张新证书", "renewing the certificate of {site} first")
_NOTHING_REVOKED = Words(
    "什么也没有吊销：还没有另一张证书。", "Nothing was revoked: there is no other certificate yet."
)
_NOT_REVOKED = Words("没有吊销：{error}", "not revoked: {error}")
_REVOKED = Words("{site} 的证书已吊销（{reason}）", "the certificate of {site} is revoked ({reason})")


@dataclass
class _Found:
    """What was found of a project's stacks: `unknown` is a stack to why nothing can be told of it."""

    standings: list[Standing] = field(default_factory=list)
    unknown: dict[str, str] = field(default_factory=dict)


@click.command(epilog=_EXIT_CODES)
@_STACKS
@_PORT
@json_option
@lang_option
@cwd_option
def certificate(stacks: tuple[str, ...], port: int, as_json: bool, lang: Language, cwd: Path) -> None:
    """各环境的证书。Show the certificates of every stack that is up.

    Names, issuer, key, what is left of its life, when it will be renewed and why then, and whether what each address
    serves is what the stack declares.

    \b
    Examples:
      luodi certificate
      luodi certificate --stack production --json      for a program
    """
    from luodi.certificate_view import as_json as values
    from luodi.certificate_view import remarks, show

    found, now = _look(_folder(cwd), _chosen(cwd, stacks), port), datetime.now(UTC)
    if as_json:
        print_json(values(found.standings, found.unknown, now))
    else:
        show(console(), found.standings, found.unknown, now, lang)
    if any(remarks(one, now) for one in found.standings) or (stacks and found.unknown):
        raise SystemExit(1)


@click.command(epilog=_EXIT_CODES)
@_STACKS
@_PORT
@click.option("--force", is_flag=True, help="Renew though nothing is due, as after a key was lost.")
@click.option("--dry-run", is_flag=True, help="Say what would be renewed, and renew nothing.")
@click.option("--attempts", type=click.IntRange(1, 10), default=3, show_default=True, help="Tries for each stack.")
@click.option(
    "--pause",
    type=click.FloatRange(0, 3600),
    default=60,
    show_default=True,
    help="Seconds before the second try; doubled before each further one.",
)
@json_option
@lang_option
@cwd_option
def renew(
    stacks: tuple[str, ...],
    port: int,
    force: bool,
    dry_run: bool,
    attempts: int,
    pause: float,
    as_json: bool,
    lang: Language,
    cwd: Path,
) -> None:
    """续期到期的证书。Renew what is due, and nothing else; fit for cron, CI and a schedule.

    When nothing is due no engine is started. After a renewal the certificate is fetched from every address and
    compared with the one that was issued. When a renewal fails the old certificate stays, it is tried again with longer
    and longer pauses, and the command exits with 1.

    LUODI_NOTIFY, where it is set, names who is told of renewals and failures: webhook addresses of WeCom (企业微信),
    DingTalk (钉钉) or Feishu (飞书) robots, or any http(s) address, separated by spaces.

    \b
    Examples:
      luodi renew                                      all stacks, as a schedule runs it
      luodi renew --stack production --dry-run         what would be renewed
      luodi renew --stack production --force           though nothing is due
    """
    from luodi import notify

    try:
        told_at = notify.addresses()
    except notify.BadAddress as error:
        raise click.ClickException(str(error)) from None
    project, now = _folder(cwd), datetime.now(UTC)
    found = _look(project, _chosen(cwd, stacks), port)
    due = [one for one in found.standings if one.wants_renewal(now) or (force and one.renewable)]
    results: list[_Result] = []
    if not dry_run:
        say: Say = (lambda _: None) if as_json else lambda words: click.echo(words.in_(lang))
        for stack in dict.fromkeys(one.stack for one in due):
            theirs = [one for one in due if one.stack == stack]
            results += _renewed(project, stack, theirs, port, attempts, pause, say)
    _tell(told_at, results, found.unknown if stacks else {})
    report = [_Result(one, "due" if one in due else one.state(now).value) for one in found.standings]
    renewed = {(one.standing.stack, one.standing.declared.domain): one for one in results}
    report = [renewed.get((one.standing.stack, one.standing.declared.domain), one) for one in report]
    if as_json:
        print_json(_values(report, found.unknown, now))
    else:
        _say(report, found.unknown, now, lang)
    if (
        any(one.error for one in results)
        or any(one.outcome in ("expired", "other", "unseen") for one in report)
        or (stacks and found.unknown)
    ):
        raise SystemExit(1)


@click.command(epilog=_EXIT_CODES)
@stack_option(required=True, help="The stack whose certificate it is.")
@click.option("--site", help="The domain of one of its sites; by default the stack's own.")
@click.option(
    "--reason",
    type=click.Choice(("unspecified", "keyCompromise", "superseded", "affiliationChanged", "cessationOfOperation")),
    required=True,
    help="Why (RFC 5280). keyCompromise: somebody else may have the key. cessationOfOperation: the site is no more.",
)
@click.option("--no-renewal", is_flag=True, help="Don't renew first: visitors are warned until there is another one.")
@click.option("--yes", "-y", is_flag=True, help="Don't ask.")
@lang_option
@cwd_option
def revoke(stack: str, site: str | None, reason: str, no_renewal: bool, yes: bool, lang: Language, cwd: Path) -> None:
    """吊销证书。Revoke the certificate of a site, for good.

    Another one, with another key, is issued and served first, so that no visitor meets the revoked one.

    \b
    Examples:
      luodi revoke --stack production --reason keyCompromise
      luodi revoke --stack production --site shop.example.cn --reason superseded --yes
    """
    from luodi.certificate.order import OrderError
    from luodi.outputs import NoOutputs
    from luodi.renewal import NotRenewed
    from luodi.renewal import renew as bring_up
    from luodi.revocation import issued
    from luodi.revocation import revoke as withdraw

    project = _folder(cwd)
    [stack] = _chosen(cwd, (stack,))
    try:
        every = issued(project, stack)
    except NoOutputs as error:
        raise click.ClickException(f"{stack}: {error}") from None
    found = next((one for one in every if site in (None, one.site)), None)
    if found is None:
        known = ", ".join(one.site for one in every)
        raise click.ClickException(_NO_SITE.fill(stack=stack, site=site, known=known).in_(lang))
    if reason == "keyCompromise" and found.pinned and not no_renewal:
        raise click.ClickException(_PINNED.fill(stack=stack, site=found.site).in_(lang))
    for leaf in found.leaves:
        told = _LEAF.fill(names=", ".join(leaf.names), serial=leaf.serial, issuer=leaf.issuer, key=leaf.key)
        click.echo(f"{stack}: {told.in_(lang)}")
    if not yes:
        click.confirm(_REVOKE.in_(lang), abort=True)
    try:
        if not no_renewal:
            click.echo(f"{stack}: {_RENEWING_FIRST.fill(site=found.site).in_(lang)}")
            bring_up(project, stack, [found.site], lambda line: click.echo(f"  {line}") if line else None)
        withdraw(found, cast("Reason", reason))
    except NotRenewed as error:
        raise click.ClickException(f"{error}\n{_NOTHING_REVOKED.in_(lang)}") from None
    except OrderError as error:
        raise click.ClickException(f"{stack}: {_NOT_REVOKED.fill(error=error).in_(lang)}") from None
    click.echo(f"{stack}: {_REVOKED.fill(site=found.site, reason=reason).in_(lang)}")


@dataclass(frozen=True)
class _Result:
    """What became of one certificate: `outcome` is a state's name, ``due``, ``renewed`` or ``failed``."""

    standing: Standing
    outcome: str
    error: str = ""


def _renewed(
    project: Path,
    stack: str,
    due: Sequence[Standing],
    port: int,
    attempts: int,
    pause: float,
    say: Say,
) -> list[_Result]:
    from luodi.outputs import NoOutputs
    from luodi.renewal import NotRenewed, Watch, renew, settled

    domains = [one.declared.domain for one in due]
    for attempt in range(1, attempts + 1):
        say(_RENEWING.fill(stack=stack, domains=", ".join(domains)))
        try:
            renew(project, stack, domains, lambda line: say(Words(f"  {line}", f"  {line}")) if line else None)
            break
        except NotRenewed as error:
            if attempt == attempts:
                return [_Result(one, "failed", str(error)) for one in due]
            say(_AGAIN.fill(stack=stack, pause=f"{pause:g}", attempt=attempt + 1, attempts=attempts))
            time.sleep(pause)
            pause *= 2
    results = []
    for one in due:
        try:
            now = settled(one, project, watch=Watch(port))
        except NoOutputs as error:
            results.append(_Result(one, "failed", str(error)))
            continue
        if now.declared.fingerprints == one.declared.fingerprints:
            results.append(_Result(now, "failed", "pulumi up went well, yet issued no new certificate"))
        elif now.strangers:
            where = ", ".join(each.address for each in now.strangers)
            results.append(_Result(now, "failed", f"a new certificate was issued, but {where} does not serve it"))
        else:
            results.append(_Result(now, "renewed"))
    return results


def _tell(where: Sequence[str], results: Iterable[_Result], unknown: dict[str, str]) -> None:
    from luodi import notify

    for result in results:
        one = result.standing
        title = f"luodi: {one.declared.domain} ({one.stack}): certificate {result.outcome}"
        text = (
            result.error or f"Valid until {one.declared.not_after:%Y-%m-%d %H:%M} UTC, issued by {one.declared.issuer}."
        )
        _say_silent(notify.tell(where, title, text, failed=bool(result.error)))
    for stack, why in unknown.items():
        _say_silent(notify.tell(where, f"luodi: stack {stack}: certificate unknown", why, failed=True))


def _say_silent(addresses: Iterable[str]) -> None:
    for address in addresses:
        click.echo(f"{address} could not be told", err=True)


def _say(report: Sequence[_Result], unknown: dict[str, str], now: datetime, language: Language) -> None:
    from luodi.certificate_view import remarks

    def say(one: Standing, words: Words, *, wrong: bool = False) -> None:
        click.echo(f"{one.stack}: {one.declared.domain}: {words.in_(language)}", err=wrong)

    for result in report:
        one = result.standing
        at = f"{one.plan.at:%Y-%m-%d %H:%M}"
        if result.outcome == "renewed":
            say(one, _RENEWED.fill(end=f"{one.declared.not_after:%Y-%m-%d %H:%M}"))
        elif result.error:
            say(one, _NOT_RENEWED.fill(error=result.error), wrong=True)
        elif result.outcome == "due":
            say(one, _DUE.fill(at=at, why=one.plan.why))
        else:
            say(one, _NOT_DUE.fill(at=at, why=one.plan.why))
            for line in remarks(one, now):
                say(one, line, wrong=True)
    for stack, why in unknown.items():
        click.echo(f"{stack}: {why}", err=True)


def _values(report: Sequence[_Result], unknown: dict[str, str], now: datetime) -> dict[str, Any]:
    from luodi.certificate_view import as_json

    values = as_json([result.standing for result in report], unknown, now)
    for row, result in zip(values["certificates"], report, strict=True):
        row |= {"outcome": result.outcome, "error": result.error or None}
    return values


# --- which stacks --------------------------------------------------------------------------------


def _folder(cwd: Path) -> Path:
    try:
        return project_folder(cwd)
    except NoProject as error:
        raise click.ClickException(str(error)) from None


def _chosen(cwd: Path, stacks: tuple[str, ...]) -> list[str]:
    """The stacks that were named, or every one that has a file."""
    try:
        names = [file.stack for file in stack_files(_folder(cwd), today_in_china())]
    except NoProject as error:
        raise click.ClickException(str(error)) from None
    if missing := [stack for stack in stacks if stack not in names]:
        raise click.ClickException(f"there is no stack {', '.join(missing)}; there are: {', '.join(names)}")
    return list(dict.fromkeys(stacks)) or names


def _look(project: Path, stacks: Sequence[str], port: int) -> _Found:
    from luodi.outputs import NoOutputs
    from luodi.renewal import Watch, standings

    found = _Found()

    def look(stack: str) -> list[Standing] | str:
        try:
            return standings(project, stack, watch=Watch(port))
        except NoOutputs as error:
            return str(error)

    with ThreadPoolExecutor(8) as pool:
        for stack, seen in zip(stacks, pool.map(look, stacks), strict=True):
            if isinstance(seen, str):
                found.unknown[stack] = seen
            else:
                found.standings += seen
    return found
