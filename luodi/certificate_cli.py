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

from luodi.settings import today_in_china
from luodi.stackfiles import NoProject, project_folder, stack_files
from luodi.terminal import cwd_option, json_option, print_json

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

_STACKS = click.option("--stack", "-s", "stacks", multiple=True, help="Only this stack; may be given several times.")
_PORT = click.option("--port", type=click.IntRange(1, 65535), default=443, help="Where sites are served.")


@dataclass
class _Found:
    """What was found of a project's stacks: `unknown` is a stack to why nothing can be told of it."""

    standings: list[Standing] = field(default_factory=list)
    unknown: dict[str, str] = field(default_factory=dict)


@click.command(epilog=_EXIT_CODES)
@_STACKS
@_PORT
@json_option
@cwd_option
def certificate(stacks: tuple[str, ...], port: int, as_json: bool, cwd: Path) -> None:
    """Show the certificates of every stack that is up.

    Names, issuer, key, what is left of its life, when it will be renewed and why then, and whether what each address
    serves is what the stack declares.
    """
    from rich.console import Console

    from luodi.certificate_view import as_json as values
    from luodi.certificate_view import remarks, show

    found, now = _look(_folder(cwd), _chosen(cwd, stacks), port), datetime.now(UTC)
    if as_json:
        print_json(values(found.standings, found.unknown, now))
    else:
        show(Console(), found.standings, found.unknown, now)
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
@cwd_option
def renew(
    stacks: tuple[str, ...],
    port: int,
    force: bool,
    dry_run: bool,
    attempts: int,
    pause: float,
    as_json: bool,
    cwd: Path,
) -> None:
    """Renew what is due, and nothing else; fit for cron, CI and a schedule.

    When nothing is due no engine is started. After a renewal the certificate is fetched from every address and
    compared with the one that was issued. When a renewal fails the old certificate stays, it is tried again with longer
    and longer pauses, and the command exits with 1.

    LUODI_NOTIFY, where it is set, names who is told of renewals and failures: webhook addresses of WeCom (企业微信),
    DingTalk (钉钉) or Feishu (飞书) robots, or any http(s) address, separated by spaces.
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
        say = (lambda _: None) if as_json else click.echo
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
        _say(report, found.unknown, now)
    if (
        any(one.error for one in results)
        or any(one.outcome in ("expired", "other", "unseen") for one in report)
        or (stacks and found.unknown)
    ):
        raise SystemExit(1)


@click.command(epilog=_EXIT_CODES)
@click.option("--stack", "-s", required=True, help="The stack whose certificate it is.")
@click.option("--site", help="The domain of one of its sites; by default the stack's own.")
@click.option(
    "--reason",
    type=click.Choice(("unspecified", "keyCompromise", "superseded", "affiliationChanged", "cessationOfOperation")),
    required=True,
    help="Why (RFC 5280). keyCompromise: somebody else may have the key. cessationOfOperation: the site is no more.",
)
@click.option("--no-renewal", is_flag=True, help="Don't renew first: visitors are warned until there is another one.")
@click.option("--yes", "-y", is_flag=True, help="Don't ask.")
@cwd_option
def revoke(stack: str, site: str | None, reason: str, no_renewal: bool, yes: bool, cwd: Path) -> None:
    """Revoke the certificate of a site, for good.

    Another one, with another key, is issued and served first, so that no visitor meets the revoked one.
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
        raise click.ClickException(f"{stack} has no site {site}; it has {', '.join(one.site for one in every)}")
    if reason == "keyCompromise" and found.pinned and not no_renewal:
        raise click.ClickException(
            f"{stack}: the key of {found.site} is pinned, so the next certificate would have it too; take "
            "luodi:certificate.pin-key out of the stack file first"
        )
    for leaf in found.leaves:
        click.echo(f"{stack}: {', '.join(leaf.names)}: serial {leaf.serial} of {leaf.issuer}, {leaf.key}")
    if not yes:
        click.confirm("Revoke it? That can't be undone", abort=True)
    try:
        if not no_renewal:
            click.echo(f"{stack}: renewing the certificate of {found.site} first")
            bring_up(project, stack, [found.site], lambda line: click.echo(f"  {line}") if line else None)
        withdraw(found, cast("Reason", reason))
    except NotRenewed as error:
        raise click.ClickException(f"{error}\nNothing was revoked: there is no other certificate yet.") from None
    except OrderError as error:
        raise click.ClickException(f"{stack}: not revoked: {error}") from None
    click.echo(f"{stack}: the certificate of {found.site} is revoked ({reason})")


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
    say: Callable[[str], None],
) -> list[_Result]:
    from luodi.outputs import NoOutputs
    from luodi.renewal import NotRenewed, Watch, renew, settled

    domains = [one.declared.domain for one in due]
    for attempt in range(1, attempts + 1):
        say(f"{stack}: renewing the certificate of {', '.join(domains)}")
        try:
            renew(project, stack, domains, lambda line: say(f"  {line}") if line else None)
            break
        except NotRenewed as error:
            if attempt == attempts:
                return [_Result(one, "failed", str(error)) for one in due]
            say(f"{stack}: that failed; the old certificate stays. Again in {pause:g} s ({attempt + 1} of {attempts})")
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


def _say(report: Sequence[_Result], unknown: dict[str, str], now: datetime) -> None:
    from luodi.certificate_view import remarks

    for result in report:
        one = result.standing
        head = f"{one.stack}: {one.declared.domain}: "
        if result.outcome == "renewed":
            click.echo(f"{head}renewed; valid until {one.declared.not_after:%Y-%m-%d %H:%M} UTC, served as issued")
        elif result.error:
            click.echo(f"{head}not renewed: {result.error}", err=True)
        elif result.outcome == "due":
            click.echo(f"{head}due since {one.plan.at:%Y-%m-%d %H:%M} UTC ({one.plan.why})")
        else:
            click.echo(f"{head}not due before {one.plan.at:%Y-%m-%d %H:%M} UTC ({one.plan.why})")
            for line in remarks(one, now):
                click.echo(f"{head}{line}", err=True)
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
    names = [file.stack for file in stack_files(_folder(cwd), today_in_china())]
    if missing := [stack for stack in stacks if stack not in names]:
        raise click.ClickException(f"there is no stack {', '.join(missing)}; there are: {', '.join(names) or 'none'}")
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
