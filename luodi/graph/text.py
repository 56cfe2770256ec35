"""Text in a picture: how wide it is, and where it is broken into lines. Pure.

SVG breaks no lines, and who draws the picture has whichever font; so widths are those of a wide one (DejaVu Sans).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_WIDE, _CAPITAL, _USUAL = 1.0, 0.78, 0.63
"""Of the font's size: the widths of characters."""
_WIDEST = frozenset("mwMW@%—…")
_PLAIN = re.compile(r"[ -~]")
_BREAKS = re.compile(r"(?<=[\s/.,:;·-])|(?=[\u2e80-\uffef])|(?<=[\u2e80-\uffef])")
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CUT = "…"


def printable(text: str) -> str:
    """The text with what XML has no place for replaced (https://www.w3.org/TR/xml/#charsets)."""
    return _NO_XML.sub("\ufffd", text)


def width(text: str, size: float) -> float:
    """How wide a line of text is at most, in the unit of the font's size."""
    return size * sum(map(_of, text))


def lines(text: str, size: float, room: float, most: int) -> tuple[str, ...]:
    """The text in lines that fit into `room`, broken between words where that can be; after `most` it is cut."""
    found = list(_filled(text, size, room))
    if len(found) <= most:
        return tuple(found)
    last = found[most - 1]
    while last and width(last + _CUT, size) > room:
        last = last[:-1]
    return (*found[: most - 1], last + _CUT)


def _of(character: str) -> float:
    if _PLAIN.match(character):
        return _WIDE if character in _WIDEST else _CAPITAL if character.isupper() else _USUAL
    return 0.0 if unicodedata.combining(character) else _WIDE


def _filled(text: str, size: float, room: float) -> Iterator[str]:
    line = ""
    for part in _parts(text, size, room):
        if line and width((line + part).rstrip(), size) > room:
            yield line.rstrip()
            line = part.lstrip()
        else:
            line += part
    yield line.rstrip()


def _parts(text: str, size: float, room: float) -> Iterator[str]:
    """What stays together: words, and of one that is longer than a line its characters."""
    for part in _BREAKS.split(text):
        if width(part.rstrip(), size) > room:
            yield from part
        else:
            yield part
