"""Where the engine is kept: outside the clone, named by the content of what it is made from."""

import contextlib
import fcntl
import hashlib
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

SOURCES = Path(__file__).resolve().parent
"""The folder that holds one folder of Go sources for each part."""


def root() -> Path:
    """Return the folder of all that is cached: ``$LUODI_CACHE``, else the XDG one."""
    if chosen := os.environ.get("LUODI_CACHE"):
        return Path(chosen).expanduser().absolute()
    xdg = os.environ.get("XDG_CACHE_HOME")
    return (Path(xdg) if xdg else Path.home() / ".cache") / "luodi"


def folder() -> Path:
    """Return the engine's share of the cache."""
    return root() / "engine"


def key(sources: Path, recipe: str) -> str:
    """Return the content key of what is made from ``sources`` by ``recipe`` on this platform.

    ``sources`` is a folder or one file.
    Any change of a source, a pinned module, a flag or the platform gives another key, so a cached
    binary is never one of other sources.
    """
    digest = hashlib.sha256()
    for part in (recipe, platform.system(), platform.machine()):
        digest.update(part.encode() + b"\0")
    files = [sources] if sources.is_file() else sorted(path for path in sources.rglob("*") if path.is_file())
    for path in files:
        digest.update(str(path.relative_to(sources)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


@contextlib.contextmanager
def locked(place: Path) -> Iterator[None]:
    """Hold the lock of ``place`` (a folder, made if need be); wait while another process has it."""
    place.mkdir(parents=True, exist_ok=True)
    with (place / ".lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            print(
                f"engine: process {holder} is at this already; waiting for it",
                file=sys.stderr,
                flush=True,
            )
            fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield
