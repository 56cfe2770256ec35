"""The files of a site, read from the project's folder."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class ContentError(Exception):
    """A folder of content that can't be published as it is."""


@dataclass(frozen=True)
class Folder:
    """A folder of content as it was looked at: where it is, and the digest of what is in it."""

    source: str
    digest: str


def read(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path in it with ``/``.

    A link to a file inside is read as that file. Raises ContentError for a missing or empty folder, any other link,
    what is neither a file nor a folder, a file that can't be read, or a name that is not printable UTF-8.
    """
    root = folder.resolve()
    if not root.is_dir():
        raise ContentError(f"luodi:site.content: {folder} is not a folder")
    files = {}
    for path in _below(root):
        name = path.relative_to(root).as_posix()
        if why := _unfit(path, root):
            raise ContentError(f"luodi:site.content: {_shown(name)} {why}")
        if path.is_file():
            try:
                files[name] = path.read_bytes()
            except OSError as error:
                raise ContentError(f"luodi:site.content: {name} can't be read: {error.strerror}") from None
    if not files:
        raise ContentError(f"luodi:site.content: {folder} holds no file")
    return files


def _below(root: Path) -> list[Path]:
    def unreadable(error: OSError) -> None:
        raise ContentError(f"luodi:site.content: {error.filename} can't be read: {error.strerror}") from None

    return sorted(
        Path(folder, name)
        for folder, folders, names in os.walk(root, onerror=unreadable)
        for name in (*folders, *names)
    )


def _unfit(path: Path, root: Path) -> str | None:
    """Why a path can't be published, if so."""
    try:
        path.name.encode()
    except UnicodeEncodeError:
        return "has a name that is not UTF-8; rename it"
    if any(unicodedata.category(char) == "Cc" for char in path.name):
        return "has a control character in its name; rename it"
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return "is a link that leads nowhere"
    if not target.is_relative_to(root):
        return "is a link that leads out of the folder"
    if path.is_symlink() and path.is_dir():
        return "is a link to a folder; put the folder itself there"
    if not (path.is_file() or path.is_dir()):
        return "is neither a file nor a folder"
    return None


def _shown(name: str) -> str:
    return name if name.isprintable() else ascii(name)


def digest(files: Mapping[str, bytes]) -> str:
    """One SHA-256 for names and bytes of all."""
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(f"{name}\0{hashlib.sha256(files[name]).hexdigest()}\n".encode())
    return total.hexdigest()
