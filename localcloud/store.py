"""The cloud's state: JSON documents in one SQLite file, so that a restart loses nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

Document = dict[str, Any]


class Kind(StrEnum):
    """What the cloud holds. Tests count documents by these names."""

    ADDRESS = "address"
    ALARM_BINDING = "alarm_binding"
    ALARM_NOTICE = "alarm_notice"
    ALARM_POLICY = "alarm_policy"
    BUCKET = "bucket"
    CERTIFICATE = "certificate"
    COMMAND = "command"
    CVM_INSTANCE = "cvm_instance"
    DISK = "disk"
    DOMAIN = "domain"
    FILING = "filing"
    FILING_REGIME = "filing_regime"
    FIREWALL = "firewall"
    FIREWALL_TEMPLATE = "firewall_template"
    FOREIGN_DOMAIN = "foreign_domain"
    INVOCATION = "invocation"
    INVOCATION_TASK = "invocation_task"
    KEY_PAIR = "key_pair"
    LIGHTHOUSE_INSTANCE = "lighthouse_instance"
    OBJECT = "object"
    PUBLIC_ADDRESS = "public_address"
    RECORD = "record"
    REGISTRATION = "registration"
    ROUTE_TABLE = "route_table"
    SECURITY_GROUP = "security_group"
    SUBNET = "subnet"
    TAGGED_RESOURCE = "tagged_resource"
    UPLOAD = "upload"
    VPC = "vpc"


_SCHEMA = """
CREATE TABLE IF NOT EXISTS document (
    kind TEXT NOT NULL, id TEXT NOT NULL, region TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""


class Store:
    """Documents by kind and id, each in a region (or in none). Used from one thread only."""

    def __init__(self, path: Path) -> None:
        """Open the file at `path`, or make it."""
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        # With WAL, NORMAL survives the death of the process; only a power cut could cost the
        # last moments, and a rehearsal doesn't survive that anyway.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA)
        self._depth = 0

    def close(self) -> None:
        """Write everything into the main file and close it."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()

    @property
    def revision(self) -> int:
        """A number that changes whenever anything is written."""
        return self._connection.total_changes

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside happen, or none. May be nested; nothing may be awaited inside."""
        if self._depth == 0:
            self._connection.execute("BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield
        except BaseException:
            self._depth -= 1
            if self._depth == 0:
                self._connection.execute("ROLLBACK")
            raise
        self._depth -= 1
        if self._depth == 0:
            self._connection.execute("COMMIT")

    def put(self, kind: Kind, identifier: str, document: Document, region: str = "") -> None:
        """Keep `document`; one of that kind and id is replaced in its place."""
        self._connection.execute(
            "INSERT INTO document (kind, id, region, body) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
            (kind, identifier, region, json.dumps(document, ensure_ascii=False)),
        )

    def get(self, kind: Kind, identifier: str, region: str | None = None) -> Document | None:
        """Return a document, or None where there is none (or it is in another region)."""
        row = self._connection.execute(
            "SELECT body FROM document WHERE kind = ?1 AND id = ?2 AND (?3 IS NULL OR region = ?3)",
            (kind, identifier, region),
        ).fetchone()
        return None if row is None else json.loads(row[0])

    def all(self, kind: Kind, region: str | None = None) -> list[Document]:
        """Return the documents of a kind in the order in which they were made."""
        rows = self._connection.execute(
            "SELECT body FROM document WHERE kind = ?1 AND (?2 IS NULL OR region = ?2) ORDER BY rowid",
            (kind, region),
        )
        return [json.loads(body) for (body,) in rows]

    def identifiers(self, kind: Kind) -> list[str]:
        """Return the ids of a kind in the order in which they were made."""
        rows = self._connection.execute("SELECT id FROM document WHERE kind = ? ORDER BY rowid", (kind,))
        return [str(identifier) for (identifier,) in rows]

    def region_of(self, kind: Kind, identifier: str) -> str | None:
        """Return the region of a document, or None where there is no such document."""
        row = self._connection.execute(
            "SELECT region FROM document WHERE kind = ? AND id = ?", (kind, identifier)
        ).fetchone()
        return None if row is None else str(row[0])

    def delete(self, kind: Kind, identifier: str) -> None:
        """Remove a document, if it is there."""
        self._connection.execute("DELETE FROM document WHERE kind = ? AND id = ?", (kind, identifier))

    def next_number(self, name: str, start: int) -> int:
        """Return `start`, then one more at each call, also after a restart."""
        row = self._connection.execute(
            "INSERT INTO counter (name, value) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
            (name, start),
        ).fetchone()
        return int(row[0])

    def counts(self) -> dict[str, int]:
        """Return how many documents there are of each kind, zero included."""
        rows = self._connection.execute("SELECT kind, COUNT(*) FROM document GROUP BY kind")
        return dict.fromkeys((kind.value for kind in Kind), 0) | dict(rows.fetchall())
