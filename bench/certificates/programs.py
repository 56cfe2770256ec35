"""The programs that luodi is measured against, kept in the cache: certbot by pip, lego built from Go modules."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from engine import cache, golang

CERTBOT = "5.8.0"
LEGO = Path(__file__).with_name("lego")
"""The Go module that pins lego."""
_LEGO_COMMAND = "github.com/go-acme/lego/v4/cmd/lego"


def certbot() -> Path:
    """Where certbot is; installed into a virtual environment of its own the first time."""
    place = cache.root() / "bench" / f"certbot-{CERTBOT}-py{sys.version_info.major}{sys.version_info.minor}"
    program = place / "bin" / "certbot"
    with cache.locked(place):
        if not (place / ".ready").exists():
            _say(f"installing certbot {CERTBOT} into {place}")
            _run([sys.executable, "-m", "venv", str(place)])
            _run([str(place / "bin" / "pip"), "install", "--quiet", f"certbot=={CERTBOT}"])
            (place / ".ready").touch()
    return program


def lego() -> Path:
    """Where lego is; built the first time, which takes some minutes."""
    place = cache.root() / "bench" / f"lego-{cache.key(LEGO, _LEGO_COMMAND)}"
    program = place / "lego"
    with cache.locked(place):
        if not program.exists():
            _say(f"building lego into {place} (some minutes)")
            partial = place / "lego.partial"
            _run([str(golang.find(LEGO)), "build", "-mod=readonly", "-o", str(partial), _LEGO_COMMAND], LEGO)
            partial.replace(program)
    return program


def _run(command: list[str], folder: Path | None = None) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"`{' '.join(command)}` failed (exit code {done.returncode}):\n{done.stdout}{done.stderr}")


def _say(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr, flush=True)
