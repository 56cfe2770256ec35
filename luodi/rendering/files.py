"""The files of a release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luodi import web
from luodi.rendering.errors import RenderingError
from luodi.rendering.headers import headers
from luodi.rendering.hosts import Location, VirtualHost
from luodi.rendering.kinds import Proxy, Upstream
from luodi.rendering.nginx import Nginx
from luodi.rendering.pages import NoPlace, carries, insertion
from luodi.rendering.templates import Templates, place_of
from luodi.web import PAGES

RELEASES = "/opt/luodi/releases"
"""The folder on the server that has a folder for each release, named by its id."""

RELEASE = "<release>"
"""Stands for the id of a release in its files under ``nginx/`` while it isn't known yet: the id is a digest
of the files. A user's text can't hold it there, since what reaches those files is HTML without a bare <.
"""


class Renderer:
    """Renders the files of a release from a folder laid out like the project's ``templates/``."""

    def __init__(self, templates: Path | None = None) -> None:
        self._templates = Templates(templates)

    def nginx_files(
        self,
        *hosts: VirtualHost,
        release: str = RELEASE,
        nginx: Nginx = Nginx(),  # noqa: B008 (frozen)
    ) -> dict[str, str]:
        """The files of a release that serves `hosts`: path in the release -> text.

        - ``nginx/nginx.conf`` is what nginx is started with, ``nginx/sites/<name>.conf`` a site's part, and
          ``nginx/snippets/`` what the team adds as it is;
        - ``sites/<name>/`` has each site's own: ``pages/`` the error pages, ``html/index.html`` the holding page of a
          site without content, ``snippets/footer.html`` the footer, if there is one, and ``assets/`` what it needs,
          ``verification/`` the files that others know the owner by, ``passwords/`` who may enter an area.

        `release` is the release's id; with RELEASE it is put into the files under ``nginx/`` later. `nginx` is what
        reads them. Raises RenderingError, TemplateError among it.
        """
        names = [name for host in hosts for name in host.names]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise RenderingError(f"{', '.join(twice)} would be served twice; a name has one site")
        snippets = self._templates.snippets()
        self._known(snippets, {host.name for host in hosts})
        values = {
            "release": _Release(release),
            "nginx": nginx,
            "hosts": hosts,
            "visitors_word": web.VISITORS_WORD,
            "unreadable": web.UNREADABLE,
        }
        whole = self._templates.configuration(
            "nginx/nginx.conf",
            **values,
            headers=headers({host.names: host.headers.sent(noindex=host.noindex) for host in hosts}),
            snippets=_places(snippets),
        )
        files = {"nginx/nginx.conf": whole, **snippets}
        for index, host in enumerate(hosts):
            files |= self._site_files(host, {**values, "index": index, "snippets": _places(snippets, host.name)})
        return files

    def _site_files(self, host: VirtualHost, values: Mapping[str, Any]) -> dict[str, str]:
        page, folder = self._templates.page, host.folder
        footer = page("footer/footer.html", footer=host.footer) if host.footer else ""
        icon = f"{folder}/assets/public-security.svg" if host.footer.public_security else None
        upstreams = _upstreams(host, values["index"])
        areas = _areas(host)
        site = self._templates.configuration(
            "nginx/site.conf",
            **values,
            host=host,
            footer=footer,
            public_security_icon=icon,
            upstreams=upstreams.values(),
            label=lambda upstream: upstreams[upstream].label,
            health=_health(host, upstreams),
            areas=areas,
            mixed=_mixed(host),
            always_open=_always_open(host),
            pages=PAGES,
        )
        files = {f"nginx/sites/{host.name}.conf": site}
        own = {f"{folder}/pages/{name}.html": f"pages/{name}.html" for name in PAGES}
        if host.needs_holding_page:
            own[f"{folder}/html/index.html"] = "pages/holding.html"
        for path, template in own.items():
            text = page(template, title=host.title)
            files[path] = _with_footer(text, footer, template) if footer and host.inject_footer else text
        if footer:
            files[f"{folder}/snippets/footer.html"] = footer
        if icon:
            files[icon] = host.footer.icon or self._templates.source("footer/public-security.svg")
        files |= {f"{folder}/verification/{name}": text for name, text in host.verification.items()}
        return files | {area.file: area.text for area in areas if area.users}

    @staticmethod
    def _known(snippets: Mapping[str, str], names: set[str]) -> None:
        for snippet in snippets:
            site, _ = place_of(snippet)
            if site and site not in names:
                raise RenderingError(
                    f"templates/{snippet}: {site} is no site here; there are {', '.join(sorted(names))}"
                )


