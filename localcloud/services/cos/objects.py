"""Objects (对象): put, get, head, copy, delete."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from localcloud.services.cos import access, lifecycle
from localcloud.services.cos.exchange import Exchange
from localcloud.services.cos.files import File, Files
from localcloud.services.cos.request import Call, CosError
from localcloud.services.cos.settings import SETTINGS
from localcloud.services.cos.shelf import Shelf, files_of, moment
from localcloud.services.cos.xml import parse, write
from localcloud.store import Document

KEY_BYTES = 850
KEPT_HEADERS = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
)
_OVERRIDES = {f"response-{name}": name for name in KEPT_HEADERS}
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_SOURCE = re.compile(r"/?(?P<bucket>[^./]+)(?:\.cos[^/]*)?/(?P<key>[^?]+)")


class _Content(web.StreamResponse):
    """An answer whose body is read from files while it is sent."""

    def __init__(
        self, files: Files, parts: Sequence[File], start: int, length: int, headers: Mapping[str, str]
    ) -> None:
        super().__init__(headers=headers)
        self.content_length = length
        self._files = files
        self._parts = parts
        self._from = start
        self._request: web.BaseRequest | None = None

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send the headers."""
        self._request = request
        return await super().prepare(request)

    async def write_eof(self, data: bytes = b"") -> None:
        """Send the body, unless the headers alone were asked for."""
        if self._request is not None and self._request.method != "HEAD":
            await self._files.send(self, self._parts, self._from, self.content_length or 0)
        await super().write_eof(data)


class Objects:
    """What is done to one object."""

    def __init__(self, shelf: Shelf, uin: str) -> None:
        """Work on what is on `shelf`, for the account `uin`."""
        self._shelf = shelf
        self._uin = uin

    async def put(self, exchange: Exchange) -> web.StreamResponse:
        """Keep the body as an object, or a copy of another object."""
        call, bucket = exchange.call, exchange.bucket
        check_key(call.key)
        acl = access.asked(call, access.OBJECT_ACLS | {"public-read-write"}, "default")
        if call.headers.get("x-cos-copy-source"):
            return self._copy(exchange, acl)
        received = await exchange.content(self._shelf.files)
        document = new_object(bucket, call, acl, headers_of(call))
        document |= {
            "Size": received.file.size,
            "ETag": received.md5.hex(),
            "_Files": [[received.file.name, received.file.size]],
        }
        self._shelf.put_object(document)
        return web.Response(headers={"ETag": f'"{document["ETag"]}"', **encryption_of(bucket)})

    def _copy(self, exchange: Exchange, acl: str) -> web.StreamResponse:
        call = exchange.call
        match = _SOURCE.fullmatch(unquote(call.headers["x-cos-copy-source"]))
        origin = self._shelf.bucket(match["bucket"]) if match else None
        source = self._shelf.object(origin, match["key"]) if match and origin else None
        if source is None:
            raise CosError(HTTPStatus.NOT_FOUND, "NoSuchKey", "There is no object as x-cos-copy-source names.")
        replaced = call.headers.get("x-cos-metadata-directive", "Copy").lower() == "replaced"
        document = new_object(exchange.bucket, call, acl, headers_of(call) if replaced else source["Headers"])
        document |= {"Size": source["Size"], "ETag": source["ETag"]}
        document["_Files"] = [[file.name, file.size] for file in self._shelf.files.copy(files_of(source))]
        self._shelf.put_object(document)
        body = write("CopyObjectResult", {"ETag": f'"{document["ETag"]}"', "LastModified": document["LastModified"]})
        return xml_response(body)

    async def get(self, exchange: Exchange) -> web.StreamResponse:
        """Answer with an object, or a range of it; with its headers alone to HEAD."""
        call = exchange.call
        document = self._existing(exchange)
        self._check_conditions(call, document)
        headers = self._headers(exchange, document)
        if _not_modified(call, document):
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        start, length = _range(call, document["Size"])
        response = _Content(self._shelf.files, files_of(document), start, length, headers)
        if "range" in call.headers and (start, length) != (0, document["Size"]):
            response.set_status(HTTPStatus.PARTIAL_CONTENT)
            response.headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{document['Size']}"
        return response

    async def delete(self, exchange: Exchange) -> web.StreamResponse:
        """Remove an object, if it is there."""
        document = self._shelf.object(exchange.bucket, exchange.call.key)
        if document is not None:
            self._shelf.delete_object(document)
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def get_acl(self, exchange: Exchange) -> web.StreamResponse:
        """Answer with an object's ACL."""
        document = self._existing(exchange)
        acl = exchange.bucket["ACL"] if document["ACL"] == "default" else document["ACL"]
        return xml_response(write("AccessControlPolicy", access.as_policy(acl, self._uin)), acl=document["ACL"])

    async def put_acl(self, exchange: Exchange) -> web.StreamResponse:
        """Set an object's ACL, by header or document."""
        document = self._existing(exchange)
        body = await exchange.document()
        default = access.from_policy(parse(body, "AccessControlPolicy"), "default") if body else "default"
        document["ACL"] = access.asked(exchange.call, access.OBJECT_ACLS, default)
        self._shelf.put_object(document)
        return web.Response()

    async def get_tagging(self, exchange: Exchange) -> web.StreamResponse:
        """Answer with an object's tags."""
        return xml_response(write("Tagging", self._existing(exchange)["Tagging"] or {"TagSet": {}}))

    async def put_tagging(self, exchange: Exchange) -> web.StreamResponse:
        """Set an object's tags, all at once."""
        document = self._existing(exchange)
        tagging = parse(await exchange.document(), SETTINGS["tagging"].root)
        SETTINGS["tagging"].check(tagging)
        self._shelf.put_object({**document, "Tagging": tagging})
        return web.Response()

    async def delete_tagging(self, exchange: Exchange) -> web.StreamResponse:
        """Remove an object's tags."""
        self._shelf.put_object({**self._existing(exchange), "Tagging": None})
        return web.Response(status=HTTPStatus.NO_CONTENT)

    def _existing(self, exchange: Exchange) -> Document:
        document = self._shelf.object(exchange.bucket, exchange.call.key)
        if document is None:
            raise CosError(HTTPStatus.NOT_FOUND, "NoSuchKey", "The specified key does not exist.")
        return document

    def _headers(self, exchange: Exchange, document: Document) -> dict[str, str]:
        overrides = {name: exchange.call.value(parameter) for parameter, name in _OVERRIDES.items()}
        if any(overrides.values()) and not exchange.signer.account:
            raise CosError(HTTPStatus.BAD_REQUEST, "InvalidRequest", "response-... needs a signed request.")
        headers = {
            "Accept-Ranges": "bytes",
            "ETag": f'"{document["ETag"]}"',
            "Last-Modified": format_datetime(moment(document["LastModified"]), usegmt=True),
            **{_spelt(name): value for name, value in document["Headers"].items()},
            **{_spelt(name): value for name, value in overrides.items() if value},
            **encryption_of(exchange.bucket),
        }
        rules = exchange.bucket["Settings"].get("lifecycle", {}).get("Rule") or []
        end = lifecycle.expires(rules, document["Key"], moment(document["LastModified"]))
        if end is not None:
            headers["x-cos-expiration"] = f'expiry-date="{format_datetime(end.astimezone(UTC), usegmt=True)}"'
        return headers

    @staticmethod
    def _check_conditions(call: Call, document: Document) -> None:
        wanted = call.headers.get("if-match")
        changed = _date(call.headers.get("if-unmodified-since"))
        if (wanted and not _names(wanted, document)) or (changed and moment(document["LastModified"]) > changed):
            raise CosError(HTTPStatus.PRECONDITION_FAILED, "PreconditionFailed", "The object is another one by now.")


