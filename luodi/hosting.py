"""What a stack file says of a site, as what nginx serves. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

from luodi.apps.application import app_name, user
from luodi.rendering import (
    Area,
    CertificateFiles,
    Endpoint,
    Footer,
    Headers,
    Hsts,
    Kind,
    Limits,
    Location,
    Log,
    Maintenance,
    MiniProgram,
    Nginx,
    Php,
    Proxy,
    Redirect,
    Spa,
    Static,
    Timeouts,
    Upstream,
    VirtualHost,
)
from luodi.rendering.headers import PERMISSIONS, POLICY
from luodi.settings import BuildSettings, CvmSettings, HostedSite, LighthouseSettings, Settings
from luodi.settings.app import AppSettings, PhpSettings
from luodi.settings.kinds import (
    MiniProgramKeys,
    PathSettings,
    ProxyKeys,
    SpaKeys,
    StaticKeys,
    TimeoutSettings,
)
from luodi.settings.serving import HeadersSettings
from luodi.settings.site import PhpSite, SiteSettings


@dataclass(frozen=True)
class Application:
    """An application that luodi runs for a site, or for a `path` of one.

    `name` is what it is called on the server: nginx finds one with a port of its own in the release's file
    ``nginx/upstreams/<name>.conf`` (rendering.Upstream), and PHP at `socket`. `content` is the folder of its files in a
    release.
    """

    name: str
    path: str
    content: str
    settings: AppSettings | PhpSettings

    @property
    def socket(self) -> str:
        """The Unix socket of its pool, where it is PHP."""
        return f"/run/php/{user(self.name)}.sock"


@dataclass(frozen=True)
class Content:
    """Files of a site: the project's `folder` of them, the command that makes it, if one does, and the `key` of the
    stack file that says either.

    `footer` is the path in the release of the footer that its pages get when they are released, if there is one then;
    empty where pages are left alone, or come from an application and get it as they pass.
    """

    folder: str
    build: BuildSettings | None
    key: str
    footer: str = ""


def virtual_host(
    site: HostedSite,
    *,
    footer: Footer,
    certificates: tuple[CertificateFiles, ...],
    public: bool,
    today: date,
    php_root: str | None = None,
) -> VirtualHost:
    """A site as nginx serves it.

    `public` is whether its filing lets everybody in; when not, only ``luodi:site.allow``. `today` decides how long
    browsers are told to come by https alone. `php_root` is the folder of a PHP site's files on the server, by default
    the release's. Raises RenderingError.
    """
    said = site.site
    return VirtualHost(
        names=site.names,
        title=said.title,
        footer=footer,
        certificates=certificates,
        kind=_kind(site, said, php_root=php_root),
        paths=tuple(Location(place.path, _kind(site, place, place.path)) for place in said.paths),
        redirects=tuple(Redirect(each.path, each.to, each.code) for each in said.redirects),
        areas=tuple(Area(area.path, tuple(area.users.items()), area.allow) for area in said.areas),
        verification=said.verification,
        maintenance=Maintenance(said.maintenance.allow, said.maintenance.retry_after) if said.maintenance else None,
        headers=_headers(said.headers, today),
        limits=Limits(said.limits.rate, said.limits.burst, said.limits.connections),
        one_name=said.aliases == "redirect",
        noindex=said.noindex,
        inject_footer=said.footer.inject,
        audience=None if public else said.allow,
        source=site.at("luodi:site"),
    )


def nginx(settings: Settings) -> Nginx:
    """The nginx that a server has, and what the stack says to it."""
    said, image = settings.nginx, _image(settings.server)
    return Nginx(
        version=image["nginx"],
        openssl=image["openssl"],
        modules=frozenset(said.compression),
        memory=memory(settings.server),
        profile=said.tls,
        log=Log(said.log, said.log_addresses),
        trusted_proxies=said.trusted_proxies,
        client_header=said.client_header,
    )


def packages(settings: Settings) -> tuple[str, ...]:
    """The distribution's packages that nginx needs besides itself."""
    return tuple(name for module in settings.nginx.compression for name in _data()["modules"][module]["packages"])


