"""How nginx serves a site, whatever its kind: redirects, closed areas, maintenance, headers, limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from luodi import web
from luodi.filing.facts import Day
from luodi.section import Section
from luodi.settings.values import Network

SEALED = "(encrypted-in-the-stack-file)"
"""Stands for a password hash where the stack's secrets can't be read: nobody gets in by it."""


def _redirected(path: str) -> str:
    web.path_prefix(path.removesuffix("*"))
    return path


def _hash(value: Any) -> str:
    if isinstance(value, Mapping) and set(value) == {"secure"}:
        return SEALED
    if not isinstance(value, str):
        raise ValueError("must be the text of a password hash, in quotes")
    return value if value == SEALED else web.password_hash(value)


def _users(value: Any) -> Any:
    if not isinstance(value, Mapping):  # said here, where what stands there is not repeated
        raise ValueError("must be a mapping of users' names to password hashes")
    return value


def listed(value: Any) -> Any:
    """A list; what stands in its place is not repeated, for it may hold a password."""
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list, an item for each")
    return value


UrlPath = Annotated[str, AfterValidator(web.path_prefix)]
RedirectPath = Annotated[str, AfterValidator(_redirected)]
Target = Annotated[str, AfterValidator(web.target)]
Size = Annotated[str, AfterValidator(web.size)]
FileName = Annotated[str, AfterValidator(web.file_name)]
LocalAddress = Annotated[str, AfterValidator(web.local_address)]
HeaderName = Annotated[str, AfterValidator(web.header_name)]
HeaderValue = Annotated[str, AfterValidator(web.header_value)]
UserName = Annotated[str, AfterValidator(web.user_name)]
PasswordHash = Annotated[str, BeforeValidator(_hash)]


class RedirectSettings(Section):
    """Visitors of a path are sent on."""

    path: RedirectPath = Field(description="`/old`, or `/old/*` for all that begins so.")
    to: Target = Field(
        description="A path, or an address with https://. After `*`, what stood in its place is added; the query goes "
        "along, unless this has one."
    )
    code: Literal[301, 302, 303, 307, 308] = 301


class AreaSettings(Section):
    """A part of the site that is not for everybody."""

    path: UrlPath = Field(
        description="The folder or file, in whatever case its letters are asked for; `/` for all of the site."
    )
    users: Annotated[dict[UserName, PasswordHash], BeforeValidator(_users)] = Field(
        {},
        description="Who may enter by a password: names, and hashes as `openssl passwd -6` makes them, best kept as "
        "secrets of the stack. Never passwords.",
    )
    allow: tuple[Network, ...] = Field(
        (), strict=False, description="From where everybody may enter, without a password: CIDR blocks."
    )

    @model_validator(mode="after")
    def _for_somebody(self) -> AreaSettings:
        if not self.users and not self.allow:
            raise ValueError("is open to nobody; name users or addresses (allow)")
        return self


class MaintenanceSettings(Section):
    """The site is being worked on: visitors get a page that says so, and status 503."""

    allow: tuple[Network, ...] = Field((), strict=False, description="Who sees the site all the same: CIDR blocks.")
    retry_after: int = Field(600, ge=1, le=604_800, description="Seconds after which to come again.")


class HstsSettings(Section):
    """HTTP Strict Transport Security: browsers come by https alone, for ever longer, so that a mistake shows early."""

    since: Day = Field(description="The day it was turned on: 5 minutes that day, then a week, a month, two years.")
    subdomains: bool = Field(False, description="For every name under the domain too.")
    preload: bool = Field(False, description="Ask browsers to ship it (hstspreload.org): hard to take back.")

    @model_validator(mode="after")
    def _whole(self) -> HstsSettings:
        if self.preload and not self.subdomains:
            raise ValueError("preload needs subdomains: true (https://hstspreload.org/)")
        return self


class HeadersSettings(Section):
    """Headers of every answer. What an application sends itself is left as it is."""

    frame: Literal["same-origin", "deny", "any"] = Field(
        "same-origin", description="Who may show its pages in a frame (X-Frame-Options)."
    )
    referrer_policy: Literal[
        "no-referrer",
        "no-referrer-when-downgrade",
        "origin",
        "origin-when-cross-origin",
        "same-origin",
        "strict-origin",
        "strict-origin-when-cross-origin",
        "unsafe-url",
    ] = "strict-origin-when-cross-origin"
    permissions_policy: HeaderValue | None = Field(
        None, description="What pages may use of the device; by default no camera, microphone, position or payment."
    )
    csp: HeaderValue | None = Field(
        None, description="Content-Security-Policy; by default what the site brings itself."
    )
    csp_mode: Literal["report-only", "enforce", "off"] = Field(
        "report-only", description="Browsers only report what breaks it, keep it, or aren't told."
    )
    hsts: HstsSettings | None = None
    more: dict[HeaderName, HeaderValue] = Field({}, description="Further headers: name to value.")

    @field_validator("more")
    @classmethod
    def _free(cls, more: dict[str, str]) -> dict[str, str]:
        for name in more:
            if name.lower() in web.SAID_BY_NGINX:
                raise ValueError(f"{name} is not for this list: nginx, the application or another setting says it")
        lower = [name.lower() for name in more]
        if twice := [name for name in more if lower.count(name.lower()) > 1]:
            raise ValueError(f"{' and '.join(twice)} are one header")
        return more


class LimitsSettings(Section):
    """What one address may ask for. Behind one address there may be a whole office or mobile network."""

    rate: int = Field(50, ge=1, le=100_000, description="Requests a second.")
    burst: int = Field(500, ge=0, le=100_000, description="Requests at once beyond that.")
    connections: int = Field(200, ge=1, le=65_535, description="Open connections (with HTTP/2: requests at once).")


def switched(value: Any) -> Any:
    """``true`` for a mapping that says no more, ``false`` for none."""
    return {True: {}, False: None}[value] if isinstance(value, bool) else value
