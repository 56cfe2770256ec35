"""The files of a site, from a folder: a look at what is there, which reads each file once and keeps none in memory."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from luodi.delivery import files
from luodi.delivery.files import File

MOST_BYTES = 20 * 10**9
MOST_FILES = 100_000
"""A server's disk, its memory for the lists of them, and a visitor's patience end about there: beyond, COS and CDN."""


class ContentError(Exception):
    """A folder of content that can't be published as it is."""


@dataclass(frozen=True)
class Folder:
    """A folder of content as it was looked at: where it is, the digest of what is in it, how many bytes that is, and
    its files by their path in it."""

    source: str
    digest: str
    size: int = 0
    files: Mapping[str, File] = field(default_factory=dict, repr=False)


def look(source: str) -> Folder:
    """What a folder holds, as one digest. Raises ContentError."""
    found = read(Path(source))
    return Folder(source, files.digest(found), sum(file.size for file in found.values()), found)


def read(folder: Path) -> dict[str, File]:
    """Every file below a folder, by its path in it with ``/``.

    A link to a file inside is read as that file. Raises ContentError for a missing or empty folder, any other link,
    what is neither a file nor a folder, a file that can't be read, a name that is not printable UTF-8, and for more
    than MOST_FILES or MOST_BYTES.
    """
    root = folder.resolve()
    if not root.is_dir():
        raise ContentError(f"luodi:site.content: {folder} is not a folder")
    found = {}
    for path in _fit(root):
        name = path.relative_to(root).as_posix()
        try:
            found[name] = File.at(path)
        except OSError as error:
            raise ContentError(f"luodi:site.content: {name} can't be read: {error.strerror}") from None
    if not found:
        raise ContentError(f"luodi:site.content: {folder} holds no file")
    return found


def again(folder: Path, looked_at: Mapping[str, str]) -> dict[str, File]:
    """The same, for a folder that was looked at before. Raises ContentError when it holds something else by now."""
    found = read(folder)
    if files.digest(found) != looked_at["digest"]:
        raise changed(str(folder))
    return found


def changed(what: str) -> ContentError:
    """The error that content is another by now than the one that was looked at."""
    return ContentError(f"luodi:site.content: {what} changed while it was being published; run pulumi up again")


def _fit(root: Path) -> list[Path]:
    """The files below, judged by their names, kinds and sizes before any is read."""
    found, size = [], 0
    for path in _below(root):
        if why := _unfit(path, root):
            raise ContentError(f"luodi:site.content: {_shown(path.relative_to(root).as_posix())} {why}")
        if path.is_file():
            found.append(path)
            size += path.stat().st_size
    if len(found) > MOST_FILES or size > MOST_BYTES:
        raise ContentError(
            f"luodi:site.content: {root} holds {len(found)} files of {size / 1e9:.1f} GB together; a release takes "
            f"{MOST_FILES} files of {MOST_BYTES / 1e9:.0f} GB at most. Serve what is large from COS (对象存储) and CDN."
        )
    return found


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
        return f"has a name that is not UTF-8{_read_as_gbk(path.name)}; rename it"
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


def _read_as_gbk(name: str) -> str:
    """What a name would be in the encoding of Chinese Windows, out of whose archives such names come."""
    try:
        text = os.fsencode(name).decode("gb18030")
    except UnicodeDecodeError:
        return ""
    return f" but GBK for {text!r}" if text.isprintable() else ""


def _shown(name: str) -> str:
    return name if name.isprintable() else ascii(name)
