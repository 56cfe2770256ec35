"""Measure how long certificates take, by luodi, certbot and lego, process start included: python -m bench.certificates.

All of them order from the same Pebble, validated through the same name server. See README.md beside this file.
"""

from __future__ import annotations

import os
import platform
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from bench.certificates import programs
from bench.certificates.clients import Certbot, Client, Lego, Luodi
from bench.certificates.ground import Ground, prepared

MANY = 20
TASKS = ("one name", f"{MANY} names on one", "certificates of one name")
PART_OF_CERTBOT = (0.15, 0.15, 0.02)
"""What of certbot's time luodi may take, for each task."""
MESSAGES = (9, 50, 9)
"""What luodi may send to the authority for each certificate."""
SLOW_SECONDS, SLOW_LIMIT = 2, 10.0
"""Where a validation takes so long, all certificates together may take so many seconds."""


@dataclass(frozen=True)
class Measured:
    """Seconds, of them the processor's, and requests to the authority for each certificate."""

    seconds: float
    processor: float
    requests: float


@click.command(help=__doc__)
@click.option("--runs", type=click.IntRange(1), default=3, show_default=True, help="How often each is repeated.")
@click.option("--certificates", type=click.IntRange(1), default=50, show_default=True, help="How many of one name.")
@click.option("--against", type=click.Choice(["certbot", "lego"]), multiple=True, help="Only these (default: both).")
def main(runs: int, certificates: int, against: tuple[str, ...]) -> None:
    """Run the measurement and print the table."""
    makers: dict[str, Callable[[Ground], Client]] = {"luodi": Luodi}
    if not against or "certbot" in against:
        certbot = programs.certbot()
        makers["certbot"] = lambda ground: Certbot(ground, certbot)
    if not against or "lego" in against:
        lego = programs.lego()
        makers["lego"] = lambda ground: Lego(ground, lego)
    measured: dict[str, list[list[Measured]]] = {name: [[], [], []] for name in makers}
    slow: list[float] = []
    with tempfile.TemporaryDirectory(prefix="luodi-bench-") as place:
        with prepared(Path(place) / "quick") as ground:
            clients = {name: make(ground) for name, make in makers.items()}
            for client in clients.values():
                client.register()
            for run in range(1, runs + 1):
                for task in range(len(TASKS)):
                    # The clients take turns, so that a busy moment of the machine meets all of them.
                    for name, client in clients.items():
                        # The others take minutes for this one: once is enough.
                        if task == 2 and run > 1 and name != "luodi":
                            continue
                        measured[name][task].append(_measure(ground, client, _names(task, run, name, certificates)))
                        _say(f"run {run} of {runs}, {TASKS[task]}: {name} {measured[name][task][-1].seconds:.2f} s")
        with prepared(Path(place) / "slow", validation_seconds=SLOW_SECONDS) as ground:
            client = Luodi(ground)
            client.register()
            for run in range(1, runs + 1):
                slow.append(_measure(ground, client, _names(2, run, "slow", certificates)).seconds)
                _say(f"run {run} of {runs}, validations of {SLOW_SECONDS:g} s: luodi {slow[-1]:.2f} s")
    click.echo(_table(measured, slow, certificates, runs))
    if over := _over(measured, slow):
        sys.exit(f"over the limit: {'; '.join(over)}")


def _names(task: int, run: int, client: str, certificates: int) -> list[list[str]]:
    zone = f"r{run}t{task}.{client}.cn"
    if task == 0:
        return [[zone]]
    if task == 1:
        return [[f"n{number}.{zone}" for number in range(MANY)]]
    return [[f"n{number}.{zone}"] for number in range(certificates)]


def _measure(ground: Ground, client: Client, certificates: list[list[str]]) -> Measured:
    before, issued = ground.authority.requests(), ground.authority.issued()
    started, used = time.monotonic(), _processor()
    client.order(certificates)
    seconds, processor = time.monotonic() - started, _processor() - used
    assert ground.authority.issued() - issued == len(certificates), f"{client.name} has not ordered what it should"
    return Measured(seconds, processor, (ground.authority.requests() - before) / len(certificates))


def _processor() -> float:
    """Seconds that processes started here, and ended, have used the processor."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _over(measured: dict[str, list[list[Measured]]], slow: list[float]) -> list[str]:
    told = []
    for task, what in enumerate(TASKS):
        mine = measured["luodi"][task]
        if "certbot" in measured:
            part = _seconds(mine) / _seconds(measured["certbot"][task])
            if part > PART_OF_CERTBOT[task]:
                told.append(f"{what}: {part:.3f} of certbot's time, not {PART_OF_CERTBOT[task]}")
        if (requests := _requests(mine)) > MESSAGES[task]:
            told.append(f"{what}: {requests:.1f} messages a certificate, not {MESSAGES[task]}")
    if statistics.median(slow) > SLOW_LIMIT:
        told.append(f"validations of {SLOW_SECONDS:g} s: {statistics.median(slow):.1f} s, not {SLOW_LIMIT:g}")
    return told


def _table(measured: dict[str, list[list[Measured]]], slow: list[float], certificates: int, runs: int) -> str:
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, load {load}"
    tasks = [*TASKS[:2], f"{certificates} {TASKS[2]}"]
    lines = [
        f"{machine}; {runs} runs; seconds, median (minimum to maximum; the processor's own); messages to the authority",
        "",
        f"| client | {' | '.join(tasks)} | messages |",
        f"|---|{'---|' * (len(tasks) + 1)}",
    ]
    for name, found in measured.items():
        messages = " / ".join(f"{_requests(one):.1f}" for one in found)
        lines.append(f"| {name} | {' | '.join(_cell(one) for one in found)} | {messages} |")
    for name in measured.keys() - {"luodi"}:
        parts = [_seconds(mine) / _seconds(its) for mine, its in zip(measured["luodi"], measured[name], strict=True)]
        lines.append(f"| luodi / {name} | {' | '.join(f'{part:.3f}' for part in parts)} | |")
    limits = " | ".join(f"{part:g} of certbot's" for part in PART_OF_CERTBOT)
    lines.append(f"| limit | {limits} | {' / '.join(map(str, MESSAGES))} |")
    took = f"{statistics.median(slow):.1f} s ({min(slow):.1f} to {max(slow):.1f}); limit {SLOW_LIMIT:g} s"
    return "\n".join([*lines, "", f"{certificates} certificates at once, each validation {SLOW_SECONDS:g} s: {took}"])


def _seconds(found: list[Measured]) -> float:
    return statistics.median(one.seconds for one in found)


def _requests(found: list[Measured]) -> float:
    return statistics.median(one.requests for one in found)


def _cell(found: list[Measured]) -> str:
    values = [one.seconds for one in found]
    processor = statistics.median(one.processor for one in found)
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f}; {processor:.2f})"


def _say(what: str) -> None:
    click.echo(what, err=True)


if __name__ == "__main__":
    main(prog_name="python -m bench.certificates")
