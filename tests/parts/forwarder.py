"""A port in front of an authority, that can die in the middle of an order and come back."""

from __future__ import annotations

import socket
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from luodi.certificate.order import Authority
from tests.loopback import free_port


class Forwarder:
    """Passes connections on. Pebble names its resources by the address it is asked at, so all of an order goes this
    way."""

    def __init__(self, authority: Authority) -> None:
        self._to = urllib.parse.urlsplit(authority.directory).port
        self._port = free_port()
        self.authority = replace(authority, directory=f"https://127.0.0.1:{self._port}/dir")
        self._open: list[socket.socket] = []
        self._listener: socket.socket | None = None

    def start(self) -> None:
        """Listen, at the same port as before."""
        self._listener = socket.create_server(("127.0.0.1", self._port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def die(self) -> None:
        """Close everything at once."""
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for one in self._open:
            _shut(one)
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                here, _ = listener.accept()
                there = socket.create_connection(("127.0.0.1", self._to or 0))
            except OSError:
                return
            self._open += [here, there]
            for pair in ((here, there), (there, here)):
                threading.Thread(target=_pass_on, args=pair, daemon=True).start()


@contextmanager
def in_front_of(authority: Authority) -> Iterator[Forwarder]:
    """A forwarder that listens."""
    forwarder = Forwarder(authority)
    forwarder.start()
    try:
        yield forwarder
    finally:
        forwarder.die()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    _shut(source)
    _shut(target)


def _shut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
