"""The whole way once: the cloud is started, the local stack brought up, and the site visited."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from localcloud import daemon
from localcloud.environment import environment
from localcloud.errors import LocalcloudError
from localcloud.visit import Visit, visit

STACK = "local"
PROJECT = Path(__file__).resolve().parent.parent


def land(home: Path) -> None:
    """Bring the local stack up on the cloud at `home`, visit its site, and print what was seen.

    Raises LocalcloudError with the next step where anything on the way fails.
    """
    times: dict[str, float] = {}
    with _timed(times, "rehearsal cloud"):
        endpoints = daemon.up(home)
        variables = {**os.environ, **environment(home.absolute(), endpoints)}
    click.secho(f"The rehearsal cloud is up; `pulumi up --stack {STACK}` follows.", bold=True)
    pulumi = _Pulumi(variables)
    with _timed(times, "stack"):
        pulumi.quietly("stack", "select", "--create", STACK)
    with _timed(times, "pulumi up"), _unfinished(home) as again:
        # What an `up` that broke off had made may be gone meanwhile; a refresh sees it.
        pulumi.show("up", "--stack", STACK, "--yes", "--skip-preview", *(["--refresh"] if again else []))
    with _timed(times, "outputs"):
        outputs = _outputs(pulumi.quietly("stack", "export", "--stack", STACK))
    port = endpoints.public_ports["443"]
    with _timed(times, "visit"):
        seen = _visit(outputs, port, Path(endpoints.acme_ca))
    click.echo(_report(outputs, port, Path(endpoints.acme_ca), seen, times))
    click.echo(_next_steps(home))


@contextmanager
def _unfinished(home: Path) -> Iterator[bool]:
    """Whether the landing before this one broke off; this one has not, once the block is left in order."""
    mark = home / "landing-unfinished"
    again = mark.exists()
    mark.touch()
    yield again
    mark.unlink()


class _Pulumi:
    """The `pulumi` command in the project's folder."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        found = shutil.which("pulumi", path=variables.get("PATH"))
        if found is None:
            raise LocalcloudError("pulumi, the engine, is not there yet: type `make engine`, which provides it.")
        self._program = found

    def show(self, *arguments: str) -> None:
        """Run a command that the user follows; raise LocalcloudError if it fails."""
        process = subprocess.Popen([self._program, *arguments], cwd=PROJECT, env=self._variables)
        while process.returncode is None:
            # Ctrl-C reaches pulumi as well, which ends in order: killed, it would leave its state locked.
            with suppress(KeyboardInterrupt):
                process.wait()
        code = process.returncode
        if code:
            raise LocalcloudError(
                f"`pulumi {shlex.join(arguments)}` failed (exit code {code}); what it says above is why.\n"
                "Nothing is lost: mend it, then type `make local` again. What the cloud did is in"
                " `.venv/bin/python -m localcloud logs api`."
            )

    def quietly(self, *arguments: str) -> str:
        """Run a command and return its output; raise LocalcloudError with it if it fails."""
        command = [self._program, *arguments, "--non-interactive"]
        done = subprocess.run(command, cwd=PROJECT, env=self._variables, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LocalcloudError(
                f"`pulumi {shlex.join(arguments)}` failed (exit code {done.returncode}):\n{done.stderr.strip()}\n"
                "Mend what it says, then type `make local` again."
            )
        return done.stdout


def _outputs(state: str) -> dict[str, Any]:
    """The stack's outputs, out of its state: `pulumi stack output` takes a second to open secrets."""
    resources = json.loads(state)["deployment"].get("resources", [])
    return next((dict(one.get("outputs", {})) for one in resources if one["type"] == "pulumi:pulumi:Stack"), {})


def _visit(outputs: Mapping[str, Any], port: int, roots: Path) -> Visit:
    url, address = outputs.get("url"), outputs.get("address")
    if not url or not address:
        raise LocalcloudError(
            f"the stack {STACK} has no outputs `url` and `address`, so its site can't be visited:"
            " __main__.py must export them."
        )
    try:
        seen = visit(str(url), str(address), port, roots)
    except LocalcloudError as error:
        raise LocalcloudError(
            f"{error}\n`pulumi up` succeeded, so look at the server's own log:"
            f" .venv/bin/python -m localcloud logs {outputs.get('instance', 'INSTANCE')}"
        ) from None
    if seen.status >= 500:  # anything else is the site's own business, and shown
        raise LocalcloudError(f"{url} answers {seen.status}: see the server's log by `python -m localcloud logs`.")
    return seen


def _report(outputs: Mapping[str, Any], port: int, roots: Path, seen: Visit, times: Mapping[str, float]) -> str:
    url, address = str(outputs["url"]), str(outputs["address"])
    name = urlsplit(url).hostname or ""
    days = (seen.expires - datetime.now(UTC)).days
    unusual = "" if port == 443 else f" (an ordinary user can't bind 443, so {port} stands for it)"
    spent = " · ".join(f"{what} {seconds:.1f} s" for what, seconds in times.items())
    nss = 'certutil -d "sql:$b/.pki/nssdb"'
    rule = f"MAP {name}:443 {address}:{port}"
    rows = [
        ("Site", f"{url}/ at {address}:{port}{unusual}"),
        ("Fetched", f"with the authority's root alone: {seen.status}, title “{seen.title}”"),
        ("Certificate", f"by {seen.issuer}, until {seen.expires:%Y-%m-%d %H:%M} UTC ({days} days)"),
        ("Chain", " ← ".join(seen.chain)),
        ("Footer", seen.footer or "(none: no filing number is set)"),
        ("Time", f"{sum(times.values()):.1f} s: {spent}"),
    ]
    width = max(len(label) for label, _ in rows)
    lines = ["", *(f"{click.style(label.ljust(width), bold=True)}  {text}" for label, text in rows), ""]
    lines += [
        "By curl:",
        f"  curl --cacert {shlex.quote(str(roots))} --connect-to {name}:443:{address}:{port} {url}/",
        "In Chromium, with a profile of its own that trusts the rehearsal's authority (certutil is in libnss3-tools):",
        '  b=$(mktemp -d); mkdir -p "$b/.pki/nssdb"; ' + nss + " -N --empty-password",
        f"  csplit -sz -f \"$b/root-\" {shlex.quote(str(roots))} '/BEGIN CERTIFICATE/' '{{*}}'",
        f'  for r in "$b"/root-*; do {nss} -A -t C,, -n "$r" -i "$r"; done',
        f'  HOME=$b chromium{_no_sandbox()} --host-resolver-rules="{rule}" {url}/',
        "",
    ]
    return "\n".join(lines)


def _no_sandbox() -> str:
    """Return the flag without which Chromium doesn't start for root."""
    return " --no-sandbox" if os.geteuid() == 0 else ""


def _next_steps(home: Path) -> str:
    usual = home == daemon.default_home() and "LOCALCLOUD_HOME" not in os.environ
    elsewhere = "" if usual else f" --home {shlex.quote(str(home))}"
    python = (
        shlex.quote(os.path.relpath(sys.executable)) if Path(sys.executable).is_relative_to(PROJECT) else sys.executable
    )
    return "\n".join(
        [
            "Next, by hand, after this one line:",
            f'  eval "$({python} -m localcloud env{elsewhere})"',
            f"  pulumi preview --stack {STACK}    # or up, refresh, destroy",
            "All of it goes away with `make local-down`.",
        ]
    )


@contextmanager
def _timed(times: dict[str, float], what: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    times[what] = time.monotonic() - started