def memory(server: CvmSettings | LighthouseSettings) -> int:
    """The machine's memory in MB, as far as its name tells: S5.MEDIUM2 has 2 GB, bundle_..._med2_01 too; else 1 GB."""
    if isinstance(server, CvmSettings):
        found = re.search(r"[A-Z]([0-9]{1,4})$", server.instance_type)
    else:
        found = re.search(r"_[a-z]+([0-9]{1,3})_[0-9]+$", server.bundle)
    return 1024 * max(1, int(found[1])) if found else 1024


def contents(site: HostedSite) -> dict[str, Content]:
    """Where a site's files come from, by the folder of a release that they are for.

    What nginx serves under a path lies under that path in the site's own folder; an application has its own folder.
    """
    root, said = f"sites/{site.site.domain}/html", _keys(site)
    found = {
        f"{root}{path}".rstrip("/"): _content(place.folder, place.build, said[path], footer_of_pages(site))
        for path, place in places(site).items()
        if isinstance(place, StaticKeys | SpaKeys) and place.folder is not None
    }
    for application in applications(site):
        place = places(site)[application.path]
        if isinstance(place, PhpSite) and place.folder is not None:
            found[application.content] = _content(place.folder, place.build, said[application.path])
        elif isinstance(application.settings, AppSettings):
            found[application.content] = _content(application.settings.content, None, f"{said[application.path]}.app")
    return found


def _content(folder: str, build: BuildSettings | None, section: str, footer: str = "") -> Content:
    return Content(folder, build, f"{section}.{'build' if build else 'content'}", footer)


def _keys(site: HostedSite) -> dict[str, str]:
    """The section of the stack file for each of `places`."""
    own = site.at("luodi:site")
    return {"/": own, **{place.path: f"{own}.paths[{number}]" for number, place in enumerate(site.site.paths)}}


def footer_of_pages(site: HostedSite) -> str:
    """The path in a release of the footer that a site's pages get, if there is one; empty where they are left alone."""
    return f"sites/{site.site.domain}/snippets/footer.html" if site.site.footer.inject else ""


def applications(site: HostedSite) -> Iterator[Application]:
    """The applications that luodi runs for a site, PHP among them."""
    for path, place in places(site).items():
        settings = place.php if isinstance(place, PhpSite) else getattr(place, "app", None)
        if settings is not None:
            yield _application(site, path, settings)


def _application(site: HostedSite, path: str, settings: AppSettings | PhpSettings) -> Application:
    name = app_name(site.site.domain, path)
    return Application(name, path, f"sites/{site.site.domain}/app{name.removeprefix(site.site.domain)}", settings)


def places(site: HostedSite) -> dict[str, SiteSettings | PathSettings]:
    """What is served where."""
    return {"/": site.site, **{place.path: place for place in site.site.paths}}


def console_domains(site: HostedSite) -> dict[str, dict[str, list[str]]]:
    """What to paste into a mini-program's console, by platform and by the console's own words; empty for other sites.

    WeChat's (服务器域名) has a list for each purpose, with its scheme; Alipay's (服务器域名白名单) has one for
    requests, uploads and downloads, and one for sockets. A Chinese name is in A-labels, as consoles take it.
    Sources: https://developers.weixin.qq.com/miniprogram/dev/framework/ability/network.html and
    https://opendocs.alipay.com/mini/introduce/server-domain
    """
    said = site.site
    if not isinstance(said, MiniProgramKeys):
        return {}
    program = _mini_program(site, said)
    hosts = {
        "request": program.request.host,
        "socket": program.socket.host,
        "uploadFile": program.upload.host,
        "downloadFile": program.download.host,
    }
    named = {purpose: host or site.names[0] for purpose, host in hosts.items()}
    schemes = {purpose: "wss" if purpose == "socket" else "https" for purpose in named}
    every = {purpose: [f"{schemes[purpose]}://{host}"] for purpose, host in named.items()}
    https = [address for purpose, addresses in every.items() if purpose != "socket" for address in addresses]
    both = {"wechat": every, "alipay": {"httpRequest": sorted(set(https)), "socket": every["socket"]}}
    return {platform: both[platform] for platform in said.platforms}


