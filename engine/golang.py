"""Finds a Go toolchain that can build the engine."""

import os
import shutil
import subprocess
from pathlib import Path

from engine import packages, versions
from engine.errors import EngineError

WANTED = "1.26"
"""The oldest toolchain that the go.mod files accept."""

SWITCHING = "1.21"
"""The oldest one that fetches a newer toolchain by itself where GOTOOLCHAIN allows it."""


def find(sources: Path) -> Path:
    """Return a ``go`` command that accepts the module in ``sources``.

    Installed by the system's package manager where that can be done and helps.
    Raises EngineError, with what to type, where there is none.
    """
    refusals: dict[Path, str] = {}
    if go := present(sources, refusals):
        return go
    if _install() and (go := present(sources, refusals)):
        return go
    found = "\n".join(f"    {candidate}: {reason}" for candidate, reason in refusals.items())
    raise EngineError(
        f"building the engine needs Go {WANTED} or newer:\n"
        f"{found or '    none found on PATH, in /usr/local/go or in /usr/lib/go-*'}\n"
        "  Install it from https://go.dev/dl/ (unpack the archive into /usr/local), then run the same command again."
    )


def present(sources: Path, refusals: dict[Path, str] | None = None) -> Path | None:
    """Return a ``go`` command that is here and accepts ``sources``; note why others don't."""
    for candidate in _candidates():
        reason = _refusal(candidate, sources)
        if reason is None:
            return candidate
        if refusals is not None:
            refusals[candidate] = reason
    return None


def _candidates() -> list[Path]:
    on_path = shutil.which("go")
    places = [Path(on_path)] if on_path else []
    places += [Path("/usr/local/go/bin/go"), *sorted(Path("/usr/lib").glob("go-*/bin/go"), reverse=True)]
    return list(dict.fromkeys(place for place in places if os.access(place, os.X_OK)))


def _refusal(go: Path, sources: Path) -> str | None:
    """Say why ``go`` can't build ``sources``, or return None.

    Run inside the module, a toolchain that may switch to a newer one does so, or says why not.
    """
    result = subprocess.run([go, "version"], cwd=sources, capture_output=True, text=True, check=False)
    if result.returncode:
        return (result.stderr or result.stdout).strip()
    if not versions.fits(result.stdout, WANTED):
        return result.stdout.strip()
    return None


def _install() -> bool:
    offered = packages.candidate("golang-go")
    if offered is None or not versions.fits(offered, SWITCHING):
        return False
    packages.install(["golang-go"])
    return True
