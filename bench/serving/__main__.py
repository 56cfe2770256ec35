"""Measure how fast a site is served, beside other web servers: python -m bench.serving.

See README.md beside this file for what is compared.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import click

from bench import programs
from bench.serving import contenders
from bench.serving.contenders import NAME, Ground
from tests.loopback import free_port

_PROBE = Path(__file__).with_name("probe")
_LARGE = 1 << 20
_PAGE = 20 << 10
_TLS_1_3 = """openssl_conf = main
[main]
ssl_conf = ssl
[ssl]
system_default = all
[all]
MinProtocol = TLSv1.3
"""
SLOWER = 0.95
"""Requests a second that still count as no slower, as a part of another's: what runs of the same differ by."""
FOOTER_COST = 0.05


@dataclass(frozen=True)
class Measured:
    """Requests a second, the 99th percentile of their time in ms, and failures."""

    rate: float
    p99: float
    errors: int


@dataclass(frozen=True)
class Row:
    """One thing that is measured: the path, the request's headers, and by which program. Ours is to have `at_least` so
    many requests a second, as a part of any other's; None is shown and not judged."""

    title: str
    path: str
    headers: tuple[str, ...] = ()
    connections: int = 32
    by: Literal["wrk", "echoes", "handshakes"] = "wrk"
    at_least: float | None = SLOWER


ROWS = (
    Row("static, 1 KB", "/small.css"),
    Row("static, 1 MB", "/large.bin", connections=8),
    Row("TLS session resumed", "/small.css", ("Connection: close",)),
    Row("TLS session new", "", by="handshakes"),
    Row("proxied", "/app/hello"),
    Row("WebSocket echo", "/app/ws", by="echoes"),
)
PAGES = (
    Row("page, 20 KB", "/page.html", at_least=1 - FOOTER_COST),
    Row("an application's page, 20 KB", "/app/page", at_least=None),
)

Serve = Callable[[Ground], AbstractContextManager[int]]
Servers = Mapping[str, Serve]
Found = Mapping[Row, Mapping[str, Sequence[Measured]]]


