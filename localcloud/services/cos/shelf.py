"""What COS holds: buckets, objects and uploads in parts, as documents of the store, and the files they name."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from localcloud.services.cos import lifecycle
from localcloud.services.cos.files import File, Files
from localcloud.store import Document, Kind, Store


class Shelf:
    """Buckets by name; objects and uploads of a bucket by key and id."""

    def __init__(self, store: Store, files: Files) -> None:
        """Keep documents in `store` and bytes in `files`; what no document names any more is deleted."""
        self._store = store
        self.files = files
        files.keep_only(
            {file.name for kind in (Kind.OBJECT, Kind.UPLOAD) for one in store.all(kind) for file in files_of(one)}
        )

    def bucket(self, name: str) -> Document | None:
        """Return a bucket, or None."""
        return self._store.get(Kind.BUCKET, name)

    def buckets(self) -> list[Document]:
        """Return every bucket."""
        return sorted(self._store.all(Kind.BUCKET), key=lambda one: str(one["Name"]))

    def put_bucket(self, bucket: Document) -> None:
        """Keep a bucket."""
        self._store.put(Kind.BUCKET, bucket["Name"], bucket, bucket["Region"])

    def delete_bucket(self, bucket: Document) -> None:
        """Remove a bucket, with the uploads that nobody completed; it must have no objects."""
        with self._store.transaction():
            for upload in self.uploads(bucket):
                self.delete_upload(upload)
            self._store.delete(Kind.BUCKET, bucket["Name"])

    def objects(self, bucket: Document) -> list[Document]:
        """Return a bucket's objects in the order of their keys' bytes."""
        found = [one for one in self._store.all(Kind.OBJECT) if one["Bucket"] == bucket["Name"]]
        return sorted(found, key=lambda one: str(one["Key"]).encode())

    def object(self, bucket: Document, key: str) -> Document | None:
        """Return an object, or None."""
        return self._store.get(Kind.OBJECT, f"{bucket['Name']}/{key}")

    def put_object(self, document: Document) -> None:
        """Keep an object; one of the same key is replaced, its files are deleted."""
        identifier = f"{document['Bucket']}/{document['Key']}"
        before = self._store.get(Kind.OBJECT, identifier)
        self._store.put(Kind.OBJECT, identifier, document)
        if before is not None:
            kept = {file.name for file in files_of(document)}
            self.files.delete(file for file in files_of(before) if file.name not in kept)

    def delete_object(self, document: Document) -> None:
        """Remove an object."""
        self._store.delete(Kind.OBJECT, f"{document['Bucket']}/{document['Key']}")
        self.files.delete(files_of(document))

    def uploads(self, bucket: Document) -> list[Document]:
        """Return a bucket's uploads in parts that nobody has completed."""
        return [one for one in self._store.all(Kind.UPLOAD) if one["Bucket"] == bucket["Name"]]

    def upload(self, identifier: str) -> Document | None:
        """Return an upload in parts, or None."""
        return self._store.get(Kind.UPLOAD, identifier)

    def put_upload(self, upload: Document) -> None:
        """Keep an upload in parts."""
        self._store.put(Kind.UPLOAD, upload["UploadId"], upload)

    def delete_upload(self, upload: Document, keep: Iterable[File] = ()) -> None:
        """Remove an upload in parts, with its parts but for those that an object has now."""
        self._store.delete(Kind.UPLOAD, upload["UploadId"])
        kept = {file.name for file in keep}
        self.files.delete(file for file in files_of(upload) if file.name not in kept)

    def sweep(self, bucket: Document) -> None:
        """Remove what a bucket's lifecycle has ended by now."""
        rules = bucket["Settings"].get("lifecycle", {}).get("Rule")
        if not rules:
            return
        now = datetime.now(UTC)
        for one in self.objects(bucket):
            end = lifecycle.expires(rules, one["Key"], moment(one["LastModified"]))
            if end is not None and end <= now:
                self.delete_object(one)
        for one in self.uploads(bucket):
            end = lifecycle.abandoned(rules, one["Key"], moment(one["Initiated"]))
            if end is not None and end <= now:
                self.delete_upload(one)


def files_of(document: Document) -> list[File]:
    """Return the files of an object, or of an upload's parts."""
    kept: Any = document["_Files"]
    pairs = (part["File"] for part in kept.values()) if isinstance(kept, dict) else kept
    return [File(name, size) for name, size in pairs]


def moment(text: str) -> datetime:
    """Return a time of a document."""
    return datetime.fromisoformat(text)
