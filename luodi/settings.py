"""Every key that a stack file may hold: one typed model, in one place.

A stack file (``stacks/Pulumi.<stack>.yaml``) holds Tencent Cloud's own ``tencentcloud:region`` and the
sections ``luodi:site``, ``luodi:server``, ``luodi:dns``, ``luodi:certificate`` and ``luodi:filing``.
`Settings.parse` judges all of it at once, before any API call is made, and reports every problem with
the path of the key, what is wrong and what to write instead.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self, Union, cast

import idna
from publicsuffixlist import PublicSuffixList
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from luodi.filing.eligibility import Declared, findings
from luodi.filing.facts import FilingSettings, contradictions
from luodi.problems import Problem, SettingsError, explain, unknown
from luodi.section import Section, Text

NAMESPACE = "luodi"

RenewFlag = Literal["NOTIFY_AND_AUTO_RENEW", "NOTIFY_AND_MANUAL_RENEW", "DISABLE_NOTIFY_AND_MANUAL_RENEW"]

MOST_NAMES = 100
"""Host names in one certificate: https://letsencrypt.org/docs/rate-limits/"""


# --- what a value may look like ------------------------------------------------------------------

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


def host_name(text: str) -> str:
    """The A-label form (RFC 5890), lower case, of a host name as a person writes it.

    A Chinese name (IDN) is converted by UTS 46. Raises ValueError for what no filing can be made for: an
    address, a wildcard, an underscore, a single label.
    """
    name = text.strip().rstrip(".")
    if not name:
        raise ValueError("is empty; write a host name, such as example.cn")
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        pass
    else:
        raise ValueError(f"{text} is an IP address; a filing (ICP 备案) is for a domain, such as example.cn")
    if "://" in name or "/" in name:
        raise ValueError(f"{text} is an address; write the host name alone, such as example.cn")
    if "*" in name:
        raise ValueError(f"{text} is a wildcard; name each host, such as www.example.cn")
    if "_" in name:
        raise ValueError(f"{text} has an underscore, which a host name can't have (RFC 1123)")
    try:
        name = idna.encode(name, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise ValueError(f"{text} is no host name: {error}") from None
    labels = name.split(".")
    if len(labels) < 2:
        raise ValueError(f"{text} has no suffix; write it whole, such as example.cn")
    for label in labels:
        if not _LABEL.fullmatch(label):
            raise ValueError(f"{text} is no host name: {label!r} (letters, digits and inner hyphens)")
    if labels[-1][0].isdigit():  # 127.1 is an address to every browser
        raise ValueError(f"{text} is no host name: no suffix begins with a digit")
    return name


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(only_icann=True)


def registrable(name: str) -> str | None:
    """The domain that was bought, of a host name: example.com.cn for www.example.com.cn; None for a bare suffix."""
    return _suffixes().privatesuffix(name)


def readable(name: str) -> str:
    """A host name as a person reads it: U-labels for A-labels (RFC 5890)."""
    return idna.decode(name)


def today_in_china() -> date:
    """The day it is where filings are judged (UTC+8, no summer time)."""
    return datetime.now(timezone(timedelta(hours=8))).date()


def _network(text: str) -> str:
    try:
        return str(ipaddress.IPv4Network(text))
    except ValueError as error:
        raise ValueError(f"{error}; write an IPv4 CIDR block such as 10.8.0.0/16") from None


def _ports(text: str) -> str:
    for part in text.split(","):
        low, _, high = part.partition("-")
        numbers = [low, high] if "-" in part else [low]
        if not all(n.isascii() and n.isdigit() and 1 <= int(n) <= 65535 for n in numbers):
            raise ValueError(f"{text} is no port; write 22, 8000-8010 or 22,2222")
        if int(numbers[0]) > int(numbers[-1]):
            raise ValueError(f"{part} runs backwards; write {high}-{low}")
    return text


def _whole(value: Any) -> Any:
    if type(value) is not int:  # true and 12.0 are equal to a number, and so would be taken for it
        raise PydanticCustomError("int_type", "must be a whole number")
    return value


def _like(pattern: str, what: str) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text, re.ASCII):
            raise ValueError(f"{text} is no {what}")
        return text

    return AfterValidator(check)


