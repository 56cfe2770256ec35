"""Measure how long `make local` takes, from a clean clone and again: python -m bench.landing.

See README.md beside this file for what is warm and what isn't.
"""

from __future__ import annotations

import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import click

REPOSITORY = Path(__file__).resolve().parents[2]
LIMITS = {"first": 60.0, "second": 10.0}
"""Seconds that `make local` may take, warm."""
WHOLE = "whole `make local`"
REST = "make, packages, engine check"

Times = dict[str, float]
"""Seconds by what they were spent on."""


@click.command(help=__doc__)
@click.option("--runs", type=click.IntRange(1), default=3, show_default=True, help="How often all of it is repeated.")
@click.option("--network", default="127.199.0.0/24", show_default=True, help="Loopback network of the rehearsal.")
def main(runs: int, network: str) -> None:
    """Run the measurement and print the table."""
    measured: dict[str, list[Times]] = {"first": [], "second": []}
    for run in range(1, runs + 1):
        with tempfile.TemporaryDirectory(prefix="luodi-bench-") as place:
            for which, times in _land_twice(Path(place), network).items():
                measured[which].append(times)
                click.echo(f"run {run} of {runs}, {which}: {times[WHOLE]:.1f} s", err=True)
    click.echo(_table(measured))
    slow = [which for which, times in measured.items() if _median(times, WHOLE) > LIMITS[which]]
    if slow:
        sys.exit(f"over the limit: {', '.join(f'{which} run, {LIMITS[which]:.0f} s' for which in slow)}")


def _land_twice(place: Path, network: str) -> dict[str, Times]:
    """Land in a new clone on a new cloud, and once more; return where the time went."""
    clone, home = place / "clone", place / "cloud"
    _run(["git", "clone", "--quiet", str(REPOSITORY), str(clone)], place, {})
    variables = {"LOCALCLOUD_HOME": str(home)}
    _run(["make", "engine"], clone, variables)
    started = time.monotonic()
    _run(["make", ".venv/.ready"], clone, variables)
    virtualenv = time.monotonic() - started
    # A network of its own, so that a cloud that is being used isn't disturbed.
    for arguments in (["up", "--network", network], ["down"]):
        _run([".venv/bin/python", "-m", "localcloud", *arguments], clone, variables)
    try:
        first = _land(clone, variables)
        first[".venv"] = virtualenv
        first[WHOLE] += virtualenv
        return {"first": first, "second": _land(clone, variables)}
    finally:
        _run(["make", "local-down"], clone, variables)


def _land(clone: Path, variables: Mapping[str, str]) -> Times:
    started = time.monotonic()
    said = _run(["make", "local"], clone, variables)
    whole = time.monotonic() - started
    line = re.search(r"^Time +[\d.]+ s: (.*)$", said, re.MULTILINE)
    if line is None:
        sys.exit(f"`make local` did not say where its time went:\n{said}")
    parts = (re.fullmatch(r"(.*) ([\d.]+) s", part) for part in line[1].split(" · "))
    times = {part[1]: float(part[2]) for part in parts if part}
    return {**times, REST: whole - sum(times.values()), WHOLE: whole}


def _run(command: list[str], folder: Path, variables: Mapping[str, str]) -> str:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"`{' '.join(command)}` failed (exit code {done.returncode}):\n{done.stdout}{done.stderr}")
    return done.stdout


def _median(runs: list[Times], what: str) -> float:
    return statistics.median(times.get(what, 0.0) for times in runs)


def _table(measured: Mapping[str, list[Times]]) -> str:
    parts = [".venv", REST, *(what for what in measured["second"][0] if what not in (REST, WHOLE))]
    runs = len(measured["first"])
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    lines = [
        f"{machine}; {runs} runs; seconds, median (minimum to maximum)",
        "",
        "| what | first | second |",
        "|---|---|---|",
    ]
    for what in [*parts, WHOLE]:
        lines.append(f"| {what} | {_cell(measured['first'], what)} | {_cell(measured['second'], what)} |")
    limits = " | ".join(f"{limit:.0f}" for limit in LIMITS.values())
    return "\n".join([*lines, f"| limit | {limits} |"])


def _cell(runs: list[Times], what: str) -> str:
    values = [times[what] for times in runs if what in times]
    if not values:
        return "–"
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


if __name__ == "__main__":
    main(prog_name="python -m bench.landing")