def new_object(bucket: Document, call: Call, acl: str, headers: Mapping[str, str]) -> Document:
    """Return the document of an object that was just written, but for what its bytes say."""
    return {
        "Bucket": bucket["Name"],
        "Key": call.key,
        "LastModified": now(),
        "Headers": dict(headers),
        "ACL": "public-read" if acl == "public-read-write" else acl,
        "Tagging": None,
    }


def headers_of(call: Call) -> dict[str, str]:
    """Return the headers of a request that are kept with an object."""
    kept = {
        name: value for name, value in call.headers.items() if name in KEPT_HEADERS or name.startswith("x-cos-meta-")
    }
    return {"content-type": "application/octet-stream", **kept}


def encryption_of(bucket: Document) -> dict[str, str]:
    """Return the header that says that a bucket encrypts what it holds."""
    return {"x-cos-server-side-encryption": "AES256"} if "encryption" in bucket["Settings"] else {}


def check_key(key: str) -> None:
    """Raise CosError for a key that can't be."""
    if len(key.encode()) > KEY_BYTES:
        raise CosError(HTTPStatus.BAD_REQUEST, "KeyTooLong", f"A key has at most {KEY_BYTES} bytes.")


def xml_response(body: bytes, *, acl: str | None = None) -> web.Response:
    """Return an answer of XML, for an ACL with the header that names it."""
    headers = {"x-cos-acl": acl} if acl else {}
    return web.Response(body=body, content_type="application/xml", headers=headers)


def now() -> str:
    """Return this moment as COS writes it: 2026-11-21T03:00:00.000Z."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _spelt(header: str) -> str:
    """Return a header's name as clients look for it that tell capitals."""
    return header if header.startswith("x-") else header.title()


def _not_modified(call: Call, document: Document) -> bool:
    held = call.headers.get("if-none-match")
    if held:
        return _names(held, document)
    since = _date(call.headers.get("if-modified-since"))
    return since is not None and moment(document["LastModified"]) <= since


def _names(tags: str, document: Mapping[str, Any]) -> bool:
    return tags == "*" or document["ETag"] in {tag.strip().strip('"') for tag in tags.split(",")}


def _date(text: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(text) if text else None
    except ValueError:
        return None


def _range(call: Call, size: int) -> tuple[int, int]:
    """Return where what is asked for begins, and how long it is. Raises CosError for what isn't there."""
    match = _RANGE.fullmatch(call.headers.get("range", ""))
    if match is None or match[1] == match[2] == "":
        return 0, size
    if not match[1]:
        length = min(int(match[2]), size)
        return size - length, length
    start = int(match[1])
    end = min(int(match[2]), size - 1) if match[2] else size - 1
    if start >= size or end < start:
        raise CosError(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "InvalidRange", f"The object has {size} bytes, no such range."
        )
    return start, end - start + 1
