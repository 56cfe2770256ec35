"""The footer of a site's pages."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from luodi.section import Section, Text


class FooterSettings(Section):
    """The footer of the site's pages; the numbers in it are those of `luodi:filing`."""

    language: Literal["zh", "en", "both"] = Field(
        "zh", description="The words around the numbers, which stand as they were issued: Chinese, English or both."
    )
    icon: Text | None = Field(
        None,
        description="The public-security icon (备案编号图标): an SVG or PNG file, relative to the project. By default "
        "luodi's own drawing; the official one is at https://beian.mps.gov.cn/.",
    )
    inject: bool = Field(
        True,
        description="Put it into every page. A site that has it in its pages itself turns this off.",
    )
