"""`luodi logs`: what a stack's server writes down."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

import click

from luodi.commands.server import EXIT_CODES, StackServer, ask, of_a_stack, stack_server
from luodi.delivery.logs import Kind, path
from luodi.settings import readable
from luodi.words import Language, Words

if TYPE_CHECKING:
    from luodi.settings import HostedSite

_PAUSE = 2.0
"""Seconds between two looks: TAT answers each within one."""

_NO_SITE = Words("环境 {stack} 没有站点 {site}；它有 {known}", "the stack {stack} has no site {site}; it has {known}")
_NO_APP = Words(
    "{of} 没有 luodi 运行的应用，也就没有应用日志", "{of} has no application that luodi runs, and so no log of one"
)
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What a terminal might obey: control characters but tab, those beyond ASCII (C1) too."""


@click.command(epilog=EXIT_CODES)
@click.argument("kind", type=click.Choice(get_args(Kind)), default="access")
@click.option(
    "--lines", "-n", type=click.IntRange(0, 100_000), default=100, show_default=True, help="How many at most."
)
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--site", help="Of this site alone, by its domain.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each line.")
@of_a_stack
def logs(
    kind: str,
    lines: int,
    follow: bool,
    site: str | None,
    as_json: bool,
    stack: str | None,
    lang: Language,
    cwd: Path,
) -> None:
    """服务器上的日志。Show the logs of a stack's server.

    They are access, error, app (what applications say themselves) or audit (who changed what).

    They are read through TAT (自动化助手): no SSH, and the server stays closed. They are kept there for six months, as
    the Cybersecurity Law asks (网络安全法第二十一条). --site tells an access log's sites apart where it is JSON
    (luodi:nginx.log). Of several applications each line begins with the application's name.

    \b
    Examples:
      luodi logs --stack production --follow
      luodi logs error -n 20
      luodi logs app --site shop.example.cn
      luodi logs audit --json
    """
    from luodi.delivery.logs import Log

    chosen = ask(lambda: stack_server(cwd, stack))
    of = _site(chosen, site, lang) if site else None
    names = _applications(chosen, of, lang) if kind == "app" else [kind]
    found = {name: Log(chosen.shell, chosen.scripts, path(cast("Kind", kind), name)) for name in names}
    wanted = _of_site(of) if of and kind in ("access", "error") else None

    def show() -> None:
        for name, log in found.items():
            whose = name if len(found) > 1 else None
            for line in log.lines(lines):
                if wanted is None or wanted(line):
                    click.echo(_as_json(kind, line, whose) if as_json else _as_text(line, whose))

    ask(show)
    try:
        while follow:
            time.sleep(_PAUSE)
            ask(show)
    except KeyboardInterrupt:
        return


def _applications(chosen: StackServer, of: HostedSite | None, language: Language) -> list[str]:
    """The names of a site's applications, or of all there are."""
    from luodi import hosting

    sites = [of] if of else chosen.settings.sites
    if found := [each.name for site in sites for each in hosting.applications(site)]:
        return found
    raise click.ClickException(_NO_APP.fill(of=readable(of.site.domain) if of else chosen.name).in_(language))


def _site(chosen: StackServer, domain: str, language: Language) -> HostedSite:
    sites = chosen.settings.sites
    for each in sites:
        if domain in (*each.names, *map(readable, each.names)):
            return each
    known = ", ".join(readable(each.site.domain) for each in sites)
    raise click.UsageError(_NO_SITE.fill(stack=chosen.name, site=domain, known=known).in_(language))


def _of_site(site: HostedSite) -> Callable[[str], bool]:
    """Whether a line of nginx's is about a site: by the field of a JSON line, or by what an error's says."""
    names = "|".join(map(re.escape, site.names))
    said = re.compile(rf'"host": ?"(?:{names})"|, (?:server: (?:{names})|host: "(?:{names})(?::\d+)?")(?:,|$)')
    return lambda line: said.search(line) is not None


def _as_text(line: str, whose: str | None) -> str:
    return _UNPRINTABLE.sub("�", f"{whose}: {line}" if whose else line)


def _as_json(kind: str, line: str, whose: str | None) -> str:
    """A line as JSON, which may have any character escaped: so that none plays with a terminal."""
    name = {"app": whose} if whose else {}
    told: Any = None
    with contextlib.suppress(ValueError):
        told = json.loads(line)
    told = {**name, **told} if isinstance(told, dict) else {"log": kind, **name, "line": line}
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(told, ensure_ascii=False))
