"""What a value becomes where a template prints it, and the environment of what a server runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from luodi.rendering.loading import template_loader


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


def server_environment(folder: Path | None, quote: Callable[[str], str], **more: Any) -> jinja2.Environment:
    """For the templates of ``server/``, a team's `folder` before those shipped: `quote` is their reader's, the filter
    ``raw`` prints text of our own making as it is. `more` are further settings of Jinja's."""
    environment = jinja2.Environment(
        loader=template_loader(folder, "server"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        finalize=quoting(quote),
        comment_start_string="<#",  # bash writes {# itself, in ${#array[@]}
        comment_end_string="#>",
        keep_trailing_newline=True,
        **more,
    )
    environment.filters["raw"] = Markup
    return environment
