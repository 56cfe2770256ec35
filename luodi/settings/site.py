"""The site itself."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from luodi.section import Section, Text
from luodi.settings.delivery import BuildSettings
from luodi.settings.footer import FooterSettings
from luodi.settings.values import HostName, Network

MOST_NAMES = 100
"""Host names in one certificate: https://letsencrypt.org/docs/rate-limits/"""


class SiteSettings(Section):
    """The site itself."""

    domain: HostName = Field(description="The site's domain; a Chinese domain (IDN) is converted.")
    title: Text = Field(description="The site's name (网站名称), shown on the holding page.")
    kind: Literal["static"] = Field("static", description="What is served: files.")
    names: tuple[HostName, ...] | None = Field(
        None,
        strict=False,
        description="Every host name that the site answers to. By default the domain and, for a registered "
        "domain, its www.",
    )
    content: Text | None = Field(
        None,
        description="The folder of the site's files, relative to the project. Without one a holding page is served.",
    )
    build: BuildSettings | None = Field(
        None, description="A command that makes the site's files, in place of `content`; `pulumi up` runs it first."
    )

    allow: tuple[Network, ...] = Field(
        (),
        strict=False,
        description="Who may see the site while its filing keeps it from the public: the team's CIDR blocks, such as "
        "203.0.113.7/32.",
    )
    footer: FooterSettings = Field(FooterSettings.model_validate({}), description="The footer of its pages.")

    @field_validator("names")
    @classmethod
    def _fit_a_certificate(cls, names: tuple[str, ...] | None, info: ValidationInfo) -> tuple[str, ...] | None:
        if names is not None:
            if not names:
                raise ValueError("is empty; name a host, or leave it out for the domain and its www")
            if (count := len({*names, info.data.get("domain", names[0])})) > MOST_NAMES:
                raise ValueError(f"{count} names with the domain's; a certificate holds {MOST_NAMES} at most")
        return names

    @field_validator("build")
    @classmethod
    def _one_content(cls, build: BuildSettings | None, info: ValidationInfo) -> BuildSettings | None:
        if build is not None and info.data.get("content") is not None:
            raise ValueError("content is set too; leave it out, for build.output is where the site's files are")
        return build

    @property
    def folder(self) -> str | None:
        """Where the site's files are, or will be once they are built."""
        return self.build.output if self.build else self.content