HostName = Annotated[str, AfterValidator(host_name)]
Network = Annotated[str, AfterValidator(_network)]
Ports = Annotated[str, AfterValidator(_ports)]
InstanceType = Annotated[str, _like(r"[A-Z0-9]+[a-z]*\.[A-Z0-9]+", "instance type (机型规格), such as S5.MEDIUM2")]
Bundle = Annotated[str, _like(r"bundle_\w+", "bundle (套餐), such as bundle_starter_mc_promo_med2_01")]
Directory = Annotated[str, _like(r"https://\S+", "ACME directory's address; it begins with https://")]
Email = Annotated[str, _like(r"[^@\s]+@[^@\s]+\.[^@\s]+", "e-mail address, such as ops@example.cn")]

Period = Annotated[Literal[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 24, 36, 48, 60], BeforeValidator(_whole)]
"""Months that a CVM or Lighthouse instance can be prepaid for (包年包月 购买时长), as the provider takes them."""


# --- the sections --------------------------------------------------------------------------------


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

    allow: tuple[Network, ...] = Field(
        (),
        strict=False,
        description="Who may see the site while its filing keeps it from the public: the team's CIDR blocks, such as "
        "203.0.113.7/32.",
    )

    @field_validator("names")
    @classmethod
    def _fit_a_certificate(cls, names: tuple[str, ...] | None, info: ValidationInfo) -> tuple[str, ...] | None:
        if names is not None:
            if not names:
                raise ValueError("is empty; name a host, or leave it out for the domain and its www")
            if (count := len({*names, info.data.get("domain", names[0])})) > MOST_NAMES:
                raise ValueError(f"{count} names with the domain's; a certificate holds {MOST_NAMES} at most")
        return names


class IngressRule(Section):
    """A port opened besides 80 and 443."""

    port: Ports = Field(description="22, 8000-8010 or 22,2222.")
    source: Network = Field(description="Who may reach it, a CIDR block such as 203.0.113.7/32.")
    protocol: Literal["TCP", "UDP"] = "TCP"
    description: Text = Field("opened by the stack", description="Shown in the console (备注).")


class _Server(Section):
    zone: Text | None = Field(None, description="Availability zone (可用区); by default one of the region's own.")
    period: Period = Field(12, description="Months prepaid (购买时长); a filing needs at least 3.")
    renew_flag: RenewFlag = Field("NOTIFY_AND_AUTO_RENEW", description="What happens when the period ends (自动续费).")
    ingress: tuple[IngressRule, ...] = Field((), strict=False, description="Ports opened besides 80 and 443.")
    protect: bool = Field(
        False, description="Refuse to delete or replace the server, its elastic IP, and a zone that was created."
    )


class Disk(Section):
    """The system disk (系统盘)."""

    type: Literal["CLOUD_PREMIUM", "CLOUD_BSSD", "CLOUD_SSD", "CLOUD_HSSD", "CLOUD_TSSD"] = "CLOUD_BSSD"
    size: int = Field(default=50, ge=20, le=2048, description="GB.")


class Bandwidth(Section):
    """Access to the public network (公网带宽)."""

    charge_type: Literal["TRAFFIC_POSTPAID_BY_HOUR", "BANDWIDTH_PREPAID", "BANDWIDTH_POSTPAID_BY_HOUR"] = (
        "TRAFFIC_POSTPAID_BY_HOUR"
    )
    mbps: int = Field(default=5, ge=1, le=2000, description="Highest outgoing rate, Mbit/s.")


