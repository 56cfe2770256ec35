"""An application as it is in a release, and on the server.

In a release, ``apps/<name>/`` says how it is run and ``sites/<site>/app/`` is its content. On the server it is built
from both in ``/opt/luodi/apps/<name>/<version>/``, where it stays for as long as a release that is kept names it:
a release that changes nothing of an application leaves it running.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from luodi.apps.templates import Templates, environment_file, pool_environment
from luodi.settings.app import AppSettings, PhpSettings

APPS = "/opt/luodi/apps"
SHARED = "/var/lib/luodi-shared"
SECRETS = "/etc/luodi/secrets"
PORTS = range(20_000, 30_000)
"""Where an application finds ports of its own: below those that the kernel gives to connections."""

_VERSION = "<version>"
_LONGEST_USER = 31


def app_name(domain: str, path: str = "/") -> str:
    """What the application of a site is called on the server; `path`, where it serves but a part of the site."""
    part = re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-")
    if not part:
        return domain
    return f"{domain}-{part}-{hashlib.sha256(path.encode()).hexdigest()[:6]}"


def user(name: str) -> str:
    """The user of an application, as useradd(8) takes it."""
    readable = re.sub(r"[^a-z0-9]+", "-", name)
    mark = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"luodi-{readable[: _LONGEST_USER - 15]}-{mark}"


@dataclass(frozen=True)
class App:
    """An application of a site.

    `site` is the site's name, `content` its content's folder in the release and `digest` what is in it;
    `secrets` is the name of the file of its secrets on the server, if it has any.
    """

    name: str
    site: str
    content: str
    digest: str
    settings: AppSettings
    secrets: str | None = None

    def files(self, templates: Path | None = None) -> dict[str, str]:
        """What the release says of it: path to text, all under ``apps/<name>/``."""
        settings = self.settings
        return _files(
            self,
            templates,
            {
                "service": ("units/app.service", {}),
                "build.service": ("units/build.service", {}),
                "install": ("apps-install.sh", {"install": settings.install}),
                "control": (
                    "apps-control.sh",
                    {"ports": settings.ports or (), "range": PORTS, "program": self.program},
                ),
            },
            {"environment": environment_file(settings.environment)},
        )

    @property
    def user(self) -> str:
        """The unprivileged user that it runs as."""
        return user(self.name)

    @property
    def folder(self) -> str:
        """Where it is on the server."""
        return f"{APPS}/{self.name}/{_VERSION}"

    @property
    def command(self) -> tuple[str, ...]:
        """What systemd starts. A path in its own folder is made absolute, as systemd wants it."""
        first, *rest = self.settings.command
        if self.settings.runner == "pm2":
            script = (self._own(f"./{first}" if "/" not in first else first), "-i", str(self.settings.processes))
            return (f"{self.folder}/app/node_modules/.bin/pm2-runtime", "start", *script, "--", *rest)
        return (self._own(first), *rest)

    @property
    def program(self) -> str:
        """The file of its content that is started, if one is: content is delivered without execute permissions."""
        first = self.settings.command[0]
        own = self.settings.runner == "systemd" and "/" in first and not first.startswith("/")
        return first.removeprefix("./") if own else ""

    def _own(self, word: str) -> str:
        return f"{self.folder}/app/{word.removeprefix('./')}" if "/" in word and not word.startswith("/") else word

    @property
    def memory(self) -> int:
        """MB."""
        return self.settings.memory

    @property
    def secrets_file(self) -> str | None:
        """The file of its secrets, which only root may read."""
        return f"{SECRETS}/{self.name}/{self.secrets}" if self.secrets else None

    @property
    def shared_folders(self) -> tuple[str, ...]:
        """Where it may write, besides its own state."""
        return tuple(f"{SHARED}/{self.name}/{path}" for path in self.settings.shared)


@dataclass(frozen=True)
class Php:
    """A PHP site: a pool of PHP-FPM, and content that is put beside the folders it shares with other releases."""

    name: str
    site: str
    content: str
    digest: str
    settings: PhpSettings
    secrets: str | None = None

    def files(self, templates: Path | None = None) -> dict[str, str]:
        """What the release says of it: path to text, all under ``apps/<name>/``."""
        return _files(
            self,
            templates,
            {
                "pool.conf": ("units/pool.conf", {"environment": pool_environment(self.settings.environment)}),
                "build.service": ("units/build.service", {}),
                "install": ("apps-install.sh", {"install": self.settings.install}),
                "control": ("apps-php.sh", {"program": ""}),
            },
            {},
            ignore=self.secrets_file,
        )

    def root(self, templates: Path | None = None) -> str:
        """The folder of its files on the server, once it is built; secrets don't move it."""
        told = replace(self, secrets=None).files(templates)
        return f"{APPS}/{self.name}/{told[f'apps/{self.name}/version'].strip()}/app"

    @property
    def user(self) -> str:
        """The unprivileged user that it runs as."""
        return user(self.name)

    @property
    def folder(self) -> str:
        """Where it is on the server."""
        return f"{APPS}/{self.name}/{_VERSION}"

    @property
    def secrets_file(self) -> str | None:
        """The file of its secrets, which only root may read."""
        return f"{SECRETS}/{self.name}/{self.secrets}" if self.secrets else None

    @property
    def socket(self) -> str:
        """Where its pool answers."""
        return f"/run/php/{self.user}.sock"

    @property
    def shared_folders(self) -> tuple[str, ...]:
        """Where it may write."""
        return tuple(f"{SHARED}/{self.name}/{path}" for path in self.settings.shared)


def of(name: str, site: str, content: str, digest: str, settings: AppSettings | PhpSettings) -> App | Php:
    """The application that settings describe."""
    if isinstance(settings, PhpSettings):
        return Php(name, site, content, digest, settings)
    return App(name, site, content, digest, settings)


def packages(settings: Iterable[AppSettings | PhpSettings]) -> tuple[str, ...]:
    """The Debian packages that a server's applications need."""
    wanted: list[str] = []
    for each in settings:
        if isinstance(each, PhpSettings):
            wanted += ["php-fpm", *(f"php-{name}" for name in each.extensions)]
        wanted += each.packages
    return tuple(dict.fromkeys(wanted))


def _files(
    app: App | Php,
    folder: Path | None,
    rendered: Mapping[str, tuple[str, Mapping[str, Any]]],
    plain: Mapping[str, str],
    ignore: str | None = None,
) -> dict[str, str]:
    templates = Templates(folder)
    files = {file: templates.render(name, app=app, **values) for file, (name, values) in rendered.items()}
    files |= plain
    told = json.dumps([app.digest, files], sort_keys=True)
    version = hashlib.sha256(told.replace(f"secrets={ignore}", "secrets=''").encode()).hexdigest()[:16]
    files["version"] = f"{version}\n"
    return {f"apps/{app.name}/{file}": text.replace(_VERSION, version) for file, text in files.items()}
