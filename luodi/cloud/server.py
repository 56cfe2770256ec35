"""What a site needs of a server, of whichever kind."""

from __future__ import annotations

from typing import Protocol

import pulumi


class Server(Protocol):
    """A server with a public address and a TAT agent."""

    instance_id: pulumi.Output[str]
    address: pulumi.Output[str]
