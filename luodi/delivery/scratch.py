"""A folder for what is packed, and the end of those that killed runs left behind."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "luodi-packed-"
_LOCK = "lock"


@contextmanager
def scratch() -> Iterator[Path]:
    """A temporary folder for as long as this lasts; those whose process is no more are taken away first.

    Raises OSError when none can be made.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            _take_away(left)
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name:
        folder = Path(name)
        unlocked = folder / f"{_LOCK}.new"
        with unlocked.open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            unlocked.rename(folder / _LOCK)  # never seen before it is held
            yield folder


def _take_away(folder: Path) -> None:
    """Delete a folder of ours that nobody holds. Raises OSError where somebody does."""
    with (folder / _LOCK).open("rb") as lock:
        if os.fstat(lock.fileno()).st_uid == os.geteuid():
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
