"""What a release would change on a server, file by file. Pure."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from luodi.delivery.files import PRIVATE, File
from luodi.delivery.served import Served

Kind = Literal["new", "changed", "gone"]

MOST_TEXT = 256 * 1024
"""Bytes of a file up to which its lines are compared."""


@dataclass(frozen=True)
class Change:
    """A file that would be new on the server, changed, or gone; `by_hand` where the server's was changed there."""

    path: str
    kind: Kind
    by_hand: bool = False


def changes(manifest: Mapping[str, str], served: Served, wanted: Mapping[str, File]) -> list[Change]:
    """How `wanted` differs from what the server has now: its release's manifest (path -> SHA-256), and what was changed
    in it by hand since."""
    gone = set(served.gone)
    now = {path: sha256 for path, sha256 in manifest.items() if path not in gone} | served.changed
    by_hand = {*served.changed, *gone}
    found = []
    for path in sorted({*now, *wanted}):
        if path not in wanted:
            found.append(Change(path, "gone", path in by_hand))
        elif path not in now:
            found.append(Change(path, "new", path in by_hand))
        elif wanted[path].sha256 != now[path]:
            found.append(Change(path, "changed", path in by_hand))
    return found


def lines(change: Change, old: bytes | None, new: File | None) -> Iterator[str]:
    """A change as a unified diff where both sides are text; else its sizes. `old` is None where it isn't known."""
    mark = " (changed on the server by hand)" if change.by_hand else ""
    if PRIVATE.fullmatch(change.path):
        yield f"{change.path}{mark}: password hashes, not shown"
        return
    before = "" if change.kind == "new" else _text(old)
    after = "" if change.kind == "gone" else _text(_read(new))
    if before is None or after is None:
        sizes = [f"{len(old)} bytes" if old is not None else "?", f"{new.size} bytes" if new else "nothing"]
        yield f"{change.kind}: {change.path}{mark}: {'nothing' if change.kind == 'new' else sizes[0]} -> {sizes[1]}"
        return
    yield f"--- {'nothing' if change.kind == 'new' else f'server/{change.path}'}{mark}"
    yield f"+++ {'nothing' if change.kind == 'gone' else f'release/{change.path}'}"
    compared = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="")
    for line in itertools.islice(compared, 2, None):  # without its own heads
        yield "".join(char if char.isprintable() or char == "\t" else "\N{REPLACEMENT CHARACTER}" for char in line)


def _read(file: File | None) -> bytes | None:
    if file is None or file.size > MOST_TEXT:
        return None
    with file.open() as opened:
        return opened.read()


def _text(data: bytes | None) -> str | None:
    """As text; None for what is none, is too long, or is not known."""
    if data is None or len(data) > MOST_TEXT or b"\0" in data:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None
