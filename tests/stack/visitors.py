"""Somebody who looks at a site all the time, and writes down what is shown."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization


class Visitor(threading.Thread):
    """Shakes hands again and again, trusts `roots` alone, and writes down each time that it fails.

    `serials` are those of the certificates that it was shown, each time that it was another one than the time before;
    `shown` has each of them in PEM; `least` is the shortest life that one of them had left.
    """

    def __init__(self, where: tuple[str, int], site: str, roots: Path) -> None:
        super().__init__(daemon=True)
        self.site = site
        self._where, self._context = where, ssl.create_default_context(cafile=str(roots))
        self._enough = threading.Event()
        self.handshakes = 0
        self.failures: list[str] = []
        self.serials: list[str] = []
        self.shown: dict[str, str] = {}
        self.least = timedelta.max

    def run(self) -> None:
        while not self._enough.wait(0.02):  # a machine of two cores has more to do
            try:
                with (
                    socket.create_connection(self._where, timeout=10) as plain,
                    self._context.wrap_socket(plain, server_hostname=self.site) as secure,
                ):
                    leaf = x509.load_der_x509_certificate(secure.getpeercert(binary_form=True) or b"")
            except OSError as error:
                self.failures.append(str(error))
            else:
                self._note(leaf)

    def _note(self, leaf: x509.Certificate) -> None:
        self.handshakes += 1
        self.least = min(self.least, leaf.not_valid_after_utc - datetime.now(UTC))
        serial = f"{leaf.serial_number:x}"
        if self.serials[-1:] != [serial]:
            self.serials.append(serial)
            self.shown[serial] = ssl.DER_cert_to_PEM_cert(leaf.public_bytes(serialization.Encoding.DER))

    def leave(self) -> None:
        """End the visit."""
        self._enough.set()
        self.join(30)


@contextmanager
def visiting(where: tuple[str, int], sites: tuple[str, ...], roots: Path) -> Iterator[list[Visitor]]:
    """Somebody at each of these sites, for a while."""
    here = [Visitor(where, site, roots) for site in sites]
    for visitor in here:
        visitor.start()
    try:
        yield here
    finally:
        for visitor in here:
            visitor.leave()
