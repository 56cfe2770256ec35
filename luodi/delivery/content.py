"""The files of a site, read from the project's folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path


class ContentError(Exception):
    """A folder of content that can't be published as it is."""


def read(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path in it with ``/``.

    Raises ContentError for a missing or empty folder, a link that leads out of it, or a name that is not text.
    """
    root = folder.resolve()
    if not root.is_dir():
        raise ContentError(f"luodi:site.content: {folder} is not a folder")
    files = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if not path.resolve().is_relative_to(root):
            raise ContentError(f"luodi:site.content: {name} is a link that leads out of {folder}")
        if not path.is_file():
            continue
        try:
            name.encode("utf-8")
        except UnicodeEncodeError:
            raise ContentError(
                f"luodi:site.content: the name {os.fsencode(name)!r} is not UTF-8; rename the file"
            ) from None
        if any(ord(char) < 32 for char in name):
            raise ContentError(f"luodi:site.content: {name!r} has a control character in its name")
        files[name] = path.read_bytes()
    if not files:
        raise ContentError(f"luodi:site.content: {folder} holds no file")
    return files


def digest(files: Mapping[str, bytes]) -> str:
    """One SHA-256 for names and bytes of all."""
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(f"{name}\0{hashlib.sha256(files[name]).hexdigest()}\n".encode())
    return total.hexdigest()
