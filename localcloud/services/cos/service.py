"""COS over HTTP: who asks, for which bucket and key, and what is answered."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from aiohttp import web

from localcloud.account import Account
from localcloud.catalogue import Catalogue
from localcloud.services.cos import access
from localcloud.services.cos.buckets import Buckets
from localcloud.services.cos.exchange import Exchange
from localcloud.services.cos.files import Files
from localcloud.services.cos.objects import Objects
from localcloud.services.cos.request import Call, CosError, read
from localcloud.services.cos.settings import SETTINGS
from localcloud.services.cos.shelf import Shelf
from localcloud.services.cos.signature import verify
from localcloud.services.cos.uploads import Uploads
from localcloud.services.cos.xml import write
from localcloud.store import Store

Handler = Callable[[Exchange], Awaitable[web.StreamResponse]]
Audit = Callable[[Mapping[str, Any]], None]
"""Writes a line of the audit log."""


class Cos:
    """Answers requests to COS, wherever they come in."""

    def __init__(
        self, account: Account, store: Store, catalogue: Catalogue, folder: Path, audit: Audit, log: logging.Logger
    ) -> None:
        """Keep documents in `store` and bytes in `folder`."""
        self._account = account
        self._audit = audit
        self._log = log
        self._shelf = Shelf(store, Files(folder))
        buckets = Buckets(self._shelf, account, catalogue)
        objects, uploads = Objects(self._shelf, account.uin), Uploads(self._shelf, account.uin)
        self._account_handlers: Mapping[tuple[str, str], Handler] = {("GET", ""): buckets.list_all}
        self._bucket_handlers: Mapping[tuple[str, str], Handler] = {
            ("PUT", ""): buckets.put,
            ("HEAD", ""): buckets.head,
            ("DELETE", ""): buckets.delete,
            ("GET", ""): buckets.list_objects,
            ("GET", "versions"): buckets.list_versions,
            ("GET", "uploads"): buckets.list_uploads,
            ("GET", "location"): buckets.location,
            ("GET", "acl"): buckets.get_acl,
            ("PUT", "acl"): buckets.put_acl,
            ("POST", "delete"): buckets.delete_many,
            **{("GET", name): _bound(buckets.get_setting, name) for name in SETTINGS},
            **{("PUT", name): _bound(buckets.put_setting, name) for name in SETTINGS},
            **{("DELETE", name): _bound(buckets.delete_setting, name) for name in SETTINGS},
        }
        self._object_handlers: Mapping[tuple[str, str], Handler] = {
            ("PUT", ""): objects.put,
            ("GET", ""): objects.get,
            ("HEAD", ""): objects.get,
            ("DELETE", ""): objects.delete,
            ("GET", "acl"): objects.get_acl,
            ("PUT", "acl"): objects.put_acl,
            ("GET", "tagging"): objects.get_tagging,
            ("PUT", "tagging"): objects.put_tagging,
            ("DELETE", "tagging"): objects.delete_tagging,
            ("POST", "uploads"): uploads.initiate,
            ("PUT", "uploadId"): uploads.put_part,
            ("POST", "uploadId"): uploads.complete,
            ("GET", "uploadId"): uploads.list_parts,
            ("DELETE", "uploadId"): uploads.abort,
        }

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request."""
        started, request_id = time.perf_counter(), uuid.uuid4().hex
        call: Call | None = None
        error: CosError | None = None
        try:
            call = read(request)
            response = await self._answer(call, request)
        except CosError as refused:
            error = refused
            response = _refusal(error, call, request_id)
        except ConnectionError:
            raise
        except Exception:
            self._log.exception("cos: %s failed", call)
            message = f"The rehearsal cloud failed; its log has request {request_id}."
            error = CosError(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", message)
            response = _refusal(error, call, request_id)
        response.headers["x-cos-request-id"] = request_id
        response.headers["Server"] = "tencent-cos"
        self._write(call, error, time.perf_counter() - started)
        return response

    async def _answer(self, call: Call, request: web.BaseRequest) -> web.StreamResponse:
        signer = verify(call, self._account.secret_key_of, time.time())
        if call.bucket is None:
            handlers = self._account_handlers
        else:
            handlers = self._object_handlers if call.key else self._bucket_handlers
        what = _what(call)
        handler = handlers.get((call.method, what))
        if handler is None:
            raise CosError(
                HTTPStatus.METHOD_NOT_ALLOWED,
                "MethodNotAllowed",
                f"The rehearsal cloud does not do {_action(call)}; COS may.",
            )
        bucket = self._shelf.bucket(call.bucket) if call.bucket else None
        if bucket is not None and call.region not in {None, bucket["Region"]}:
            bucket = None
        creates = call.bucket is not None and not call.key and (call.method, what) == ("PUT", "")
        if bucket is None and call.bucket is not None and not creates:
            raise CosError(HTTPStatus.NOT_FOUND, "NoSuchBucket", "The specified bucket does not exist.")
        if bucket is not None:
            self._shelf.sweep(bucket)
        exchange = Exchange(call, request, signer, bucket or {})
        if not signer.account and not self._is_public(exchange, what):
            raise CosError(HTTPStatus.FORBIDDEN, "AccessDenied", "Access Denied.")
        return await handler(exchange)

    def _is_public(self, exchange: Exchange, what: str) -> bool:
        """Whether anybody may do what nobody signed for."""
        if what or not exchange.bucket:
            return False
        call = exchange.call
        document = self._shelf.object(exchange.bucket, call.key) if call.key else None
        if call.method in {"GET", "HEAD"}:
            return access.allows("READ", exchange.bucket, document)
        return call.method in {"PUT", "DELETE"} and bool(call.key) and access.allows("WRITE", exchange.bucket, None)

    def _write(self, call: Call | None, error: CosError | None, took: float) -> None:
        """Tell the audit log, but not the query: a link's signature is a secret."""
        bucket = self._shelf.bucket(call.bucket) if call and call.bucket else None
        self._audit(
            {
                "service": "cos",
                "action": _action(call) if call else "",
                "region": bucket["Region"] if bucket else (call and call.region) or "",
                "request": {"Bucket": call.bucket, "Key": call.key} if call else None,
                "error": error.code if error else None,
                "message": error.message if error else None,
                "ms": round(took * 1000, 2),
            }
        )


def _bound(handler: Callable[[Exchange, str], Awaitable[web.StreamResponse]], name: str) -> Handler:
    return lambda exchange: handler(exchange, name)


_SUBRESOURCES = ("uploadId", "acl", "delete", "location", "uploads", "versions", *SETTINGS)
_UNKNOWN = ("append", "domain", "inventory", "object-lock", "origin", "restore", "select")


def _what(call: Call) -> str:
    """Return which part of a bucket or object a request is about; "" for itself."""
    return next((name for name in (*_SUBRESOURCES, *_UNKNOWN) if call.has(name)), "")


def _action(call: Call) -> str:
    """Return a request's name in the audit log, much as COS's documentation calls it: PUT Bucket lifecycle."""
    subject = "Service" if call.bucket is None else "Object" if call.key else "Bucket"
    return f"{call.method} {subject} {_what(call)}".rstrip()


def _refusal(error: CosError, call: Call | None, request_id: str) -> web.Response:
    headers = {}
    if error.status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = "GET, HEAD, PUT, POST, DELETE"
    content = {
        "Code": error.code,
        "Message": error.message,
        "Resource": f"{call.host}{call.path}" if call else "",
        "RequestId": request_id,
        "TraceId": "",
    }
    return web.Response(
        status=error.status, headers=headers, content_type="application/xml", body=write("Error", content)
    )
