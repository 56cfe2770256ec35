"""Looking after the certificates of stacks: what stands where, and renewing what is due.

Looking starts no engine: a stack's outputs say what was declared, TLS what is served, and the authority (ARI) when it
wants a renewal. Only what is due is then brought up, by `pulumi up` of the certificate alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dns.exception

from luodi.authorities import Authority
from luodi.certificate import ari, served
from luodi.certificate.delegation import resolver_at
from luodi.certificate.lifetime import Renewal
from luodi.certificate.served import Served
from luodi.certificate.standing import Declared, Standing, declared
from luodi.outputs import NoOutputs, stack_outputs
from luodi.settings.surroundings import RENEW, Surroundings

_AT_ONCE = 16
_SETTLING = 20.0
"""Seconds until every address must show the new certificate: old workers finish what they began, new ones answer."""


class NotRenewed(Exception):
    """A renewal that failed; the message ends with the engine's own words."""


@dataclass(frozen=True)
class Watch:
    """How to look: the port that sites are served on, and how patient to be, in seconds."""

    port: int = served.HTTPS
    seconds: float = 10.0


def standings(project: Path, stack: str, *, watch: Watch = Watch()) -> list[Standing]:
    """Where the certificate of each site of a stack stands. Raises NoOutputs."""
    outputs = stack_outputs(project, stack)
    sites = exported_certificates(outputs)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda site: standing(stack, site, outputs["address"], watch), sites))


def exported_certificates(outputs: Mapping[str, Any]) -> list[Declared]:
    """What a stack exports of the certificates of all its sites, its own first. Raises NoOutputs."""
    try:
        return declared(outputs)
    except (KeyError, TypeError, ValueError) as error:
        raise NoOutputs(f"the stack exports no certificate that luodi knows ({error}); run `pulumi up` once") from None


def standing(stack: str, site: Declared, server: str, watch: Watch) -> Standing:
    """Where a site's certificate stands, as the server at `server` and every public address of its names show it."""
    around = Surroundings.from_environment()
    seen = tuple(_looks(site, server, around, watch))
    shown = next((one for one in seen if one.certificate and one.certificate.fingerprint in site.fingerprints), None)
    return Standing(stack, site, seen, _plan(site, shown, around, watch))


def _looks(site: Declared, server: str, around: Surroundings, watch: Watch) -> Iterable[Served]:
    addresses = dict.fromkeys([server, *(_public(site.names, around) if site.public else ())])
    for address in addresses:
        yield served.look(address, site.domain, port=watch.port, roots=around.acme_ca, seconds=watch.seconds)


def _public(names: tuple[str, ...], around: Surroundings) -> Iterable[str]:
    """The addresses that visitors are sent to."""
    resolver = resolver_at(around.dns)
    resolver.lifetime = 5.0
    for name in names:
        try:
            yield from (record.to_text() for record in resolver.resolve(name, "A"))
        except (dns.exception.DNSException, OSError):
            continue  # a name without an address is not a certificate's fault


def _plan(site: Declared, shown: Served | None, around: Surroundings, watch: Watch) -> Renewal:
    if shown is None or shown.certificate is None:
        return site.plan
    if not site.authority:
        return shown.certificate.plan()
    authority = Authority(around.acme_directory or site.authority, around.acme_ca)
    return shown.certificate.plan(ari.ask(authority, shown.pem, seconds=watch.seconds))


# --- renewing ------------------------------------------------------------------------------------


def renew(project: Path, stack: str, domains: Iterable[str], tell: Callable[[str], None]) -> None:
    """Bring up the certificates of these domains and nothing else of the stack. Raises NotRenewed.

    `tell` gets the engine's output, a line at a time.
    """
    program = shutil.which("pulumi")
    if program is None:
        raise NotRenewed("there is no pulumi on PATH")
    command = [
        program,
        "up",
        "--yes",
        "--skip-preview",
        "--non-interactive",
        "--color=never",
        "--suppress-permalink=true",
    ]
    command += ["--stack", stack, "--cwd", str(project), "--target", "**:Certificate::**"]
    last: list[str] = []
    with subprocess.Popen(
        command,
        env={**os.environ, "PULUMI_SUPPRESS_NEO_LINK": "true", RENEW: " ".join(domains)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        for line in running.stdout or ():
            last = [*last[-39:], line.rstrip()]
            tell(line.rstrip())
    if running.returncode:
        raise NotRenewed("\n".join(line for line in last if line.strip()) or f"exit code {running.returncode}")


def settled(before: Standing, project: Path, *, watch: Watch = Watch()) -> Standing:
    """The standing after a renewal, once every address shows the new certificate, or when the time for it is up."""
    outputs = stack_outputs(project, before.stack)
    site = next(one for one in declared(outputs) if one.domain == before.declared.domain)
    end, pause = time.monotonic() + _SETTLING, 0.1
    while (now := standing(before.stack, site, outputs["address"], watch)).strangers and time.monotonic() < end:
        time.sleep(pause)
        pause = min(pause * 2, 2.0)
    return now
