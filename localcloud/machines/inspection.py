"""What the provider's border does with what a visitor sends, before a server gets any of it.

The name that is asked for stands in clear text in a request's Host header and in a TLS ClientHello's
server name (SNI). Where it may not be served, Tencent Cloud answers an HTTP request itself, with a
redirect to its page about filings, and resets a TLS connection; what names no domain it lets through.
Source: https://cloud.tencent.com/document/product/243/20220 (网站/APP 阻断说明), and the answers that many
people have published since 2021, to the letter ``302 OK`` and webblock.html.

Like the border itself, this looks at beginnings only: of a connection and, once the server has sent
something, of what looks like the next request. A second request in the same breath (pipelining) isn't seen.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import quote

Serves = Callable[[str], bool]
"""Whether a host name may be served."""

LIMIT = 64 * 1024
"""Bytes that are held back at most; any server gives up earlier on a head of that size."""

WEBBLOCK = "https://dnspod.qcloud.com/static/webblock.html"
"""Tencent Cloud's own page about a domain that is not filed."""

CODE = "ICP_RECORD_REQUIRED"
"""How Tencent Cloud names the reason elsewhere (EdgeOne, DescribeZones): 未备案."""

_NAMES = 64
_NEWLINE = b"\r\n"
_HANDSHAKE = 22  # RFC 8446, 5.1
_RECORD_HEADER, _LARGEST_RECORD = 5, 2**14
_CLIENT_HELLO, _MESSAGE_HEADER = b"\x01", 4
_SERVER_NAME = 0
_REQUEST_LINE = re.compile(rb"[A-Z]{1,20} +\S+ +HTTP/1\.[01]\r?\n")
_PART_OF_REQUEST_LINE = re.compile(rb"[A-Z]{1,20}( [^\n]*)?")
_TARGET = re.compile(rb"[A-Z]+ +[A-Za-z]+://(?:[^/\s@]*@)?([^/?#\s]+)")
_HOST = re.compile(rb"^host[ \t]*:[ \t]*([^\r\n]*?)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_END = re.compile(rb"\r?\n\r?\n")


class Interception(Exception):
    """A connection ends here: with `answer`, or with a reset where that is None."""

    def __init__(self, why: str, answer: bytes | None = None) -> None:
        super().__init__(why)
        self.answer = answer


class Inspection:
    """Watches what one client sends, and holds it back until it is judged."""

    def __init__(self, serves: Serves) -> None:
        """Let through what `serves` says yes to, asked once for each name that the connection brings."""
        self._serves = lru_cache(_NAMES)(serves)
        self._held = b""
        self._watching = True
        self._begins = True

    @property
    def holding(self) -> bool:
        """Whether something is held back, for want of the rest."""
        return bool(self._held)

    @property
    def over(self) -> bool:
        """Whether nothing that follows is of interest any more."""
        return not self._watching

    def answered(self) -> None:
        """Hear that the server has sent something: what the client sends next may be another request."""
        self._begins = True

    def receive(self, data: bytes) -> bytes:
        """Return what goes on to the server now; raise Interception where nothing may any more."""
        if not self._watching or not (self._begins or self._held):
            return data
        held = self._held + data
        if held[0] == _HANDSHAKE:
            return self._receive_hello(held)
        if not held.strip(_NEWLINE):  # before a request they mean nothing (RFC 9112, 2.2)
            return held
        return self._receive_request(held)

    def end(self) -> bytes:
        """Return what is still held back once the client has ended; raise Interception as `receive`."""
        held, self._held = self._held, b""
        if held and held[0] != _HANDSHAKE:
            self._judge_request(held)
        return held

    def _receive_hello(self, held: bytes) -> bytes:
        name = server_name(held)
        if name is None:
            if len(held) >= LIMIT:
                raise Interception(f"a ClientHello of more than {LIMIT} bytes")
            self._held = held
            return b""
        self._held, self._watching = b"", False
        if name and not self._serves(name):
            raise Interception(f"{name} is not filed")
        return held

    def _receive_request(self, held: bytes) -> bytes:
        head = held.lstrip(_NEWLINE)
        is_request = _REQUEST_LINE.match(head) is not None
        if (is_request or _PART_OF_REQUEST_LINE.fullmatch(head)) and not _END.search(head) and len(held) < LIMIT:
            self._held = held
            return b""
        self._held, self._begins = b"", False
        self._judge_request(held)
        return held

    def _judge_request(self, held: bytes) -> None:
        for host in requested_hosts(held):
            if not self._serves(host):
                page = block_page(host, with_body=not held.lstrip(_NEWLINE).startswith(b"HEAD "))
                raise Interception(f"{host} is not filed", page)


def requested_hosts(head: bytes) -> list[str]:
    """Return the host names in the head of an HTTP/1 request, or in its part that is there: Host and target."""
    head = head.lstrip(_NEWLINE)
    line = _REQUEST_LINE.match(head)
    if line is None:
        return []
    end = _END.search(head)
    found = _HOST.findall(head, line.end(), end.start() if end else len(head))
    target = _TARGET.match(line[0])
    return [_name(value) for value in ([target[1]] if target else []) + found]


def server_name(data: bytes) -> str | None:
    """Return the server name in the TLS ClientHello that `data` begins with, "" for none, None for want of the rest.

    What is no ClientHello names nobody: a server will refuse it (RFC 8446, 4.1.2; RFC 6066, 3).
    """
    try:
        message = _handshake_message(data)
        return None if message is None else _named_in(_Vector(message))
    except ValueError:
        return ""


def _handshake_message(data: bytes) -> bytes | None:
    """Return the body of the first handshake message, gathered from its records; None for want of the rest."""
    message, position = b"", 0
    while len(data) - position >= _RECORD_HEADER:
        kind, major, length = data[position], data[position + 1], int.from_bytes(data[position + 3 : position + 5])
        if kind != _HANDSHAKE or major != 3 or not 0 < length <= _LARGEST_RECORD:
            raise ValueError("no handshake record")
        message += data[position + _RECORD_HEADER : position + _RECORD_HEADER + length]
        if message[:1] not in (b"", _CLIENT_HELLO):
            raise ValueError("no ClientHello")
        size = _MESSAGE_HEADER + int.from_bytes(message[1:_MESSAGE_HEADER])
        if len(message) >= max(size, _MESSAGE_HEADER):
            return message[_MESSAGE_HEADER:size]
        position += _RECORD_HEADER + length
    return None


def _named_in(hello: _Vector) -> str:
    hello.take(2 + 32)  # version, random
    for length in (1, 2, 1):  # session id, cipher suites, compression methods
        hello.vector(length)
    extensions = hello.vector(2)
    while extensions:
        kind, content = extensions.number(2), extensions.vector(2)
        if kind == _SERVER_NAME:
            names = content.vector(2)
            while names:
                is_host, name = names.number(1) == 0, names.vector(2)
                if is_host:
                    return name.rest().decode("ascii", "replace")
    return ""


class _Vector:
    """Bytes to be read from the front; ValueError where there are too few."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)

    def __bool__(self) -> bool:
        return bool(self._data)

    def take(self, count: int) -> bytes:
        if count > len(self._data):
            raise ValueError("too short")
        taken, self._data = bytes(self._data[:count]), self._data[count:]
        return taken

    def number(self, length: int) -> int:
        return int.from_bytes(self.take(length))

    def vector(self, length: int) -> _Vector:
        """Take a vector whose own length stands before it, in `length` bytes."""
        return _Vector(self.take(self.number(length)))

    def rest(self) -> bytes:
        return self.take(len(self._data))


def block_page(host: str, *, with_body: bool = True) -> bytes:
    """Return the provider's whole answer to a request for a host that is not filed."""
    shown = html.escape(host)
    body = (
        '<!doctype html>\n<html lang="zh-CN">\n<meta charset="utf-8">\n<title>网站未备案</title>\n'
        f"<h1>网站未备案</h1>\n<p>{shown} 尚未完成 ICP 备案或未接入腾讯云，暂时无法访问。</p>\n"
        f'<p lang="en">{shown} is not filed (ICP 备案), or not with this provider, and is not served.</p>\n'
        f"<p><code>{CODE}</code></p>\n</html>\n"
    ).encode()
    head = (
        "HTTP/1.1 302 OK\r\n"
        f"Location: {WEBBLOCK}?d={quote(host)}\r\n"
        "Content-Type: text/html; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + (body if with_body else b"")


def _name(value: bytes) -> str:
    """Return the host name of a Host header's value, without its port."""
    text = value.decode("utf-8", "replace").strip()
    return re.sub(r":[0-9]*$", "", text)
