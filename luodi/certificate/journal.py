"""What an order that was interrupted has to know to be finished: which order it was."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol, Self


@dataclass(frozen=True)
class Entry:
    """One order under way. Nothing in it is secret."""

    directory: str
    account: str
    """The account key's thumbprint (RFC 7638)."""
    request: str
    """What names the signing request: its key and names, `SigningRequest.digest`."""
    profile: str
    """The profile that was asked for; empty for none."""
    order: str
    """The order's URL."""

    def to_text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str | None) -> Self | None:
        """Read what `to_text` wrote; None for anything else, such as half a file."""
        try:
            content = json.loads(text or "")
            return cls(**{name: str(content[name]) for name in cls.__dataclass_fields__})
        except (ValueError, KeyError, TypeError):
            return None


class Journal(Protocol):
    """Where one certificate's order under way is written down; beside its pending key, or in a local folder.

    `save` returns when the text is kept for good. Whoever calls `order.obtain` calls `clear` once the chain is kept:
    until then, the next run with the same signing request is given the same certificate, not a second one.
    """

    def load(self) -> str | None:
        """What `save` was last given, or None."""

    def save(self, text: str) -> None:
        """Keep this text instead of what was kept."""

    def clear(self) -> None:
        """Keep nothing."""


class FileJournal:
    """A journal in one file of this machine."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> str | None:
        with suppress(FileNotFoundError):
            return self._path.read_text("utf-8")
        return None

    def save(self, text: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_name(f".{self._path.name}.partial")
        with partial.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self._path)

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the journal for one run; a second process waits, so that two never order the same certificate."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_name(f".{self._path.name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
