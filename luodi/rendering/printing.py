"""What a value becomes where a template prints it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jinja2
from markupsafe import Markup


def quoting(quote: Callable[[str], str]) -> Callable[[Any, Any], Markup]:
    """An environment's ``finalize`` that quotes each value, and each item of a list, as its reader wants it.

    Text of a template's own stays as it is: that of a block (``super()``) or a macro, and what a filter made Markup of.
    Jinja tells it from a value only in an environment with ``autoescape``.
    """

    @jinja2.pass_context  # without it Jinja escapes constants for HTML before it asks
    def finalize(_context: Any, value: Any) -> Markup:
        if isinstance(value, Markup):
            return value
        values = value if isinstance(value, list | tuple) else [value]
        return Markup(" ".join(quote(str(part)) for part in values))  # noqa: S704

    return finalize
