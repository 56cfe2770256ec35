"""What may stand in a site's settings and in what nginx is told of it alike: paths, addresses, headers, hashes. Pure.

Each function gives back what it was given, and raises ValueError, saying what is wrong and what to write, for what
can't be right.
"""

from __future__ import annotations

import ipaddress
import re

_CHARACTER = r"[\w.~!&'()+,=:@-]"
_PREFIX = re.compile(rf"/(?:{_CHARACTER}+/)*{_CHARACTER}*")
_REQUEST = re.compile(r"/[A-Za-z0-9._~!&'()+,;=:@%/?-]{0,500}")
_SOCKET = re.compile(r"unix:/(?:[A-Za-z0-9_@+-][A-Za-z0-9._@+-]*/)*[A-Za-z0-9_@+-][A-Za-z0-9._@+-]*")
_SIZE = re.compile(r"[1-9][0-9]{0,5}[kmg]?")
_FILE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
_TARGET = re.compile(r"(?:https?://[^\s/]+|/(?![/\\]))[^\s]*")
_USER = re.compile(r"[^\s:#]{1,64}")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\U0010ffff]{1,3000}")

# crypt(3) as glibc and libxcrypt have it: SHA-512 and SHA-256 crypt, bcrypt, yescrypt.
_HASH = re.compile(
    r"\$6\$(?:rounds=[0-9]{4,9}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{86}"
    r"|\$5\$(?:rounds=[0-9]{4,9}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{43}"
    r"|\$2[aby]\$(?P<cost>[0-9]{2})\$[./A-Za-z0-9]{53}"
    r"|\$y\$[./A-Za-z0-9]+\$[./A-Za-z0-9]{1,86}\$[./A-Za-z0-9]{43}"
)
_MOST_COST = 12
"""A bcrypt cost beyond which each request of a visitor who is let in keeps a worker of nginx's busy for a second."""

NGINX_PORTS = (80, 443)

SAID_BY_NGINX = frozenset(
    {
        *("cache-control", "connection", "content-encoding", "content-length", "content-type", "date", "server"),
        *("set-cookie", "strict-transport-security", "transfer-encoding", "vary", "x-request-id", "x-robots-tag"),
        *("retry-after", "location", "www-authenticate", "upgrade"),
    }
)
"""Headers that nginx, a setting of its own or the application says, and no list of further ones."""

PAGES = ("401", "404", "429", "50x", "maintenance")
"""The pages for what goes wrong, each a template in ``pages/`` that a file of the same name in a site's own content
goes before."""

ROBOTS = "/robots.txt"
ANSWERED_BY_LUODI = (
    *("/healthz", "/.well-known/luodi/release", "/.well-known/luodi/public-security.svg"),
    *(f"/{page}.html" for page in PAGES),
)
"""Paths that a site's nginx answers itself; ROBOTS too where search engines are asked to leave a site alone."""

VISITORS_WORD = (
    *("Forwarded", "X-Forwarded", "X-Forwarded-By", "X-Forwarded-Prefix", "X-Forwarded-Scheme", "X-Forwarded-Server"),
    *("X-Forwarded-Ssl", "Forwarded-For", "Client-IP", "True-Client-IP", "X-Client-IP", "X-Cluster-Client-IP"),
    *("X-Host", "X-Original-Host", "X-Original-URL", "X-Rewrite-URL", "X-Url-Scheme", "Front-End-Https", "Proxy"),
)
"""Headers by which frameworks let a proxy say who asks, how, and for what. nginx says it by others; in these only a
visitor would (``Proxy``: CVE-2016-5385)."""

UNREADABLE = (400, 405, 414, 494, 497, 501, 505)
"""What nginx answers of its own to what it can't read as a request; 494 and 497, a header that is too long and HTTP on
the port of HTTPS, are its own numbers."""


