"""What a machine is asked to be, and what a command in it came to."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class MachineSpec:
    """One machine.

    ``id`` names its directory (``ins-...``, ``lhins-...``). ``address`` is its public address,
    one of the host's loopback addresses, or None. ``os_name`` is the image's name as the cloud
    shows it (``Debian 12.0 64bit``). ``user_data`` is the decoded script, empty for none.
    ``disk_bytes`` bounds the system disk for rehearsing a full one: the disk then lives in
    memory while the machine runs and is saved when it is stopped, so that killing the daemon
    loses what was written since the boot.
    """

    id: str
    hostname: str
    address: str | None
    os_name: str
    user_data: bytes
    disk_bytes: int | None = None


@dataclass(frozen=True)
class Outcome:
    """A command that ended.

    ``output`` is standard output and error in the order written, at most the first
    ``OUTPUT_LIMIT`` bytes. ``exit_code`` is None when there is none: the command ran out of time
    (``timed_out``) or the machine went down under it. A command ended by signal n has 128 + n,
    as a shell would say.
    """

    exit_code: int | None
    output: bytes
    timed_out: bool


class Attachment(Protocol):
    """A machine's part of the provider's own network."""

    async def close(self) -> None:
        """Let go of its sockets."""


class Intranet(Protocol):
    """The provider's own network, served from outside at sockets that are opened in a machine (`guest/network.py`)."""

    cos_port: int

    async def attach(self, sockets: Sequence[socket.socket]) -> Attachment:
        """Answer at a machine's sockets."""


OUTPUT_LIMIT = 1024 * 1024
