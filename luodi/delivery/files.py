"""The files of a release: where each comes from, the list of them all, and the id that this gives the release."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

MANIFEST = "manifest"
"""The list's own path in a release. Beside it lie what is known of the release (``record``) and its ``names``."""

PRIVATE = re.compile("sites/[^/]+/passwords/.*")
"""Paths of files with password hashes: a secret in the state, and shown by no terminal."""

_BLOCK = 1 << 20


class Made(Protocol):
    """What makes a file's bytes each time they are wanted."""

    def open(self) -> BinaryIO:
        """Its bytes, from the first. Raises OSError."""
        ...


@dataclass(frozen=True)
class File:
    """One file of a release: its size in bytes, its SHA-256 in hex, and its bytes, the path they are at, or what makes
    them."""

    size: int
    sha256: str
    origin: bytes | Path | Made

    @classmethod
    def holding(cls, data: bytes) -> File:
        """A file of these bytes."""
        return cls(len(data), hashlib.sha256(data).hexdigest(), data)

    @classmethod
    def at(cls, path: Path) -> File:
        """A file on disk, read through once and never whole in memory. Raises OSError."""
        size, total = 0, hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                size += len(block)
                total.update(block)
        return cls(size, total.hexdigest(), path)

    @classmethod
    def made(cls, origin: Made) -> File:
        """A file that is made when it is wanted. Raises OSError."""
        with origin.open() as opened:
            data = opened.read()
        return cls(len(data), hashlib.sha256(data).hexdigest(), origin)

    def open(self) -> BinaryIO:
        """Its bytes, from the first. Raises OSError."""
        match self.origin:
            case bytes() as data:
                return io.BytesIO(data)
            case Path() as path:
                return path.open("rb")
            case made:
                return made.open()


def manifest(files: Mapping[str, File]) -> str:
    """The list of files, as ``sha256sum`` writes and checks it: a line for each, in the order of their bytes."""
    return "".join(f"{line}\n" for line in lines(files))


def lines(files: Mapping[str, File]) -> list[str]:
    """A manifest's lines. A backslash or a line break in a path is escaped, which the line's first character tells."""
    return sorted((_line(path, file.sha256) for path, file in files.items()), key=str.encode)


def _line(path: str, sha256: str) -> str:
    escaped = path.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{'' if escaped == path else chr(92)}{sha256}  {escaped}"


def parsed(text: Iterable[str]) -> dict[str, str]:
    """Path -> SHA-256, of a manifest's lines."""
    found = {}
    for line in text:
        escaped = line.startswith("\\")
        sha256, _, path = line.removeprefix("\\").partition("  ")
        found[_unescaped(path) if escaped else path] = sha256
    return found


def _unescaped(path: str) -> str:
    parts = path.split("\\\\")
    return "\\".join(part.replace("\\n", "\n").replace("\\r", "\r") for part in parts)


def digest(files: Mapping[str, File]) -> str:
    """One SHA-256 for the paths and bytes of all."""
    return hashlib.sha256(manifest(files).encode()).hexdigest()


def release_id(files: Mapping[str, File]) -> str:
    """A release is named by what is in it: the same files, the same release."""
    return digest(files)[:16]


def placed(files: Mapping[str, File], mark: str, release: str) -> dict[str, File]:
    """Tell the nginx files which release they are in, which their own digest decides: `mark` stands for it there."""

    def told(path: str, file: File) -> File:
        if not path.startswith("nginx/") or not isinstance(file.origin, bytes):
            return file
        return File.holding(file.origin.replace(mark.encode(), release.encode()))

    return {path: told(path, file) for path, file in files.items()}