def path_prefix(text: str) -> str:
    """A path that begins a URI, as nginx compares it: decoded, without a query.

    It may hold nothing that ends a word for nginx or means something in it, nor ``$``, which nginx expands in some
    places and can't escape in others.
    """
    if {".", ".."} & set(text.split("/")):
        raise ValueError(f"{text!r} leads up or nowhere; write the path itself")
    if not _PREFIX.fullmatch(text) or len(text.encode("utf-8", "replace")) > 500:
        raise ValueError(
            f"{text!r} is no path such as /api/: letters, digits and . _ ~ ! & ' ( ) + , = : @ - after a /"
        )
    return text


def request_path(text: str) -> str:
    """A path as a request line has it, with a query if it likes."""
    if not _REQUEST.fullmatch(text):
        raise ValueError(f"{text!r} is no path, such as /health")
    return text


def local_address(text: str) -> str:
    """Where an application listens for nginx alone: ``127.0.0.1:3000`` or ``unix:/run/shop/shop.sock``."""
    if text.startswith("unix:"):
        return socket(text)
    host, _, port = text.rpartition(":")
    number = int(port) if port.isascii() and port.isdigit() and len(port) < 6 else 0
    if not 1 <= number <= 65535:
        raise ValueError(f"{text!r} has no port from 1 to 65535; write 127.0.0.1:3000 or unix:/run/shop/shop.sock")
    if number in NGINX_PORTS:
        raise ValueError(f"{text!r}: port {number} is nginx's own; let the application listen on another, such as 3000")
    try:
        address = ipaddress.ip_address(host[1:-1] if host.startswith("[") and host.endswith("]") else host)
    except ValueError:
        raise ValueError(f"{text!r} is no address; write 127.0.0.1:3000 or unix:/run/shop/shop.sock") from None
    if not address.is_loopback or (address.version == 6) != host.startswith("["):
        raise ValueError(f"{text!r} is not on the loopback; let the application listen on 127.0.0.1, for nginx alone")
    return text


def socket(text: str) -> str:
    """A Unix socket."""
    if not _SOCKET.fullmatch(text):
        raise ValueError(f"{text!r} is no socket such as unix:/run/shop/shop.sock")
    return text


def size(text: str) -> str:
    """A size as nginx writes it."""
    if not _SIZE.fullmatch(text):
        raise ValueError(f"{text!r} is no size such as 10m (k, m or g)")
    return text


def octets(text: str) -> int:
    """The bytes of a size as nginx writes it."""
    unit = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}.get(text[-1], 1)
    return int(text.rstrip("kmg")) * unit


def file_name(text: str) -> str:
    """A file at the root of a site."""
    if not _FILE.fullmatch(text):
        raise ValueError(f"{text!r} is no file's name such as WW_verify_x1Y2.txt: letters, digits and . _ -")
    return text


def target(text: str) -> str:
    """Where a redirect leads: a path of the same site, or an address."""
    if not _TARGET.fullmatch(text) or any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise ValueError(f"{text!r} is neither a path such as /new nor an address such as https://example.cn/")
    return text


def user_name(text: str) -> str:
    """A user of an area, as nginx's file of them can hold."""
    if not _USER.fullmatch(text) or not text.isprintable():
        raise ValueError(f"{text!r} is no user's name: it has a space, a colon or a #, or more than 64 characters")
    return text


def password_hash(text: str) -> str:
    """A hash as crypt(3) makes it. What is wrong is told without the text: it may be a password."""
    found = _HASH.fullmatch(text)
    if found is None:
        raise ValueError(
            "is no password hash; a password itself never stands here. Make its hash by `openssl passwd -6` and put "
            "that into the stack as a secret (pulumi config set --secret --path)"
        )
    if found["cost"] and not 4 <= int(found["cost"]) <= _MOST_COST:
        raise ValueError(f"is bcrypt of cost {int(found['cost'])}; nginx checks it at every request, so take 4 to 12")
    return text


def header_name(text: str) -> str:
    """The name of a header."""
    if not _HEADER.fullmatch(text):
        raise ValueError(f"{text!r} is no header's name: letters, digits and hyphens")
    return text


def header_value(text: str) -> str:
    """The value of a header."""
    if not _VALUE.fullmatch(text):
        raise ValueError("has a line break or another control character, is empty, or is longer than 3,000 characters")
    return text
