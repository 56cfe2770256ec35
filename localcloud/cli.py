"""`python -m localcloud`: the commands of the rehearsal cloud."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from localcloud import daemon
from localcloud.errors import CloudError, LocalcloudError

if TYPE_CHECKING:
    from localcloud.filing import Filings
    from localcloud.store import Store

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Lifetime(click.ParamType[timedelta]):
    """A length of time: `90d`, `36h`, `10m`, `45s`."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the length of time, at least a second."""
        match = re.fullmatch(r"(\d+)([smhd])", str(value))
        if match is None or int(match[1]) == 0:
            self.fail(f"{value!r} is not a time such as 90d, 36h, 10m or 45s", param, ctx)
        return timedelta(**{_UNITS[match[2]]: int(match[1])})


class Commands(click.Group):
    """Commands whose own errors are shown as one message, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (LocalcloudError, CloudError) as error:
            raise click.ClickException(str(error)) from error


def _home_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--home",
        type=click.Path(file_okay=False, path_type=Path),
        default=daemon.default_home,
        help="Where the cloud is kept (LOCALCLOUD_HOME, else ~/.local/state/luodi/localcloud).",
    )(command)


@click.group(cls=Commands)
def main() -> None:
    """A rehearsal Tencent Cloud on this machine."""


@main.command()
@_home_option
@click.option("--network", help=f"Loopback network of the public addresses [default: {daemon.DEFAULT_NETWORK}].")
@click.option("--port", type=click.IntRange(1, 65535), help=f"Port of the API [default: {daemon.DEFAULT_PORT}].")
@click.option("--certificate-lifetime", type=Lifetime(), help="How long Pebble certifies [default: 90d].")
@click.option("--foreground", is_flag=True, help="Stay in this terminal until Ctrl-C.")
def up(
    home: Path, network: str | None, port: int | None, certificate_lifetime: timedelta | None, foreground: bool
) -> None:
    """Start the cloud, unless it runs, and wait until it is ready."""
    options = daemon.Options(network, port, certificate_lifetime)
    if foreground:
        logging.basicConfig(
            level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s", stream=sys.stderr
        )
        daemon.run(home, options)
        return
    before = daemon.status(home).running
    endpoints = daemon.up(home, options)
    click.echo(f"localcloud {'runs already' if before else 'is up'} (process {endpoints.pid})")
    _show(home, endpoints)


@main.command()
@_home_option
def down(home: Path) -> None:
    """Stop the cloud; everything that it holds is kept."""
    click.echo("localcloud is down" if daemon.down(home) else "localcloud was not running")


@main.command()
@_home_option
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def status(home: Path, as_json: bool) -> None:
    """Show whether the cloud runs and what it holds; exit code 3 if it doesn't run."""
    now = daemon.status(home)
    held = daemon.state(now.endpoints) if now.endpoints is not None else None
    if as_json:
        click.echo(
            json.dumps(
                {
                    "running": now.running,
                    "crashed": now.crashed,
                    "home": str(home),
                    "endpoints": asdict(now.endpoints) if now.endpoints else None,
                    "state": held,
                },
                ensure_ascii=False,
            )
        )
    elif now.endpoints is None or held is None:
        if now.crashed:
            click.echo(
                f"localcloud ended unexpectedly (see {home / 'daemon.log'}); nothing is lost:"
                " `python -m localcloud up` goes on from there"
            )
        else:
            click.echo("localcloud is not running; start it with `python -m localcloud up`")
    else:
        click.echo(f"localcloud runs (process {now.endpoints.pid}, since {now.endpoints.started})")
        _show(home, now.endpoints)
        for kind, count in held["counts"].items():
            if count:
                click.echo(f"  {count:>4} {kind.replace('_', ' ')}")
        click.echo(f"  {_regime(held['filing']['enforced'])}")
        for one in held["instances"]:
            click.echo(f"  {one['id']} {one['region']} {one['state']} {one['address'] or '-'}")
    if not now.running:
        sys.exit(3)


