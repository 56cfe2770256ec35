"""Settings to text: the nginx files of a release, and the footer. Pure but for reading templates.

A release is a folder on the server, ``/opt/luodi/releases/<id>``. `Renderer.nginx_files` gives what is in
it; whoever delivers it adds ``tls/<name>.pem`` and the site's content, ``html/``. Every path that nginx is
given is absolute and inside that folder. So ``nginx -t -c /opt/luodi/releases/<id>/nginx/nginx.conf`` judges
just that release before it is switched on, and the file means the same once ``/etc/nginx/nginx.conf`` is a
link to it: a relative ``include`` or ``ssl_certificate`` would be looked for beside the path that nginx was
*told*, which then is ``/etc/nginx``. And workers that still serve the release before keep to its files.

No text reaches nginx but through `quote`: in a ``.conf`` template each value printed is quoted, and in a
``.html`` template each is escaped for HTML. An undefined value is an error.
"""

from __future__ import annotations

import re
import tomllib
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from luodi.filing.numbers import IcpNumber, PublicSecurityNumber


class RenderingError(ValueError):
    """Something that can't be rendered."""


class TemplateError(RenderingError):
    """A template that can't be rendered; its text has the file, the line and the lines around it."""

    def __init__(self, reason: str, file: str, line: int | None) -> None:
        self.reason, self.file, self.line = reason, file, line
        where = file if line is None else f"{file}, line {line}"
        super().__init__("\n".join([f"{where}: {reason}", *_neighbours(file, line)]))


@dataclass(frozen=True)
class Footer:
    """What stands at the foot of every page: the site's numbers and, with them, its owner.

    `owner` is the subject's name (主办单位) for a copyright line; by itself it makes no footer.
    """

    icp: IcpNumber | None = None
    public_security: PublicSecurityNumber | None = None
    owner: str | None = None

    def __bool__(self) -> bool:
        """Whether there is a number to show."""
        return self.icp is not None or self.public_security is not None


@dataclass(frozen=True)
class VirtualHost:
    """A site as nginx serves it.

    `names` are its host names as lower-case A-labels (RFC 5890), the canonical one first; all of them
    serve it. `certificate_key` is a path on the server; the certificate, with its chain, is the
    release's own ``tls/<name>.pem``. With `has_content` the release has a folder ``html`` from
    elsewhere; without, a holding page is rendered into it. `inject_footer` puts the footer into every
    page; a site that includes the snippet itself wants that off. `ocsp` staples OCSP answers: only for
    an authority that still gives them (Let's Encrypt does not, since 2025).

    `audience` are the CIDR blocks that are answered, the server itself besides; everybody else gets nothing.
    None is everybody.

    Raises RenderingError for a name or a path that is none.
    """

    names: tuple[str, ...]
    title: str
    footer: Footer
    certificate_key: str
    has_content: bool
    inject_footer: bool = True
    ocsp: bool = False
    audience: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not self.names:
            raise RenderingError("a site needs a host name")
        for name in self.names:
            if len(name) > 253 or not _HOST_NAME.fullmatch(name):
                raise RenderingError(f"{name!r} is no host name in lower-case A-labels (RFC 5890)")
        if not _PATH.fullmatch(self.certificate_key):
            raise RenderingError(f"{self.certificate_key!r} is no absolute path of letters, digits and . _ @ + - /")

    @property
    def name(self) -> str:
        """The canonical name."""
        return self.names[0]


@dataclass(frozen=True)
class Listen:
    """Where nginx listens: an IPv4 address, or every one of the server's, and the two ports."""

    address: str | None = None
    http: int = 80
    https: int = 443

    def at(self, port: int) -> str:
        """`port` as nginx's ``listen`` takes it."""
        return f"{self.address}:{port}" if self.address else str(port)


RELEASES = "/opt/luodi/releases"
"""The folder on the server that has a folder for each release, named by its id."""

RELEASE = "<release>"
"""Stands for the id of a release in its files under ``nginx/`` while it isn't known yet: the id is a digest
of the files. A user's text can't hold it there, since what reaches those files is HTML without a bare <.
"""

OLDEST_NGINX = "1.19.4"
"""The first version with ssl_reject_handshake (https://nginx.org/en/CHANGES)."""


