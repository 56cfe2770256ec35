"""Numbers as people type them: folded to what is meant, and read from the left until something is wrong."""

from __future__ import annotations

import unicodedata

from luodi.words import Words

_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\ufe58\ufe63"
_FOLDED = {
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
    **{ord(dash): "-" for dash in _DASHES},
}


def half_width(text: str) -> str:
    """`text` with full-width characters made half-width and every dash a hyphen, character by character."""
    return text.translate(_FOLDED)


def fold(text: str) -> str:
    """`text` with full-width characters made half-width, ASCII letters upper case and dashes hyphens.

    White space and invisible characters (Unicode's Cf) are left out.
    """
    kept = (char for char in half_width(text) if not (char.isspace() or unicodedata.category(char) == "Cf"))
    return "".join(char.upper() if char.isascii() else char for char in kept)


def printable(text: str, limit: int = 60) -> str:
    """`text` for one line of a message: short, and without what a terminal would act on."""
    short = text if len(text) <= limit else f"{text[:limit]}…"
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in short)
    return shown if shown.strip() else repr(shown)


def count(digits: str) -> Words:
    """How many digits those are."""
    number = len(digits)
    return Words(f"{number} 位数字" if number else "没有数字", "1 digit" if number == 1 else f"{number or 'no'} digits")


class Reader:
    """A folded number, read from the left."""

    def __init__(self, number: str) -> None:
        self.rest = number

    @property
    def next(self) -> str:
        """The next character; empty at the end."""
        return self.rest[:1]

    @property
    def found(self) -> Words:
        """The next character, for a message."""
        return Words(printable(self.next), printable(self.next)) if self.rest else Words("末尾", "the end")

    def take(self, length: int = 1) -> None:
        """Step over `length` characters."""
        self.rest = self.rest[length:]

    def expect(self, text: str) -> Words | None:
        """Step over `text`, or say what stands in its place."""
        for index, char in enumerate(text):
            if self.next != char:
                missing = text[index:]
                if not self.rest:
                    return Words(f"末尾缺少“{missing}”", f"{missing} is missing at the end")
                if len(missing) > 1 and self.rest[1:].startswith(missing[1:]):
                    return self._in_place_of(char)
                if missing == "-" or self.next in "0123456789备号-":
                    return Words(
                        f"“{self.found.zh}”之前缺少“{missing}”", f"{missing} is missing before {self.found.en}"
                    )
                return self._in_place_of(missing)
            self.take()
        return None

    def _in_place_of(self, text: str) -> Words:
        return Words(f"应为“{text}”的位置是“{self.found.zh}”", f"{self.found.en} stands where {text} belongs")

    def digits(self) -> str:
        """Step over ASCII digits."""
        digits = self.rest[: len(self.rest) - len(self.rest.lstrip("0123456789"))]
        self.take(len(digits))
        return digits

    def intruder(self, digits: str, after: str) -> Words | None:
        """What is wrong when `digits` are followed by anything but the end or one character of `after`."""
        if not self.rest or self.next in after:
            return None
        where = Words(f"{digits} 之后", f", after {digits},") if digits else Words("", "")
        belongs = Words(f"或“{after[0]}”", f" or {after[0]}") if after else Words("", "")
        return Words(
            f"{where.zh}应为数字{belongs.zh}的位置是“{self.found.zh}”",
            f"{self.found.en}{where.en} stands where a digit{belongs.en} belongs",
        )