class CvmSettings(_Server):
    """A CVM instance (云服务器) in a network of its own."""

    kind: Literal["cvm"]
    instance_type: InstanceType = Field("S5.MEDIUM2", description="Instance type (机型规格).")
    image: Text = Field(
        "Ubuntu Server 24.04",
        description="Image family, by the operating system's name (操作系统); the newest public image is taken at "
        "creation and kept.",
    )
    charge_type: Literal["PREPAID", "POSTPAID_BY_HOUR"] = Field(
        "PREPAID", description="Prepaid (包年包月), or pay-as-you-go (按量计费) for staging."
    )
    elastic_ip: bool = Field(
        False,
        description="An elastic IP (弹性公网 IP) that outlives the instance, instead of its own address.",
    )
    network: Network = Field("10.8.0.0/16", description="The VPC's CIDR block.")
    subnet: Network = Field("10.8.1.0/24", description="The subnet's CIDR block, inside the network's.")
    disk: Disk = Disk()
    bandwidth: Bandwidth = Bandwidth()


class LighthouseSettings(_Server):
    """A Lighthouse instance (轻量应用服务器); always prepaid."""

    kind: Literal["lighthouse"]
    bundle: Bundle = Field(description="Bundle (套餐), such as bundle_starter_mc_promo_med2_01.")
    blueprint: Text = Field(
        "Ubuntu Server 24.04 LTS 64bit",
        description="Image (镜像): the blueprint's name, or its id (lhbp-...). Taken at creation and kept.",
    )


class DnsSettings(Section):
    """The zone at DNSPod and the site's records in it."""

    zone: HostName | None = Field(
        None, description="The zone that holds the records; by default the registered domain."
    )
    manage: Literal["adopt", "create"] = Field(
        "adopt",
        description="adopt: the zone is at DNSPod already and stays there; create: it is the stack's own.",
    )
    ttl: int = Field(600, ge=1, le=604800, description="Seconds; DNSPod's free plan needs 600 or more.")


class CertificateSettings(Section):
    """The ACME authority, and how long it may take."""

    authority: Literal["letsencrypt", "letsencrypt-staging"] = Field(
        "letsencrypt", description="The authority; the staging one is trusted by no browser."
    )
    directory: Directory | None = Field(None, description="The ACME directory of another authority.")
    email: Email | None = Field(None, description="Whom the authority may write to.")
    propagation_timeout: int = Field(180, ge=1, le=3600, description="Seconds to wait until every name server answers.")


@dataclass(frozen=True)
class Region:
    """A mainland region of Tencent Cloud."""

    id: str
    name: str
    zone: str


@cache
def _region_data() -> Mapping[str, Mapping[str, Any]]:
    text = resources.files("luodi.data").joinpath("regions.toml").read_text("utf-8")
    return MappingProxyType(tomllib.loads(text))


def mainland_regions() -> tuple[str, ...]:
    """The ids of the mainland regions."""
    return tuple(_region_data()["mainland"])


