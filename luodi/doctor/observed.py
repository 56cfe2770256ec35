"""What was seen of a site: typed, and not judged yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from luodi.filing.numbers import IcpNumber, PublicSecurityNumber


@dataclass(frozen=True)
class Target:
    """What is looked at: a host name in A-labels, and the ports where it answers."""

    name: str
    https_port: int = 443
    http_port: int = 80

    def origin(self, name: str) -> str:
        """A name's https address there, without a path."""
        return f"https://{name}" if self.https_port == 443 else f"https://{name}:{self.https_port}"


@dataclass(frozen=True)
class Expected:
    """What a stack file says that has to be seen; nothing is expected of a site that luodi did not make."""

    address: str | None = None
    icp: IcpNumber | None = None
    public_security: PublicSecurityNumber | None = None
    indexed: bool = False
    """Whether search engines are to find it, as they do a published site of production."""


@dataclass(frozen=True)
class Resolved:
    """What DNS says of a name. `error` is why it says nothing."""

    addresses: tuple[str, ...] = ()
    error: str | None = None
    six: tuple[str, ...] = ()
    """By IPv6."""


@dataclass(frozen=True)
class Answer:
    """What came back for a request; `seconds` is until the last byte that was read. `error` is why nothing did."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    truncated: bool = False
    seconds: float = 0.0
    error: str | None = None
    cookies: tuple[str, ...] = ()
    path: str = "/"
    """Where on the site the answer is from, after the redirects of the site itself."""


@dataclass(frozen=True)
class Tls:
    """A handshake: `verify_code` is OpenSSL's X509_V_ERR of a client that checks, 0 where it would accept."""

    not_after: datetime | None = None
    issuer: str = ""
    key: str = ""
    bits: int = 0
    verify_code: int = 0
    verify_message: str = ""
    old: tuple[str, ...] = ()
    modern: bool = True
    error: str | None = None


@dataclass(frozen=True)
class Host:
    """One name of a site, and what it answers; `exposed` are paths that show what no visitor should see."""

    name: str
    resolved: Resolved
    tls: Tls | None = None
    https: Answer | None = None
    http: Answer | None = None
    exposed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seen:
    """A site, looked at. `bare` is what its address answers to a name that is not its own; `rendered` the DOM that a
    browser made of the page, None where there is no browser; `name_servers` and `caa` those of the zone."""

    target: Target
    hosts: tuple[Host, ...]
    name_servers: tuple[str, ...] = ()
    caa: tuple[str, ...] = ()
    open_ports: tuple[int, ...] = ()
    bare: Answer | None = None
    rendered: str | None = None
    screenshot: bytes | None = field(default=None, repr=False)
