"""What a server says of its releases: which there are, which is served, what was changed in it by hand."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from luodi.delivery import files
from luodi.delivery.scripts import Scripts
from luodi.delivery.tat import Shell
from luodi.words import Words

_LOOKING = Words("查看现在的发布", "Looking at the release")
_LISTING = Words("列出各次发布", "Listing the releases")
_READING = Words("读取现在的发布", "Reading the release")

_SLICE = 12_000
"""Bytes of an archive in one answer: TAT gives 24 KB of what a command prints
(https://cloud.tencent.com/document/product/1340/52692), and base64 takes a third more."""

_PATHS = 30_000
"""Bytes of paths in one command."""


@dataclass(frozen=True)
class Served:
    """What is switched on, whether nginx runs, and the files that are not as they were delivered.

    `changed` maps what was changed or added to its SHA-256 now; `gone` is what is there no more. `manifest` is the
    SHA-256 of the release's own list, None where it has none.
    """

    release: str
    serving: bool
    manifest: str | None
    changed: dict[str, str]
    gone: tuple[str, ...]

    @property
    def by_hand(self) -> list[str]:
        """Every path that was changed by hand, in order."""
        return sorted({*self.changed, *self.gone})

    @classmethod
    def parse(cls, said: str) -> Served:
        """What current.sh prints."""
        # Not splitlines(): a path may hold what Unicode calls a line separator.
        first, *lines = said.split("\n")
        release, _, state = first.rpartition(" ")
        told = {mark: [line[2:] for line in lines if line.startswith(f"{mark} ")] for mark in "=+-"}
        manifest = told["="][0].split()[0] if told["="] else None
        return cls(release, state == "serving", manifest, files.parsed(told["+"]), tuple(told["-"]))


@dataclass(frozen=True)
class Past:
    """A release that is on the server. `record` is what was known when it was delivered."""

    id: str
    at: datetime
    current: bool
    record: dict[str, Any]

    @classmethod
    def parse(cls, said: str) -> list[Past]:
        """What releases.sh prints, the newest first."""
        found = []
        for line in said.splitlines():
            told = json.loads(line)
            record = told["record"] or {}
            at = datetime.fromisoformat(record["at"]) if "at" in record else None
            moment = at or datetime.fromtimestamp(told["modified"], UTC)
            found.append(cls(told["id"], moment, told["current"], record))
        return sorted(found, key=lambda past: past.at, reverse=True)


def before(releases: Sequence[Past]) -> Past | None:
    """The newest release that is older than the one that is served."""
    at = next((number for number, past in enumerate(releases) if past.current), None)
    return releases[at + 1] if at is not None and at + 1 < len(releases) else None


class Server:
    """Looks at one server. Everything raises Silent and CommandFailed."""

    def __init__(self, shell: Shell, scripts: Scripts) -> None:
        self._shell, self._scripts = shell, scripts

    def served(self) -> Served:
        """What is switched on now."""
        return Served.parse(self._shell.run(_LOOKING, self._scripts.current()).strip())

    def releases(self) -> list[Past]:
        """Every release that is there, the newest first."""
        return Past.parse(self._shell.run(_LISTING, self._scripts.releases()))

    def manifest(self) -> dict[str, str]:
        """Path -> SHA-256, of what was delivered with the release that is switched on; empty where that isn't known."""
        listed = self.read([".luodi/manifest"], most=10**9).get(".luodi/manifest", b"")
        return files.parsed(listed.decode().split("\n")[:-1])

    def read(self, paths: Sequence[str], *, most: int) -> dict[str, bytes]:
        """Files of the release that is switched on; what isn't there, or has over `most` bytes, is left out."""
        found: dict[str, bytes] = {}
        for some in _batches(paths):
            with tarfile.open(fileobj=io.BytesIO(self._archive(some, most)), mode="r:gz") as archive:
                for entry in archive:
                    if file := archive.extractfile(entry):
                        found[entry.name] = file.read()
        return found

    def _archive(self, paths: Sequence[str], most: int) -> bytes:
        data, whole = b"", 1
        while len(data) < whole:
            said = self._shell.run(_READING, self._scripts.read(paths, len(data), _SLICE, most=most))
            size, _, text = said.partition("\n")
            slice_ = base64.b64decode(text)
            whole = int(size)
            data += slice_
            if not slice_:
                break
        return data


def _batches(paths: Sequence[str]) -> Iterator[list[str]]:
    """Paths, as many at once as a command holds."""
    batch: list[str] = []
    size = 0
    for path in paths:
        takes = len(path.encode()) + 3
        if batch and size + takes > _PATHS:
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += takes
    if batch:
        yield batch