def mainland_region(name: str) -> Region:
    """The mainland region of that id. Raises ValueError for any other, saying why a site can't stand there."""
    data = _region_data()
    if name in data["mainland"]:
        return Region(name, **data["mainland"][name])
    known = ", ".join(data["mainland"])
    why = "a filing (ICP 备案) needs a server on the mainland"
    place = data["elsewhere"].get(name)
    if place is not None or re.match(r"(na|eu|sa|me|af)-", name):
        where = f"{name}, {place}," if place else name
        raise ValueError(f"{where} is not on the mainland, and {why}. Set one of {known}")
    near = difflib.get_close_matches(name, data["mainland"], 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise ValueError(f"{name} is no mainland region known here, and {why}.{hint} Known: {known}")


# --- the whole -----------------------------------------------------------------------------------

_SECTIONS: Mapping[str, tuple[type[Section], ...]] = MappingProxyType(
    {
        "site": (SiteSettings,),
        "server": (CvmSettings, LighthouseSettings),
        "dns": (DnsSettings,),
        "certificate": (CertificateSettings,),
        "filing": (FilingSettings,),
    }
)
_REQUIRED = ("site", "server")
ACCOUNT_KEY = "acme-account-key"


@dataclass(frozen=True)
class Settings:
    """All that a stack file says, judged."""

    region: Region
    site: SiteSettings
    server: CvmSettings | LighthouseSettings
    dns: DnsSettings
    certificate: CertificateSettings
    filing: FilingSettings

    @property
    def zone(self) -> str:
        """The DNSPod zone that holds the site's records, in A-labels."""
        return self.dns.zone or self.apex

    @property
    def names(self) -> tuple[str, ...]:
        """Every host name of the site, in A-labels, the domain first."""
        return _names(self.site)

    @property
    def apex(self) -> str:
        """The registered domain, in A-labels: what a filing is of, its subdomains too."""
        return cast("str", registrable(self.site.domain))

    @property
    def declared(self) -> Declared:
        """What a filing has to know of what is declared."""
        return _declared(self.region, self.site, self.server, self.apex)

    @property
    def availability_zone(self) -> str:
        """Where the server stands."""
        return self.server.zone or self.region.zone

    @classmethod
    def parse(cls, values: Mapping[str, Any], *, source: str = "stack", today: date | None = None) -> Self:
        """Judge a stack's configuration: full keys (``luodi:site``) to plain values.

        `today` is the day that no date may lie after, by default the one it is in China. Raises SettingsError with
        every problem found.
        """
        problems: list[Problem] = []
        parts: dict[str, Any] = {}
        prefix = f"{NAMESPACE}:"
        known = [*_SECTIONS, ACCOUNT_KEY]
        for key in values:
            if key.startswith(prefix) and key.removeprefix(prefix) not in known:
                problems.append(Problem(key, unknown(key.removeprefix(prefix), known)))
        region = values.get("tencentcloud:region")
        try:
            parts["region"] = mainland_region(str(region or ""))
        except ValueError as error:
            problems.append(Problem("tencentcloud:region", str(error) if region else "is not set"))
        for name, models in _SECTIONS.items():
            path = prefix + name
            if path not in values and name in _REQUIRED:
                problems.append(Problem(path, "is not set; see stacks/ for an example"))
                continue
            try:
                parts[name] = _judge(models).validate_python(values.get(path, {}))
            except ValidationError as error:
                problems.extend(explain(path, models, detail) for detail in error.errors())
        problems.extend(_contradictions(parts, today or today_in_china()))
        if problems:
            raise SettingsError(source, problems)
        return cls(**parts)

    @classmethod
    def from_stack(cls) -> Self:
        """The settings of the stack that is being run. Ends the program with every problem told, if any."""
        import json

        import pulumi
        from pulumi.runtime.config import CONFIG

        values: dict[str, Any] = {}
        for key, text in CONFIG.get().items():
            if not key.startswith(f"{NAMESPACE}:") or key == f"{NAMESPACE}:{ACCOUNT_KEY}":
                values[key] = text
                continue
            try:
                values[key] = json.loads(text)
            except ValueError:
                values[key] = text
        try:
            return cls.parse(values, source=f"stacks/Pulumi.{pulumi.get_stack()}.yaml")
        except SettingsError as error:
            raise pulumi.RunError(str(error)) from None


def _names(site: SiteSettings) -> tuple[str, ...]:
    domain = site.domain
    if site.names is not None:
        return tuple(dict.fromkeys((domain, *site.names)))
    return (domain, f"www.{domain}") if domain == registrable(domain) else (domain,)


def sections() -> Mapping[str, tuple[type[BaseModel], ...]]:
    """The sections of a stack file, by name: what each may be."""
    return _SECTIONS


@cache
def _judge(models: tuple[type[Section], ...]) -> TypeAdapter[Any]:
    if len(models) == 1:
        return TypeAdapter(models[0])
    either: Any = Annotated[Union[models], Field(discriminator="kind")]  # noqa: UP007 (made at run time)
    return TypeAdapter(either)


_SUFFIX = "is a public suffix; write the domain that was bought"


def _contradictions(parts: Mapping[str, Any], today: date) -> Iterator[Problem]:
    """What no single section can see."""
    site, server, dns = parts.get("site"), parts.get("server"), parts.get("dns")
    region, filing = parts.get("region"), parts.get("filing")
    bought = registrable(site.domain) if isinstance(site, SiteSettings) else None
    if isinstance(site, SiteSettings) and bought is None:
        yield Problem("luodi:site.domain", f"{site.domain} {_SUFFIX}")
    if isinstance(dns, DnsSettings) and dns.zone and registrable(dns.zone) is None:
        yield Problem("luodi:dns.zone", f"{dns.zone} {_SUFFIX}")
    elif isinstance(site, SiteSettings) and isinstance(dns, DnsSettings) and (zone := dns.zone or bought):
        for index, name in enumerate((site.domain, *(site.names or ()))):
            if name != zone and not name.endswith(f".{zone}"):
                where = "luodi:site.domain" if index == 0 else f"luodi:site.names[{index - 1}]"
                yield Problem(where, f"{name} is not in the zone {zone} (luodi:dns.zone)")
    if (
        server is not None
        and region is not None
        and server.zone
        and not re.fullmatch(rf"{re.escape(region.id)}-[0-9]+", server.zone)
    ):
        yield Problem(
            "luodi:server.zone",
            f"{server.zone} is not in tencentcloud:region {region.id}; write {region.id}-N, or leave it out",
        )
    if isinstance(server, CvmSettings) and not _inside(server.subnet, server.network):
        yield Problem("luodi:server.subnet", f"{server.subnet} is not inside the network {server.network}")
    if isinstance(filing, FilingSettings):
        yield from contradictions(filing, today)
        if isinstance(site, SiteSettings) and bought and server is not None:
            declared = _declared(region, site, server, bought)
            yield from (Problem(found.path, found.words.en) for found in findings(declared, filing) if found.refused)


def _inside(subnet: str, network: str) -> bool:
    return ipaddress.IPv4Network(subnet).subnet_of(ipaddress.IPv4Network(network))


def _declared(
    region: Region | None, site: SiteSettings, server: CvmSettings | LighthouseSettings, apex: str
) -> Declared:
    cvm = server if isinstance(server, CvmSettings) else None
    return Declared(
        region=region.id if region else "",
        mainland=True,  # `mainland_region` refuses the others, and says more
        months=None if cvm and cvm.charge_type != "PREPAID" else server.period,
        mbps=cvm.bandwidth.mbps if cvm else None,
        domain=readable(site.domain),
        apex=readable(apex),
        names=tuple(readable(name) for name in _names(site)),
        title=site.title,
    )


@dataclass(frozen=True)
class Surroundings:
    """What the environment, never a stack file, says: where the world is that the stack is brought up in.

    Unset for the real cloud. A rehearsal sets ``LUODI_ACME_DIRECTORY`` (an ACME directory to use instead of
    the stack's authority), ``LUODI_ACME_CA`` (a PEM file of the roots that its certificates chain to) and
    ``LUODI_DNS`` (``address:port``, asked instead of the system's resolver, the port for name servers too).
    """

    acme_directory: str | None = None
    acme_ca: Path | None = None
    dns: tuple[str, int] | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Raises ValueError when LUODI_DNS is not address:port."""
        dns = None
        if text := environ.get("LUODI_DNS"):
            address, _, port = text.rpartition(":")
            try:
                dns = (str(ipaddress.ip_address(address.strip("[]"))), int(port))
            except ValueError:
                dns = ("", 0)
            if not 0 < dns[1] < 65536:
                raise ValueError(f"LUODI_DNS: {text} is not address:port, such as 127.0.0.1:53")
        root = environ.get("LUODI_ACME_CA")
        return cls(environ.get("LUODI_ACME_DIRECTORY") or None, Path(root) if root else None, dns)
