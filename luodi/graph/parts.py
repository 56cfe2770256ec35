"""What there is to draw of a declared stack: parts with their words, and nothing of where they stand. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from luodi.describing import issuer, server_size, server_words
from luodi.filing.gate import Publication
from luodi.filing_report import decided
from luodi.hosting import places
from luodi.section import kind_of
from luodi.settings import CertificateSettings, CvmSettings, HostedSite, Settings, SiteSettings, readable
from luodi.settings.kinds import ContentKeys, MiniProgramKeys, PathSettings, ProxyKeys
from luodi.words import Language, Words

Look = Literal["plain", "open", "closed", "override"]

_KINDS = {
    "static": Words("静态文件", "files"),
    "spa": Words("单页应用", "single-page application"),
    "proxy": Words("应用", "application"),
    "mini-program": Words("小程序后端", "back end of a mini-program"),
    "php": Words("PHP", "PHP"),
}
_VISITOR, _TEAM = Words("访客", "Visitors"), Words("仅 {allowed}", "{allowed} alone")
_NAMES_MOST = 6
_MORE = Words("另有 {count} 个", "and {count} more")
_ZONE = Words("DNSPod 域名 {zone}", "zone {zone} at DNSPod")
_RECORDS, _NO_RECORDS = Words("A 记录，TTL {ttl}", "A records, TTL {ttl}"), Words("没有公开的记录", "no public record")
_GATE: dict[Look, Words] = {
    "open": Words("对外开放", "Gate: open"),
    "closed": Words("未对外开放", "Gate: closed"),
    "override": Words("越权开放", "Gate: open by override"),
}
_STAGE = Words("备案：{stage}", "filing: {stage}")
_CERTIFICATE = Words("证书", "Certificate")
_ORDERED = Words("ACME DNS-01，{key}", "ACME DNS-01, {key}")
_MAINTENANCE = Words("维护中", "maintenance")
_AREAS, _REDIRECTS = Words("{count} 处限制访问", "restricted: {count}"), Words("{count} 处跳转", "redirects: {count}")
_HOLDING = Words("占位页", "holding page")
_BUILT = Words("由 {command} 生成", "built by {command}")
_RUN = Words("{runner} 运行，文件在 {content}", "run by {runner}, files in {content}")
_ELSEWHERE = Words("另行启动的应用", "an application started otherwise")


@dataclass(frozen=True)
class Part:
    """A box: its heading, what stands beneath it, and how it looks."""

    head: str
    lines: tuple[str, ...] = ()
    look: Look = "plain"


@dataclass(frozen=True)
class Lane:
    """A site, from the name that a visitor asks for to what is served. `blocked`: nobody at all gets through."""

    names: Part
    gate: Part
    nginx: Part
    certificate: Part
    targets: tuple[Part, ...]
    blocked: bool

    @property
    def open(self) -> bool:
        """Whether the public gets through."""
        return self.gate.look != "closed"


@dataclass(frozen=True)
class Picture:
    """A stack: a server, and a lane for each of its sites."""

    title: str
    visitor: Part
    server: Part
    lanes: tuple[Lane, ...]

    @property
    def description(self) -> str:
        """All of it as text, for who can't see it."""
        parts = [self.server, *(part for lane in self.lanes for part in _parts(lane))]
        return " ".join(f"{'; '.join((part.head, *part.lines))}." for part in parts)


def picture(stack: str, settings: Settings, today: date, language: Language) -> Picture:
    """What a stack declares."""

    def say(words: Words) -> str:
        return words.in_(language)

    server = settings.server
    image = server.image if isinstance(server, CvmSettings) else server.blueprint
    lanes = (_lane(stack, settings, site, decided(site, settings.main, today), language) for site in settings.sites)
    return Picture(
        f"{stack} · {readable(settings.main.site.domain)}",
        Part(say(_VISITOR)),
        Part(say(server_words(settings)), (server_size(server), image, settings.availability_zone)),
        tuple(lanes),
    )


def _lane(stack: str, settings: Settings, site: HostedSite, gate: Publication, language: Language) -> Lane:
    said = site.site
    number = site.filing.covering.number if site.filing.covering else None
    look: Look = "override" if gate.override else "open" if gate.public else "closed"
    lines = [_STAGE.fill(stage=gate.stage.label)]
    lines += [_same(str(number))] if number else []
    lines += [_TEAM.fill(allowed=", ".join(said.allow))] if said.allow and not gate.public else []
    certificate = settings.certificate
    return Lane(
        _names(site, gate, language),
        Part(_GATE[look].in_(language), _said(lines, language), look),
        Part(f"nginx · {said.title}", _said([_kind(said), *_manners(said)], language)),
        Part(
            _CERTIFICATE.in_(language),
            _said([issuer(certificate, stack), *_key(certificate)], language),
        ),
        tuple(_target(path, place, language) for path, place in places(site).items()),
        blocked=not gate.public and not said.allow,
    )


def _names(site: HostedSite, gate: Publication, language: Language) -> Part:
    first, *others = map(readable, site.names)
    more = len(others) - _NAMES_MOST
    lines = list(map(_same, others[:_NAMES_MOST]))
    lines += [_MORE.fill(count=more)] if more > 0 else []
    lines += [_ZONE.fill(zone=readable(site.zone))]
    lines += [_RECORDS.fill(ttl=site.dns.ttl) if gate.public else _NO_RECORDS]
    return Part(first, _said(lines, language))


def _manners(said: SiteSettings) -> Iterator[Words]:
    if said.maintenance:
        yield _MAINTENANCE
    if said.areas:
        yield _AREAS.fill(count=len(said.areas))
    if said.redirects:
        yield _REDIRECTS.fill(count=len(said.redirects))


def _target(path: str, place: SiteSettings | PathSettings, language: Language) -> Part:
    """What is served under a path."""
    head, lines = _served(place)
    kind = [] if path == "/" else [_kind(place)]
    at = "" if path == "/" else f"{path} → "
    return Part(f"{at}{head.in_(language)}", _said([*kind, *lines], language))


def _served(place: SiteSettings | PathSettings) -> tuple[Words, list[Words]]:
    match place:
        case ContentKeys():
            head = _same(place.folder) if place.folder else _HOLDING
            built = [_BUILT.fill(command=place.build.command)] if place.build else []
            return head, [*built, *([_same("PHP-FPM")] if kind_of(type(place)) == "php" else [])]
        case ProxyKeys() | MiniProgramKeys() if place.app:
            run = _RUN.fill(runner=place.app.runner, content=place.app.content)
            return _same(shlex.join(place.app.command)), [run]
        case ProxyKeys() | MiniProgramKeys():
            return _same(", ".join(place.upstream)), [_ELSEWHERE]
    raise TypeError(f"{type(place).__name__} is no kind of site")


def _kind(place: SiteSettings | PathSettings) -> Words:
    return _KINDS[kind_of(type(place))]


def _key(certificate: CertificateSettings) -> list[Words]:
    """Of one that was bought nothing is declared, and what Tencent Cloud gives has no order."""
    if certificate.source == "acme":
        return [_ORDERED.fill(key=certificate.key_type)]
    return [_same(certificate.key_type)] if certificate.source == "tencent" else []


def _same(text: str) -> Words:
    """What is the same in every language."""
    return Words(text, text)


def _said(lines: list[Words], language: Language) -> tuple[str, ...]:
    return tuple(words.in_(language) for words in lines)


def _parts(lane: Lane) -> tuple[Part, ...]:
    return (lane.names, lane.gate, lane.nginx, lane.certificate, *lane.targets)
