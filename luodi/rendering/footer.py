"""What stands at the foot of every page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from luodi.filing.numbers import IcpNumber, Licence, PublicSecurityNumber

FooterLanguage = Literal["zh", "en", "both"]


@dataclass(frozen=True)
class Footer:
    """What stands at the foot of every page: the site's numbers and, with them, its owner.

    `owner` is the subject's name (主办单位) for a copyright line; by itself it makes no footer. `licence` is the
    value-added telecom licence (增值电信业务经营许可证). `language` is that of the words around the numbers, which
    stand as they were issued. `icon` is the public-security icon as SVG; by default the templates' own drawing.
    """

    icp: IcpNumber | None = None
    public_security: PublicSecurityNumber | None = None
    owner: str | None = None
    licence: Licence | None = None
    language: FooterLanguage = "zh"
    icon: str | None = None

    def __bool__(self) -> bool:
        """Whether there is a number to show."""
        return any((self.icp, self.public_security, self.licence))
