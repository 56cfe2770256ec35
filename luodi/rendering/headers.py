"""The headers that every answer carries, each said once for all the sites of a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from luodi import web
from luodi.rendering.errors import RenderingError, checked

POLICY = (
    "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'; object-src 'none'; "
    "img-src 'self' data:; style-src 'self' 'unsafe-inline'"
)
"""A Content-Security-Policy to begin with: what a site brings itself, and styles in its pages, as the footer's are."""

PERMISSIONS = "camera=(), display-capture=(), geolocation=(), microphone=(), midi=(), payment=(), usb=()"
"""A Permissions-Policy: what no page may use unless the site says so."""

DOCUMENTS = ("Content-Security-Policy", "Content-Security-Policy-Report-Only", "Permissions-Policy")
"""The headers that mean something for documents alone, and are not sent with anything else."""


@dataclass(frozen=True)
class Hsts:
    """Browsers are told to come by https alone, for so many seconds."""

    max_age: int
    subdomains: bool = False
    preload: bool = False

    def __str__(self) -> str:
        return f"max-age={self.max_age}{'; includeSubDomains' * self.subdomains}{'; preload' * self.preload}"


@dataclass(frozen=True)
class Headers:
    """The headers of a site's answers. An application's own comes first: none is sent twice.

    `frame` says who may show its pages in a frame (None: everybody). `policy` is its Content-Security-Policy,
    `policy_mode` whether browsers keep it (``enforce``), only report what would break it (``report-only``) or are not
    told (``off``). `more` are further headers, by name.

    Raises RenderingError for a header that can't be sent.
    """

    frame: Literal["SAMEORIGIN", "DENY"] | None = "SAMEORIGIN"
    referrer: str = "strict-origin-when-cross-origin"
    permissions: str | None = PERMISSIONS
    policy: str = POLICY
    policy_mode: Literal["off", "report-only", "enforce"] = "report-only"
    hsts: Hsts | None = None
    more: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in self.sent(noindex=False).items():
            checked(web.header_name, name)
            checked(web.header_value, value)
        for name in self.more:
            if name.lower() in web.SAID_BY_NGINX:
                raise RenderingError(f"{name} is not for further headers to say")

    def sent(self, *, noindex: bool) -> dict[str, str]:
        """Name and value of each."""
        found = {
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": self.referrer,
            "X-Frame-Options": self.frame or "",
            "Permissions-Policy": self.permissions or "",
            "Content-Security-Policy": self.policy if self.policy_mode == "enforce" else "",
            "Content-Security-Policy-Report-Only": self.policy if self.policy_mode == "report-only" else "",
            "Strict-Transport-Security": str(self.hsts) if self.hsts else "",
            "X-Robots-Tag": "noindex, nofollow" if noindex else "",
        }
        standing = {name.lower(): name for name in found}
        for name, value in self.more.items():
            found[standing.get(name.lower(), name)] = value
        return {name: value for name, value in found.items() if value}


@dataclass(frozen=True)
class Header:
    """One header as nginx adds it: `name`, the nginx variable's name, and the value of each site, by its names."""

    name: str
    values: Mapping[str, str]
    everywhere: str | None

    @property
    def variable(self) -> str:
        """What its name is in nginx."""
        return self.name.lower().replace("-", "_")

    @property
    def said_by(self) -> tuple[str, ...]:
        """The application's headers, as nginx calls them, that leave nothing for this one to say."""
        policy = "content_security_policy"
        return (policy, self.variable) if self.variable == f"{policy}_report_only" else (self.variable,)

    @property
    def documents(self) -> bool:
        """Whether it goes with documents alone."""
        return self.name in DOCUMENTS

    @property
    def https(self) -> bool:
        """Whether it goes with answers over HTTPS alone."""
        return self.name == "Strict-Transport-Security"


def headers(sites: Mapping[tuple[str, ...], Mapping[str, str]]) -> list[Header]:
    """Each header of any site, once. `sites`: its names, and its headers by name.

    A value that every site has is said once, else by name.
    """
    spelled = {name.lower(): name for sent in sites.values() for name in sent}
    found = []
    for name in spelled.values():
        of_each = {
            names: next((value for sent_name, value in sent.items() if sent_name.lower() == name.lower()), "")
            for names, sent in sites.items()
        }
        same = set(of_each.values())
        values = {each: value for names, value in of_each.items() for each in names if value}
        found.append(Header(name, values, same.pop() if len(same) == 1 else None))
    return found
