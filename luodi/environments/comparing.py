"""What two stacks differ in: as their files declare them, and as they are. Pure.

What `luodi stack new` would have made different is expected; whatever else differs is not.
"""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from luodi.certificate.served import Served
from luodi.environments.naming import label_between
from luodi.environments.password import locked
from luodi.environments.secret import Path, hidden, pulumi_path, secrets_of
from luodi.environments.staging import OF_A_KIND, CannotStage, Staging, Wishes, fitting_authority, staging
from luodi.hosting import nginx
from luodi.problems import SettingsError
from luodi.section import Section
from luodi.settings import CvmSettings, HostedSite, LighthouseSettings, Settings
from luodi.words import Words

T = TypeVar("T")
R = TypeVar("R")

_OF_AN_AUTHORITY = ("authority", "eab-key-id", "profile", "roots", "email")
_SIZE_KEYS = ("instance-type", "bundle")
_BY_PATH = frozenset({"areas", "redirects", "paths"})
"""Lists whose items are known by their path, whichever place they have."""
_TYPES_OF_A_KIND: Mapping[str, re.Pattern[str]] = {
    "cvm": re.compile(r"luodi:cloud:(Cvm|Network)|tencentcloud:(Instance|Vpc|Subnet|Security|Eip)/.*"),
    "lighthouse": re.compile(r"luodi:cloud:Lighthouse|tencentcloud:Lighthouse/.*"),
}
"""The types of what each kind of server is declared by."""
_SIZES = {
    "tencentcloud:Instance/instance:Instance": "instanceType",
    "tencentcloud:Lighthouse/instance:Instance": "bundleId",
}

_ZONE = "tencentcloud:Dnspod/domainInstance:DomainInstance"
_WHY_KIND = Words("服务器种类不同", "the servers are of different kinds")
_WHY_DECLARED = Words("与各自的设置一致", "as each is declared")
_WHY_AUTHORITY = Words("证书颁发机构不同", "their authorities are different ones")
_WHY_EACH = Words("各有各的", "each has its own")
_WHY_CLOSED = Words("只给团队看", "it is for the team alone")
AS_ISSUED = "as issued"
SET = "set"


@dataclass(frozen=True)
class Side:
    """One of the two stacks: its name, its file's configuration, and that judged."""

    stack: str
    config: Mapping[str, Any]
    settings: Settings


@dataclass(frozen=True)
class Up:
    """A stack that is up: the resources of its state, its outputs, and what its server answers.

    `certificates` are what is shown for each site's domain; `status` and `robots` (X-Robots-Tag) are what a visitor of
    the first page is answered, None where nobody answered or nobody asked.
    """

    resources: Sequence[Mapping[str, Any]]
    outputs: Mapping[str, Any]
    certificates: tuple[Served, ...] = ()
    status: int | None = None
    robots: str | None = None

    @property
    def sites(self) -> list[Mapping[str, Any]]:
        """The outputs of each of its sites."""
        return [self.outputs, *self.outputs.get("sites", ())]


@dataclass(frozen=True)
class Difference:
    """Something that differs: what, the value of each of the two (None for nothing), and why that is expected, or None
    where it is not."""

    key: str
    values: tuple[Any, Any]
    why: Words | None

    @property
    def expected(self) -> bool:
        """Whether it is what makes one of them the staging stack of the other."""
        return self.why is not None


