"""A site as nginx serves it, and where nginx listens."""

from __future__ import annotations

import re
from dataclasses import dataclass

from luodi.rendering.errors import RenderingError
from luodi.rendering.footer import Footer

_HOST_NAME = re.compile(r"(?:(?!-)[a-z0-9-]{1,63}(?<!-)\.)+(?!-)[a-z0-9-]{1,63}(?<!-)")
_PATH = re.compile(r"/[A-Za-z0-9._@+/-]+")


@dataclass(frozen=True)
class VirtualHost:
    """A site as nginx serves it.

    `names` are its host names as lower-case A-labels (RFC 5890), the canonical one first; all of them
    serve it. `certificate_key` is a path on the server; the certificate, with its chain, is the
    release's own ``tls/<name>.pem``. With `has_content` the release has the site's folder ``html`` from
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

    @property
    def folder(self) -> str:
        """The site's folder in a release."""
        return f"sites/{self.name}"


@dataclass(frozen=True)
class Listen:
    """Where nginx listens: an IPv4 address, or every one of the server's, and the two ports."""

    address: str | None = None
    http: int = 80
    https: int = 443

    def at(self, port: int) -> str:
        """`port` as nginx's ``listen`` takes it."""
        return f"{self.address}:{port}" if self.address else str(port)


EVERYWHERE = Listen()
"""Every address of the server, the usual ports."""
