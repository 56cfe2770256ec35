"""What a machine reaches of the provider's own network: its resolvers, and COS's address inside it.

The agent opens the sockets and hands them to the daemon, which answers at them from outside. They have addresses of
their own on the machine's only interface, the loopback.
"""

from __future__ import annotations

import fcntl
import socket
import struct

COS = "169.254.0.47"
RESOLVERS = ("183.60.83.19", "183.60.82.98")
"""Tencent's resolvers inside a VPC (https://cloud.tencent.com/document/product/213/41485)."""
DNS_PORT = 53
_SIOCSIFADDR, _SIOCSIFNETMASK = 0x8916, 0x891C  # linux/sockios.h


def open_services(cos_port: int) -> list[socket.socket]:
    """Return a listening socket for COS, then one for datagrams at each resolver. Raises OSError."""
    for number, address in enumerate((COS, *RESOLVERS)):
        _add_address(f"lo:{number}", address)
    cos = socket.create_server((COS, cos_port), backlog=1024)
    resolvers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in RESOLVERS]
    for resolver, address in zip(resolvers, RESOLVERS, strict=True):
        resolver.bind((address, DNS_PORT))
    return [cos, *resolvers]


def _add_address(label: str, address: str) -> None:
    """Add an address to the loopback interface, as `ifconfig` does (netdevice(7))."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for request, value in ((_SIOCSIFADDR, address), (_SIOCSIFNETMASK, "255.255.255.255")):
            asked = struct.pack("16sHH4s8x", label.encode(), socket.AF_INET, 0, socket.inet_aton(value))
            fcntl.ioctl(any_socket.fileno(), request, asked)