@dataclass(frozen=True)
class Pair:
    """Two stacks; `target` is the index of the one that is the other's staging stack, None where neither is."""

    sides: tuple[Side, Side]

    @property
    def target(self) -> int | None:
        """Which of the two is made from the other, as their names tell."""
        first, second = (side.settings.main for side in self.sides)
        if label_between(first, second):
            return 1
        return 0 if label_between(second, first) else None

    def declared(self) -> list[Difference]:
        """What their files differ in, defaults filled in."""
        values = [flat(side) for side in self.sides]
        made = self._made()
        wanted = flat(made[0]) if made else {}
        keys = dict.fromkeys([*values[0], *values[1]])
        found = []
        for key in keys:
            both = values[0].get(key), values[1].get(key)
            if both[0] == both[1] or self._of_the_other_kind(key, both):
                continue
            fits = made is not None and both[self.target or 0] == wanted.get(key)
            found.append(Difference(key, both, _why(key, made[1]) if made and fits else None))
        return [*found, *self._secrets(made[1] if made else None)]

    def _of_the_other_kind(self, key: str, both: tuple[Any, Any]) -> bool:
        """Whether it is a default that only one kind of server has; their kinds are told already."""
        section, _, inner = key.partition(".")
        name = inner.partition(".")[0]
        if section != "luodi:server" or not any(name in names for names in OF_A_KIND.values()):
            return False
        return None in both and name not in _SIZE_KEYS and all(name not in side.config[section] for side in self.sides)

    def _made(self) -> tuple[Side, Staging] | None:
        """What `luodi stack new` would make of the one, with the choices that the other shows."""
        if self.target is None:
            return None
        source, target = self.sides[1 - self.target], self.sides[self.target]
        label = label_between(source.settings.main, target.settings.main) or ""
        try:
            made = staging(source.config, source.settings, _wishes(source, target, label))
            config = _with_choices(made.config, target.config)
            return Side(target.stack, config, Settings.parse(config)), made
        except (CannotStage, SettingsError):
            return None

    def _secrets(self, made: Staging | None) -> Iterator[Difference]:
        if made is None:
            return
        target = self.target or 0
        there = {pulumi_path(path) for path in secrets_of(self.sides[target].config)}
        for secret in made.secrets:
            if not secret.hashed and secret.key not in there and pulumi_path(secret.path[:1]) not in there:
                yield Difference(secret.key, (None, SET) if target == 0 else (SET, None), None)

    def actual(self, ups: tuple[Up, Up]) -> list[Difference]:
        """What they differ in as they are, and what of either is not as it should be."""
        kinds = {side.settings.server.kind for side in self.sides}
        counts = _both(ups, lambda up: Counter(_types(up.resources)))
        zones = _both(self.sides, lambda side: len(side.settings.own_zones))
        found = []
        for type_ in sorted({*counts[0], *counts[1]}):
            if counts[0][type_] != counts[1][type_]:
                of_a_kind = len(kinds) > 1 and any(_TYPES_OF_A_KIND[kind].fullmatch(type_) for kind in kinds)
                both = (counts[0][type_] or None, counts[1][type_] or None)
                why = (
                    _WHY_KIND
                    if of_a_kind
                    else _WHY_DECLARED
                    if type_ == _ZONE and _both(counts, lambda of: of[_ZONE]) == zones
                    else None
                )
                found.append(Difference(f"resources.{type_}", both, why))
        found += self._servers(ups)
        for index in range(min(len(side.settings.sites) for side in self.sides)):
            found += self._of_a_site(index, ups)
        return [*found, *self._served(ups)]

    def _servers(self, ups: tuple[Up, Up]) -> Iterator[Difference]:
        sizes = _both(ups, lambda up: _size(up.resources))
        declared = _both(self.sides, lambda side: _declared_size(side.settings.server))
        if sizes[0] != sizes[1] or sizes != declared:
            yield Difference("server.size", sizes, _WHY_DECLARED if sizes == declared else None)
        for key in ("address", "release"):
            first, second = ups
            yield from _differ(key, (first.outputs.get(key), second.outputs.get(key)), _WHY_EACH)

    def _of_a_site(self, index: int, ups: tuple[Up, Up]) -> Iterator[Difference]:
        if any(index >= len(up.sites) for up in ups):
            return
        prefix = f"sites[{index - 1}]." if index else ""
        both = _both(ups, lambda up: up.sites[index])
        names = _both(both, lambda one: list(one.get("names") or ()))
        declared = _both(self.sides, lambda side: list(side.settings.sites[index].names))
        if names[0] != names[1] or names != declared:
            yield Difference(f"{prefix}names", names, _WHY_DECLARED if names == declared else None)
        issuers = _both(both, lambda one: (one.get("certificate") or {}).get("issuer"))
        authorities = _both(self.sides, lambda side: side.settings.certificate.authorities(side.stack))
        why = _WHY_AUTHORITY if authorities[0] != authorities[1] else None
        yield from _differ(f"{prefix}certificate.issuer", issuers, why)
        for key in ("stage", "public"):
            stages = _both(both, lambda one: one.get("filing") or {})
            yield from _differ(f"{prefix}filing.{key}", (stages[0].get(key), stages[1].get(key)), None)

    def _served(self, ups: tuple[Up, Up]) -> Iterator[Difference]:
        for index in range(min(len(up.certificates) for up in ups)):
            shown = (_certificate(ups[0], index), _certificate(ups[1], index))
            if set(shown) != {AS_ISSUED}:
                yield Difference(
                    f"sites[{index - 1}].served.certificate" if index else "served.certificate", shown, None
                )
        statuses = _both(ups, lambda up: up.status)
        fits = all(_right(up, side.settings.main) for up, side in zip(ups, self.sides, strict=True))
        if statuses[0] != statuses[1] or not fits:
            yield Difference("served.status", statuses, _WHY_CLOSED if fits else None)
        robots = _both(ups, lambda up: up.robots)
        wanted = _both(self.sides, lambda side: side.settings.main.site.noindex)
        if robots[0] != robots[1]:
            yield Difference("served.robots", robots, _WHY_DECLARED if _both(robots, bool) == wanted else None)


