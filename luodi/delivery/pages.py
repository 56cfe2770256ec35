"""The footer in the pages of a site's content, put in when a release is made, so that serving them costs nothing."""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from luodi.delivery.content import changed
from luodi.delivery.files import File
from luodi.rendering.pages import MOST_BYTES, Insertion, NoPlace, carries, insertion, is_utf8

_PAGES = {".html": False, ".htm": False, ".shtml": False, ".xhtml": True}
"""Ends of names that nginx serves as pages (templates/nginx/http/types.conf.j2), and whether browsers read XML."""

_NOT_UTF8 = (
    "is not UTF-8, as which nginx serves it, unless templates/nginx/http/types.conf.j2 is the project's own; its "
    "footer can be read in any encoding"
)
_COMPRESSED = (".gz", ".br", ".zst")


@dataclass(frozen=True)
class Footed:
    """A page of the project's, and what is put into it; `compressed` by gzip where it stands for such a copy."""

    page: File
    inserted: Insertion
    compressed: bool = False

    def open(self) -> BinaryIO:
        """Its bytes; one page at a time is in memory. Raises OSError, ContentError when it is another by now."""
        whole = self.inserted.into(_read("page", self.page))
        return io.BytesIO(gzip.compress(whole, 9, mtime=0) if self.compressed else whole)


@dataclass(frozen=True)
class Pages:
    """Files of a site with the footer in their pages. `told` says what a page lacks, by its path."""

    files: Mapping[str, File]
    told: Mapping[str, str]


def with_footer(files: Mapping[str, File], footer: str) -> Pages:
    """Files with `footer` in every whole page; anything else stays as it is, byte for byte.

    A copy that was compressed beforehand lacks the footer: one by gzip is made again, others are left out, and nginx
    compresses those pages itself. Raises ContentError for a file that changed since it was looked at, OSError.
    """
    found, told, pages = dict(files), {}, {}
    for path, file in files.items():
        kind = _PAGES.get(PurePosixPath(path).suffix.lower())
        if kind is None:
            continue
        try:
            if file.size > MOST_BYTES:
                raise NoPlace(f"has over {MOST_BYTES // 2**20} MB")
            page = _read(path, file)
            if inserted := insertion(page, footer, xml=kind):
                pages[path] = inserted
                found[path] = replace(File.holding(inserted.into(page)), origin=Footed(file, inserted))
        except NoPlace as error:
            told[path] = f"gets no footer: it {error}"
        else:
            if inserted and not is_utf8(page):
                told[path] = _NOT_UTF8
    for path in files:
        page_path, suffix = path[: path.rfind(".")], PurePosixPath(path).suffix
        if suffix in _COMPRESSED and page_path in pages:
            del found[path]
            if suffix == ".gz":
                found[path] = File.made(Footed(files[page_path], pages[page_path], compressed=True))
    return Pages(found, told)


def has_footer(file: File, footer: str) -> bool:
    """Whether a file carries the footer. Raises OSError, ContentError."""
    return file.size <= 2 * MOST_BYTES and carries(_read("page", file), footer)


def _read(what: str, file: File) -> bytes:
    with file.open() as opened:
        data = opened.read()
    if File.holding(data).sha256 != file.sha256:
        raise changed(str(file.origin) if isinstance(file.origin, Path) else what)
    return data
