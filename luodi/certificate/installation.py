"""A site's certificates on its server: the keys that are made there, what is installed, and how it gets there."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal, Self

from luodi.certificate.lifetime import Certificate
from luodi.delivery.scripts import NO_KEY, TLS, Scripts
from luodi.delivery.sealing import seal
from luodi.delivery.tat import CommandFailed, Shell

KeyKind = Literal["ecdsa", "rsa-2048", "rsa-4096"]
"""A key that a server makes: ECDSA P-256, or RSA of so many bits."""

_PEM = "-----BEGIN {0}-----.*?-----END {0}-----\n"
_CERTIFICATES = re.compile(_PEM.format("CERTIFICATE"), re.DOTALL)
_REQUESTS = re.compile(_PEM.format("CERTIFICATE REQUEST") + "(?:order under way: ([^\n]*)\n)?", re.DOTALL)
_FINGERPRINT = re.compile("^(ecdsa|rsa) ([0-9A-F]{64})$", re.MULTILINE)
_ORIGIN = re.compile("^origin (.*)$", re.MULTILINE)


class KeyMissing(Exception):
    """A certificate whose key is nowhere on the server."""


def family(kind: str) -> str:
    """What a certificate of such a key is called on the server: ``ecdsa`` or ``rsa``."""
    return kind.partition("-")[0]


def paths(site: str, kind: str) -> tuple[str, str]:
    """Where the server has the chain and the key, for nginx."""
    at = f"{TLS}/{site}/current/{family(kind)}"
    return f"{at}.pem", f"{at}.key"


def generation(chains: Mapping[str, str]) -> str:
    """What a set of chains is called on the server: the same chains, the same generation."""
    return hashlib.sha256("".join(chains[kind] for kind in sorted(chains)).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Origin:
    """Where a certificate is from: the authority's directory, empty for one that was not ordered, and the profile."""

    authority: str
    profile: str | None = None

    @classmethod
    def of(cls, text: str) -> Self | None:
        """Read what `str` gave; None for anything else."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError):
            return None

    def __str__(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Installed:
    """What a server has: SHA-256 fingerprints in hex and PEM chains, by kind, of those whose key it has too."""

    fingerprints: Mapping[str, str] = field(default_factory=dict)
    chains: Mapping[str, str] = field(default_factory=dict)
    origin: Origin | None = None

    @classmethod
    def of(cls, printed: str) -> Self:
        """Read what `Scripts.certificate` prints. A long list of names may have cut it short: then without chains."""
        fingerprints = {kind: print_.lower() for kind, print_ in _FINGERPRINT.findall(printed)}
        by_fingerprint: dict[str, list[str]] = {}
        last: list[str] = []
        for pem in _CERTIFICATES.findall(printed):
            found = Certificate.of(pem).fingerprint
            if found in fingerprints.values():
                last = by_fingerprint.setdefault(found, [])
            last.append(pem)
        chains = {kind: "".join(by_fingerprint.get(one, ())) for kind, one in fingerprints.items()}
        origin = _ORIGIN.search(printed)
        return cls(fingerprints, chains if all(chains.values()) else {}, Origin.of(origin[1]) if origin else None)


@dataclass(frozen=True)
class Request:
    """A CSR (PEM) of a pending key, and the order that an interrupted run had made for it."""

    csr: str
    order: str | None


class Installation:
    """The certificates of one site on one server. Every method raises Silent, CommandFailed or ApiError."""

    def __init__(self, shell: Shell, scripts: Scripts, site: str) -> None:
        self._shell, self._scripts, self._site = shell, scripts, site

    def installed(self) -> Installed:
        """What is there."""
        return Installed.of(self._shell.run("Looking at the certificate", self._scripts.certificate(self._site)))

    def requests(self, kinds: Sequence[str], names: Collection[str], *, pin: bool) -> dict[str, Request]:
        """Make the pending keys, or find those that an interrupted run made; their CSRs, by kind."""
        script = self._scripts.signing_request(self._site, kinds, tuple(names), pin=pin)
        printed = self._shell.run("Making the key and its signing request", script)
        found = [Request(match[0].partition("order under way: ")[0], match[1]) for match in _REQUESTS.finditer(printed)]
        if len(found) != len(kinds):
            raise CommandFailed("Making the key and its signing request", self._shell.instance, "FAILED", None, printed)
        return dict(zip(kinds, found, strict=True))

    def keep_order(self, kind: str, text: str) -> None:
        """Write down beside a pending key which order was made for it."""
        self._shell.run("Keeping the order", self._scripts.order_under_way(self._site, kind, text))

    def receive(self, kind: str, key: str) -> None:
        """Bring a private key (PEM) that was made elsewhere, readable to this server alone; it is pending then."""
        recipient = self._shell.run("Making a key for the transport", self._scripts.transport_key(self._site))
        self._shell.run("Receiving the key", self._scripts.receive_key(self._site, kind, seal(key, recipient)))

    def install(self, chains: Mapping[str, str], origin: Origin) -> None:
        """Install chains with their keys. What was pending is gone then.

        Raises KeyMissing; when nginx does not serve the certificates, CommandFailed, and the last are in place again.
        """
        script = self._scripts.install_certificate(self._site, generation(chains), chains, str(origin))
        try:
            self._shell.run(f"Installing the certificate of {self._site}", script)
        except CommandFailed as error:
            if error.exit_code == NO_KEY:
                raise KeyMissing(self._site) from error
            raise


class PendingJournal:
    """The `Journal` of an order, beside its pending key; installing the certificate clears it."""

    def __init__(self, installation: Installation, kind: str, request: Request) -> None:
        self._installation, self._kind, self._text = installation, kind, request.order

    def load(self) -> str | None:
        return self._text

    def save(self, text: str) -> None:
        self._installation.keep_order(self._kind, text)
        self._text = text

    def clear(self) -> None:
        self.save("")
