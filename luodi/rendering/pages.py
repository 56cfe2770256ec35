"""Where in an HTML page the footer goes. Pure.

Browsers decide by the HTML standard what of a page is its body: an end tag in a comment, a script's string, an
attribute or a textarea is none, the tags may be left out altogether, and of several the last counts. So places are
tried out in a parser that reads as browsers do (lexbor). It is shown the page as ISO-8859-1, whose characters are the
page's bytes: in every encoding that the web has, but for UTF-16, markup is ASCII.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from xml.parsers import expat

from selectolax.lexbor import LexborHTMLParser

MOST_BYTES = 16 * 2**20
"""The largest page that is looked at: a parser takes some ten times as much memory."""

_BEGINS = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s|<!--.*?-->|<\?[^>]*>)*+<(?:!doctype\s+html|html|head|body)[\s/>]",
    re.IGNORECASE | re.DOTALL,
)
_ENDS = (re.compile(rb"</body[\s/>]", re.IGNORECASE), re.compile(rb"</html[\s/>]", re.IGNORECASE), re.compile(rb"\Z"))
_CHARSET = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([a-z0-9_-]+)""", re.IGNORECASE)
_CHARSET_WITHIN = 1024
"""Bytes in which a page says what it is encoded in: https://html.spec.whatwg.org/multipage/semantics.html#charset"""

_UNSEEN = frozenset({"noscript", "object", "video", "audio", "canvas"})
"""Elements whose content browsers show only where they can't do better."""


class NoPlace(ValueError):
    """A whole page that a footer can't be put into, and why."""


@dataclass(frozen=True)
class Insertion:
    """Bytes that go into a page before its byte `at`."""

    at: int
    text: bytes

    def into(self, page: bytes) -> bytes:
        """The page with them."""
        return page[: self.at] + self.text + page[self.at :]


def insertion(page: bytes, footer: str, *, xml: bool = False) -> Insertion | None:
    """How `footer` gets into a page, as the last of what is seen in it. None where nothing is to be put in: `page` is a
    fragment, or has the footer. `xml` is for a page that browsers read as XML.

    Where the page is not UTF-8, the footer is written with character references. Raises NoPlace.
    """
    if page.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NoPlace("is UTF-16; write it as UTF-8")
    if carries(page, footer):
        return None
    if len(page) > MOST_BYTES:
        raise NoPlace(f"has over {MOST_BYTES // 2**20} MB")
    begins = _BEGINS.match(page) is not None
    if not begins and not any(end.search(page) for end in _ENDS[:2]):
        return None
    at = _end_of_xml(page) if xml else _end(page, whole=begins)
    return None if at is None else Insertion(at, _written(footer, is_utf8(page)))


def carries(page: bytes, footer: str) -> bool:
    """Whether the footer stands in a page, in either way of writing it."""
    return any(_written(footer, utf8) in page for utf8 in (True, False))


def is_utf8(page: bytes) -> bool:
    """Whether a page is UTF-8, and doesn't say that it is something else."""
    said = _CHARSET.search(page, 0, _CHARSET_WITHIN)
    if said and said[1].lower() not in (b"utf-8", b"utf8"):
        return False
    try:
        page.decode()
    except UnicodeDecodeError:
        return False
    return True


@lru_cache(maxsize=64)
def _written(footer: str, utf8: bool) -> bytes:
    return footer.encode() if utf8 else footer.encode("ascii", "xmlcharrefreplace")


def _end(page: bytes, *, whole: bool) -> int | None:
    """Where the body ends: before its end tag, else before the page's, else, if it is `whole`, where it stops."""
    text, mark = page.decode("latin-1"), _unused(page)
    places = [[found.start() for found in end.finditer(page)] for end in _ENDS[: 3 if whole else 2]]
    seen = set(_seen(_marked(text, sorted({at for some in places for at in some}), mark), mark))
    for some in places:
        if found := seen.intersection(some):
            return max(found)
    if whole:
        raise NoPlace("shows nothing at its end: it has frames, or a comment or an element that is never closed")
    return None


def _marked(text: str, places: list[int], mark: str) -> str:
    """A page with an element like the footer's at each place."""
    pieces, before = [], 0
    for at in places:
        pieces += [text[before:at], f'<div {mark}="{at}"></div>']
        before = at
    return "".join([*pieces, text[before:]])


def _seen(text: str, mark: str) -> Iterator[int]:
    """The marks that became elements which a visitor would see."""
    for node in LexborHTMLParser(text).css(f"div[{mark}]"):
        around = node.parent
        while around is not None and around.tag not in _UNSEEN:
            around = around.parent
        if around is None:
            yield int(node.attributes[mark] or 0)


def _unused(page: bytes) -> str:
    """An attribute that the page has not."""
    mark = "data-luodi-end"
    while mark.encode() in page.lower():
        mark += "-"
    return mark


def _end_of_xml(page: bytes) -> int:
    """Where an XHTML page's body ends."""
    ends: list[int] = []
    within: list[str] = []
    parser = expat.ParserCreate()

    def start(name: str, _attributes: dict[str, str]) -> None:
        within.append(name)

    def end(_name: str) -> None:
        if within == ["html", "body"]:
            ends.append(parser.CurrentByteIndex)
        within.pop()

    parser.StartElementHandler, parser.EndElementHandler = start, end
    try:
        parser.Parse(page, True)
    except expat.ExpatError as error:
        raise NoPlace(f"is not well-formed XML, so browsers show an error ({error})") from None
    except (ValueError, LookupError) as error:  # expat's word for an encoding that it doesn't read
        raise NoPlace(f"is in an encoding that is not read here ({error}); write it as UTF-8") from None
    if not ends or not page.startswith(b"</body", ends[-1]):
        raise NoPlace("has no body with a start and an end tag")
    return ends[-1]
