"""A release as one file, and that file as commands small enough for TAT. Pure."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

PART = 44 * 1024
"""Characters of base64 in one command, so that the script around them fits TAT's limit too."""

MOST_PARTS = 64
"""Commands that one release may take; at TAT's pace a minute or two."""


class TooLarge(Exception):
    """A release that TAT can't carry."""


@dataclass(frozen=True)
class Bundle:
    """The files of a release, packed so that the same files always give the same bytes."""

    data: bytes

    @classmethod
    def of(cls, files: Mapping[str, bytes]) -> Bundle:
        """Pack files, by their path in the release."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
            for path in sorted(files):
                entry = tarfile.TarInfo(path)
                entry.size, entry.mode = len(files[path]), 0o644
                archive.addfile(entry, io.BytesIO(files[path]))
        return cls(gzip.compress(buffer.getvalue(), compresslevel=9, mtime=0))

    @property
    def digest(self) -> str:
        """SHA-256, in hex."""
        return hashlib.sha256(self.data).hexdigest()

    def parts(self) -> list[str]:
        """The bundle in base64, cut for TAT. Raises TooLarge."""
        text = base64.b64encode(self.data).decode()
        parts = list(_cut(text, PART))
        if len(parts) > MOST_PARTS:
            limit = MOST_PARTS * PART * 3 // 4
            raise TooLarge(
                f"The release is {len(self.data) / 1e6:.1f} MB when compressed; by TAT's 64 KB commands luodi carries "
                f"{limit / 1e6:.1f} MB at most. Leave large files (pictures, video, downloads) out of "
                "luodi:site.content and serve them from COS (对象存储)."
            )
        return parts


def _cut(text: str, size: int) -> Iterator[str]:
    for start in range(0, len(text), size):
        yield text[start : start + size]
