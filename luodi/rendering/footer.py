"""What stands at the foot of every page."""

from __future__ import annotations

from dataclasses import dataclass

from luodi.filing.numbers import IcpNumber, PublicSecurityNumber


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
