"""Names of a staging stack: of the stack itself, and of its hosts under a subdomain. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from luodi.settings import HostedSite, readable

_STACK = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


def stack_name(text: str) -> str:
    """A stack's name. Raises ValueError for what Pulumi refuses (sdk/go/common/tokens/stack_name.go)."""
    if not _STACK.fullmatch(text):
        raise ValueError(
            f"{text!r} is no stack's name: Pulumi takes letters, digits, hyphens, underscores and periods, 100 at most"
        )
    return text


def label(text: str) -> str:
    """The label that is put before a zone's name. Raises ValueError for what no host name can hold (RFC 1123)."""
    name = text.lower()
    if not _LABEL.fullmatch(name):
        raise ValueError(f"{text!r} can't be part of a host name: letters, digits and inner hyphens, 63 at most")
    return name


@dataclass(frozen=True)
class Renaming:
    """Where each host name of a stack stands in its staging stack: under `label`, in the same zone.

    ``example.cn`` becomes ``staging.example.cn``, and ``www.example.cn`` ``www.staging.example.cn``: what is filed is
    the registered domain, and its filing covers both.
    """

    label: str
    zones: tuple[str, ...]
    names: frozenset[str]

    @classmethod
    def of(cls, label: str, sites: Iterable[HostedSite]) -> Renaming:
        """For the names and zones of these sites."""
        there = tuple(sites)
        zones = sorted({site.zone for site in there}, key=len, reverse=True)
        return cls(label, tuple(zones), frozenset(name for site in there for name in site.names))

    def __call__(self, name: str) -> str:
        """The name in the staging stack, of a host name in A-labels; one of no zone of the stack's stays."""
        for zone in self.zones:
            if name == zone:
                return f"{self.label}.{zone}"
            if name.endswith(f".{zone}"):
                return f"{name.removesuffix(zone)}{self.label}.{zone}"
        return name

    def in_text(self, text: str) -> str:
        """The text with every host name of the stack's own replaced where it stands as a whole; e-mail addresses and
        names below one stay."""
        known = {form: readable(self(name)) for name in self.names for form in (name, readable(name))}
        either = "|".join(re.escape(name) for name in sorted(known, key=len, reverse=True))
        whole = re.compile(rf"(?<![\w.@-])(?:{either})(?![\w-]|\.\w)", re.IGNORECASE)
        return whole.sub(lambda found: known[found[0].lower()], text)


def label_between(source: HostedSite, target: HostedSite) -> str | None:
    """The label by which the target's domain is the source's in a staging stack; None where it is not."""
    before, zone, there = source.site.domain, source.zone, target.site.domain
    inner = before.removesuffix(zone)
    if before == zone or before.endswith(f".{zone}"):
        found = there.removeprefix(inner).removesuffix(f".{zone}")
        if _LABEL.fullmatch(found) and f"{inner}{found}.{zone}" == there:
            return found
    return None
