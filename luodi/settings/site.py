"""The site itself, of one kind or another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from luodi import web
from luodi.section import Section, Text
from luodi.settings.footer import FooterSettings
from luodi.settings.kinds import MiniProgramKeys, PathSettings, PhpKeys, ProxyKeys, SpaKeys, StaticKeys
from luodi.settings.serving import (
    AreaSettings,
    FileName,
    HeadersSettings,
    LimitsSettings,
    MaintenanceSettings,
    RedirectSettings,
    listed,
    switched,
)
from luodi.settings.values import HostName, Network

MOST_NAMES = 100
"""Host names in one certificate: https://letsencrypt.org/docs/rate-limits/"""


class SiteSettings(Section):
    """The site itself, whatever its kind."""

    domain: HostName = Field(description="The site's domain; a Chinese domain (IDN) is converted.")
    title: Text = Field(description="The site's name (网站名称), shown on the holding page.")
    names: tuple[HostName, ...] | None = Field(
        None,
        strict=False,
        description="Every host name that the site answers to. By default the domain and, for a registered "
        "domain, its www.",
    )
    aliases: Literal["serve", "redirect"] = Field(
        "serve", description="What its other names do: serve the site too, or lead to the domain."
    )
    allow: tuple[Network, ...] = Field(
        (),
        strict=False,
        description="Who may see the site while its filing keeps it from the public: the team's CIDR blocks, such as "
        "203.0.113.7/32.",
    )
    footer: FooterSettings = Field(FooterSettings.model_validate({}), description="The footer of its pages.")
    paths: tuple[PathSettings, ...] = Field(
        (),
        strict=False,
        description="What is served under some paths instead: each with a path, a kind (static, spa or proxy) and "
        "that kind's keys.",
    )
    redirects: tuple[RedirectSettings, ...] = Field((), strict=False, description="Where visitors are sent on.")
    areas: Annotated[tuple[AreaSettings, ...], BeforeValidator(listed)] = Field(
        (), strict=False, description="Parts that are not for everybody."
    )
    verification: dict[FileName, str] = Field(
        {},
        description="Files at the root by which others know the owner, byte for byte: WeChat's `WW_verify_....txt`, a "
        "search engine's. Name to text.",
    )
    maintenance: Annotated[MaintenanceSettings | None, BeforeValidator(switched)] = Field(
        None, description="`true`, or a mapping: the site is being worked on."
    )
    noindex: bool = Field(False, description="Ask search engines to leave the site alone: for staging.")
    headers: HeadersSettings = HeadersSettings.model_validate({})
    limits: LimitsSettings = LimitsSettings.model_validate({})

    @field_validator("names")
    @classmethod
    def _fit_a_certificate(cls, names: tuple[str, ...] | None, info: ValidationInfo) -> tuple[str, ...] | None:
        if names is not None:
            if not names:
                raise ValueError("is empty; name a host, or leave it out for the domain and its www")
            if (count := len({*names, info.data.get("domain", names[0])})) > MOST_NAMES:
                raise ValueError(f"{count} names with the domain's; a certificate holds {MOST_NAMES} at most")
        return names

    @field_validator("paths")
    @classmethod
    def _elsewhere(cls, paths: tuple[PathSettings, ...]) -> tuple[PathSettings, ...]:
        for place in paths:
            if not place.path.endswith("/") or place.path == "/":
                raise ValueError(
                    f"{place.path} is no folder below the root; write it with a / at its end, such as /api/"
                )
        _once(place.path for place in paths)
        return paths

    @field_validator("redirects")
    @classmethod
    def _led_once(cls, redirects: tuple[RedirectSettings, ...]) -> tuple[RedirectSettings, ...]:
        _once(redirect.path for redirect in redirects)
        for redirect in redirects:
            if redirect.to == redirect.path:
                raise ValueError(f"{redirect.path} leads to itself")
        return redirects

    @field_validator("areas")
    @classmethod
    def _closed_once(cls, areas: tuple[AreaSettings, ...]) -> tuple[AreaSettings, ...]:
        _once(area.path.rstrip("/") or "/" for area in areas)
        return areas

    @model_validator(mode="after")
    def _apart(self) -> SiteSettings:
        ours = {*web.ANSWERED_BY_LUODI, *([web.ROBOTS] if self.noindex else [])}
        for name in self.verification:
            if f"/{name}" in ours:
                raise ValueError(f"verification: /{name} is answered by luodi itself")
        taken = {place.path for place in self.paths} | {f"/{name}" for name in self.verification} | ours
        for redirect in self.redirects:
            if redirect.path.removesuffix("*") in taken or redirect.path in ("/", "/*"):
                raise ValueError(f"redirects: {redirect.path} is served by something else")
        return self


def _once(paths: Iterable[str]) -> None:
    if twice := [path for path, count in Counter(paths).items() if count > 1]:
        raise ValueError(f"has {twice[0]} twice")


class StaticSite(StaticKeys, SiteSettings):
    """Files."""


class SpaSite(SpaKeys, SiteSettings):
    """A single-page application: files, and the index for every address that is none."""


class ProxySite(ProxyKeys, SiteSettings):
    """An application on the server."""


class MiniProgramSite(MiniProgramKeys, SiteSettings):
    """The back end of a mini-program (小程序): what its console lists as domains (服务器域名), and what is at each."""

    @model_validator(mode="after")
    def _named(self) -> MiniProgramSite:
        names = {self.domain, *(self.names or ())}
        for purpose in ("request", "socket", "upload", "download"):
            host = getattr(self, purpose).host
            if host is not None and host not in names:
                raise ValueError(f"{purpose}.host: {host} is not among the site's names; add it there")
        return self


class PhpSite(PhpKeys, SiteSettings):
    """A PHP application, such as WordPress."""


KINDS: tuple[type[SiteSettings], ...] = (StaticSite, SpaSite, ProxySite, MiniProgramSite, PhpSite)
"""What a site may be; static where its kind is not said."""
