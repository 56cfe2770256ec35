"""A release on its way: what the server lacks is packed, carried there, put together with what it has, switched on.

Small things are carried by TAT's own commands, larger ones through a COS bucket where the stack has one. Every step can
be run again after it broke off, at any point: what is being served changes in the last step alone, on the server.
"""

from __future__ import annotations

import base64
import gzip
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from luodi.delivery import files as release_files
from luodi.delivery.bundle import Bundle, TooLarge
from luodi.delivery.files import File
from luodi.delivery.scratch import scratch
from luodi.delivery.scripts import KEPT_RELEASES, NO_ROOM, WARNING, Room, Scripts
from luodi.delivery.store import Store
from luodi.delivery.tat import Shell
from luodi.words import Words

_BACK = Words("退回发布 {release}", "Switching back to release {release}")

UPLOADS = "/var/lib/luodi/upload"
BY_COS = 256 * 1024
"""Bytes from which on a bucket is quicker than TAT's commands: eight of them."""

_MANIFEST = ".luodi/manifest"
_AT_ONCE = 1_000_000
"""Bytes of files that are packed as they are, to see whether one command carries them all."""

_MARGIN = 16 * 2**20
"""Bytes of disk that nobody should be left without: nginx writes its logs there."""

_BLOCK = 4096
"""Bytes of a file system's block: even an empty file has its inode's share."""

_MEMORY = 32 * 2**20
"""Bytes of memory: while nginx is reloaded, the workers of before and of now run side by side."""

_RATE = 1_000_000
"""Bytes a second, the slowest at which a server is waited for."""


@dataclass(frozen=True)
class Wanted:
    """A release to be: `files` by path; `names` must serve it, the first pages of `pages` carry those footers, and the
    first pages of `passing` get those as they pass."""

    files: Mapping[str, File]
    names: Sequence[str]
    pages: Mapping[str, str]
    mark: str
    record: Mapping[str, Any]
    passing: Mapping[str, str] = field(default_factory=dict)
    keep: int = KEPT_RELEASES

    @property
    def id(self) -> str:
        """What the release is called."""
        return release_files.release_id(self.files)

    @property
    def placed(self) -> Mapping[str, File]:
        """Its files as they are on the server, where its nginx files know what it is called."""
        return release_files.placed(self.files, self.mark, self.id)


@dataclass(frozen=True)
class Delivered:
    """A release that is served: its id, the SHA-256 of its manifest, and what its user should see to."""

    id: str
    manifest: str
    warnings: Sequence[str]


