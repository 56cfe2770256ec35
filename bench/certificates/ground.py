"""The ground that every client is measured on: one Pebble, one name server, one hook that publishes records."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.parts import pebble
from tests.parts.pebble import Pebble
from tests.unit import nameserver
from tests.unit.nameserver import NameServer


@dataclass(frozen=True)
class Ground:
    """Where a client finds what it needs."""

    authority: Pebble
    server: NameServer
    hook: str
    """A URL: POST {fqdn, value} to /present and /cleanup, as lego's httpreq does."""
    folder: Path

    @property
    def directory(self) -> str:
        return self.authority.authority.directory

    @property
    def roots(self) -> Path:
        assert self.authority.authority.roots is not None
        return self.authority.authority.roots


@contextmanager
def prepared(folder: Path, *, validation_seconds: int = 0) -> Iterator[Ground]:
    """The ground, where validating a name takes up to so long: the slowest of three looks, each up to that."""
    folder.mkdir()
    with (
        nameserver.serving(["127.0.0.1"]) as [server],
        pebble.running(
            folder, (server.address, server.port), bad_nonces=0, validation_seconds=validation_seconds
        ) as authority,
        _hook(server) as hook,
    ):
        yield Ground(authority, server, hook, folder)
        left = [values for (_, kind), values in server.records.items() if kind == "TXT" and values]
        assert not left, f"records were left: {left}"


@contextmanager
def _hook(server: NameServer) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name, value = asked["fqdn"].rstrip("."), asked["value"]
            if self.path == "/present":
                server.publish(name, value)
            else:
                server.withdraw(name, value)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.server_port}"
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()
