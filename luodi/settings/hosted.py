"""One of the sites that a server carries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import cast

from luodi.filing.eligibility import Declared, findings
from luodi.filing.facts import FilingSettings
from luodi.problems import Problem
from luodi.section import Section
from luodi.settings.dns import DnsSettings
from luodi.settings.regions import Region
from luodi.settings.server import CvmSettings, LighthouseSettings
from luodi.settings.site import KINDS, SiteSettings
from luodi.settings.values import readable, registrable

_SUFFIX = "is a public suffix; write the domain that was bought"


SECTIONS: Mapping[str, tuple[type[Section], ...]] = MappingProxyType(
    {"site": KINDS, "dns": (DnsSettings,), "filing": (FilingSettings,)}
)
"""What is said of each site: in the stack's own sections for the first, in an item of ``luodi:sites`` for others."""


def moved(path: str, item: str) -> str:
    """Where an item of ``luodi:sites`` says what the stack's own sections say at `path`; for an empty `item`, there."""
    section = path.removeprefix("luodi:")
    theirs = re.split(r"[.\[]", section)[0] in SECTIONS
    return f"{item}.{section}" if item and theirs else path


@dataclass(frozen=True)
class HostedSite:
    """A site, its zone and its filing. `path` is where the stack file says it: empty for the stack's own sections,
    else the item of ``luodi:sites``."""

    path: str
    site: SiteSettings
    dns: DnsSettings
    filing: FilingSettings

    def __hash__(self) -> int:
        """By where it is said: what is said there may hold mappings."""
        return hash((self.path, self.site.domain))

    @property
    def names(self) -> tuple[str, ...]:
        """Every host name of the site, in A-labels, the domain first."""
        domain = self.site.domain
        if self.site.names is not None:
            return tuple(dict.fromkeys((domain, *self.site.names)))
        return (domain, f"www.{domain}") if domain == registrable(domain) else (domain,)

    @property
    def apex(self) -> str:
        """The registered domain, in A-labels: what a filing is of, its subdomains too."""
        return cast("str", registrable(self.site.domain))

    @property
    def zone(self) -> str:
        """The DNSPod zone that holds the site's records, in A-labels."""
        return self.dns.zone or self.apex

    def shares_filing_of(self, main: HostedSite) -> bool:
        """Whether it stands under the filing of the stack's own site, and says nothing of one itself."""
        return bool(self.path) and self.filing is main.filing

    def at(self, path: str) -> str:
        """Where the stack file says for this site what the stack's own sections say at `path`."""
        return moved(path, self.path)

    def declared(self, region: Region | None, server: CvmSettings | LighthouseSettings) -> Declared:
        """What a filing has to know of what is declared."""
        cvm = server if isinstance(server, CvmSettings) else None
        return Declared(
            region=region.id if region else "",
            mainland=True,  # `mainland_region` refuses the others, and says more
            months=None if cvm and cvm.charge_type != "PREPAID" else server.period,
            mbps=cvm.bandwidth.mbps if cvm else None,
            domain=readable(self.site.domain),
            apex=readable(self.apex),
            names=tuple(readable(name) for name in self.names),
            title=self.site.title,
        )

    def problems(self, region: Region | None, server: CvmSettings | LighthouseSettings | None) -> Iterator[Problem]:
        """What no single section of it can see."""
        bought = registrable(self.site.domain)
        if bought is None:
            yield Problem(self.at("luodi:site.domain"), f"{self.site.domain} {_SUFFIX}")
        if self.dns.zone and registrable(self.dns.zone) is None:
            yield Problem(self.at("luodi:dns.zone"), f"{self.dns.zone} {_SUFFIX}")
        elif zone := self.dns.zone or bought:
            yield from self._outside(zone)
        yield from self._adoptions()
        if bought and server is not None:
            found = findings(self.declared(region, server), self.filing)
            yield from (Problem(self.at(one.path), one.words.en) for one in found if one.refused)

    def _outside(self, zone: str) -> Iterator[Problem]:
        for index, name in enumerate((self.site.domain, *(self.site.names or ()))):
            if name != zone and not name.endswith(f".{zone}"):
                where = "luodi:site.domain" if index == 0 else f"luodi:site.names[{index - 1}]"
                yield Problem(self.at(where), f"{name} is not in the zone {zone} ({self.at('luodi:dns.zone')})")

    def _adoptions(self) -> Iterator[Problem]:
        where, adopt = self.at("luodi:dns.adopt"), self.dns.adopt
        for name, record in adopt.items():
            if name not in self.names:
                yield Problem(f"{where}.{name}", f"is none of the site's names: {', '.join(self.names)}")
            elif others := [other for other, theirs in adopt.items() if theirs == record and other != name]:
                yield Problem(f"{where}.{name}", f"{record} is named for {others[0]} too; a record has one name")