@main.command()
@_home_option
@click.option("--yes", is_flag=True, help="Don't ask.")
def reset(home: Path, yes: bool) -> None:
    """Stop the cloud and delete all of it: instances, zones, certificates, Pulumi's local state."""
    if not yes:
        click.confirm(f"Delete everything in {home}?", abort=True)
    daemon.reset(home)
    click.echo(f"{home} is gone")


@main.command()
@_home_option
@click.argument("source", default="daemon", metavar="[INSTANCE|api|dns|pebble|daemon]")
@click.option("-f", "--follow", is_flag=True, help="Go on showing what is added.")
def logs(home: Path, source: str, follow: bool) -> None:
    """Show a log: an instance's console, API calls, DNS queries, Pebble's, or the daemon's own."""
    path = home / f"{source}.log"
    if source not in {"api", "dns", "pebble", "daemon"}:
        path = home / "machines" / source / "console.log"
    if not path.exists():
        raise LocalcloudError(f"there is no log of {source} ({path})")
    with path.open(encoding="utf-8", errors="replace") as file:
        while True:
            text = file.read()
            if text:
                click.echo(text, nl=False)
            elif not follow:
                return
            else:
                time.sleep(0.2)


@main.command()
@_home_option
@click.option("--shell", type=click.Choice(["sh", "fish"]), default="sh", show_default=True)
def env(home: Path, shell: str) -> None:
    """Print what to set so that pulumi, the SDK and luodi use this cloud."""
    from localcloud.environment import as_shell, environment

    endpoints = daemon.status(home).endpoints
    if endpoints is None:
        raise LocalcloudError("localcloud is not running; start it with `python -m localcloud up`")
    click.echo(as_shell(environment(home.absolute(), endpoints), shell), nl=False)


@main.group()
def dns() -> None:
    """Zones that the account itself can't make so."""


@dns.command("add-foreign")
@_home_option
@click.argument("domain")
def add_foreign(home: Path, domain: str) -> None:
    """Let DOMAIN belong to another account from now on."""
    _foreign(home, domain, present=True)
    click.echo(f"{domain} belongs to another account")


@dns.command("remove-foreign")
@_home_option
@click.argument("domain")
def remove_foreign(home: Path, domain: str) -> None:
    """Let DOMAIN belong to nobody again."""
    _foreign(home, domain, present=False)
    click.echo(f"{domain} belongs to nobody")


