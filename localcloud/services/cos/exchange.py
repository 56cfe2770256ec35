"""One request to COS while it is being answered, and its body, checked against what was promised of it."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from localcloud.services.cos.files import Files, Received
from localcloud.services.cos.request import Call, CosError
from localcloud.services.cos.signature import Signer
from localcloud.store import Document

DOCUMENT_LIMIT = 2 * 1024 * 1024
"""Bytes of a body that is XML."""
OBJECT_LIMIT = 5 * 1024**3
"""Bytes of one PUT (https://cloud.tencent.com/document/product/436/14518)."""


@dataclass(frozen=True)
class Exchange:
    """A request, who signed it, and the bucket that it is about; {} for none."""

    call: Call
    request: web.BaseRequest
    signer: Signer
    bucket: Document

    async def document(self) -> bytes:
        """Return a body of XML. Raises CosError for one that is too large or isn't what was signed."""
        body = b""
        await self._continue()
        async for piece in self.request.content.iter_any():
            body += piece
            if len(body) > DOCUMENT_LIMIT:
                raise CosError(HTTPStatus.BAD_REQUEST, "EntityTooLarge", f"XML has at most {DOCUMENT_LIMIT} bytes.")
        self._check(hashlib.md5(body, usedforsecurity=False).digest(), hashlib.sha256(body).hexdigest())
        return body

    async def content(self, files: Files) -> Received:
        """Write an object's content into a file. Raises CosError where it isn't what was promised or signed."""
        length = self.request.content_length
        if length is None:
            raise CosError(HTTPStatus.LENGTH_REQUIRED, "MissingContentLength", "Give the Content-Length.")
        if length > OBJECT_LIMIT:
            raise CosError(HTTPStatus.BAD_REQUEST, "EntityTooLarge", "One PUT has at most 5 GB: upload in parts.")
        await self._continue()
        received = await files.receive(self.request.content, length)
        try:
            self._check(received.md5, received.sha256)
        except CosError:
            files.delete([received.file])
            raise
        return received

    async def _continue(self) -> None:
        """Tell a client that waits for it to send its body."""
        transport = self.request.transport
        if self.call.headers.get("expect", "").lower() == "100-continue" and transport is not None:
            transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _check(self, md5: bytes, sha256: str) -> None:
        promised = self.call.headers.get("content-md5")
        if promised:
            try:
                given = base64.b64decode(promised, validate=True)
            except binascii.Error:
                given = b""
            if len(given) != len(md5):
                raise CosError(HTTPStatus.BAD_REQUEST, "InvalidDigest", "Content-MD5 is no MD5 in base64.")
            if given != md5:
                raise CosError(HTTPStatus.BAD_REQUEST, "BadDigest", "The body's MD5 isn't the Content-MD5.")
        if self.signer.payload is not None and self.signer.payload != sha256:
            raise CosError(
                HTTPStatus.BAD_REQUEST, "XAmzContentSHA256Mismatch", "The body's SHA-256 isn't the one that was signed."
            )
