"""The files of a site, from a folder: a look at what is there, which reads each file once and keeps none in memory."""

from __future__ import annotations

import errno
import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from luodi.delivery import files
from luodi.delivery.files import File

SAID_AT = "luodi:site.content"
"""The key that names a folder of content, where no other is told."""

MOST_BYTES = 20 * 10**9
MOST_FILES = 100_000
"""A server's disk, its memory for the lists of them, and a visitor's patience end about there: beyond, COS and CDN."""


_NOWHERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


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


def look(source: str, key: str = SAID_AT) -> Folder:
    """What a folder holds, as one digest; `key` is the setting that names it. Raises ContentError."""
    found = read(Path(source), key)
    return Folder(source, files.digest(found), sum(file.size for file in found.values()), found)


def read(folder: Path, key: str = SAID_AT) -> dict[str, File]:
    """Every file below a folder, by its path in it with ``/``.

    A link to a file inside is read as that file. Raises ContentError for a missing or empty folder, any other link,
    what is neither a file nor a folder, a file that can't be read, a name that is not printable UTF-8, and for more
    than MOST_FILES or MOST_BYTES.
    """
    root = _root(folder, key)
    found = {}
    for path in _fit(root, folder, key):
        name = path.relative_to(root).as_posix()
        try:
            found[name] = File.at(path)
        except OSError as error:
            raise _unreadable(folder / name, error, key) from None
    if not found:
        raise ContentError(f"{key}: {folder} holds no file; put the site's files there")
    return found


def again(folder: Path, looked_at: Mapping[str, str]) -> dict[str, File]:
    """The same, for a folder that was looked at before. Raises ContentError when it holds something else by now."""
    found = read(folder)
    if files.digest(found) != looked_at["digest"]:
        raise changed(str(folder))
    return found


def laid(folders: Mapping[str, Mapping[str, File]]) -> dict[str, File]:
    """The files of several folders, by their path in a release, of each folder by its own.

    A folder that lies in another is all that there is of that path: what the other has under it is left out. Raises
    ContentError where the other has a file in its place.
    """
    found = {}
    for at, below in folders.items():
        inner = tuple(f"{other}/" for other in folders if other.startswith(f"{at}/"))
        for name, file in below.items():
            path = f"{at}/{name}"
            if taken := [other for other in inner if other.startswith(f"{path}/")]:
                raise ContentError(
                    f"luodi:site.paths: {taken[0].removeprefix(at)} is a folder of its own, and the site's content has "
                    f"a file {name} in its place; rename one of them"
                )
            if not path.startswith(inner):
                found[path] = file
    return found


def changed(what: str) -> ContentError:
    """The error that content is another by now than the one that was looked at."""
    return ContentError(f"luodi:site.content: {what} changed while it was being published; run pulumi up again")


def _root(folder: Path, key: str) -> Path:
    """The folder itself, where it is a link to one."""
    try:
        root = Path(os.path.realpath(folder, strict=True))
        is_folder = root.is_dir()
    except (FileNotFoundError, NotADirectoryError):
        raise ContentError(f"{key}: there is no folder {folder}; it is looked for from the project's folder") from None
    except OSError as error:
        raise _unreadable(folder, error, key) from None
    if not is_folder:
        raise ContentError(f"{key}: {folder} is not a folder; name the folder that the files are in")
    return root


def _unreadable(path: Path, error: OSError, key: str) -> ContentError:
    return ContentError(f"{key}: {_shown(str(path))} can't be read: {error.strerror}")


def _fit(root: Path, folder: Path, key: str) -> list[Path]:
    """The files below, judged by their names, kinds and sizes before any is read."""
    found, size = [], 0
    for path in _below(root, folder, key):
        if why := _unfit(path, root):
            raise ContentError(f"{key}: {_shown(str(folder / path.relative_to(root)))} {why}")
        if path.is_file():
            found.append(path)
            size += path.stat().st_size
    if len(found) > MOST_FILES or size > MOST_BYTES:
        raise ContentError(
            f"{key}: {folder} holds {len(found)} files of {size / 1e9:.1f} GB together; a release takes "
            f"{MOST_FILES} files of {MOST_BYTES / 1e9:.0f} GB at most. Serve what is large from COS (对象存储) and CDN."
        )
    return found


def _below(root: Path, folder: Path, key: str) -> list[Path]:
    def unreadable(error: OSError) -> None:
        raise _unreadable(folder / Path(error.filename).relative_to(root), error, key) from None

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
        target = Path(os.path.realpath(path, strict=True))
    except OSError as error:
        if error.errno in _NOWHERE:
            return "is a link that leads nowhere; take it away, or put the file itself there"
        return f"can't be read: {error.strerror}"
    if not target.is_relative_to(root):
        return "is a link that leads out of the folder; put the file itself there"
    if path.is_symlink() and path.is_dir():
        return "is a link to a folder; put the folder itself there"
    if not (path.is_file() or path.is_dir()):
        return "is neither a file nor a folder; take it away"
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
