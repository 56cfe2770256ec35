"""The webhooks of WeCom, DingTalk and Feishu, as a client meets them: by TLS, through a proxy that leads here."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme


@dataclass
class Robots:
    """What was said to them: `heard` has host, path with query, and body of each message."""

    proxy: str
    roots: Path
    status: int = 200
    heard: list[tuple[str, str, Any]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What leads a client here."""
        return {"HTTPS_PROXY": self.proxy, "https_proxy": self.proxy, "REQUESTS_CA_BUNDLE": str(self.roots)}


@contextmanager
def robots(folder: Path, *hosts: str) -> Iterator[Robots]:
    """Answer for `hosts`."""
    authority, context, roots = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), folder / "roots.pem"
    authority.issue_cert(*hosts).configure_cert(context)
    authority.cert_pem.write_to_path(roots)

    class Handler(BaseHTTPRequestHandler):
        """A proxy that ends the tunnel itself."""

        def do_CONNECT(self) -> None:
            self.send_response(200)
            self.end_headers()
            secured = context.wrap_socket(self.connection, server_side=True)
            self.connection = self.request = secured
            self.rfile, self.wfile = secured.makefile("rb"), secured.makefile("wb")
            self.close_connection = False

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            known.heard.append((self.headers["Host"], self.path, json.loads(body)))
            answer = b'{"errcode": 0, "errmsg": "ok", "code": 0, "msg": "success", "StatusCode": 0}'
            self.send_response(known.status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: Any) -> None:
            """Nothing to say."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        known = Robots(f"http://127.0.0.1:{server.server_address[1]}", roots)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield known
        finally:
            server.shutdown()
