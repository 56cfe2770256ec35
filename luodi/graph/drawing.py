"""A declared stack as a self-contained SVG."""

from __future__ import annotations

from datetime import date

from luodi.graph import layout, parts
from luodi.rendering import Templates
from luodi.settings import Settings
from luodi.words import Language


def svg(stack: str, settings: Settings, today: date, language: Language) -> str:
    """The picture, whose every text is escaped; nothing in it is fetched from elsewhere."""
    drawing = layout.layout(parts.picture(stack, settings, today, language))
    return Templates().page("graph/stack.svg", drawing=drawing, head=layout.HEAD, small=layout.SMALL, lang=language)
