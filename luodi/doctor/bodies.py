"""An answer's bytes as the text that a browser shows. Pure."""

from __future__ import annotations

import re
import zlib

_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_SAID = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([a-z0-9_-]+)""", re.IGNORECASE)
_SAID_WITHIN = 1024
"""Bytes in which a page says what it is encoded in: https://html.spec.whatwg.org/multipage/semantics.html#charset"""
_CHINESE = "gb18030"
_GBK = {"gb2312", "gb_2312-80", "gbk", "x-gbk", "cp936", "gb18030"}
"""Names that browsers read as GBK, of which GB 18030 is a superset: https://encoding.spec.whatwg.org/#names-and-labels"""


def unpacked(body: bytes, coding: str, most: int) -> bytes:
    """A body without its content coding, at most `most` bytes of it.

    A browser asks for gzip and deflate, and some servers answer by them unasked. Raises ValueError for another coding,
    and for a body that is not in the one that it is called.
    """
    coding = coding.strip().lower()
    if coding in ("", "identity"):
        return body[:most]
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise ValueError(f"it is encoded as {coding}, which was not asked for")
    # 32: a gzip or a zlib header, whichever is there; without either it is the raw deflate that some servers send.
    for window in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):
        unpacking = zlib.decompressobj(window)
        try:
            plain = unpacking.decompress(body, most)
        except zlib.error:
            continue
        if not unpacking.eof and len(plain) < most:
            raise ValueError("the answer broke off")
        return plain
    raise ValueError(f"it is called {coding} and is not")


def text_of(body: bytes, charset: str | None) -> str:
    """A page's text: in the encoding of its byte order mark, of its header (`charset`), or of its meta element, else in
    UTF-8 where it is that, and GB 18030 where it isn't, as browsers in China guess."""
    for mark, encoding in _MARKS.items():
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, "replace")
    said = _SAID.search(body, 0, _SAID_WITHIN)
    # A page whose meta element can be read like this is in no UTF-16, whatever it says.
    for name in (charset, said and said[1].decode("ascii").lower().replace("utf-16", "utf-8")):
        if name and (text := _decoded(body, name)) is not None:
            return text
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        # The end of a page that was cut may be half a character.
        return body.decode("utf-8" if error.start >= len(body) - 3 else _CHINESE, "replace")


def _decoded(body: bytes, name: str) -> str | None:
    """The body in an encoding of that name; None where there is no such encoding."""
    encoding = _CHINESE if name.lower() in _GBK else name
    try:
        return body.decode(encoding, "replace")
    except (LookupError, UnicodeError):
        return None


def header_text(value: str) -> str:
    """A header's value, which http.client reads as ISO-8859-1, in the UTF-8 that is meant where it is that."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value