@main.command()
@_home_option
@click.argument("domain")
@click.option("--expires", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The day it ends.")
@click.option("--verification", default="Approved", help="Real-name (实名认证): Approved, InAudit, NotUpload, Reject.")
@click.option("--status", default="ok", help="Such as ok, or serverHold where it is held.")
def register(home: Path, domain: str, expires: datetime, verification: str, status: str) -> None:
    """Let the account have registered DOMAIN (域名注册), or change how it stands."""
    from localcloud.registrar import Registrar, Registration

    with _store(home) as store:
        Registrar(store).register(Registration(domain, expires.date(), verification, status))
    click.echo(f"{domain} is registered until {expires:%Y-%m-%d}, {verification}, {status}")


@main.group()
def filing() -> None:
    """The filing regime (ICP 备案): what the ministry granted, and whether unfiled domains are intercepted.

    Off at first: every domain is served. Once enforced, the public addresses in mainland regions serve
    a domain only while a filing covers it; of any other an HTTP request is answered with Tencent
    Cloud's redirect to its page about filings, and a TLS connection is reset. Addresses without a
    domain stay open. Nothing needs a restart: the next connection is judged anew.
    """


@filing.command()
@_home_option
def enforce(home: Path) -> None:
    """Intercept unfiled domains from now on, as Tencent Cloud does."""
    with _filings(home) as filings:
        filings.enforce(on=True)
    click.echo("unfiled domains are intercepted")


@filing.command()
@_home_option
def relax(home: Path) -> None:
    """Serve every domain again, filed or not."""
    with _filings(home) as filings:
        filings.enforce(on=False)
    click.echo("every domain is served, filed or not")


@filing.command()
@_home_option
@click.argument("domain")
@click.option("--icp", required=True, metavar="NUMBER", help="Service number (服务备案号), 粤ICP备2026068982号-1.")
@click.option("--elsewhere", is_flag=True, help="With another access provider: intercepted until a 接入备案.")
def approve(home: Path, domain: str, icp: str, elsewhere: bool) -> None:
    """Grant the filing of DOMAIN, which covers all names below it."""
    with _filings(home) as filings:
        granted = filings.approve(domain, icp, elsewhere=elsewhere)
        enforced = filings.enforced
    click.echo(f"{granted.domain} is filed as {granted.icp}{' with another provider' if elsewhere else ''}")
    if not enforced:
        click.echo("(the regime is not enforced here: any domain is served; see `filing enforce`)")


@filing.command()
@_home_option
@click.argument("domain")
def revoke(home: Path, domain: str) -> None:
    """Cancel the filing of DOMAIN (注销)."""
    with _filings(home) as filings:
        cancelled = filings.revoke(domain)
    click.echo(f"{cancelled.domain} is not filed any more ({cancelled.icp} is revoked)")


@filing.command("list")
@_home_option
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def list_filings(home: Path, as_json: bool) -> None:
    """Show every filing, and whether the regime is enforced."""
    with _filings(home) as filings:
        enforced, known = filings.enforced, filings.all()
    if as_json:
        shown = {"enforced": enforced, "filings": [asdict(one) for one in known]}
        click.echo(json.dumps(shown, ensure_ascii=False))
        return
    click.echo(_regime(enforced))
    for one in known:
        click.echo(f"  {one.domain} {one.icp} {one.state}")


@main.command()
@_home_option
def land(home: Path) -> None:
    """Bring the local stack up on this cloud and look at the site."""
    from localcloud.landing import land as land_site

    land_site(home)


def _foreign(home: Path, domain: str, *, present: bool) -> None:
    from localcloud.store import Kind
    from localcloud.zones import to_ascii

    name = to_ascii(domain)
    with _store(home) as store:
        if present and store.get(Kind.DOMAIN, name) is not None:
            raise LocalcloudError(f"{name} is in this account; remove it there first")
        if present:
            store.put(Kind.FOREIGN_DOMAIN, name, {"Domain": name})
        else:
            store.delete(Kind.FOREIGN_DOMAIN, name)


@contextmanager
def _filings(home: Path) -> Iterator[Filings]:
    from localcloud.filing import Filings

    with _store(home) as store:
        yield Filings(store)


@contextmanager
def _store(home: Path) -> Iterator[Store]:
    """Open what a cloud holds, running or not."""
    from localcloud.store import Store

    if not (home / "state.db").exists():
        raise LocalcloudError(f"there is no cloud at {home}; make one with `python -m localcloud up`")
    store = Store(home / "state.db")
    try:
        yield store
    finally:
        store.close()


def _regime(enforced: bool) -> str:
    if enforced:
        return "filing regime (备案) enforced: unfiled domains are intercepted"
    return "filing regime (备案) not enforced: every domain is served (see `python -m localcloud filing`)"


def _show(home: Path, endpoints: daemon.Endpoints) -> None:
    click.echo(f"  API   {endpoints.api}")
    click.echo(f"  COS   {endpoints.cos}, with the API as proxy")
    click.echo(f"  DNS   {endpoints.dns}")
    click.echo(f"  ACME  {endpoints.acme_directory}")
    click.echo(f"  kept in {home}")
    high = {port: bound for port, bound in endpoints.public_ports.items() if port != str(bound)}
    if high:
        pairs = ", ".join(f"{port} is {bound}" for port, bound in high.items())
        click.echo(f"  an ordinary user can't bind low ports: on public addresses {pairs}")
