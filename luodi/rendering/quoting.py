"""Any text as one parameter of nginx's."""

from __future__ import annotations

import re

from luodi.rendering.errors import RenderingError

_BARE = re.compile(r"[A-Za-z0-9._:/@+<>-]+")
_LONGEST = 4000
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t", "$": "${luodi_dollar}"})


def quote(text: str) -> str:
    """`text` as one parameter of nginx's that stands for exactly that text.

    A dollar sign, which nginx can't escape, becomes a variable that ``nginx.conf`` defines; so it may only
    stand where nginx expands variables. Raises RenderingError for what nginx can't hold: U+0000, a lone
    surrogate, or more than 4,000 bytes.
    """
    escaped = text.translate(_ESCAPES)
    try:
        size = len(escaped.encode())
    except UnicodeEncodeError:
        raise RenderingError(f"{ascii(text)[:60]} has half of a surrogate pair") from None
    if "\0" in text:
        raise RenderingError(f"{ascii(text)[:60]} has a character U+0000")
    if size > _LONGEST:
        raise RenderingError(f"{text[:60]!r}... takes {size} bytes; nginx reads at most {_LONGEST} as one parameter")
    return text if _BARE.fullmatch(text) else f'"{escaped}"'
