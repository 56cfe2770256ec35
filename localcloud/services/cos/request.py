"""A request to COS as it is judged, and the way in which COS says no."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import unquote, unquote_plus

from aiohttp import web

_HOST = re.compile(r"(?:(?P<bucket>[^.]+)\.)?cos(?:\.(?P<region>[a-z0-9-]+))?\.(?:myqcloud\.com|tencentcos\.cn)")
_ACCOUNT = "service"
"""What stands in the place of a bucket for the list of buckets: service.cos.myqcloud.com."""


class CosError(Exception):
    """A request is refused, with one of the codes of https://cloud.tencent.com/document/product/436/7730 (错误码)."""

    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        super().__init__(f"[{code}] {message}")
        self.status = status
        self.code = code
        self.message = message


def not_implemented(what: str) -> CosError:
    """Return the refusal of what COS has and the rehearsal cloud hasn't."""
    return CosError(
        HTTPStatus.NOT_IMPLEMENTED, "NotImplemented", f"The rehearsal cloud does not do {what}: COS has it."
    )


@dataclass(frozen=True)
class Call:
    """A request: names of headers in lower case, `path` and `query` decoded; `key` is "" for the bucket itself."""

    method: str
    host: str
    bucket: str | None
    region: str | None
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]

    @property
    def key(self) -> str:
        """The object's key; "" where the request is about the bucket."""
        return self.path.removeprefix("/")

    def value(self, name: str, default: str = "") -> str:
        """Return a parameter of the query."""
        return next((value for key, value in self.query if key == name), default)

    def has(self, name: str) -> bool:
        """Whether a parameter was given, with a value or without."""
        return any(key == name for key, _ in self.query)

    def number(self, name: str, default: int, *, maximum: int) -> int:
        """Return a parameter that is a whole number from 0 on, cut at `maximum`; raise CosError for another."""
        text = self.value(name)
        if not text:
            return default
        if not (text.isascii() and text.isdigit()):
            raise CosError(HTTPStatus.BAD_REQUEST, "InvalidArgument", f"{name} is {text!r}; give a whole number.")
        return min(int(text), maximum)


def is_cos(host: str) -> bool:
    """Whether a Host header names COS."""
    return _HOST.fullmatch(host.partition(":")[0].lower()) is not None


def read(request: web.BaseRequest) -> Call:
    """Read a request, whose target may be absolute, as a proxy gets it. Raises CosError."""
    host = request.headers.get("Host", "")
    match = _HOST.fullmatch(host.partition(":")[0].lower())
    if match is None:
        raise CosError(HTTPStatus.BAD_REQUEST, "InvalidRequest", f"{host!r} is no host of COS.")
    target = request.raw_path
    if not target.startswith("/"):
        _, _, rest = target.partition("://")
        end = min((rest.index(mark) for mark in "/?" if mark in rest), default=len(rest))
        target = rest[end:]
    path, _, query = target.partition("?")
    try:
        decoded = unquote(path or "/", errors="strict")
        pairs = tuple(
            (unquote_plus(name, errors="strict"), unquote_plus(value, errors="strict"))
            for name, _, value in (part.partition("=") for part in query.split("&") if part)
        )
    except UnicodeDecodeError:
        raise CosError(HTTPStatus.BAD_REQUEST, "InvalidURI", "The path or the query isn't UTF-8.") from None
    bucket = match["bucket"]
    return Call(
        request.method,
        host,
        None if bucket == _ACCOUNT else bucket,
        match["region"],
        decoded,
        pairs,
        {name.lower(): value for name, value in request.headers.items()},
    )
