"""Chinese or English: what the terminal asks for."""

from __future__ import annotations

import os

from luodi.words import Language


def language() -> Language:
    """The terminal's, as POSIX says which variable counts (LC_ALL, LC_MESSAGES, LANG)."""
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return "zh" if next(filter(None, names), "").startswith("zh") else "en"
