"""An application that answers in every way an application does."""

from __future__ import annotations

import gzip
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

LOCAL = "127.0.0.1"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    """What is said at a path: `pieces` are sent one by one, chunked, when there is more than one."""

    pieces: tuple[bytes, ...]
    kind: str = HTML
    headers: dict[str, str] = field(default_factory=dict)
    compress: bool = False

    @property
    def body(self) -> bytes:
        """All of it."""
        return b"".join(self.pieces)


@contextmanager
def serving(answers: dict[str, Answer]) -> Iterator[int]:
    """Serve `answers` on a port of the loopback."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer = answers.get(self.path)
            if answer is None:
                self.send_error(404)
                return
            asked = "gzip" in self.headers.get("Accept-Encoding", "")
            pieces = (gzip.compress(answer.body),) if answer.compress and asked else answer.pieces
            self.send_response(200)
            self.send_header("Content-Type", answer.kind)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.compress:
                self.send_header("Vary", "Accept-Encoding")
                if asked:
                    self.send_header("Content-Encoding", "gzip")
            if len(pieces) == 1:
                self.send_header("Content-Length", str(len(pieces[0])))
                self.end_headers()
                self.wfile.write(pieces[0])
                return
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in pieces:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with http.server.ThreadingHTTPServer((LOCAL, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join(timeout=20)
