"""An application behind nginx, as the tests need one: it says what it was told, and answers in every way there is."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import json
import threading
from collections.abc import Iterator
from http import HTTPStatus

from websockets.sync.server import ServerConnection, serve

PAGE = "<!doctype html><html><head><title>应用</title></head><body><p>应用</p></body></html>"
SECURED = {
    "X-Frame-Options": "DENY",
    "Content-Security-Policy-Report-Only": "default-src 'none'",
    "Cache-Control": "private, max-age=5",
    "X-Request-ID": "of-the-application",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Application(http.server.BaseHTTPRequestHandler):
    """``/told`` answers with the request's own headers, the other paths with what their names say."""

    protocol_version = "HTTP/1.1"
    received: list[int]

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        page = PAGE.encode()
        match path:
            case "/told" | "/api/told" | "/told/":
                told = {name.lower(): self.headers.get_all(name) for name in self.headers}
                self._say(json.dumps({"path": self.path, **told}).encode(), "application/json")
            case "/page" | "/":
                self._say(page, "text/html; charset=utf-8")
            case "/gzip-if-asked":
                zipped = "gzip" in self.headers.get("Accept-Encoding", "")
                coding = {"Content-Encoding": "gzip"} if zipped else {}
                self._say(gzip.compress(page) if zipped else page, "text/html", coding)
            case "/gzip-anyhow" | "/stubborn/gzip-anyhow":
                self._say(gzip.compress(page), "text/html", {"Content-Encoding": "gzip"})
            case "/chunked":
                self._chunked([page[at : at + 7] for at in range(0, len(page), 7)])
            case "/large":
                self._chunked([b"x" * 5000] * 200 + [b"</body></html>"])
            case "/json":
                self._say(b'{"html": "<body></body>"}', "application/json")
            case "/fragment":
                self._say(b"<li>one</li>", "text/html")
            case "/download":
                self._say(page, "text/html", {"Content-Disposition": 'attachment; filename="a.html"'})
            case "/part":
                self._say(page[-20:], "text/html", {"Content-Range": "bytes 0-19/100"}, status=206)
            case "/policy":
                self._say(page, "text/html", {"Content-Security-Policy": "default-src *"})
            case "/secured":
                self._say(page, "text/html", SECURED)
            case "/hidden.3f2a9c1b.js":
                self._say(b"1", "text/javascript")
            case "/health":
                self._say(b"well", "text/plain")
            case "/error":
                self._say(b"mine", "text/plain", status=500)
            case _:
                self._say(b"not mine", "text/plain", status=404)

    def do_POST(self) -> None:
        total = 0
        left = int(self.headers.get("Content-Length") or 0)
        while left > 0 and (data := self.rfile.read1(min(left, 65536))):
            left -= len(data)
            total += len(data)
            self.received.append(total)
        self._say(str(total).encode(), "text/plain")

    def _say(self, body: bytes, kind: str, headers: dict[str, str] | None = None, status: int = 200) -> None:
        self.send_response(HTTPStatus(status))
        self.send_header("Content-Type", kind)
        self.send_header("X-Powered-By", "tests/1.0")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _chunked(self, parts: list[bytes]) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in [*parts, b""]:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextlib.contextmanager
def application() -> Iterator[tuple[str, list[int]]]:
    """An application that runs: its address, and how many bytes of a request it had each time it had more."""
    received: list[int] = []
    handler = type("Handler", (Application,), {"received": received})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}", received
        finally:
            server.shutdown()
            thread.join(timeout=20)


@contextlib.contextmanager
def echo() -> Iterator[str]:
    """A WebSocket server that says what it hears."""

    def answer(connection: ServerConnection) -> None:
        for message in connection:
            connection.send(message)

    with serve(answer, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.socket.getsockname()[1]}"
        finally:
            server.shutdown()
            thread.join(timeout=20)
