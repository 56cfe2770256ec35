"""What services say: onto the machine's console, and kept per unit for `journalctl -u`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from pathlib import Path

FOLDER = Path("/var/log/journal")


def console(text: str) -> None:
    """Write one line of the machine itself to its console."""
    print(f"[{time.strftime('%Y-%m-%d %H:%M:%S')}] {text}", flush=True)


def write(unit: str, text: str) -> None:
    """Record one line of a unit; a full disk costs the record, never the service."""
    console(f"{unit}: {text}")
    stamp = time.strftime("%Y-%m-%d %H:%M:%S")
    with contextlib.suppress(OSError):
        FOLDER.mkdir(parents=True, exist_ok=True)
        with (FOLDER / f"{unit}.log").open("a", encoding="utf-8", errors="replace") as file:
            file.write(f"{stamp} {text}\n")


def tail(unit: str, count: int) -> list[str]:
    """Return a unit's last lines."""
    try:
        text = (FOLDER / f"{unit}.log").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.splitlines()[-count:] if count else []


class Pipe:
    """Where a unit's processes write; every line is recorded."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._rest = b""
        self._reader, self.writer = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._reader, False)
        asyncio.get_running_loop().add_reader(self._reader, self.drain)

    def drain(self) -> bool:
        """Record some of what there is; return whether there was any."""
        try:
            data = os.read(self._reader, 65536)
        except BlockingIOError:
            return False
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > 65536:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            write(self._unit, line.decode(errors="replace"))
        return bool(data)

    def flush(self) -> None:
        """Record all that a process which has ended left behind."""
        for _ in range(16):  # as much as a pipe holds; another process may write for ever
            if not self.drain():
                return
