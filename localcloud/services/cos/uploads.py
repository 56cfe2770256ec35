"""Uploads in parts (分块上传): begun, sent part by part in any order, completed or given up."""

from __future__ import annotations

import hashlib
import secrets
from http import HTTPStatus

from aiohttp import web

from localcloud.services.cos import access
from localcloud.services.cos.exchange import Exchange
from localcloud.services.cos.files import File
from localcloud.services.cos.objects import check_key, encryption_of, headers_of, new_object, now, xml_response
from localcloud.services.cos.request import CosError
from localcloud.services.cos.shelf import Shelf
from localcloud.services.cos.xml import malformed, parse, write
from localcloud.store import Document

MOST_PARTS = 10_000
LEAST_PART = 1024 * 1024
"""Bytes of every part but the last (https://cloud.tencent.com/document/product/436/14518)."""


class Uploads:
    """What is done to an upload in parts."""

    def __init__(self, shelf: Shelf, uin: str) -> None:
        """Work on what is on `shelf`, for the account `uin`."""
        self._shelf = shelf
        self._uin = uin

    async def initiate(self, exchange: Exchange) -> web.StreamResponse:
        """Begin."""
        call = exchange.call
        check_key(call.key)
        identifier = secrets.token_hex(30)
        upload = {
            "UploadId": identifier,
            "Bucket": exchange.bucket["Name"],
            "Key": call.key,
            "Initiated": now(),
            "Headers": headers_of(call),
            "ACL": access.asked(call, access.OBJECT_ACLS, "default"),
            "_Files": {},
        }
        self._shelf.put_upload(upload)
        content = {"Bucket": upload["Bucket"], "Key": call.key, "UploadId": identifier}
        return xml_response(write("InitiateMultipartUploadResult", content))

    async def put_part(self, exchange: Exchange) -> web.StreamResponse:
        """Keep the body as a part; one of the same number is replaced."""
        number = exchange.call.value("partNumber")
        if not (number.isascii() and number.isdigit() and 1 <= int(number) <= MOST_PARTS):
            raise CosError(HTTPStatus.BAD_REQUEST, "InvalidArgument", f"partNumber is 1 to {MOST_PARTS}.")
        self._existing(exchange)
        if exchange.call.headers.get("x-cos-copy-source"):
            raise CosError(HTTPStatus.NOT_IMPLEMENTED, "NotImplemented", "The rehearsal cloud copies no parts.")
        received = await exchange.content(self._shelf.files)
        try:
            # Read again: other parts came while this one did.
            upload = self._existing(exchange)
        except CosError:
            self._shelf.files.delete([received.file])
            raise
        before = upload["_Files"].get(str(int(number)))
        etag = received.md5.hex()
        upload["_Files"][str(int(number))] = {
            "File": [received.file.name, received.file.size],
            "ETag": etag,
            "LastModified": now(),
        }
        self._shelf.put_upload(upload)
        if before is not None:
            self._shelf.files.delete([File(*before["File"])])
        return web.Response(headers={"ETag": f'"{etag}"', **encryption_of(exchange.bucket)})

    async def complete(self, exchange: Exchange) -> web.StreamResponse:
        """Make the parts that are named one object."""
        upload = self._existing(exchange)
        named = parse(await exchange.document(), "CompleteMultipartUpload").get("Part") or []
        parts = [self._part(upload, one) for one in named]
        numbers = [int(one["PartNumber"]) for one in named]
        if not parts or numbers != sorted(set(numbers)):
            raise CosError(HTTPStatus.BAD_REQUEST, "InvalidPartOrder", "Name the parts, in the order of their numbers.")
        if any(part["File"][1] < LEAST_PART for part in parts[:-1]):
            raise CosError(HTTPStatus.BAD_REQUEST, "EntityTooSmall", "Every part but the last has at least 1 MB.")
        digest = hashlib.md5(b"".join(bytes.fromhex(part["ETag"]) for part in parts), usedforsecurity=False)
        document = new_object(exchange.bucket, exchange.call, upload["ACL"], upload["Headers"])
        document |= {
            "Size": sum(part["File"][1] for part in parts),
            "ETag": f"{digest.hexdigest()}-{len(parts)}",
            "_Files": [part["File"] for part in parts],
        }
        self._shelf.put_object(document)
        self._shelf.delete_upload(upload, keep=[File(*part["File"]) for part in parts])
        content = {
            "Location": f"{exchange.call.host}/{upload['Key']}",
            "Bucket": upload["Bucket"],
            "Key": upload["Key"],
            "ETag": f'"{document["ETag"]}"',
        }
        return xml_response(write("CompleteMultipartUploadResult", content))

    async def abort(self, exchange: Exchange) -> web.StreamResponse:
        """Give up: all parts are deleted."""
        self._shelf.delete_upload(self._existing(exchange))
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def list_parts(self, exchange: Exchange) -> web.StreamResponse:
        """List the parts that have come."""
        call = exchange.call
        upload = self._existing(exchange)
        marker = call.number("part-number-marker", 0, maximum=MOST_PARTS)
        most = call.number("max-parts", 1000, maximum=1000)
        after = sorted(int(number) for number in upload["_Files"] if int(number) > marker)
        shown = after[:most]
        content = {
            "Bucket": upload["Bucket"],
            "Key": upload["Key"],
            "UploadId": upload["UploadId"],
            "Owner": {"ID": self._uin, "DisplayName": self._uin},
            "Initiator": {"ID": self._uin, "DisplayName": self._uin},
            "StorageClass": "STANDARD",
            "PartNumberMarker": marker,
            "NextPartNumberMarker": shown[-1] if len(after) > most and shown else None,
            "MaxParts": most,
            "IsTruncated": len(after) > most,
            "Part": [
                {
                    "PartNumber": number,
                    "LastModified": upload["_Files"][str(number)]["LastModified"],
                    "ETag": f'"{upload["_Files"][str(number)]["ETag"]}"',
                    "Size": upload["_Files"][str(number)]["File"][1],
                }
                for number in shown
            ],
        }
        return xml_response(write("ListPartsResult", content))

    def _existing(self, exchange: Exchange) -> Document:
        upload = self._shelf.upload(exchange.call.value("uploadId"))
        if upload is None or (upload["Bucket"], upload["Key"]) != (exchange.bucket["Name"], exchange.call.key):
            raise CosError(HTTPStatus.NOT_FOUND, "NoSuchUpload", "There is no such upload; it may be completed.")
        return upload

    @staticmethod
    def _part(upload: Document, named: Document) -> Document:
        if not str(named.get("PartNumber") or "").isdigit() or not named.get("ETag"):
            raise malformed("A Part needs a PartNumber and an ETag.")
        part: Document | None = upload["_Files"].get(str(int(named["PartNumber"])))
        if part is None or part["ETag"] != named["ETag"].strip('"'):
            raise CosError(
                HTTPStatus.BAD_REQUEST, "InvalidPart", f"Part {named['PartNumber']} hasn't come, or is another."
            )
        return part
