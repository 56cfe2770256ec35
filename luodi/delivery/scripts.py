"""What is run on the server, as text: ``templates/server`` with every value quoted for the shell. Pure."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luodi.rendering import rendered, server_environment

PACKAGES = ("nginx", "curl", "openssl", "ca-certificates")
KEPT_RELEASES = 5
LOG_DAYS = 190
"""Six months and a few days: Cybersecurity Law of the PRC (网络安全法), article 21(3)."""
SWAP_BELOW = 2048
"""MB of memory below which a server gets a swap file."""

TLS = "/etc/luodi/tls"
"""The folder on the server that has a folder for each site's certificates: ``<site>/current/ecdsa.pem`` with its chain
and ``ecdsa.key``, and/or ``rsa.pem`` and ``rsa.key``."""
KEPT_CERTIFICATES = 2
NO_KEY = 3
"""The exit code of `Scripts.install_certificate` when the certificate's key is not on the server."""


@dataclass(frozen=True)
class Room:
    """What a release takes on the server: bytes and inodes on its disk, bytes of memory."""

    bytes: int
    inodes: int
    memory: int


NO_ROOM = Room(0, 0, 0)


WARNING = "Warning: "
"""What a line of a script begins with that its user should see though all went well."""


class Scripts:
    """The server's scripts, from a folder laid out like the project's ``templates/``; what it lacks is luodi's own."""

    def __init__(self, templates: Path | None = None) -> None:
        self._environment = server_environment(templates, shlex.quote)

    def prepare(
        self,
        packages: Sequence[str] = (),
        *,
        log_days: int = LOG_DAYS,
        ssh: bool = False,
        swap_below: int = SWAP_BELOW,
    ) -> str:
        """Makes a fresh server ready; safe to run again. `packages` are those of its applications; `ssh` says whether
        the stack opens SSH. The last line printed is JSON: ``nginx``, ``openssl``, ``modules``, ``memory`` (MB),
        ``processors``, and what it ``lacks``."""
        wanted = [*PACKAGES, *(name for name in packages if name not in PACKAGES)]
        return self._render("prepare", packages=wanted, log_days=log_days, ssh=ssh, swap_below=swap_below)

    def signing_request(self, site: str, kinds: Sequence[str], names: Sequence[str], *, pin: bool) -> str:
        """Makes the pending keys of a site, of `kinds` (``ecdsa``, ``rsa-<bits>``), or takes those installed (`pin`);
        prints a CSR for `names` with each, and the order that an interrupted run had under way."""
        return self._render(
            "signing-request",
            tls=TLS,
            site=site,
            kinds=kinds,
            alternative_names=",".join(f"DNS:{name}" for name in names),
            pin=str(pin).lower(),
        )

    def order_under_way(self, site: str, kind: str, text: str) -> str:
        """Keeps `text` beside the pending key of that kind, until the certificate is installed; empty for nothing."""
        return self._render("order-under-way", tls=TLS, site=site, kind=kind, text=text)

    def transport_key(self, site: str) -> str:
        """Prints a certificate (PEM) to seal a private key for, whose own key is pending."""
        return self._render("transport-key", tls=TLS, site=site)

    def receive_key(self, site: str, kind: str, sealed: str) -> str:
        """Opens a key that was sealed for `transport_key`, and keeps it as pending."""
        return self._render("receive-key", tls=TLS, site=site, kind=kind, sealed=sealed.strip())

    def install_certificate(self, site: str, generation: str, chains: Mapping[str, str], origin: str) -> str:
        """Installs chains (``ecdsa``, ``rsa``: PEM) with their keys, and has nginx serve them where it serves the site.

        `origin` is a line that says where they are from. Exits with NO_KEY when a key is nowhere on the server.
        """
        return self._render(
            "install-certificate",
            tls=TLS,
            site=site,
            generation=generation,
            chains={kind: chain.strip() for kind, chain in chains.items()},
            origin=origin,
            no_key=NO_KEY,
            keep=KEPT_CERTIFICATES,
            **_held(site),
        )

    def certificate(self, site: str) -> str:
        """Prints kind and SHA-256 fingerprint of each certificate that is installed with its own key, a line each;
        then ``origin`` and that of `install_certificate`; then their chains."""
        return self._render("certificate", tls=TLS, site=site)

    def remove_certificate(self, site: str) -> str:
        """Takes the certificates and keys of a site away, unless they are still being served."""
        return self._render("remove-certificate", tls=TLS, site=site, **_held(site))

    def upload(self, folder: str, part: str, text: str) -> str:
        """Stores base64 text as a file `part` of `folder`."""
        return self._render("upload", upload=folder, part=part, text=text)

    def fetch(self, folder: str, part: str, link: str, sha256: str, *, seconds: int) -> str:
        """Stores what is behind a link as a file `part` of `folder`. Raises ValueError for what is no link."""
        if not re.fullmatch(r"https?://[!#-\[\]-~]+", link):
            raise ValueError("a link holds printable ASCII, and neither a quotation mark nor a backslash")
        return self._render("fetch", upload=folder, part=part, link=link, sha256=sha256, seconds=seconds)

    def plan(self, release: str, folder: str, sha256: str) -> str:
        """Prints, as JSON, which lines of the manifest in `folder` (gzipped, of that SHA-256) the server has, and its
        room."""
        return self._render("plan", release=release, upload=folder, sha256=sha256)

    def release(
        self,
        release: str,
        folder: str,
        sha256: str,
        *,
        names: Sequence[str],
        pages: Mapping[str, str] | None = None,
        passing: Mapping[str, str] | None = None,
        record: Mapping[str, Any] | None = None,
        room: Room = NO_ROOM,
        keep: int = KEPT_RELEASES,
        expected: str | None = None,
    ) -> str:
        """Puts the release together from the bundle in `folder` and from what is there, switches to it, and checks that
        every one of `names` serves it.

        `pages`: name -> path in the release of the footer that its first page must carry, or "" for none. `passing`:
        the same of those whose first page gets it as it passes; one without is told of after WARNING. `record` is
        kept with the release and in the audit log. `expected` is the release that must be served until then; None is
        any.
        """
        return self._render(
            "release",
            release=release,
            upload=folder,
            sha256=sha256,
            names=names,
            pages=_lines(pages or {}),
            passing=_lines(passing or {}),
            warning=WARNING,
            room=room,
            keep=keep,
            expected=expected,
            **_recorded(record, f"release {release}"),
        )

    def rollback(self, release: str, folder: str, *, record: Mapping[str, Any] | None = None) -> str:
        """Switches back to a release that is there, and checks it as `release` does."""
        return self._render(
            "rollback", release=release, upload=folder, expected=None, **_recorded(record, f"a rollback to {release}")
        )

    def current(self) -> str:
        """Prints the release that is switched on, ``serving`` or ``stopped``; then ``=`` and its manifest's digest,
        ``+`` and a manifest's line for each file changed or added by hand, ``-`` and its path for each that is gone."""
        return self._render("current")

    def releases(self) -> str:
        """Prints a line of JSON for each release on the server."""
        return self._render("releases")

    def read(self, paths: Sequence[str], offset: int, size: int, *, most: int) -> str:
        """Prints the size of a gzipped tar of these paths of the current release, those of `most` bytes at most; then a
        slice of it in base64."""
        return self._render("read", paths=paths, offset=offset, size=size, most=most)

    def logs(self, file: str, *, lines: int, inode: str = "", begin: int = 0) -> str:
        """Prints what came to a log since `begin` in the file of that inode; its last lines where there is none yet."""
        return self._render("logs", file=file, lines=lines, inode=inode, begin=begin)

    def _render(self, name: str, **values: Any) -> str:
        return rendered(self._environment, f"{name}.sh.j2", values)


def _held(site: str) -> dict[str, Any]:
    """Who holds the lock, and how many seconds to wait for it: other sites' certificates may be in its way."""
    return {"holder": f"luodi (the certificate of {site})", "patience": 120}


def _recorded(record: Mapping[str, Any] | None, what: str) -> dict[str, str]:
    """Who holds the lock, and what is known of a release: JSON, left open for what only the server knows."""
    known = {"who": "somebody", **(record or {})}
    return {"holder": f"{known['who']} ({what})", "record": json.dumps(known, ensure_ascii=False)[:-1]}


def _lines(pairs: Mapping[str, str]) -> str:
    return "".join(f"{name} {value}\n" for name, value in pairs.items())
