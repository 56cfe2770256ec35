"""Files as one archive on disk, and that archive as commands small enough for TAT."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from luodi.delivery.content import changed
from luodi.delivery.files import File

PART = 44 * 1024
"""Characters of base64 in one command, so that the script around them fits TAT's limit too."""

MOST_PARTS = 64
"""Commands that one release may take; at TAT's pace a minute or two."""

BY_TAT = MOST_PARTS * PART * 3 // 4
"""Bytes that TAT can carry."""


class TooLarge(Exception):
    """What can't be carried, or what the server has no room for."""


@dataclass(frozen=True)
class Bundle:
    """An archive on disk: its size in bytes and its SHA-256 in hex."""

    path: Path
    size: int
    sha256: str

    @classmethod
    def of(cls, files: Mapping[str, File], path: Path) -> Bundle:
        """Pack files, by their path in the release, into a gzipped tar at `path`: the same files, the same bytes.

        Raises ContentError when a file is not what it was when it was looked at, OSError when the disk is full.
        """
        with path.open("wb") as raw:
            packed = gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0)
            with (
                packed,
                tarfile.open(fileobj=cast("IO[bytes]", packed), mode="w", format=tarfile.GNU_FORMAT) as archive,
            ):
                for name in sorted(files):
                    _add(archive, name, files[name])
        made = File.at(path)
        return cls(path, made.size, made.sha256)

    @classmethod
    def holding(cls, data: bytes, path: Path) -> Bundle:
        """These bytes, gzipped."""
        path.write_bytes(gzip.compress(data, compresslevel=6, mtime=0))
        made = File.at(path)
        return cls(path, made.size, made.sha256)

    @property
    def count(self) -> int:
        """How many parts it has."""
        return max(1, -(-self.size // (PART * 3 // 4)))

    def parts(self) -> Iterator[str]:
        """The archive in base64, cut for TAT. Raises TooLarge, before the first."""
        if self.size > BY_TAT:
            raise TooLarge(
                f"What must be sent is {self.size / 1e6:.1f} MB when compressed; by TAT's 64 KB commands luodi carries "
                f"{BY_TAT / 1e6:.1f} MB at most. Let it travel through a COS bucket (对象存储): leave out "
                "luodi:delivery.by, or set it to cos."
            )
        with self.path.open("rb") as file:
            while block := file.read(PART * 3 // 4):
                yield base64.b64encode(block).decode()


def _add(archive: tarfile.TarFile, name: str, file: File) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = file.size, 0o644
    what = str(file.origin) if isinstance(file.origin, Path) else name
    try:
        with file.open() as opened:
            seen = _Seen(opened)
            archive.addfile(entry, cast("IO[bytes]", seen))
    except (FileNotFoundError, tarfile.TarError, PermissionError):
        raise changed(what) from None
    except OSError as error:
        if error.errno is None:  # tarfile's word for a file that ended early
            raise changed(what) from None
        raise
    if seen.sha256.hexdigest() != file.sha256:
        raise changed(what)


class _Seen(io.RawIOBase):
    """A file whose digest is taken as it is read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.sha256 = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        self.sha256.update(block)
        return block
