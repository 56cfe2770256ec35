"""What the environment says, and no stack file."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

RENEW = "LUODI_RENEW"


@dataclass(frozen=True)
class Surroundings:
    """What the environment, never a stack file, says: where the world is that the stack is brought up in.

    Unset for the real cloud. A rehearsal sets ``LUODI_ACME_DIRECTORY`` (an ACME directory to use instead of
    the stack's authority), ``LUODI_ACME_CA`` (a PEM file of the roots that its certificates chain to) and
    ``LUODI_DNS`` (``address:port``, asked instead of the system's resolver, the port for name servers too). `dns` has
    that one resolver, or none.

    ``LUODI_RENEW``, which `luodi renew` sets for its `pulumi up`, has the domains, separated by spaces, of the sites
    whose certificate is renewed whether it is due or not.
    """

    acme_directory: str | None = None
    acme_ca: Path | None = None
    dns: tuple[tuple[str, int], ...] = ()
    renew: frozenset[str] = frozenset()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Raises ValueError when LUODI_DNS is not address:port."""
        root, dns = environ.get("LUODI_ACME_CA"), environ.get("LUODI_DNS")
        return cls(
            environ.get("LUODI_ACME_DIRECTORY") or None,
            Path(root) if root else None,
            (_resolver(dns),) if dns else (),
            frozenset(environ.get(RENEW, "").split()),
        )


def _resolver(text: str) -> tuple[str, int]:
    address, _, port = text.rpartition(":")
    try:
        found = (str(ipaddress.ip_address(address.strip("[]"))), int(port))
    except ValueError:
        found = ("", 0)
    if not 0 < found[1] < 65536:
        raise ValueError(f"LUODI_DNS: {text} is not address:port, such as 127.0.0.1:53")
    return found
