"""Jinja templates, a team's own before the ones that luodi comes with."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from luodi.rendering.errors import RenderingError
from luodi.rendering.loading import is_shipped, own_places, rendered, template_loader
from luodi.rendering.printing import quoting
from luodi.rendering.quoting import quote

_SNIPPET = re.compile(r"nginx/snippets/(?:(?P<site>[^/]+)/)?(?P<place>http|server|location)[A-Za-z0-9._-]*\.conf")


class Templates:
    """The templates of a folder laid out like the project's ``templates/``.

    What that folder does not have is taken from the files shipped, which stay reachable under
    ``luodi/`` (``{% extends "luodi/nginx/site.conf.j2" %}``).
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._loader = template_loader(folder)
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
        self._nginx = jinja2.Environment(**settings, finalize=quoting(quote))  # noqa: S701
        self._nginx.globals.update(_WORDS, part=self._part)

    def page(self, name: str, **values: Any) -> str:
        """An HTML template, in which every value printed is escaped. Raises TemplateError."""
        return rendered(self._html, f"{name}.j2", values)

    def configuration(self, name: str, **values: Any) -> str:
        """An nginx template, in which every value printed is quoted. Raises RenderingError."""
        return rendered(self._nginx, f"{name}.j2", values)

    def source(self, name: str) -> str:
        """A file as it is."""
        return self._loader.get_source(self._html, name)[0]

    def snippets(self) -> dict[str, str]:
        """nginx files of the team's own, included as they are: path to text.

        ``nginx/snippets/{http,server,location}*.conf`` for every site, ``nginx/snippets/<name>/server*.conf`` for one.
        Raises RenderingError for a file there that would be included nowhere.
        """
        found = {}
        for place in reversed(own_places(self._folder)):
            for path in sorted((place / "nginx/snippets").rglob("*.conf*")):
                name = path.relative_to(place).as_posix()
                match = _SNIPPET.fullmatch(name)
                if match is None and path.suffix == ".j2":
                    raise RenderingError(f"{path}: a snippet is nginx's as it stands; take .j2 off its name")
                if path.suffix != ".conf":
                    continue
                if match is None or (match["site"] and match["place"] == "http"):
                    raise RenderingError(
                        f"{path}: would be included nowhere; name it http*.conf, server*.conf or location*.conf in "
                        "nginx/snippets/, or server*.conf or location*.conf in nginx/snippets/<domain>/ for one site "
                        "alone"
                    )
                try:
                    found[name] = path.read_text("utf-8")
                except (OSError, UnicodeDecodeError) as error:
                    raise RenderingError(f"{path} can't be read: {error}") from None
        return dict(sorted(found.items()))

    @jinja2.pass_context
    def _part(self, context: jinja2.runtime.Context, name: str, **values: Any) -> Markup:
        """Another nginx template, rendered with what this one knows, below a line that says where it came from."""
        template = self._nginx.get_template(f"nginx/{name}.conf.j2")
        text = template.render({**context.get_all(), **values}).rstrip("\n")
        if not text.strip():
            return Markup("")
        whose = "" if is_shipped(Path(template.filename or "")) else " (the project's own)"
        margin = " " * (len(text) - len(text.lstrip(" ")))
        return Markup(f"{margin}# --- nginx/{name}.conf.j2{whose}\n{text}")  # noqa: S704


def place_of(snippet: str) -> tuple[str | None, str]:
    """The site that a snippet is for, if one alone, and where in nginx it is included."""
    match = _SNIPPET.fullmatch(snippet)
    if match is None:
        raise RenderingError(f"{snippet}: no snippet")
    return match["site"], match["place"]


# --- what an nginx template can say besides quoted values ----------------------------------------


def _variable(name: str) -> Markup:
    """An nginx variable."""
    if not re.fullmatch(r"[a-z0-9_]+", name):
        raise RenderingError(f"{name!r} is no variable's name")
    return Markup(f"${name}")  # noqa: S704


def _pattern(text: str) -> Markup:
    """A regular expression as one parameter of nginx's, in a place where no variable is expanded. It ends in no ``$``:
    that would be read as a variable in others."""
    return Markup(quote(text))  # noqa: S704


def _starts_with(text: str) -> Markup:
    return _pattern(f"~^{re.escape(text)}")


def _beneath(path: str, before: str = "", *, by_script: bool = False) -> Markup:
    """A folder and all in it, or a file, behind the text `before`: as an application may take its name too.

    Express takes ``/Admin`` for ``/admin``, and Java ``/admin;a=b``; an application of pages made beforehand is asked
    for ``/admin.html`` as ``/admin``. `by_script` is PHP's way: ``/index.php/admin``.
    """
    parts = [re.escape(part) for part in re.sub(r"(?<=[^/])\.html$", "", path).split("/") if part]
    if not parts:
        return _starts_with(f"{before}/")
    first, later = (r"(?:/.*\.php)?", r"(?:/[^/;]+\.php)?") if by_script else ("", "")
    root, between = rf"{first}(?:/;[^/]*)*/", rf"(?:;[^/]*)?{later}(?:/;[^/]*)*/"
    return _pattern(rf"~*^{re.escape(before)}{root}{between.join(parts)}(?:\.html)?(?:[/;]|\z)")


def _rest_of(path: str, target: str) -> Markup:
    """What a visitor adds to a path that leads to `target`. A slash of theirs after its own would, at the root, begin
    another host's name (``//evil.example``, which browsers write with a backslash too)."""
    slashes = r"[/\\]*" if target.partition("#")[0].endswith("/") else ""
    return _pattern(f"~^{''.join(map(_as_sent, path))}{slashes}(?<luodi_rest>.*)")


def _as_sent(char: str) -> str:
    """A character of a path as a visitor may send it: browsers write what is no ASCII by its bytes."""
    if re.fullmatch(r"[A-Za-z0-9._~/-]", char):
        return re.escape(char)
    return f"(?:{re.escape(char)}|(?i:{''.join(f'%{byte:02x}' for byte in char.encode())}))"


def _runnable(path: str) -> Markup:
    return _pattern(rf"^{re.escape(path)}.*\.(?:ph(?:p\d?|t|tml|ps|ar)|pl|py|cgi|sh)(?:/|\z)")


def _joined(text: str, *variables: str) -> Markup:
    """A text with variables after it, before its fragment (#); with the visitor's query only where it has none."""
    before, mark, fragment = text.partition("#")
    kept = () if "?" in before and variables[:1] == ("is_args",) else variables
    added = "".join(f"${{{name}}}" for name in kept)
    return Markup(f'"{_inside(before)}{added}{_inside(mark + fragment)}"')  # noqa: S704


def _inside(text: str) -> str:
    """A text within quotation marks, whatever stands beside it."""
    return quote(f"{text} ")[1:-2]  # the space makes sure of the quotation marks


def _head(text: str) -> Markup:
    """A name in a comment."""
    return Markup(re.sub(r"[^\w.:\[\]-]", "?", text))  # noqa: S704


_WORDS: Mapping[str, Callable[..., Markup]] = {
    "variable": _variable,
    "starts_with": _starts_with,
    "beneath": _beneath,
    "rest_of": _rest_of,
    "runnable": _runnable,
    "joined": _joined,
    "head": _head,
}
