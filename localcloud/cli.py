"""`python -m localcloud`: the commands of the rehearsal cloud."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from localcloud import daemon
from localcloud.errors import CloudError, LocalcloudError

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
def land(home: Path) -> None:
    """Bring the local stack up on this cloud and look at the site."""
    from localcloud.landing import land as land_site

    land_site(home)


def _foreign(home: Path, domain: str, *, present: bool) -> None:
    from localcloud.store import Kind, Store
    from localcloud.zones import to_ascii

    name = to_ascii(domain)
    if not (home / "state.db").exists():
        raise LocalcloudError(f"there is no cloud at {home}; make one with `python -m localcloud up`")
    store = Store(home / "state.db")
    try:
        if present and store.get(Kind.DOMAIN, name) is not None:
            raise LocalcloudError(f"{name} is in this account; remove it there first")
        if present:
            store.put(Kind.FOREIGN_DOMAIN, name, {"Domain": name})
        else:
            store.delete(Kind.FOREIGN_DOMAIN, name)
    finally:
        store.close()


def _show(home: Path, endpoints: daemon.Endpoints) -> None:
    click.echo(f"  API   {endpoints.api}")
    click.echo(f"  DNS   {endpoints.dns}")
    click.echo(f"  ACME  {endpoints.acme_directory}")
    click.echo(f"  kept in {home}")
    high = {port: bound for port, bound in endpoints.public_ports.items() if port != str(bound)}
    if high:
        pairs = ", ".join(f"{port} is {bound}" for port, bound in high.items())
        click.echo(f"  an ordinary user can't bind low ports: on public addresses {pairs}")