@click.command(help=__doc__)
@click.option(
    "--seconds", type=click.IntRange(1), default=3, show_default=True, help="How long each row is loaded in a round."
)
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="How often; the median counts.")
@click.option(
    "--h5bp",
    "checkout",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A checkout of h5bp/server-configs-nginx, to compare with.",
)
@click.option("--only", "words", multiple=True, help="Only rows whose title has this; may be said several times.")
def main(seconds: int, rounds: int, checkout: Path | None, words: tuple[str, ...]) -> None:
    """Run the measurement and print the tables."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing; install it (Debian, Ubuntu: apt-get install wrk)")
    probe = programs.go(_PROBE, ".")
    servers: dict[str, Serve] = {
        "luodi": contenders.luodi,
        "nginx of Debian": contenders.debian,
        "Caddy": contenders.caddy,
    }
    if checkout:
        servers["h5bp"] = partial(contenders.h5bp, checkout=checkout)
    footer: dict[str, Serve] = {"with footer": partial(contenders.luodi, footer=True), "without": contenders.luodi}
    with tempfile.TemporaryDirectory(prefix="luodi-bench-") as place, _upstream(probe) as upstream:
        Path(place).chmod(0o755)
        bench = _Bench(Path(place), upstream, probe, seconds, rounds)
        compared = [
            (found, ours)
            for of, rows, ours in ((servers, ROWS, "luodi"), (footer, PAGES, "with footer"))
            if (found := bench.measured(of, [row for row in rows if _asked(row, words)]))
        ]
    wrong = []
    for found, ours in compared:
        click.echo(f"{_table(found, ours)}\n")
        for row, by in found.items():
            if row.at_least and (ratio := _ratio(by, ours)) < row.at_least:
                wrong.append(
                    f"{row.title}: {ours} is at {ratio:.2f} of the best other; {row.at_least:.2f} is the least"
                )
            if any(one.errors for runs in by.values() for one in runs):
                wrong.append(f"{row.title}: requests failed")
    for line in wrong:
        click.echo(line, err=True)
    sys.exit(bool(wrong))


def _asked(row: Row, words: Sequence[str]) -> bool:
    return not words or any(word in row.title for word in words)


@dataclass(frozen=True)
class _Bench:
    place: Path
    upstream: str
    probe: Path
    seconds: int
    rounds: int

    def measured(self, servers: Servers, rows: Sequence[Row]) -> Found:
        """Every row at every server, in turn for a second each, and each time another one first: what the machine does
        besides meets all alike."""
        (self.place / "hosts").write_text(f"127.0.0.1 {NAME}\n")
        (self.place / "openssl.cnf").write_text(_TLS_1_3)
        content = {
            "small.css": b"body{color:#222}\n" * 60,
            "large.bin": bytes(range(256)) * (_LARGE // 256),
            "page.html": b"<!DOCTYPE html><title>page</title><body>"
            + (b"<p>The quick brown fox jumps over the lazy dog.</p>\n" * (_PAGE // 52))
            + b"</body></html>",
        }
        runs: dict[Row, dict[str, list[Measured]]] = {row: {name: [] for name in servers} for row in rows}
        names = list(servers)
        for number in range(self.rounds if rows else 0):
            for row in rows:
                with self._serving(servers, content, "x" * (1 + 13 * number)) as ports:
                    for turn in range(self.seconds):
                        first = (number + turn) % len(names)
                        for name in (*names[first:], *names[:first]):
                            runs[row][name].append(self._load(row, ports[name]))
                programs.say(f"round {number + 1} of {self.rounds}: {row.title}")
        return runs

    @contextmanager
    def _serving(self, servers: Servers, content: dict[str, bytes], padding: str) -> Iterator[dict[str, int]]:
        """The ports of all the servers, which have just started: none is in what the row before left in its memory.

        They share one processor, where only the one that is loaded has anything to do, and leave the others to the
        load: else a figure is that of how the kernel happened to share them out."""
        everywhere = os.sched_getaffinity(0)
        first = {min(everywhere)}
        with ExitStack() as stack:
            stack.callback(os.sched_setaffinity, 0, everywhere)
            os.sched_setaffinity(0, first)
            ports = {}
            for name, serve in servers.items():
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=self.place)))
                folder.chmod(0o755)
                ports[name] = stack.enter_context(serve(Ground(folder, content, self.upstream, padding)))
            os.sched_setaffinity(0, everywhere - first or first)
            yield ports

    def _load(self, row: Row, port: int) -> Measured:
        if row.by == "wrk":
            return self._wrk(row, port)
        where = {
            "echoes": ["-url", f"wss://127.0.0.1:{port}{row.path}"],
            "handshakes": ["-address", f"127.0.0.1:{port}"],
        }[row.by]
        command = [str(self.probe), row.by, *where, "-name", NAME, "-connections", str(row.connections)]
        found = json.loads(programs.run([*command, "-seconds", "1"]))
        return Measured(found["rate"], found["p99_ms"], found["errors"])

    def _wrk(self, row: Row, port: int) -> Measured:
        headers = [part for header in (f"Host: {NAME}", *row.headers) for part in ("-H", header)]
        # wrk names the host of its address in the handshake, so that name has to lead to the loopback.
        inside = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", str(self.place / "hosts"), "/etc/hosts"]
        inside += ["--setenv", "OPENSSL_CONF", str(self.place / "openssl.cnf")]
        command = [*inside, "wrk", "-t1", f"-c{row.connections}", "-d1s", "--latency", *headers]
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


def _ratio(by: Mapping[str, Sequence[Measured]], ours: str) -> float:
    """Our rate by that of the other that comes off best: the median of the turns' ratios, since what is measured
    within seconds is alike in what the machine did besides."""
    return min(
        statistics.median(mine.rate / other.rate for mine, other in zip(by[ours], runs, strict=True))
        for name, runs in by.items()
        if name != ours
    )


@contextmanager
def _upstream(probe: Path) -> Iterator[str]:
    address = f"127.0.0.1:{free_port()}"
    with subprocess.Popen([str(probe), "upstream", "-listen", address]) as process:
        try:
            yield address
        finally:
            process.kill()


def _table(found: Found, ours: str) -> str:
    names = list(next(iter(found.values())))
    lines = [f"| requests/s (p99 in ms) | {' | '.join(names)} | {ours} / best other |", "|---" * (len(names) + 2) + "|"]
    for row, by in found.items():
        middle = {name: (_middle(run.rate for run in by[name]), _middle(run.p99 for run in by[name])) for name in names}
        cells = [f"{rate:,.0f} ({p99:.1f})" for rate, p99 in middle.values()]
        lines.append(f"| {row.title} | {' | '.join(cells)} | {_ratio(by, ours):.2f} |")
    return "\n".join(lines)


def _middle(values: Iterable[float]) -> float:
    return statistics.median(values)


if __name__ == "__main__":
    main()