def quote(text: str) -> str:
    """`text` as one parameter of nginx's that stands for exactly that text.

    A dollar sign, which nginx can't escape, becomes a variable that ``nginx.conf`` defines; so it may only
    stand where nginx expands variables. Raises RenderingError for what nginx can't hold: U+0000, a lone
    surrogate, or more than 4,000 bytes.
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "${luodi_dollar}")
    try:
        size = len(escaped.encode())
    except UnicodeEncodeError:
        raise RenderingError(f"{ascii(text)[:60]} has half of a surrogate pair") from None
    if "\0" in text:
        raise RenderingError(f"{ascii(text)[:60]} has a character U+0000")
    if size > _LONGEST:
        raise RenderingError(f"{text[:60]!r}... takes {size} bytes; nginx reads at most {_LONGEST} as one parameter")
    return text if _BARE.fullmatch(text) else f'"{escaped}"'


def shipped_templates() -> Path:
    """The templates that luodi comes with: the project's, or, in an installed luodi, the package's own."""
    package = Path(__file__).parent
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


_HOST_NAME = re.compile(r"(?:(?!-)[a-z0-9-]{1,63}(?<!-)\.)+(?!-)[a-z0-9-]{1,63}(?<!-)")
_PATH = re.compile(r"/[A-Za-z0-9._@+/-]+")
_BARE = re.compile(r"[A-Za-z0-9._:/@+<>-]+")
_LONGEST = 4000
_ICON = "assets/public-security.svg"


def _version(text: str) -> tuple[int, int, int]:
    found = re.search(r"(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?", text)
    if found is None:
        raise RenderingError(f"{text!r} is no version of nginx, such as 1.22.1")
    major, minor, patch = found.groups(default="0")
    return int(major), int(minor), int(patch)


@cache
def _tls() -> Mapping[str, Any]:
    return tomllib.loads(resources.files("luodi.data").joinpath("tls.toml").read_text("utf-8"))


@jinja2.pass_context  # without it Jinja escapes constants for HTML before it asks
def _quoted(_context: jinja2.runtime.Context, value: Any) -> Markup:
    """A value printed in a ``.conf`` template: quoted, unless it is the text of a block or macro."""
    if isinstance(value, Markup):
        return value
    values = value if isinstance(value, list | tuple) else [value]
    return Markup(" ".join(quote(str(part)) for part in values))  # noqa: S704


class Renderer:
    """Renders from a folder laid out like the project's ``templates/``.

    What that folder does not have is taken from the files shipped, which stay reachable under
    ``luodi/`` (``{% extends "luodi/nginx/site.conf.j2" %}``).
    """

    def __init__(self, templates: Path | None = None) -> None:
        shipped = jinja2.FileSystemLoader(shipped_templates())
        loaders: list[jinja2.BaseLoader] = [shipped, jinja2.PrefixLoader({"luodi": shipped})]
        if templates is not None:
            loaders.insert(0, jinja2.FileSystemLoader(templates))
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

    def nginx_files(
        self,
        host: VirtualHost,
        *,
        release: str = RELEASE,
        nginx_version: str = OLDEST_NGINX,
        listen: Listen = Listen(),
    ) -> dict[str, str]:
        """The files of a release that serves `host`: path in the release -> text.

        - ``nginx/nginx.conf`` is what nginx is started with, ``nginx/sites/<name>.conf`` the site's part;
        - ``pages/`` has the error pages, ``html/index.html`` is the holding page of a site without content;
        - ``snippets/footer.html`` is the footer, if there is one, and ``assets/`` what it needs.

        `release` is the release's id; with RELEASE it is put into the files under ``nginx/`` later.
        `nginx_version` is the server's (``nginx -v``, or the number in it); what is rendered for an
        older one is read by newer ones too. Raises RenderingError, TemplateError among it.
        """
        version = _version(nginx_version)
        if version < _version(OLDEST_NGINX):
            raise RenderingError(
                f"nginx {nginx_version} can't refuse the handshake for a name that isn't served; take "
                f"{OLDEST_NGINX} or newer, as Debian 12 and Ubuntu 24.04 have it"
            )
        footer = self._page("footer/footer.html", footer=host.footer) if host.footer else ""
        values = {
            "host": host,
            "footer": footer,
            "public_security_icon": _ICON if host.footer.public_security else None,
            "release": _Release(release),
            "listen": listen,
            "http2_directive": version >= (1, 25, 1),
            "tls": _tls(),
        }
        files = {
            "nginx/nginx.conf": self._configuration("nginx/nginx.conf", **values),
            f"nginx/sites/{host.name}.conf": self._configuration("nginx/site.conf", **values),
            "pages/404.html": self._page("pages/404.html", title=host.title),
            "pages/50x.html": self._page("pages/50x.html", title=host.title),
        }
        if not host.has_content:
            files["html/index.html"] = self._page("pages/holding.html", title=host.title)
        if footer:
            files["snippets/footer.html"] = footer
        if host.footer.public_security:
            files[_ICON] = self._loader.get_source(self._html, "footer/public-security.svg")[0]
        return files

    def _page(self, name: str, **values: Any) -> str:
        return _rendered(self._html, f"{name}.j2", values)

    def _configuration(self, name: str, **values: Any) -> str:
        return _rendered(self._nginx, f"{name}.j2", values)


@dataclass(frozen=True)
class _Release:
    id: str

    def path(self, path: str) -> str:
        """The absolute path of what is at `path` in the release."""
        return f"{RELEASES}/{self.id}/{path}"


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


def _neighbours(file: str, line: int | None) -> list[str]:
    if line is None or not Path(file).is_file():
        return []
    lines = Path(file).read_text("utf-8").splitlines()
    first, last = max(1, line - 2), min(len(lines), line + 2)
    return [f"{'>' if n == line else ' '} {n:4} | {lines[n - 1]}" for n in range(first, last + 1)]
