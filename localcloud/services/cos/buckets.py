"""Buckets (存储桶): made, removed, listed, and what is set of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus
from itertools import islice
from typing import Any
from urllib.parse import quote

from aiohttp import web

from localcloud.account import Account
from localcloud.catalogue import Catalogue
from localcloud.services.cos import access
from localcloud.services.cos.exchange import Exchange
from localcloud.services.cos.objects import now, xml_response
from localcloud.services.cos.request import CosError, not_implemented
from localcloud.services.cos.settings import SETTINGS
from localcloud.services.cos.shelf import Shelf
from localcloud.services.cos.signature import aws_region
from localcloud.services.cos.xml import malformed, parse, write
from localcloud.store import Document

NAME_LENGTH = 60
"""Characters of a bucket's name with the appid."""
MOST_KEYS = 1000
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")


class Buckets:
    """What is done to a bucket, and to many of its objects at once."""

    def __init__(self, shelf: Shelf, account: Account, catalogue: Catalogue) -> None:
        """Work on what is on `shelf`."""
        self._shelf = shelf
        self._account = account
        self._catalogue = catalogue

    async def list_all(self, exchange: Exchange) -> web.StreamResponse:
        """List the account's buckets, those of one region where the host names it."""
        region = exchange.call.region
        shown = [one for one in self._shelf.buckets() if region in {None, one["Region"]}]
        content = {
            "Owner": self._owner(),
            "Buckets": {
                "Bucket": [
                    {
                        "Name": one["Name"],
                        "Location": one["Region"],
                        "CreationDate": one["CreationDate"],
                        "BucketType": "cos",
                    }
                    for one in shown
                ]
            },
        }
        return xml_response(write("ListAllMyBucketsResult", content))

    async def put(self, exchange: Exchange) -> web.StreamResponse:
        """Make a bucket."""
        call, name = exchange.call, exchange.call.bucket or ""
        custom, _, app_id = name.rpartition("-")
        if not _NAME.fullmatch(custom) or len(name) > NAME_LENGTH:
            raise CosError(
                HTTPStatus.BAD_REQUEST,
                "InvalidBucketName",
                f"{name!r} can't be a bucket's name: lower-case letters, digits and hyphens, then"
                f" -{self._account.app_id}.",
            )
        if app_id != self._account.app_id:
            raise CosError(HTTPStatus.FORBIDDEN, "AccessDenied", f"{app_id!r} isn't the appid of this account.")
        body = await exchange.document()
        if exchange.bucket:
            raise CosError(HTTPStatus.CONFLICT, "BucketAlreadyOwnedByYou", f"You have a bucket {name} already.")
        wanted = parse(body, "CreateBucketConfiguration") if body else {}
        if wanted.get("BucketAZConfig"):
            raise not_implemented("buckets in several zones (多 AZ)")
        region = call.region or aws_region(call) or wanted.get("LocationConstraint")
        if region not in self._catalogue.regions:
            raise CosError(
                HTTPStatus.BAD_REQUEST,
                "InvalidLocationConstraint",
                f"Neither the host nor the request names a region of COS ({region}): ask at"
                f" {name}.cos.<region>.myqcloud.com.",
            )
        acl = access.asked(call, access.BUCKET_ACLS, "private")
        self._shelf.put_bucket(
            {"Name": name, "Region": region, "CreationDate": now(), "ACL": acl, "Settings": {}},
        )
        return web.Response()

    async def head(self, exchange: Exchange) -> web.StreamResponse:
        """Say that the bucket is there."""
        return web.Response(headers={"x-cos-bucket-region": exchange.bucket["Region"]})

    async def delete(self, exchange: Exchange) -> web.StreamResponse:
        """Remove an empty bucket."""
        if self._shelf.objects(exchange.bucket):
            raise CosError(HTTPStatus.CONFLICT, "BucketNotEmpty", "The bucket you tried to delete is not empty.")
        self._shelf.delete_bucket(exchange.bucket)
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def location(self, exchange: Exchange) -> web.StreamResponse:
        """Answer with a bucket's region."""
        body = write("LocationConstraint", {"#text": exchange.bucket["Region"]})
        return xml_response(body)

    async def get_acl(self, exchange: Exchange) -> web.StreamResponse:
        """Answer with a bucket's ACL."""
        acl = exchange.bucket["ACL"]
        return xml_response(write("AccessControlPolicy", access.as_policy(acl, self._account.uin)), acl=acl)

    async def put_acl(self, exchange: Exchange) -> web.StreamResponse:
        """Set a bucket's ACL, by header or document."""
        body = await exchange.document()
        default = access.from_policy(parse(body, "AccessControlPolicy"), "private") if body else "private"
        acl = access.asked(exchange.call, access.BUCKET_ACLS, default)
        self._shelf.put_bucket({**exchange.bucket, "ACL": acl})
        return web.Response()

    async def get_setting(self, exchange: Exchange, name: str) -> web.StreamResponse:
        """Answer with a setting."""
        setting, kept = SETTINGS[name], exchange.bucket["Settings"].get(name)
        if kept is None and setting.missing:
            raise CosError(HTTPStatus.NOT_FOUND, setting.missing, f"The bucket has no {setting.root}.")
        return xml_response(write(setting.root, kept or {}))

    async def put_setting(self, exchange: Exchange, name: str) -> web.StreamResponse:
        """Set a setting."""
        setting = SETTINGS[name]
        body = await exchange.document()
        # A policy is JSON; it is refused all the same.
        configuration = parse(body, setting.root) if name != "policy" else {}
        setting.check(configuration)
        bucket = exchange.bucket
        self._shelf.put_bucket({**bucket, "Settings": {**bucket["Settings"], name: configuration}})
        return web.Response()

    async def delete_setting(self, exchange: Exchange, name: str) -> web.StreamResponse:
        """Set a setting back to what it is on a new bucket."""
        bucket = exchange.bucket
        kept = {one: value for one, value in bucket["Settings"].items() if one != name}
        self._shelf.put_bucket({**bucket, "Settings": kept})
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def list_objects(self, exchange: Exchange) -> web.StreamResponse:
        """List objects by prefix, those below a delimiter as one."""
        call = exchange.call
        second = call.value("list-type") == "2"
        marker = call.value("continuation-token") or call.value("start-after") if second else call.value("marker")
        most = call.number("max-keys", MOST_KEYS, maximum=MOST_KEYS)
        encode = _encoder(exchange)
        entries = _entries(self._shelf.objects(exchange.bucket), call.value("prefix"), call.value("delimiter"), marker)
        found = list(islice(entries, most + 1))
        shown, more = found[:most], len(found) > most
        objects = [one for one in shown if not isinstance(one, str)]
        last = (shown[-1] if isinstance(shown[-1], str) else shown[-1]["Key"]) if shown and more else None
        content: dict[str, Any] = {
            "Name": exchange.bucket["Name"],
            "EncodingType": call.value("encoding-type") or None,
            "Prefix": encode(call.value("prefix")),
            "Delimiter": encode(call.value("delimiter")) or None,
            "MaxKeys": most,
            "IsTruncated": more,
            "Contents": [{**self._entry(one, encode), "Owner": self._owner()} for one in objects],
            "CommonPrefixes": [{"Prefix": encode(one)} for one in shown if isinstance(one, str)],
        }
        if second:
            content |= {"KeyCount": len(shown), "NextContinuationToken": last and encode(last)}
        else:
            content |= {"Marker": encode(marker), "NextMarker": last and encode(last)}
        return xml_response(write("ListBucketResult", content))

    async def list_versions(self, exchange: Exchange) -> web.StreamResponse:
        """List objects as their only versions."""
        call = exchange.call
        most = call.number("max-keys", MOST_KEYS, maximum=MOST_KEYS)
        encode = _encoder(exchange)
        entries = _entries(self._shelf.objects(exchange.bucket), call.value("prefix"), "", call.value("key-marker"))
        found = [one for one in islice(entries, most + 1) if not isinstance(one, str)]
        more = len(found) > most
        content = {
            "Name": exchange.bucket["Name"],
            "EncodingType": call.value("encoding-type") or None,
            "Prefix": encode(call.value("prefix")),
            "KeyMarker": encode(call.value("key-marker")),
            "VersionIdMarker": "",
            "MaxKeys": most,
            "IsTruncated": more,
            "NextKeyMarker": encode(found[most - 1]["Key"]) if more else None,
            "NextVersionIdMarker": "null" if more else None,
            "Version": [
                {**self._entry(one, encode), "VersionId": "null", "IsLatest": True, "Owner": self._owner()}
                for one in found[:most]
            ],
        }
        return xml_response(write("ListVersionsResult", content))

    async def list_uploads(self, exchange: Exchange) -> web.StreamResponse:
        """List the uploads in parts that nobody has completed."""
        encode = _encoder(exchange)
        prefix = exchange.call.value("prefix")
        content = {
            "Bucket": exchange.bucket["Name"],
            "EncodingType": exchange.call.value("encoding-type") or None,
            "Prefix": encode(prefix),
            "MaxUploads": MOST_KEYS,
            "IsTruncated": False,
            "Upload": [
                {
                    "Key": encode(one["Key"]),
                    "UploadId": one["UploadId"],
                    "StorageClass": "STANDARD",
                    "Initiator": self._owner(),
                    "Owner": self._owner(),
                    "Initiated": one["Initiated"],
                }
                for one in self._shelf.uploads(exchange.bucket)
                if one["Key"].startswith(prefix)
            ],
        }
        return xml_response(write("ListMultipartUploadsResult", content))

    async def delete_many(self, exchange: Exchange) -> web.StreamResponse:
        """Remove up to a thousand objects."""
        asked = parse(await exchange.document(), "Delete")
        named = [one.get("Key") or "" for one in asked.get("Object") or []]
        if not 1 <= len(named) <= MOST_KEYS:
            raise malformed(f"Name 1 to {MOST_KEYS} objects.")
        for key in named:
            document = self._shelf.object(exchange.bucket, key)
            if document is not None:
                self._shelf.delete_object(document)
        quiet = (asked.get("Quiet") or "").lower() == "true"
        return xml_response(write("DeleteResult", {"Deleted": [] if quiet else [{"Key": key} for key in named]}))

    def _entry(self, document: Document, encode: Any) -> dict[str, Any]:
        return {
            "Key": encode(document["Key"]),
            "LastModified": document["LastModified"],
            "ETag": f'"{document["ETag"]}"',
            "Size": document["Size"],
            "StorageClass": "STANDARD",
        }

    def _owner(self) -> dict[str, str]:
        return {"ID": self._account.app_id, "DisplayName": self._account.app_id}


def _entries(objects: list[Document], prefix: str, delimiter: str, marker: str) -> Iterator[Document | str]:
    """Go through what a list shows after `marker`: objects, and common prefixes as text."""
    last = ""
    for one in objects:
        key = one["Key"]
        if not key.startswith(prefix):
            continue
        if delimiter and (end := key.find(delimiter, len(prefix))) >= 0:
            common = key[: end + len(delimiter)]
            if common != last and common.encode() > marker.encode():
                last = common
                yield common
        elif key.encode() > marker.encode():
            yield one


def _encoder(exchange: Exchange) -> Any:
    return (lambda text: quote(text, "-_.~/")) if exchange.call.value("encoding-type") == "url" else str
