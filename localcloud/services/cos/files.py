"""The bytes of objects: files in one folder, which are written and read in pieces."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from aiohttp import StreamReader, web

from localcloud.services.cos.request import CosError

_PIECE = 1024 * 1024


@dataclass(frozen=True)
class File:
    """A file of the folder: its name and its size in bytes."""

    name: str
    size: int


@dataclass(frozen=True)
class Received:
    """What was received: the file, its MD5, and its SHA-256 in hexadecimal."""

    file: File
    md5: bytes
    sha256: str


class Files:
    """The files under one folder, each with a name of its own that is never used again."""

    def __init__(self, folder: Path) -> None:
        """Keep the files in `folder`, which is made where it isn't there."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder

    async def receive(self, content: StreamReader, length: int) -> Received:
        """Write a body of `length` bytes into a new file; a body that breaks off leaves nothing.

        Raises CosError where it has another length, or the disk is full.
        """
        path = self._folder / secrets.token_hex(16)
        md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
        try:
            with path.open("xb") as file:
                async for piece in content.iter_any():
                    size += len(piece)
                    md5.update(piece)
                    sha256.update(piece)
                    file.write(piece)
            if size != length:
                raise CosError(HTTPStatus.BAD_REQUEST, "IncompleteBody", f"{length} bytes were promised, {size} came.")
        except BaseException as error:
            path.unlink(missing_ok=True)
            if isinstance(error, OSError) and not isinstance(error, ConnectionError):
                raise CosError(
                    HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", f"The object can't be written: {error.strerror}."
                ) from error
            raise
        return Received(File(path.name, size), md5.digest(), sha256.hexdigest())

    async def send(self, response: web.StreamResponse, files: Iterable[File], start: int, length: int) -> None:
        """Write `length` bytes from `start` on of what `files` are together."""
        for file in files:
            if start >= file.size:
                start -= file.size
                continue
            with (self._folder / file.name).open("rb") as source:
                source.seek(start)
                remaining = min(file.size - start, length)
                while remaining:
                    piece = await asyncio.to_thread(source.read, min(_PIECE, remaining))
                    await response.write(piece)
                    remaining -= len(piece)
                    length -= len(piece)
            start = 0
            if not length:
                return

    def copy(self, files: Iterable[File]) -> list[File]:
        """Return files of the same content, which live on when these are deleted."""
        copies = []
        for file in files:
            name = secrets.token_hex(16)
            os.link(self._folder / file.name, self._folder / name)
            copies.append(File(name, file.size))
        return copies

    def delete(self, files: Iterable[File]) -> None:
        """Delete files; whoever reads them now gets all of them still."""
        for file in files:
            (self._folder / file.name).unlink(missing_ok=True)

    def keep_only(self, names: Collection[str]) -> None:
        """Delete every file but these: what an upload left that ended with the daemon."""
        for path in self._folder.iterdir():
            if path.name not in names:
                path.unlink()
