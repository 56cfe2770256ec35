"""The files of a release."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from luodi.rendering.errors import RenderingError
from luodi.rendering.hosts import EVERYWHERE, Listen, VirtualHost
from luodi.rendering.templates import Templates

RELEASES = "/opt/luodi/releases"
"""The folder on the server that has a folder for each release, named by its id."""

RELEASE = "<release>"
"""Stands for the id of a release in its files under ``nginx/`` while it isn't known yet: the id is a digest
of the files. A user's text can't hold it there, since what reaches those files is HTML without a bare <.
"""

OLDEST_NGINX = "1.19.4"
"""The first version with ssl_reject_handshake (https://nginx.org/en/CHANGES)."""


class Renderer:
    """Renders the files of a release from a folder laid out like the project's ``templates/``."""

    def __init__(self, templates: Path | None = None) -> None:
        self._templates = Templates(templates)

    def nginx_files(
        self,
        *hosts: VirtualHost,
        release: str = RELEASE,
        nginx_version: str = OLDEST_NGINX,
        listen: Listen = EVERYWHERE,
    ) -> dict[str, str]:
        """The files of a release that serves `hosts`: path in the release -> text.

        - ``nginx/nginx.conf`` is what nginx is started with, ``nginx/sites/<name>.conf`` a site's part;
        - ``sites/<name>/`` has each site's own: ``pages/`` the error pages, ``html/index.html`` the holding page of a
          site without content, ``snippets/footer.html`` the footer, if there is one, and ``assets/`` what it needs.

        `release` is the release's id; with RELEASE it is put into the files under ``nginx/`` later.
        `nginx_version` is the server's (``nginx -v``, or the number in it); what is rendered for an
        older one is read by newer ones too. Raises RenderingError, TemplateError among it.
        """
        version = _version(nginx_version)
        if version < _version(OLDEST_NGINX):
            raise RenderingError(
                f"nginx {nginx_version} can't refuse the handshake for a name that isn't served; take "
                f"{OLDEST_NGINX} or newer, as Debian 12 and Ubuntu 24.04 have it"
            )
        names = [name for host in hosts for name in host.names]
        if twice := {name for name in names if names.count(name) > 1}:
            raise RenderingError(f"{', '.join(sorted(twice))} would be served twice; a name has one site")
        values = {
            "release": _Release(release),
            "listen": listen,
            "http2_directive": version >= (1, 25, 1),
            "tls": _tls(),
        }
        files = {"nginx/nginx.conf": self._templates.configuration("nginx/nginx.conf", hosts=hosts, **values)}
        for index, host in enumerate(hosts):
            files |= self._site_files(host, {**values, "index": index})
        return files

    def _site_files(self, host: VirtualHost, values: Mapping[str, Any]) -> dict[str, str]:
        page, folder = self._templates.page, host.folder
        footer = page("footer/footer.html", footer=host.footer) if host.footer else ""
        icon = f"{folder}/assets/public-security.svg" if host.footer.public_security else None
        site = self._templates.configuration(
            "nginx/site.conf", host=host, footer=footer, public_security_icon=icon, **values
        )
        files = {
            f"nginx/sites/{host.name}.conf": site,
            f"{folder}/pages/404.html": page("pages/404.html", title=host.title),
            f"{folder}/pages/50x.html": page("pages/50x.html", title=host.title),
        }
        if not host.has_content:
            files[f"{folder}/html/index.html"] = page("pages/holding.html", title=host.title)
        if footer:
            files[f"{folder}/snippets/footer.html"] = footer
        if icon:
            files[icon] = host.footer.icon or self._templates.source("footer/public-security.svg")
        return files


@dataclass(frozen=True)
class _Release:
    id: str

    def path(self, path: str) -> str:
        """The absolute path of what is at `path` in the release."""
        return f"{RELEASES}/{self.id}/{path}"


def _version(text: str) -> tuple[int, int, int]:
    found = re.search(r"(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?", text)
    if found is None:
        raise RenderingError(f"{text!r} is no version of nginx, such as 1.22.1")
    major, minor, patch = found.groups(default="0")
    return int(major), int(minor), int(patch)


@cache
def _tls() -> Mapping[str, Any]:
    return tomllib.loads(resources.files("luodi.data").joinpath("tls.toml").read_text("utf-8"))
