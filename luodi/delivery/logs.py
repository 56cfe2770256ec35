"""What a server's logs say, through TAT."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from luodi.delivery.scripts import Scripts
from luodi.delivery.tat import Shell
from luodi.words import Words

_READING = Words("读取 {file}", "Reading {file}")

Kind = Literal["access", "error", "app", "audit"]


def path(kind: Kind, app: str) -> str:
    """Where the server keeps a log; an application's by its name."""
    if kind == "app":
        return f"/var/log/luodi/{app}.log"
    return "/var/log/luodi/audit.log" if kind == "audit" else f"/var/log/nginx/{kind}.log"


@dataclass
class Log:
    """A log on a server. Where it was read to is remembered, also when it is turned over meanwhile."""

    shell: Shell
    scripts: Scripts
    file: str
    _inode: str = ""
    _end: int = 0
    _rest: bytes = b""

    def lines(self, last: int) -> Iterator[str]:
        """What there is to read: the last lines at first, later those that came since. A line that is still being
        written is kept for the next time. Raises Silent, CommandFailed."""
        while True:
            script = self.scripts.logs(self.file, lines=last, inode=self._inode, begin=self._end)
            head, _, part = self.shell.run(_READING.fill(file=self.file), script).partition("\n")
            self._inode, end, size = head.split()
            self._end = int(end)
            *whole, self._rest = (self._rest + gzip.decompress(base64.b64decode(part))).split(b"\n")
            yield from (line.decode("utf-8", "replace") for line in whole)
            if self._end >= int(size):
                return
