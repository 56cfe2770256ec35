"""What a site, or a path of one, serves: files, a single-page application, an application behind it, or PHP."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from luodi import web
from luodi.rendering.errors import RenderingError, checked

_MANAGED = re.compile(r"[a-z0-9][a-z0-9.-]*")
_ROOT = re.compile(r"/[A-Za-z0-9._@+/-]+")


@dataclass(frozen=True)
class Upstream:
    """Where an application listens.

    `servers` are loopback addresses with a port (``127.0.0.1:3000``, ``[::1]:3000``) or Unix sockets
    (``unix:/run/shop/shop.sock``). For an application that luodi runs, `managed` is its name instead, and its addresses
    are in the release's file ``nginx/upstreams/<managed>.conf``: whoever starts the application writes it, before
    ``nginx -t`` and the switch, as nginx's own ``server 127.0.0.1:3001;`` lines, one a process.

    `keepalive` is how many idle connections a worker keeps open to it.

    Raises RenderingError for an address that others could reach, or none.
    """

    servers: tuple[str, ...] = ()
    managed: str | None = None
    keepalive: int = 32

    def __post_init__(self) -> None:
        if bool(self.servers) == bool(self.managed):
            raise RenderingError("an upstream is either addresses or an application that luodi runs")
        if self.managed is not None and not _MANAGED.fullmatch(self.managed):
            raise RenderingError(f"{self.managed!r} is no application's name: lower-case letters, digits, . and -")
        for server in self.servers:
            checked(web.local_address, server)

    @property
    def file(self) -> str | None:
        """Where in the release its addresses are written at the switch, if they are."""
        return f"nginx/upstreams/{self.managed}.conf" if self.managed else None


@dataclass(frozen=True)
class Timeouts:
    """How long nginx waits for an application, in seconds: to connect, to take a part of a request, to answer."""

    connect: int = 5
    send: int = 60
    read: int = 60


@dataclass(frozen=True)
class Static:
    """Files. Without `has_content` a holding page is served.

    `immutable` are paths under which a file's name changes with its content, so that browsers keep it for a year;
    names that carry a digest are recognised anywhere.
    """

    template: ClassVar[str] = "static"

    has_content: bool = True
    immutable: tuple[str, ...] = ()


@dataclass(frozen=True)
class Spa(Static):
    """Files, and the index for whatever else a visitor asks for, but never for a missing asset."""

    template: ClassVar[str] = "spa"


@dataclass(frozen=True)
class Proxy:
    """An application.

    `health` is the path where it says whether it is well. `websocket` lets connections be upgraded. `body` is the
    largest request, as nginx writes it (``10m``). With `stream_requests` a request goes to the application while it
    comes in; with `stream_responses` a response goes to the visitor while it is made (server-sent events).
    `decompress` is for an application that compresses though it is asked not to: its pages are decompressed for the
    footer, and stay so.

    Raises RenderingError.
    """

    template: ClassVar[str] = "proxy"

    upstream: Upstream
    health: str | None = None
    websocket: bool = True
    timeouts: Timeouts = Timeouts()
    body: str = "10m"
    stream_requests: bool = False
    stream_responses: bool = False
    decompress: bool = False

    def __post_init__(self) -> None:
        checked(web.size, self.body)
        if self.health is not None:
            checked(web.request_path, self.health)


@dataclass(frozen=True)
class Endpoint:
    """What a mini-program calls for one purpose: everything under `path`, at `host` alone or at each of the site's
    names."""

    path: str
    host: str | None = None

    def __post_init__(self) -> None:
        checked(web.path_prefix, self.path)


@dataclass(frozen=True)
class MiniProgram:
    """The back end of a mini-program (小程序), apart as its console lists its domains (服务器域名): request, socket,
    uploadFile and downloadFile.

    The application is one; the paths differ in what nginx does for them: sockets stay open for an hour, uploads of up
    to `upload_body` are passed on while they come in.
    """

    upstream: Upstream
    request: Endpoint = Endpoint("/")
    socket: Endpoint = Endpoint("/ws/")
    upload: Endpoint = Endpoint("/upload/")
    download: Endpoint = Endpoint("/download/")
    health: str | None = None
    timeouts: Timeouts = Timeouts()
    body: str = "10m"
    upload_body: str = "200m"

    def proxies(self, host: str | None) -> Iterable[tuple[str, Proxy]]:
        """Path and how it is passed on, for one of the hosts that an endpoint has to itself, or else for all others.

        What several purposes share is passed on as each of them needs it.
        """
        long = Timeouts(self.timeouts.connect, 3600, 3600)
        patient = Timeouts(self.timeouts.connect, 300, 300)
        plain = Proxy(self.upstream, self.health, websocket=False, timeouts=self.timeouts, body=self.body)
        wanted = (
            (self.request, plain),
            (self.download, Proxy(self.upstream, None, websocket=False, timeouts=patient, stream_responses=True)),
            (self.socket, Proxy(self.upstream, None, timeouts=long)),
            (
                self.upload,
                Proxy(
                    self.upstream, None, websocket=False, timeouts=patient, body=self.upload_body, stream_requests=True
                ),
            ),
        )
        found: dict[str, Proxy] = {}
        for endpoint, proxy in wanted:
            if endpoint.host == host:
                found[endpoint.path] = _both(found[endpoint.path], proxy) if endpoint.path in found else proxy
        return found.items()

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that serve one purpose alone."""
        every = (self.request, self.socket, self.upload, self.download)
        return tuple(dict.fromkeys(endpoint.host for endpoint in every if endpoint.host))


@dataclass(frozen=True)
class Php:
    """A PHP application, such as WordPress, by PHP-FPM.

    `socket` is the pool's (``unix:/run/php/shop.sock``). `root` is the folder of its files on the server, by default
    the release's own. Nothing under `uploads` is run.
    """

    template: ClassVar[str] = "php"

    socket: str
    root: str | None = None
    uploads: tuple[str, ...] = ("/wp-content/uploads/",)
    body: str = "64m"
    timeouts: Timeouts = field(default=Timeouts(read=120))
    has_content: bool = True
    immutable: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        checked(web.socket, self.socket)
        checked(web.size, self.body)
        if self.root is not None and not _ROOT.fullmatch(self.root):
            raise RenderingError(f"{self.root!r} is no absolute path of letters, digits and . _ @ + - /")


Kind: TypeAlias = Static | Spa | Proxy | MiniProgram | Php


def _both(one: Proxy, other: Proxy) -> Proxy:
    """What serves the purposes of both."""
    return Proxy(
        one.upstream,
        one.health or other.health,
        websocket=one.websocket or other.websocket,
        timeouts=Timeouts(
            max(one.timeouts.connect, other.timeouts.connect),
            max(one.timeouts.send, other.timeouts.send),
            max(one.timeouts.read, other.timeouts.read),
        ),
        body=max(one.body, other.body, key=web.octets),
        stream_requests=one.stream_requests or other.stream_requests,
        stream_responses=one.stream_responses or other.stream_responses,
        decompress=one.decompress or other.decompress,
    )
