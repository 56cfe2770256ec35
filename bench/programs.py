"""Programs that luodi is measured against or with, built from Go modules that pin them, and kept in the cache."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from engine import cache, golang


def go(module: Path, command: str) -> Path:
    """The program that the Go module in the folder `module` makes of the package `command`; built the first time."""
    name = command.rpartition("/")[2] if command != "." else module.name
    place = cache.root() / "bench" / f"{name}-{cache.key(module, command)}"
    program = place / name
    with cache.locked(place):
        if not program.exists():
            say(f"building {name} into {place} (some minutes)")
            partial = place / f"{name}.partial"
            run([str(golang.find(module)), "build", "-mod=readonly", "-o", str(partial), command], module)
            partial.replace(program)
    return program


def run(command: list[str], folder: Path | None = None) -> str:
    """What a command prints. Ends the benchmark where it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"`{' '.join(command)}` failed (exit code {done.returncode}):\n{done.stdout}{done.stderr}")
    return done.stdout


def say(what: str) -> None:
    """Progress, beside what is measured."""
    print(f"bench: {what}", file=sys.stderr, flush=True)
