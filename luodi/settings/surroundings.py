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
    ``LUODI_DNS`` (``address:port``, asked instead of the system's resolver, the port for name servers too).

    ``LUODI_RENEW``, which `luodi renew` sets for its `pulumi up`, has the domains, separated by spaces, of the sites
    whose certificate is renewed whether it is due or not.
    """

    acme_directory: str | None = None
    acme_ca: Path | None = None
    dns: tuple[str, int] | None = None
    renew: frozenset[str] = frozenset()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Raises ValueError when LUODI_DNS is not address:port."""
        dns = None
        if text := environ.get("LUODI_DNS"):
            address, _, port = text.rpartition(":")
            try:
                dns = (str(ipaddress.ip_address(address.strip("[]"))), int(port))
            except ValueError:
                dns = ("", 0)
            if not 0 < dns[1] < 65536:
                raise ValueError(f"LUODI_DNS: {text} is not address:port, such as 127.0.0.1:53")
        root = environ.get("LUODI_ACME_CA")
        return cls(
            environ.get("LUODI_ACME_DIRECTORY") or None,
            Path(root) if root else None,
            dns,
            frozenset(environ.get(RENEW, "").split()),
        )
