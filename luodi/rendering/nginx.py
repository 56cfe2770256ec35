"""The nginx that reads a release: its version, its modules, its machine, and what is said to it once for all sites."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Literal

from luodi.rendering.errors import RenderingError

OLDEST_NGINX = "1.19.4"
"""The first version with ssl_reject_handshake (https://nginx.org/en/CHANGES)."""

Version = tuple[int, int, int]


@dataclass(frozen=True)
class Listen:
    """Where nginx listens: an IPv4 address, or every one of the server's, and the two ports."""

    address: str | None = None
    http: int = 80
    https: int = 443

    def at(self, port: int) -> str:
        """`port` as nginx's ``listen`` takes it."""
        return f"{self.address}:{port}" if self.address else str(port)


@dataclass(frozen=True)
class Log:
    """The access log: nginx's combined format, JSON, or none. In JSON a visitor's address is cut to its network
    (IPv4 /24, IPv6 /32), unless `addresses` are wanted whole, and no query is kept."""

    format: Literal["combined", "json", "off"] = "combined"
    addresses: Literal["truncated", "whole"] = "truncated"


@dataclass(frozen=True)
class Nginx:
    """What a release may ask of the nginx that reads it.

    `version` is the server's (``nginx -v``, or the number in it), `openssl` that of the library it runs with; what is
    rendered for older ones is read by newer ones too. `modules` are those it has besides Debian's own: ``brotli``,
    ``zstd``. `memory` is the machine's, in MB. `profile` is Mozilla's. `trusted_proxies` are the CIDR blocks of the
    balancers or CDN before it, whose word in `client_header` says who the visitor is.

    Raises RenderingError for a version that is none, or too old.
    """

    version: str = OLDEST_NGINX
    openssl: str = "1.1.1"
    modules: frozenset[Literal["brotli", "zstd"]] = frozenset()
    memory: int = 1024
    profile: Literal["intermediate", "modern"] = "intermediate"
    log: Log = Log()
    trusted_proxies: tuple[str, ...] = ()
    client_header: str = "X-Forwarded-For"
    listen: Listen = field(default=Listen())

    def __post_init__(self) -> None:
        if self._version < version(OLDEST_NGINX):
            raise RenderingError(
                f"nginx {self.version} can't refuse the handshake for a name that isn't served; take "
                f"{OLDEST_NGINX} or newer, as Debian 12 and Ubuntu 24.04 have it"
            )

    @property
    def _version(self) -> Version:
        return version(self.version)

    @property
    def http2_directive(self) -> bool:
        """Whether ``http2 on`` is understood (1.25.1); ``listen ... http2`` before."""
        return self._version >= (1, 25, 1)

    @property
    def connections(self) -> int:
        """How many each worker may hold: nginx sets half a kilobyte aside for each, a TLS one takes some 30 more."""
        return min(65_536, max(2_048, self.memory * 4))

    @property
    def open_files(self) -> int:
        """A visitor's, the application's and a file may all be open at once."""
        return self.connections * 3

    @property
    def tls(self) -> Mapping[str, Any]:
        """Mozilla's recommendation, with the groups that this OpenSSL knows."""
        data = _tls()
        profile = data[self.profile]
        newest = version(self.openssl) >= version(data["hybrid"]["openssl"])
        groups = [*data["hybrid"]["groups"], *profile["groups"]] if newest else profile["groups"]
        return {**profile, "version": data["version"], "name": self.profile, "groups": groups}


def version(text: str) -> Version:
    """The version that a text names. Raises RenderingError when it names none."""
    found = re.search(r"(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?", text)
    if found is None:
        raise RenderingError(f"{text!r} is no version, such as 1.22.1")
    major, minor, patch = found.groups(default="0")
    return int(major), int(minor), int(patch)


@cache
def _tls() -> Mapping[str, Any]:
    return tomllib.loads(resources.files("luodi.data").joinpath("tls.toml").read_text("utf-8"))
