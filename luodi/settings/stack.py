"""All that a stack file says, judged at once."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from pydantic import TypeAdapter, ValidationError

from luodi.filing.eligibility import Declared
from luodi.filing.facts import SECTION, FilingSettings, contradictions
from luodi.problems import Problem, SettingsError, explain, unknown
from luodi.section import Section, either
from luodi.settings.certificate import SECRETS as CERTIFICATE_SECRETS
from luodi.settings.certificate import CertificateSettings
from luodi.settings.delivery import DeliverySettings
from luodi.settings.flat import structured
from luodi.settings.hosted import SECTIONS, HostedSite, moved
from luodi.settings.nginx import NginxSettings
from luodi.settings.regions import Region, mainland_region
from luodi.settings.server import CvmSettings, LighthouseSettings
from luodi.settings.site import SiteSettings
from luodi.settings.values import today_in_china

NAMESPACE = "luodi"
ACCOUNT_KEY = "acme-account-key"
FURTHER = "sites"
"""The key of the list of further sites on the same server."""

_SECTIONS: Mapping[str, tuple[type[Section], ...]] = MappingProxyType(
    {
        "site": SECTIONS["site"],
        "server": (CvmSettings, LighthouseSettings),
        "dns": SECTIONS["dns"],
        "certificate": (CertificateSettings,),
        "delivery": (DeliverySettings,),
        "nginx": (NginxSettings,),
        "filing": SECTIONS["filing"],
    }
)
_REQUIRED = ("site", "server")
_SECRETS = (ACCOUNT_KEY, *CERTIFICATE_SECRETS, "app-secrets")


@dataclass(frozen=True)
class Settings:
    """All that a stack file says, judged.

    `sites` are what the server carries: the stack's own site first, then those of ``luodi:sites``.
    """

    region: Region
    server: CvmSettings | LighthouseSettings
    certificate: CertificateSettings
    delivery: DeliverySettings
    sites: tuple[HostedSite, ...]
    nginx: NginxSettings = field(default_factory=lambda: NginxSettings.model_validate({}))

    @property
    def main(self) -> HostedSite:
        """The stack's own site."""
        return self.sites[0]

    @property
    def own_zones(self) -> frozenset[str]:
        """The zones that the stack makes itself: each for all the sites in it, whichever of them says so."""
        return frozenset(site.zone for site in self.sites if site.dns.manage == "create")

    def declared(self, site: HostedSite) -> Declared:
        """What a filing has to know of what is declared for a site."""
        return site.declared(self.region, self.server)

    @property
    def availability_zone(self) -> str:
        """Where the server stands."""
        return self.server.zone or self.region.zone

    @classmethod
    def parse(cls, values: Mapping[str, Any], *, source: str = "stack", today: date | None = None) -> Self:
        """Judge a stack's configuration: full keys (``luodi:site``, or ``luodi:site.domain``) to plain values.

        `today` is the day that no date may lie after, by default the one it is in China. Raises SettingsError with
        every problem found.
        """
        today = today or today_in_china()
        prefix = f"{NAMESPACE}:"
        values, twice = structured(values, NAMESPACE, _SECTIONS)
        ours = {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}
        problems = [*twice, *_unknown(ours, prefix, [*_SECTIONS, FURTHER, *_SECRETS])]
        region = _region(values.get("tencentcloud:region"), problems)
        parts = _judged(ours, prefix, _SECTIONS, problems)
        server = parts.get("server")
        items = _items(parts, ours.get(FURTHER, ()), problems)
        sites = [site for path, item in items.items() if (site := _site(path, item))]
        problems.extend(_of_the_server(server, region))
        for path, item in items.items():
            problems.extend(_contradictions(path, item.get("filing"), today))
        for site in sites:
            problems.extend(site.problems(region, server))
        problems.extend(_named_twice(sites))
        if certificate := parts.get("certificate"):
            names = {site.at("luodi:site"): site.names for site in sites}
            problems.extend(certificate.problems(names, [name for name in _SECRETS if ours.get(name)]))
        if problems or region is None or server is None:
            raise SettingsError(source, problems)
        return cls(region, server, parts["certificate"], parts["delivery"], tuple(sites), parts["nginx"])

    @classmethod
    def from_stack(cls) -> Self:
        """The settings of the stack that is being run. Ends the program with every problem told, if any."""
        import json

        import pulumi
        from pulumi.runtime.config import CONFIG

        values: dict[str, Any] = {}
        secrets = {f"{NAMESPACE}:{name}" for name in _SECRETS}
        for key, text in CONFIG.get().items():
            if not key.startswith(f"{NAMESPACE}:") or key in secrets:
                values[key] = text
                continue
            try:
                values[key] = json.loads(text)
            except ValueError:
                values[key] = text
        file = Path(f"Pulumi.{pulumi.get_stack()}.yaml")
        kept = "stacks" / file
        try:
            # A project that isn't laid out like luodi's own has it at its root.
            return cls.parse(values, source=str(kept if kept.is_file() else file))
        except SettingsError as error:
            raise pulumi.RunError(str(error)) from None