def _with_footer(text: str, footer: str, template: str) -> str:
    page = text.encode()
    try:
        found = insertion(page, footer)
    except NoPlace as error:
        raise RenderingError(f"templates/{template}.j2 has no place for the footer: the page {error}") from None
    if found is None and not carries(page, footer):
        raise RenderingError(f"templates/{template}.j2 has no place for the footer: write a whole page, with <body>")
    return (found.into(page) if found else page).decode()


@dataclass(frozen=True)
class _Release:
    id: str

    def path(self, path: str) -> str:
        """The absolute path of what is at `path` in the release; an absolute one stays."""
        return path if path.startswith("/") else f"{RELEASES}/{self.id}/{path}"


@dataclass(frozen=True)
class _Upstream:
    label: str
    servers: tuple[str, ...]
    file: str | None
    keepalive: int


@dataclass(frozen=True)
class _Health:
    label: str
    health: str
    kind: Proxy


@dataclass(frozen=True)
class _Area:
    number: int
    path: str
    realm: str
    users: bool
    file: str
    text: str


def _places(snippets: Mapping[str, str], name: str | None = None) -> dict[str, list[str]]:
    """Snippets by where they are included: those for all, and those for the site of that name."""
    found: dict[str, list[str]] = {"http": [], "server": [], "location": []}
    for snippet in snippets:
        site, place = place_of(snippet)
        if site in (None, name):
            found[place].append(snippet)
    return found


def _upstreams(host: VirtualHost, index: int) -> dict[Upstream, _Upstream]:
    every = dict.fromkeys(place.kind.upstream for place in host.locations if isinstance(place.kind, Proxy))
    return {
        upstream: _Upstream(f"luodi_{index}_{number}", upstream.servers, upstream.file, upstream.keepalive)
        for number, upstream in enumerate(every)
    }


def _health(host: VirtualHost, upstreams: Mapping[Upstream, _Upstream]) -> _Health | None:
    """The application that is asked whether the site is well."""
    for place in host.locations:
        if isinstance(place.kind, Proxy) and place.kind.health:
            return _Health(upstreams[place.kind.upstream].label, place.kind.health, place.kind)
    return None


def _mixed(host: VirtualHost) -> list[Location]:
    """What is where in a site of both files and applications, the longest path first."""
    found = sorted(host.locations, key=lambda place: len(place.path), reverse=True)
    return found if host.has_files and any(isinstance(place.kind, Proxy) for place in found) else []


def _areas(host: VirtualHost) -> list[_Area]:
    """The longest path first, as nginx takes the first expression that fits."""
    found = [
        _Area(
            number,
            area.path,
            area.realm,
            bool(area.users),
            f"{host.folder}/passwords/{number}",
            area.password_file,
        )
        for number, area in enumerate(host.areas)
    ]
    return sorted(found, key=lambda area: len(area.path), reverse=True)


def _always_open(host: VirtualHost) -> list[str]:
    """What is answered in a closed area and while the site is worked on: the error pages, which nginx leads to by
    their names, and what machines look at."""
    paths = [*web.ANSWERED_BY_LUODI, web.ROBOTS, *(f"/{file}" for file in host.verification)]
    return list({path.lower(): path for path in paths}.values())  # nginx's maps know no case
