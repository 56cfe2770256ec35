"""Measure how fast a site is served, beside other web servers: python -m bench.serving.

See README.md beside this file for what is compared.
"""

from __future__ import annotations

import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from bench import programs
from bench.serving import contenders
from bench.serving.contenders import NAME, Ground
from tests.loopback import free_port

_PROBE = Path(__file__).with_name("probe")
_LARGE = 1 << 20
_PAGE = 20 << 10
SLOWER = 0.95
"""Requests a second that still count as no slower, as a part of the fastest's: what runs of the same differ by."""
FOOTER_COST = 0.05


@dataclass(frozen=True)
class Measured:
    """Requests a second, the 99th percentile of their time in ms, and failures."""

    rate: float
    p99: float
    errors: int


@dataclass(frozen=True)
class Row:
    """One thing that is measured: the path, and the request's headers."""

    title: str
    path: str
    headers: tuple[str, ...] = ()
    connections: int = 32
    websocket: bool = False


ROWS = (
    Row("static, 1 KB", "/small.css"),
    Row("static, 1 MB", "/large.bin", connections=8),
    Row("TLS handshake", "/small.css", ("Connection: close",)),
    Row("proxied", "/app/hello"),
    Row("WebSocket echo", "/app/ws", websocket=True),
)
PAGE = Row("page, 20 KB", "/page.html")


@click.command(help=__doc__)
@click.option("--seconds", type=click.FloatRange(1), default=5, show_default=True, help="How long each row is loaded.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="How often; the median counts.")
@click.option(
    "--h5bp",
    "checkout",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A checkout of h5bp/server-configs-nginx, to compare with.",
)
def main(seconds: float, rounds: int, checkout: Path | None) -> None:
    """Run the measurement and print the tables."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing; install it (Debian, Ubuntu: apt-get install wrk)")
    probe = programs.go(_PROBE, ".")
    servers: dict[str, Callable[[Ground], AbstractContextManager[int]]] = {
        "luodi": contenders.luodi,
        "nginx of Debian": contenders.debian,
        "Caddy": contenders.caddy,
    }
    if checkout:
        servers["h5bp"] = partial(contenders.h5bp, checkout=checkout)
    footer: dict[str, Callable[[Ground], AbstractContextManager[int]]] = {
        "without": contenders.luodi,
        "with footer": partial(contenders.luodi, footer=True),
    }
    with tempfile.TemporaryDirectory(prefix="luodi-bench-") as place, _upstream(probe) as upstream:
        Path(place).chmod(0o755)
        hosts = Path(place) / "hosts"
        hosts.write_text(f"127.0.0.1 {NAME}\n")
        found = _measured(Path(place), upstream, servers, ROWS, probe, seconds, rounds)
        pages = _measured(Path(place), upstream, footer, (PAGE,), probe, seconds, rounds)
    click.echo(_table(found, "luodi"))
    click.echo()
    click.echo(_table(pages, "with footer"))
    slow = [row.title for row, by in found.items() if by["luodi"].rate < SLOWER * max(one.rate for one in by.values())]
    cost = 1 - pages[PAGE]["with footer"].rate / pages[PAGE]["without"].rate
    failures = [row.title for row, by in {**found, **pages}.items() if any(one.errors for one in by.values())]
    for what, why in (
        (slow, f"slower than the fastest: {', '.join(slow)}"),
        (cost > FOOTER_COST, f"the footer costs {cost:.1%} of the requests a second"),
        (failures, f"requests failed: {', '.join(failures)}"),
    ):
        if what:
            click.echo(why, err=True)
    if slow or failures or cost > FOOTER_COST:
        sys.exit(1)


def _measured(
    place: Path,
    upstream: str,
    servers: dict[str, Callable[[Ground], AbstractContextManager[int]]],
    rows: tuple[Row, ...],
    probe: Path,
    seconds: float,
    rounds: int,
) -> dict[Row, dict[str, Measured]]:
    """Every row at every server, in turn, so that what the machine does besides meets all alike."""
    runs: dict[Row, dict[str, list[Measured]]] = {row: {name: [] for name in servers} for row in rows}
    content = {
        "small.css": b"body{color:#222}\n" * 60,
        "large.bin": bytes(range(256)) * (_LARGE // 256),
        "page.html": b"<!DOCTYPE html><title>page</title><body>"
        + (b"<p>The quick brown fox jumps over the lazy dog.</p>\n" * (_PAGE // 52))
        + b"</body></html>",
    }
    for number in range(1, rounds + 1):
        for name, serve in servers.items():
            with tempfile.TemporaryDirectory(dir=place) as folder:
                Path(folder).chmod(0o755)
                with serve(Ground(Path(folder), content, upstream)) as port:
                    for row in rows:
                        runs[row][name].append(_load(row, port, probe, seconds, place / "hosts"))
            programs.say(f"round {number} of {rounds}: {name}")
    return {row: {name: _median(all_) for name, all_ in by.items()} for row, by in runs.items()}


def _load(row: Row, port: int, probe: Path, seconds: float, hosts: Path) -> Measured:
    if row.websocket:
        url = f"wss://127.0.0.1:{port}{row.path}"
        command = [str(probe), "echoes", "-url", url, "-name", NAME, "-connections", str(row.connections)]
        found = json.loads(programs.run([*command, "-seconds", str(seconds)]))
        return Measured(found["rate"], found["p99_ms"], found["errors"])
    headers = [part for header in (f"Host: {NAME}", *row.headers) for part in ("-H", header)]
    # wrk names the host of its address in the handshake, so that name has to lead to the loopback.
    inside = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", str(hosts), "/etc/hosts"]
    command = [*inside, "wrk", "-t1", f"-c{row.connections}", f"-d{seconds:g}s", "--latency", *headers]
    return _wrk(programs.run([*command, f"https://{NAME}:{port}{row.path}"]))


def _wrk(said: str) -> Measured:
    """What wrk printed."""
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", said)
    if rate is None or p99 is None:
        sys.exit(f"wrk printed no figures:\n{said}")
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    lost = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    scale = {"us": 0.001, "ms": 1.0, "s": 1000.0}[p99[2]]
    errors = int(bad[1]) if bad else 0
    # A server that was asked to close the connection does so; wrk counts that as a failed read.
    errors += sum(int(lost[n]) for n in (1, 3, 4)) if lost else 0
    return Measured(float(rate[1]), float(p99[1]) * scale, errors)


def _median(runs: list[Measured]) -> Measured:
    return Measured(
        statistics.median(run.rate for run in runs),
        statistics.median(run.p99 for run in runs),
        max(run.errors for run in runs),
    )


@contextmanager
def _upstream(probe: Path) -> Iterator[str]:
    address = f"127.0.0.1:{free_port()}"
    with subprocess.Popen([str(probe), "upstream", "-listen", address]) as process:
        try:
            yield address
        finally:
            process.kill()


def _table(found: dict[Row, dict[str, Measured]], ours: str) -> str:
    names = list(next(iter(found.values())))
    lines = [f"| requests/s (p99 in ms) | {' | '.join(names)} | {ours} / fastest |", "|---" * (len(names) + 2) + "|"]
    for row, by in found.items():
        cells = [f"{by[name].rate:,.0f} ({by[name].p99:.1f})" for name in names]
        ratio = by[ours].rate / max(one.rate for one in by.values())
        lines.append(f"| {row.title} | {' | '.join(cells)} | {ratio:.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