def sections() -> Mapping[str, tuple[type[Section], ...]]:
    """The sections of a stack file, by name: what each may be."""
    return _SECTIONS


@cache
def _judge(models: tuple[type[Section], ...]) -> TypeAdapter[Any]:
    if len(models) == 1:
        return TypeAdapter(models[0])
    return TypeAdapter(either(models))


def _unknown(values: Mapping[str, Any], prefix: str, known: list[str]) -> list[Problem]:
    return [Problem(prefix + key, unknown(key, known)) for key in values if key not in known]


def _judged(
    values: Mapping[str, Any],
    prefix: str,
    models: Mapping[str, tuple[type[Section], ...]],
    problems: list[Problem],
) -> dict[str, Any]:
    """Each section by its model; what can't be right is added to `problems`, and its section left out."""
    parts = {}
    for name, model in models.items():
        path = prefix + name
        if name not in values and name in _REQUIRED:
            problems.append(Problem(path, "is not set; see stacks/ for an example"))
            continue
        try:
            parts[name] = _judge(model).validate_python(values.get(name, {}))
        except ValidationError as error:
            problems += [explain(path, model, detail) for detail in error.errors()]
    return parts


def _region(name: Any, problems: list[Problem]) -> Region | None:
    try:
        return mainland_region(str(name or ""))
    except ValueError as error:
        problems.append(Problem("tencentcloud:region", str(error) if name else "is not set"))
        return None


def _items(parts: Mapping[str, Any], further: Any, problems: list[Problem]) -> dict[str, Mapping[str, Any]]:
    """What is said of each site, by where it is said: the stack's own sections, then the items of ``luodi:sites``."""
    items: dict[str, Mapping[str, Any]] = {"": parts}
    if not isinstance(further, list | tuple):
        problems.append(Problem(f"{NAMESPACE}:{FURTHER}", "must be a list, an item for each further site"))
        return items
    for index, item in enumerate(further):
        path = f"{NAMESPACE}:{FURTHER}[{index}]"
        if not isinstance(item, Mapping):
            problems.append(Problem(path, f"must be a mapping of {', '.join(SECTIONS)}"))
            continue
        problems += _unknown(item, f"{path}.", list(SECTIONS))
        theirs = _judged(item, f"{path}.", SECTIONS, problems)
        if "filing" not in item:
            theirs["filing"] = _shared_filing(_site("", parts), theirs.get("site"))
        items[path] = theirs
    return items


def _site(path: str, parts: Mapping[str, Any]) -> HostedSite | None:
    """The site, where it and its zone could be read.

    A filing that couldn't be is told of already, and keeps nothing else from being judged.
    """
    if not {"site", "dns"} <= parts.keys():
        return None
    return HostedSite(path, parts["site"], parts["dns"], parts.get("filing") or _no_filing())


def _no_filing() -> FilingSettings:
    return FilingSettings.model_validate({})


def _contradictions(path: str, filing: FilingSettings | None, today: date) -> Iterator[Problem]:
    if filing is not None:
        there = moved(SECTION, path)
        for found in contradictions(filing, today):
            yield Problem(moved(found.path, path), found.text.replace(SECTION, there))


def _shared_filing(main: HostedSite | None, site: SiteSettings | None) -> FilingSettings:
    """A filing is of the registered domain: what stands under the same one stands under the same filing."""
    if main and site and HostedSite("", site, main.dns, main.filing).apex == main.apex:
        return main.filing
    return _no_filing()


def _of_the_server(server: CvmSettings | LighthouseSettings | None, region: Region | None) -> Iterator[Problem]:
    if server and region and server.zone and not re.fullmatch(rf"{re.escape(region.id)}-[0-9]+", server.zone):
        yield Problem(
            "luodi:server.zone",
            f"{server.zone} is not in tencentcloud:region {region.id}; write {region.id}-N, or leave it out",
        )
    if isinstance(server, CvmSettings) and not _inside(server.subnet, server.network):
        yield Problem("luodi:server.subnet", f"{server.subnet} is not inside the network {server.network}")


def _inside(subnet: str, network: str) -> bool:
    return ipaddress.IPv4Network(subnet).subnet_of(ipaddress.IPv4Network(network))


def _named_twice(sites: list[HostedSite]) -> Iterator[Problem]:
    counted = Counter(name for site in sites for name in site.names)
    for site in sites:
        if site.path and (twice := [name for name in site.names if counted[name] > 1]):
            yield Problem(site.at("luodi:site"), f"{', '.join(twice)} is another site's name too; a name has one site")
