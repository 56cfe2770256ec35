"""A site as nginx serves it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from luodi import web
from luodi.rendering.errors import RenderingError, checked
from luodi.rendering.footer import Footer
from luodi.rendering.headers import Headers
from luodi.rendering.kinds import Kind, MiniProgram, Php, Proxy, Static

_HOST_NAME = re.compile(r"(?:(?!-)[a-z0-9-]{1,63}(?<!-)\.)+(?!-)[a-z0-9-]{1,63}(?<!-)")
_ORIGIN = re.compile(r"(https?://[^/?#]+)(#.*)?")
_PATH = re.compile(r"/?[A-Za-z0-9._@+/-]+")


@dataclass(frozen=True)
class CertificateFiles:
    """A certificate with its chain, and its key: absolute paths on the server, or paths in the release."""

    chain: str
    key: str

    def __post_init__(self) -> None:
        for path in (self.chain, self.key):
            if not _PATH.fullmatch(path):
                raise RenderingError(f"{path!r} is no path of letters, digits and . _ @ + - /")


@dataclass(frozen=True)
class Location:
    """What a site serves under a path, in place of what it serves elsewhere."""

    path: str
    kind: Kind

    def __post_init__(self) -> None:
        checked(web.path_prefix, self.path)


@dataclass(frozen=True)
class Redirect:
    """Visitors of a path are sent on. A `path` that ends in ``*`` is all that begins so, and what stands in its place
    is added to `to`, a path or an address; the query goes along, unless `to` has one."""

    path: str
    to: str
    code: int = 301

    def __post_init__(self) -> None:
        checked(web.path_prefix, self.path.removesuffix("*"))
        checked(web.target, self.to)
        if self.code not in (301, 302, 303, 307, 308):
            raise RenderingError(f"{self.code} is no redirect: 301, 302, 303, 307 or 308")

    @property
    def target(self) -> str:
        """`to`, with the slash that a bare address lacks: what is added may be part of a path, never of the host."""
        return _ORIGIN.sub(r"\1/\2", self.to) if self.path.endswith("*") and _ORIGIN.fullmatch(self.to) else self.to


@dataclass(frozen=True)
class Area:
    """A part of a site that is not for everybody: for whom an address of `allow` (CIDR blocks) vouches and, where there
    are `users`, for them by their passwords.

    `users` are names and password hashes as crypt(3) takes them.
    """

    path: str
    users: tuple[tuple[str, str], ...] = ()
    allow: tuple[str, ...] = ()
    realm: str = "Restricted"

    def __post_init__(self) -> None:
        checked(web.path_prefix, self.path)
        for name, hashed in self.users:
            checked(web.user_name, name)
            if any(ord(char) < 33 or char == ":" for char in hashed):
                raise RenderingError(f"the password hash of {name} has a space, a line break or a colon")

    @property
    def password_file(self) -> str:
        """The lines of nginx's ``auth_basic_user_file``."""
        return "".join(f"{name}:{hashed}\n" for name, hashed in self.users)


@dataclass(frozen=True)
class Maintenance:
    """The site is being worked on: everybody but `allow` (CIDR blocks) gets a page that says so, and 503 with
    ``Retry-After`` in seconds."""

    allow: tuple[str, ...] = ()
    retry_after: int = 600


@dataclass(frozen=True)
class Limits:
    """What one address may ask for: requests a second, with `burst` more at once, and open connections (with HTTP/2,
    requests at once). The server itself has no limit."""

    rate: int = 50
    burst: int = 500
    connections: int = 200


@dataclass(frozen=True)
class Front:
    """What nginx serves under some of a site's names."""

    names: tuple[str, ...]
    locations: tuple[Location, ...]