class Delivery:
    """Carries releases to one server."""

    def __init__(
        self,
        shell: Shell,
        scripts: Scripts,
        store: Store | None = None,
        *,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`store` is the bucket that what is large goes through; `tell` takes lines of progress."""
        self._shell, self._scripts, self._store, self._tell = shell, scripts, store, tell

    def deliver(self, wanted: Wanted) -> Delivered:
        """Bring a release and switch to it; until then, and after any error, what was served is served.

        Raises ContentError for a file that changed since it was looked at, TooLarge for what can't be carried or has
        no room, Silent, CommandFailed, StoreError, and OSError when there is no room here to pack.
        """
        id_, files = wanted.id, wanted.placed
        listed = release_files.manifest(files).encode()
        upload = f"{UPLOADS}/{id_}-{secrets.token_hex(4)}"
        size = sum(file.size for file in files.values())
        record = {**wanted.record, "files": len(files), "bytes": size}
        with scratch() as folder:
            bundle, missing, expected = _whole(files, listed, size, folder), files, None
            if bundle is None:
                plan = self._plan(id_, upload, files, Bundle.holding(listed, folder / "manifest.gz"))
                missing, expected = plan.missing, plan.current
                lacking = sum(file.size for file in missing.values())
                self._tell(f"Release {id_}: {len(missing)} of {len(files)} files to send, {amount(lacking)}")
                plan.check_room(self._shell.instance, lacking, len(files))
                bundle = Bundle.of(missing, folder / "bundle")
                plan.check_room(self._shell.instance, lacking + bundle.size, len(files))
            self._carry(id_, bundle, upload, "bundle")
        lacking = sum(file.size for file in missing.values())
        self._tell(f"Release {id_}: switching")
        said = self._shell.run(
            f"Switching to release {id_}",
            self._scripts.release(
                id_,
                upload,
                bundle.sha256,
                names=wanted.names,
                pages=wanted.pages,
                passing=wanted.passing,
                record={**record, "action": "release"},
                room=_room(lacking, len(files)),
                keep=wanted.keep,
                expected=expected,
            ),
            # An application may fetch what it depends on, and then takes its time to be ready.
            seconds=900 + size // _RATE // 10,
        )
        warnings = [line.removeprefix(WARNING) for line in said.splitlines() if line.startswith(WARNING)]
        return Delivered(id_, File.holding(listed).sha256, warnings)

    def rollback(self, release: str, record: Mapping[str, Any]) -> None:
        """Switch back to a release that the server still has. Raises Silent, CommandFailed."""
        upload = f"{UPLOADS}/{release}-{secrets.token_hex(4)}"
        script = self._scripts.rollback(release, upload, record={**record, "action": "rollback"})
        self._shell.run(_BACK.fill(release=release), script, seconds=900)

    def _plan(self, release: str, upload: str, files: Mapping[str, File], listed: Bundle) -> _Plan:
        """Show the server what there is to be, and hear what of it is missing."""
        self._carry(release, listed, upload, "manifest.gz")
        said = self._shell.run(
            f"Comparing release {release} with what is there",
            self._scripts.plan(release, upload, listed.sha256),
            seconds=300 + sum(file.size for file in files.values()) // _RATE // 10,
        )
        answer = json.loads(said)
        have = gzip.decompress(base64.b64decode(answer["have"])).decode()
        paths = list(release_files.parsed(release_files.lines(files)))
        missing = {path: files[path] for path, there in zip(paths, have, strict=True) if there == "0"}
        return _Plan(missing, answer["current"], _number(answer["free"]), _number(answer["inodes"]))

    def _carry(self, release: str, bundle: Bundle, upload: str, part: str) -> None:
        """Bring a file to the server."""
        if self._store and bundle.size > BY_COS:
            seconds = 600 + bundle.size // _RATE
            with self._store.holding(bundle, self._told(release, bundle, part), seconds=seconds) as link:
                self._tell(f"Release {release}: the server fetches {amount(bundle.size)}")
                self._shell.run(
                    f"Fetching what release {release} needs",
                    self._scripts.fetch(upload, part, link, bundle.sha256, seconds=seconds),
                    seconds=seconds + 60,
                )
            return
        for number, text in enumerate(bundle.parts()):
            self._shell.run(
                f"Uploading release {release} ({part}, part {number + 1} of {bundle.count})",
                self._scripts.upload(upload, f"{part}.{number:03d}", text),
            )

    def _told(self, release: str, bundle: Bundle, part: str) -> Callable[[int], None]:
        """Tells each tenth of an upload once."""
        tenths = 0

        def tell(sent: int) -> None:
            nonlocal tenths
            if (now := sent * 10 // bundle.size) > tenths:
                tenths = now
                self._tell(f"Release {release}: {part}: {amount(sent)} of {amount(bundle.size)} are in the bucket")

        return tell


@dataclass(frozen=True)
class _Plan:
    """What the server lacks, what it serves meanwhile, and its free bytes and inodes (None where not counted)."""

    missing: Mapping[str, File]
    current: str
    free: int | None
    inodes: int | None

    def check_room(self, instance: str, size: int, files: int) -> None:
        """Raises TooLarge, before anything is sent that would not fit."""
        takes = _room(size, files)
        for what, free, needed in (("bytes", self.free, takes.bytes), ("inodes", self.inodes, takes.inodes)):
            if free is not None and free < needed:
                raise TooLarge(
                    f"The disk of {instance} has no room for this release: {free} {what} are free, and it takes "
                    f"{needed}. Nothing was sent. Make room (luodi:delivery.keep is how many old releases stay), take "
                    "a larger disk, or serve large files from COS (对象存储)."
                )


def _whole(files: Mapping[str, File], listed: bytes, size: int, folder: Path) -> Bundle | None:
    """All the files with their manifest, where one command carries them: quicker than asking what is missing."""
    if size > _AT_ONCE:
        return None
    bundle = Bundle.of({**files, _MANIFEST: File.holding(listed)}, folder / "whole")
    return bundle if bundle.count == 1 else None


def _room(size: int, files: int) -> Room:
    return Room(size + files * _BLOCK + _MARGIN, 2 * files + 100, _MEMORY) if size or files else NO_ROOM


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() and int(text) else None


def amount(size: int) -> str:
    """Bytes, as a person reads them."""
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"