# --- as declared ---------------------------------------------------------------------------------


def flat(side: Side) -> dict[str, Any]:
    """What a stack's settings come to, defaults filled in, by path; nothing secret. What is not set is left out."""
    settings = side.settings
    found: dict[str, Any] = {"tencentcloud:region": settings.region.id, "nginx": nginx(settings).version}
    sections: dict[Path, Section] = {
        ("luodi:server",): settings.server,
        ("luodi:certificate",): settings.certificate,
        ("luodi:delivery",): settings.delivery,
        ("luodi:nginx",): settings.nginx,
    }
    for index, site in enumerate(settings.sites):
        base: Path = ("luodi:sites", index - 1) if index else ()
        said: dict[str, Section] = {"site": site.site, "dns": site.dns, "filing": site.filing}
        sections |= {(*base, name) if base else (f"luodi:{name}",): section for name, section in said.items()}
    for path, section in sections.items():
        found.update(_leaves(pulumi_path(path), hidden(_values(section))))
    for site in settings.sites:
        found[site.at("luodi:site.names")] = list(site.names)
        found[site.at("luodi:dns.zone")] = site.zone
    found["luodi:certificate.authority"] = list(settings.certificate.authorities(side.stack))
    return {key: value for key, value in found.items() if value not in (None, [], {})}


