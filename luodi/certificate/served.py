"""Which certificate a server shows, asked by TLS."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from luodi.certificate.lifetime import Certificate

HTTPS = 443
_SECONDS = 10.0


@dataclass(frozen=True)
class Served:
    """What is served at an address for a name: a certificate, or `error`, why there is none to see.

    `pem` is the certificate itself; `distrust` is why a client would not accept it for that name; None where it would.
    """

    address: str
    certificate: Certificate | None = None
    pem: str = ""
    distrust: str | None = None
    error: str | None = None


def look(address: str, name: str, *, port: int = HTTPS, roots: Path | None = None, seconds: float = _SECONDS) -> Served:
    """The certificate that `address` serves for `name` (A-labels, sent as SNI).

    `roots` is a PEM file to trust instead of the system's. Nothing is raised: what fails is in what is returned.
    """
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    try:
        leaf = _handshake(address, port, name, trusting, seconds)
    except OSError as error:
        return Served(address, error=_why(error))
    if leaf is None:
        return Served(address, error="the handshake showed no certificate")
    pem = ssl.DER_cert_to_PEM_cert(leaf)
    found = Certificate.of(pem)
    try:
        _handshake(address, port, name, ssl.create_default_context(cafile=roots), seconds)
    except ssl.SSLCertVerificationError as error:
        return Served(address, found, pem, distrust=error.verify_message)
    except OSError as error:
        return Served(address, found, pem, distrust=_why(error))
    return Served(address, found, pem)


def _handshake(address: str, port: int, name: str, context: ssl.SSLContext, seconds: float) -> bytes | None:
    with (
        socket.create_connection((address, port), timeout=seconds) as connection,
        context.wrap_socket(connection, server_hostname=name) as secured,
    ):
        return secured.getpeercert(binary_form=True)


def _why(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, ssl.SSLEOFError | ConnectionResetError):
        return "the connection was cut in the handshake, as a provider does for a domain that is not filed (未备案阻断)"
    return error.strerror or str(error)
