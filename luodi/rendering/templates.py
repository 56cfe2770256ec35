"""Jinja templates, a team's own before the ones that luodi comes with."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from luodi.rendering.errors import TemplateError
from luodi.rendering.quoting import quote


def shipped_templates() -> Path:
    """The templates that luodi comes with: the project's, or, in an installed luodi, the package's own."""
    package = Path(__file__).parent.parent
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


class Templates:
    """The templates of a folder laid out like the project's ``templates/``.

    What that folder does not have is taken from the files shipped, which stay reachable under
    ``luodi/`` (``{% extends "luodi/nginx/site.conf.j2" %}``).
    """

    def __init__(self, folder: Path | None = None) -> None:
        shipped = jinja2.FileSystemLoader(shipped_templates())
        loaders: list[jinja2.BaseLoader] = [shipped, jinja2.PrefixLoader({"luodi": shipped})]
        if folder is not None:
            loaders.insert(0, jinja2.FileSystemLoader(folder))
        self._loader = jinja2.ChoiceLoader(loaders)
        settings: dict[str, Any] = {
            "loader": self._loader,
            "undefined": jinja2.StrictUndefined,
            # For nginx too: it is how Jinja tells the text of a block or macro (Markup) from a value.
            "autoescape": True,
            "trim_blocks": True,
            "lstrip_blocks": True,
            "keep_trailing_newline": True,
        }
        self._html = jinja2.Environment(**settings)  # noqa: S701
        self._nginx = jinja2.Environment(**settings, finalize=_quoted)  # noqa: S701

    def page(self, name: str, **values: Any) -> str:
        """An HTML template, in which every value printed is escaped. Raises TemplateError."""
        return _rendered(self._html, f"{name}.j2", values)

    def configuration(self, name: str, **values: Any) -> str:
        """An nginx template, in which every value printed is quoted. Raises RenderingError."""
        return _rendered(self._nginx, f"{name}.j2", values)

    def source(self, name: str) -> str:
        """A file as it is."""
        return self._loader.get_source(self._html, name)[0]


@jinja2.pass_context  # without it Jinja escapes constants for HTML before it asks
def _quoted(_context: jinja2.runtime.Context, value: Any) -> Markup:
    """A value printed in a ``.conf`` template: quoted, unless it is the text of a block or macro."""
    if isinstance(value, Markup):
        return value
    values = value if isinstance(value, list | tuple) else [value]
    return Markup(" ".join(quote(str(part)) for part in values))  # noqa: S704


def _rendered(environment: jinja2.Environment, template: str, values: Mapping[str, Any]) -> str:
    try:
        return environment.get_template(template).render(values)
    except jinja2.TemplateSyntaxError as error:
        file = error.filename or error.name or template
        raise TemplateError(error.message or "syntax error", file, error.lineno) from None
    except jinja2.TemplateNotFound as error:
        raise TemplateError(f"there is no template {error}", template, None) from error
    except Exception as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(".j2")]
        file, line = (frames[-1].filename, frames[-1].lineno) if frames else (template, None)
        raise TemplateError(str(error), file, line) from error
