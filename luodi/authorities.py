"""Certificate authorities that speak ACME: facts from `luodi/data/authorities.toml`, and any other directory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Limit:
    """So many at once, and over a window, one by one, as many again: a bucket that refills steadily."""

    count: int
    window: timedelta

    def left(self, times: Iterable[datetime], now: datetime) -> float:
        """How many may be had now, after those that were had at these times; a part is one that is being refilled."""
        level, last = float(self.count), None
        for time in sorted(one for one in times if one <= now):
            level, last = max(0.0, self._refilled(level, last, time) - 1), time
        return self._refilled(level, last, now)

    def wait(self, left: float) -> timedelta:
        """How long until one may be had, when so many are left."""
        return max(0.0, 1 - left) * self._interval

    def _refilled(self, level: float, since: datetime | None, now: datetime) -> float:
        return level if since is None else min(float(self.count), level + (now - since) / self._interval)

    @property
    def _interval(self) -> timedelta:
        return self.window / self.count


@dataclass(frozen=True)
class Authority:
    """An ACME certificate authority.

    Only `directory` is needed; `roots` is a PEM file of roots where the system's don't do. What else is known of it
    is from the data; the directory itself, where it says more, is believed first.
    """

    directory: str
    roots: Path | None = None
    id: str | None = None
    name: str | None = None
    binding_required: bool = False
    """Whether an account there must be bound to one at the authority itself (EAB)."""
    binding_page: str | None = None
    """Where a user gets the binding's key."""
    profiles: Mapping[str, int | None] = field(default_factory=dict, hash=False)
    """Known profiles, with the most names each takes where it differs."""
    issuers: tuple[str, ...] = ()
    """What a CAA record may name for it."""
    names_limit: int | None = None
    """The most names on one certificate."""
    duplicates: Limit | None = None
    """Certificates of exactly the same names; None where no such limit is known."""
    limits: str | None = None
    """What else it limits, in words; None where that is not known."""
    limits_source: str | None = None
    """Where its limits are said."""
    staging: str | None = None
    """The id of its authority for tests."""
    trusted: bool = True
    """Whether browsers trust what it issues."""
    ocsp: bool | None = None
    """Whether its certificates still name an OCSP responder; None where that is not known."""
    source: str | None = None

    def __str__(self) -> str:
        return self.name or self.directory

    def most_names(self, profile: str | None) -> int | None:
        """The most names that a certificate of that profile may hold, where it is known."""
        return (self.profiles.get(profile) if profile else None) or self.names_limit


@dataclass(frozen=True)
class Binding:
    """External account binding (RFC 8555, section 7.3.4): the authority's key id and its HMAC key in base64url."""

    kid: str
    hmac: str = field(repr=False)
    """A secret."""


@cache
def known() -> Mapping[str, Authority]:
    """The authorities of the data, by id. Those that issue no more are not among them."""
    return {id_: _authority(id_, entry) for id_, entry in _data().items() if "ended" not in entry}


@cache
def ended() -> Mapping[str, str]:
    """Authorities that issue no more, by id: what happened, and where that is said."""
    return {
        id_: f"{entry['name']} {entry['ended']} ({entry['source']})"
        for id_, entry in _data().items()
        if "ended" in entry
    }


def find(id_or_directory: str, roots: Path | None = None) -> Authority:
    """The authority with this id, or at this directory URL, known or not.

    Raises ValueError, with what to write instead, when it is neither.
    """
    if authority := known().get(id_or_directory):
        return authority
    if gone := ended().get(id_or_directory):
        raise ValueError(f"{gone}; choose one of {', '.join(known())}")
    if "://" not in id_or_directory:
        raise ValueError(f"is no authority; known are {', '.join(known())}, or write a directory's https:// address")
    for authority in known().values():
        if authority.directory == id_or_directory and roots is None:
            return authority
    return Authority(id_or_directory, roots)


def _data() -> dict[str, dict[str, Any]]:
    import tomllib  # here, so that an order at a directory of one's own starts quickly
    from importlib import resources

    return tomllib.loads(resources.files("luodi.data").joinpath("authorities.toml").read_text("utf-8"))["authority"]  # type: ignore[no-any-return]


def _authority(id_: str, entry: Mapping[str, Any]) -> Authority:
    duplicates = entry.get("duplicates")
    return Authority(
        directory=entry["directory"],
        id=id_,
        name=entry["name"],
        binding_required=entry.get("binding-required", False),
        binding_page=entry.get("binding-page"),
        profiles={name: profile.get("names") for name, profile in entry.get("profiles", {}).items()},
        issuers=tuple(entry["issuers"]),
        names_limit=entry.get("names"),
        duplicates=Limit(duplicates["count"], timedelta(days=duplicates["days"])) if duplicates else None,
        limits=entry.get("limits"),
        limits_source=entry.get("limits-source"),
        staging=entry.get("staging"),
        trusted=entry.get("trusted", True),
        ocsp=entry.get("ocsp"),
        source=entry["source"],
    )
