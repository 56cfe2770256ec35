"""What rehearsal clouds of one host take apart: a port, an address.

Seeing that something is free and using it are seconds apart, and another cloud may see the same in between. So what
a cloud means to use it claims first: by a name that the kernel (an abstract socket's, unix(7)) lets one process at a
time have, whoever's it is, until that process ends, however it ends.
"""

from __future__ import annotations

import socket


class Claims:
    """What one process has claimed."""

    def __init__(self) -> None:
        self._held: dict[str, socket.socket] = {}

    def take(self, what: str) -> bool:
        """Claim something; return whether it is now this process's: nobody, itself included, had it."""
        name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            name.bind(f"\0luodi-localcloud/{what}")
        except OSError:
            name.close()
            return False
        self._held[what] = name
        return True

    def give_back(self, what: str) -> None:
        """End a claim, if there is one."""
        name = self._held.pop(what, None)
        if name is not None:
            name.close()

    def close(self) -> None:
        """End every claim."""
        for what in list(self._held):
            self.give_back(what)