@dataclass(frozen=True)
class VirtualHost:
    """A site as nginx serves it.

    `names` are its host names as lower-case A-labels (RFC 5890), the canonical one first; all of them
    serve it, or, with `one_name`, lead to the canonical one. `kind` is what it serves, but for `paths`.
    `certificates` are as many as there are types of key. `inject_footer` puts the footer into every
    page; a site that includes the snippet itself wants that off. `ocsp` staples OCSP answers: only for
    an authority that still gives them (Let's Encrypt does not, since 2025).

    `audience` are the CIDR blocks that are answered, the server itself besides; everybody else gets nothing.
    None is everybody. `verification` are files that others find the owner by (WeChat's, a search engine's): name to
    text, each at the root, byte for byte. `noindex` asks search engines to leave the site alone. `source` is where the
    stack file has it, for the head of the file.

    Raises RenderingError for a name or a path that is none, or for two things at one path.
    """

    names: tuple[str, ...]
    title: str
    footer: Footer
    certificates: tuple[CertificateFiles, ...]
    kind: Kind
    paths: tuple[Location, ...] = ()
    redirects: tuple[Redirect, ...] = ()
    areas: tuple[Area, ...] = ()
    verification: Mapping[str, str] = field(default_factory=dict)
    maintenance: Maintenance | None = None
    headers: Headers = field(default_factory=Headers)
    limits: Limits = Limits()
    one_name: bool = False
    noindex: bool = False
    inject_footer: bool = True
    ocsp: bool = False
    audience: tuple[str, ...] | None = None
    source: str = "luodi:site"

    def __post_init__(self) -> None:
        if not self.names:
            raise RenderingError("a site needs a host name")
        for name in self.names:
            if len(name) > 253 or not _HOST_NAME.fullmatch(name):
                raise RenderingError(f"{name!r} is no host name in lower-case A-labels (RFC 5890)")
        if not self.certificates:
            raise RenderingError(f"{self.name} needs a certificate")
        for file in self.verification:
            checked(web.file_name, file)
        if isinstance(self.kind, MiniProgram) and (strange := set(self.kind.hosts) - set(self.names)):
            raise RenderingError(f"{', '.join(sorted(strange))} is not among the names of {self.name}")
        leading = [each.path for each in self.redirects]
        under = [path.removesuffix("*") for path in leading if path.endswith("*")]
        for front in self.fronts:
            self._once([*(place.path for place in front.locations), *under])
        ours = (*web.ANSWERED_BY_LUODI, *([web.ROBOTS] if self.noindex else ()))
        self._once(
            [*(path for path in leading if not path.endswith("*")), *(f"/{file}" for file in self.verification), *ours]
        )

    def _once(self, paths: list[str]) -> None:
        if twice := sorted({path for path in paths if paths.count(path) > 1}):
            raise RenderingError(f"{self.name} has {twice[0]} twice")

    @property
    def name(self) -> str:
        """The canonical name."""
        return self.names[0]

    @property
    def folder(self) -> str:
        """The site's folder in a release."""
        return f"sites/{self.name}"

    @property
    def aliases(self) -> tuple[str, ...]:
        """The names that lead to the canonical one."""
        own = set(self.kind.hosts) if isinstance(self.kind, MiniProgram) else set()
        return tuple(name for name in self.names[1:] if name not in own) if self.one_name else ()

    @property
    def fronts(self) -> tuple[Front, ...]:
        """What is served under which names."""
        if not isinstance(self.kind, MiniProgram):
            names = tuple(name for name in self.names if name not in self.aliases)
            return (Front(names, (Location("/", self.kind), *self.paths)),)
        own = self.kind.hosts
        rest = tuple(name for name in self.names if name not in own and name not in self.aliases)
        shared = (*(Location(path, proxy) for path, proxy in self.kind.proxies(None)), *self.paths)
        fronts = [Front(rest, shared)] if rest else []
        for host in own:
            fronts.append(Front((host,), tuple(Location(path, proxy) for path, proxy in self.kind.proxies(host))))
        return tuple(fronts)

    @property
    def locations(self) -> Iterator[Location]:
        """Everything that is served anywhere."""
        for front in self.fronts:
            yield from front.locations

    @property
    def has_files(self) -> bool:
        """Whether any of it is files of the site's own, so that its folder of them is looked at."""
        return any(not isinstance(place.kind, Proxy) for place in self.locations)

    @property
    def needs_holding_page(self) -> bool:
        """Whether there is nothing yet at the root."""
        return isinstance(self.kind, Static | Php) and not self.kind.has_content

    @property
    def immutable(self) -> tuple[str, ...]:
        """The paths whose files never change under their names."""
        kinds = [place.kind for place in self.locations]
        return tuple(path for kind in kinds if not isinstance(kind, Proxy | MiniProgram) for path in kind.immutable)