def _kind(site: HostedSite, said: SiteSettings | PathSettings, path: str = "/", php_root: str | None = None) -> Kind:
    match said:
        case SpaKeys():
            return Spa(said.folder is not None, said.immutable)
        case StaticKeys():
            return Static(said.folder is not None, said.immutable)
        case ProxyKeys():
            return Proxy(
                _upstream(site, said.upstream, said.app, path),
                _health(said.health, said.app),
                said.websocket,
                _timeouts(said.timeouts),
                said.body,
                said.stream_requests,
                said.stream_responses,
                said.decompress,
            )
        case MiniProgramKeys():
            return _mini_program(site, said)
        case PhpSite():
            return _php(site, said, php_root)
    raise TypeError(f"{type(said).__name__} is no kind of site")


def _mini_program(site: HostedSite, said: MiniProgramKeys) -> MiniProgram:
    def endpoint(path: str | None, host: str | None, usual: str) -> Endpoint:
        return Endpoint(path or ("/" if host else usual), host)

    return MiniProgram(
        _upstream(site, said.upstream, said.app, "/"),
        request=endpoint(said.request.path, said.request.host, "/"),
        socket=endpoint(said.socket.path, said.socket.host, "/ws/"),
        upload=endpoint(said.upload.path, said.upload.host, "/upload/"),
        download=endpoint(said.download.path, said.download.host, "/download/"),
        health=_health(said.health, said.app),
        timeouts=_timeouts(said.timeouts),
        body=said.body,
        upload_body=said.upload_body,
    )


def _php(site: HostedSite, said: PhpSite, root: str | None) -> Php:
    application = _application(site, "/", said.php)
    return Php(
        f"unix:{application.socket}",
        root=root,
        uploads=tuple(dict.fromkeys(("/wp-content/uploads/", *(f"/{folder}/" for folder in said.php.shared)))),
        body=f"{said.php.upload}m",
        timeouts=_timeouts(said.timeouts),
        has_content=said.folder is not None,
        immutable=said.immutable,
    )


def _upstream(site: HostedSite, servers: tuple[str, ...], app: AppSettings | None, path: str) -> Upstream:
    return Upstream(managed=app_name(site.site.domain, path)) if app else Upstream(servers)


def _health(path: str | None, app: AppSettings | None) -> str | None:
    return path or (app.health if app else None)


def _timeouts(said: TimeoutSettings) -> Timeouts:
    return Timeouts(said.connect, said.send, said.read)


def _headers(said: HeadersSettings, today: date) -> Headers:
    frames: Mapping[str, Any] = {"same-origin": "SAMEORIGIN", "deny": "DENY", "any": None}
    return Headers(
        frame=frames[said.frame],
        referrer=said.referrer_policy,
        permissions=said.permissions_policy or PERMISSIONS,
        policy=said.csp or POLICY,
        policy_mode=said.csp_mode,
        hsts=Hsts(max_age(said.hsts.since, today), said.hsts.subdomains, said.hsts.preload) if said.hsts else None,
        more=said.more,
    )


def max_age(since: date, today: date) -> int:
    """How long, in seconds, browsers are to come by https alone, the days since that was turned on considered."""
    days = max(0, (today - since).days)
    return int(max(step["max_age"] for step in _data()["hsts"] if step["day"] <= days))


def image_family(server: CvmSettings | LighthouseSettings) -> str | None:
    """The operating system of the server's image, where its name tells one that luodi knows."""
    known = _known_image(server)
    return known["like"] if known else None


def _image(server: CvmSettings | LighthouseSettings) -> Mapping[str, str]:
    return _known_image(server) or {"nginx": Nginx.version, "openssl": Nginx.openssl}


def _known_image(server: CvmSettings | LighthouseSettings) -> Mapping[str, str] | None:
    name = server.image if isinstance(server, CvmSettings) else server.blueprint
    images: list[Mapping[str, str]] = _data()["image"]
    return next((image for image in images if name.startswith(image["like"])), None)


@cache
def _data() -> Mapping[str, Any]:
    return tomllib.loads(resources.files("luodi.data").joinpath("nginx.toml").read_text("utf-8"))
