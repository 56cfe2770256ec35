"""Ports for a cloud: each claimed before it is looked at, so that no two clouds mean to listen at the same one."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence

from localcloud.claims import Claims
from localcloud.errors import LocalcloudError

LOOPBACK = (("127.0.0.1", socket.SOCK_STREAM),)
"""Where most of a cloud listens: TCP at the one address."""
_STEP = 16
"""From one cloud's port to the next one's. The kernel gives none of these to a connection that goes out, which it
would to one of its own choice (net.ipv4.ip_local_port_range begins far above)."""


def take(claims: Claims, preferred: int, places: Sequence[tuple[str, socket.SocketKind]] = LOOPBACK) -> int:
    """Claim `preferred`, or the next one above that can be listened at in all these places, and return it.

    Raises LocalcloudError when there is none.
    """
    for port in range(preferred, 1 << 16, _STEP):
        if not claims.take(f"port {port}"):
            continue
        if _is_free(port, places):
            return port
        claims.give_back(f"port {port}")
    raise LocalcloudError(f"no port of {preferred}, {preferred + _STEP}, ... can be listened at.")


def _is_free(port: int, places: Iterable[tuple[str, socket.SocketKind]]) -> bool:
    for address, kind in places:
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind is socket.SOCK_STREAM:
                # As every server here does: a port that is only waiting out old connections is free.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True
