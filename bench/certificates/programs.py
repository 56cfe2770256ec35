"""The programs that luodi is measured against, kept in the cache: certbot by pip, lego built from Go modules."""

from __future__ import annotations

import sys
from pathlib import Path

from bench import programs
from engine import cache

CERTBOT = "5.8.0"
LEGO = Path(__file__).with_name("lego")
"""The Go module that pins lego."""


def certbot() -> Path:
    """Where certbot is; installed into a virtual environment of its own the first time."""
    place = cache.root() / "bench" / f"certbot-{CERTBOT}-py{sys.version_info.major}{sys.version_info.minor}"
    program = place / "bin" / "certbot"
    with cache.locked(place):
        if not (place / ".ready").exists():
            programs.say(f"installing certbot {CERTBOT} into {place}")
            programs.run([sys.executable, "-m", "venv", str(place)])
            programs.run([str(place / "bin" / "pip"), "install", "--quiet", f"certbot=={CERTBOT}"])
            (place / ".ready").touch()
    return program


def lego() -> Path:
    """Where lego is; built the first time, which takes some minutes."""
    return programs.go(LEGO, "github.com/go-acme/lego/v4/cmd/lego")