def _values(value: Any) -> Any:
    """A setting as a stack file would write it."""
    if isinstance(value, Section):
        return {str(field.alias): _values(getattr(value, name)) for name, field in type(value).model_fields.items()}
    if isinstance(value, Mapping):
        return {key: _values(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_values(inner) for inner in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    name = path.rpartition(".")[2]
    if isinstance(value, Mapping) and name != "users":
        for key, inner in value.items():
            yield from _leaves(f"{path}.{key}", inner)
    elif isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
        for index, inner in enumerate(value):
            if name in _BY_PATH:
                yield from _leaves(f"{path}[{inner['path']}]", {k: v for k, v in inner.items() if k != "path"})
            else:
                yield from _leaves(f"{path}[{index}]", inner)
    else:
        yield path, sorted(value) if isinstance(value, Mapping) else value


def _wishes(source: Side, target: Side, label: str) -> Wishes:
    """The choices that the target shows."""
    server = target.settings.server
    authority = target.settings.certificate.authorities(target.stack)[0]
    return Wishes(
        stack=target.stack,
        label=label,
        locked=locked(),
        server=server.kind,
        size=_declared_size(server),
        authority=authority if authority != fitting_authority(source.settings)[0] else None,
    )


def _with_choices(config: Mapping[str, Any], target: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with the target's own where any is as good: titles, who may see it, and its authority."""
    made = copy.deepcopy(dict(config))
    certificate = dict(made.get("luodi:certificate") or {})
    theirs = target.get("luodi:certificate") or {}
    for key in _OF_AN_AUTHORITY:
        certificate.pop(key, None)
        if theirs.get(key) is not None:
            certificate[key] = theirs[key]
    made["luodi:certificate"] = certificate
    if "luodi:eab-hmac-key" in target:
        made["luodi:eab-hmac-key"] = target["luodi:eab-hmac-key"]
    for ours, other in zip(_said(made), _said(target), strict=False):
        ours["title"] = other["title"]
        inner = [area for area in ours.get("areas") or () if not _whole(area["path"])]
        ours["areas"] = inner + [area for area in other.get("areas") or () if _whole(area["path"])]
    return made


def _said(config: Mapping[str, Any]) -> list[Any]:
    """What is said of each site."""
    return [config["luodi:site"], *(item["site"] for item in config.get("luodi:sites") or ())]


def _whole(path: str) -> bool:
    """Whether an area is all of its site."""
    return not path.strip("/")


def _why(key: str, made: Staging) -> Words:
    """Why the command makes a difference there: by the change at that path, or the nearest around or inside it."""
    changes = {_plain(change.key): change.why for change in made.changes}
    wanted = _plain(key)
    while wanted:
        if wanted in changes:
            return changes[wanted]
        wanted = wanted.rpartition(".")[0]
    inside = (why for path, why in changes.items() if path.startswith(f"{_plain(key)}."))
    section = (why for path, why in changes.items() if path.split(".")[0] == _plain(key).split(".")[0])
    return next(inside, next(section, _WHY_DECLARED))


def _plain(key: str) -> str:
    return re.sub(r'\["?[^\]]*\]', "", key)


# --- as they are ---------------------------------------------------------------------------------


def _types(resources: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for one in resources:
        if not str(one["type"]).startswith("pulumi:"):
            yield str(one["type"])


def _size(resources: Sequence[Mapping[str, Any]]) -> str | None:
    for one in resources:
        if key := _SIZES.get(str(one["type"])):
            return str((one.get("outputs") or {}).get(key))
    return None


def _declared_size(server: CvmSettings | LighthouseSettings) -> str:
    return server.instance_type if isinstance(server, CvmSettings) else server.bundle


def _both(pair: tuple[T, T], told: Callable[[T], R]) -> tuple[R, R]:
    first, second = pair
    return told(first), told(second)


def _differ(key: str, both: tuple[Any, Any], why: Words | None) -> Iterator[Difference]:
    if both[0] != both[1]:
        yield Difference(key, both, why)


def _certificate(up: Up, index: int) -> str:
    """Whether what is shown is what the stack had issued."""
    served = up.certificates[index]
    if served.certificate is None:
        return served.error or "none"
    issued = (up.sites[index].get("certificate") or {}).get("fingerprints") or ()
    return AS_ISSUED if served.certificate.fingerprint in issued else "another one"


def _right(up: Up, site: HostedSite) -> bool:
    """Whether a visitor is answered as declared. Before a filing, who is nobody's is answered nothing."""
    if not (up.outputs.get("filing") or {}).get("public"):
        return True
    if up.status is None:
        return False
    closing = [area for area in site.site.areas if _whole(area.path)]
    refused, answered = up.status in (401, 403), up.status < 400
    if any(area.allow for area in closing):  # whoever looks may be one of those
        return refused or answered
    return refused if closing else answered
