"""An ACME directory on loopback that says what it is told to: for what a real authority is too slow or too
well-behaved for. It verifies nothing."""

from __future__ import annotations

import base64
import datetime as dt
import itertools
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HTML = "<html>Log in to the hotel's network</html>"


@dataclass
class Directory:
    """What it says. Of several statuses each is said once, the last for ever."""

    names: list[str] = field(default_factory=lambda: ["example.cn"])
    challenges: list[str] = field(default_factory=lambda: ["http-01", "dns-01", "tls-alpn-01"])
    authorization: list[str] = field(default_factory=lambda: ["pending", "valid"])
    """The statuses of each; the first is said when the order is made."""
    order: list[str] = field(default_factory=lambda: ["ready", "processing", "valid"])
    order_error: dict[str, Any] | None = None
    challenge_error: dict[str, Any] | None = None
    refusals: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By resource, a problem document to answer with."""
    pages: dict[str, str] = field(default_factory=dict)
    """By resource, a page that is no ACME at all."""
    dropped: set[str] = field(default_factory=set)
    """Resources whose connections are closed without an answer."""
    retry_after: str | None = None
    meta: dict[str, Any] | None = None
    also: tuple[str, ...] = ()
    """Further resources that the directory names."""
    refusing: int | None = None
    """How many refusals there are before what is asked for is done; None for ever."""
    seconds: float = 0.0
    """How long each answer takes: how far it is."""
    at_once: int = 0
    most_at_once: int = 0
    asked: list[str] = field(default_factory=list)
    posted: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Each resource that something was posted to, and what."""
    url: str = ""
    chain: str = ""
    """What it has issued."""
    _authorizations: dict[str, list[str]] = field(default_factory=dict)

    def answer(self, resource: str, number: str) -> dict[str, Any] | str:
        """The body for a resource."""
        match resource:
            case "dir":
                names = {"newNonce": "nonce", "newAccount": "account", "newOrder": "new-order"}
                found: dict[str, Any] = {name: f"{self.url}/{path}" for name, path in names.items()}
                found |= {name: f"{self.url}/{name}" for name in self.also}
                return found | ({"meta": self.meta} if self.meta else {})
            case "account":
                return {"status": "valid", "orders": f"{self.url}/orders"}
            case "new-order":
                return self._order("pending")
            case "order":
                return self._order(_next(self.order))
            case "finalize":
                self.chain = _issued(self.posted[-1][1]["csr"])
                return self._order("processing")
            case "authorization":
                return {
                    "status": _next(self._authorizations.setdefault(number, list(self.authorization))),
                    "identifier": {"type": "dns", "value": self.names[int(number)]},
                    "challenges": [self._challenge(kind, number) for kind in self.challenges],
                }
            case "challenge":
                return self._challenge("dns-01", number)
            case "certificate":
                return self.chain
        raise AssertionError(resource)

    def _order(self, status: str) -> dict[str, Any]:
        return {
            "status": status,
            "identifiers": [{"type": "dns", "value": name} for name in self.names],
            "authorizations": [f"{self.url}/authorization/{number}" for number in range(len(self.names))],
            "finalize": f"{self.url}/finalize",
            **({"certificate": f"{self.url}/certificate"} if status == "valid" else {}),
            **({"error": self.order_error} if self.order_error else {}),
        }

    def _challenge(self, kind: str, number: str) -> dict[str, Any]:
        token = base64.urlsafe_b64encode(f"token-{number}".encode().ljust(32)).rstrip(b"=").decode()
        return {
            "type": kind,
            "url": f"{self.url}/challenge/{number}",
            "status": "pending",
            "token": token,
            **({"error": self.challenge_error} if self.challenge_error else {}),
        }


def _issued(request: str) -> str:
    """A certificate for a CSR in base64url, in PEM. Its issuer is nobody's root."""
    csr = x509.load_der_x509_csr(base64.urlsafe_b64decode(request + "=" * (-len(request) % 4)))
    now, issuer = dt.datetime.now(dt.UTC), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the directory")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(csr.subject)
        .issuer_name(issuer)
        .public_key(csr.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=90))
        .add_extension(x509.AuthorityKeyIdentifier(b"the directory", None, None), critical=False)
    )
    for extension in csr.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    leaf = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return leaf.public_bytes(serialization.Encoding.PEM).decode()


def _payload(body: bytes) -> dict[str, Any]:
    text = json.loads(body)["payload"] if body else ""
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))) if text else {}


def _next(statuses: list[str]) -> str:
    return statuses.pop(0) if len(statuses) > 1 else statuses[0]


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Directory]:
    """A directory that issues at once, until it is told otherwise."""
    directory, nonces = Directory(), itertools.count()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._send(200, {}, body=False)

        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            directory.at_once += 1
            directory.most_at_once = max(directory.most_at_once, directory.at_once)
            time.sleep(directory.seconds)
            directory.at_once -= 1
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            _, resource, *rest = self.path.split("/")
            directory.asked.append(resource)
            directory.posted.append((resource, _payload(body)))
            if resource in directory.dropped:
                self.close_connection = True
            elif resource in directory.pages:
                self._send(200, directory.pages[resource])
            elif (refusal := directory.refusals.get(resource)) and directory.refusing != 0:
                if directory.refusing is not None:
                    directory.refusing -= 1
                self._send(refusal["status"], refusal)
            else:
                created = resource in ("account", "new-order")
                self._send(201 if created else 200, directory.answer(resource, *(rest or [""])))

        def _send(self, status: int, content: dict[str, Any] | str, *, body: bool = True) -> None:
            text = content if isinstance(content, str) else json.dumps(content)
            kind = "application/json" if status < 400 else "application/problem+json"
            if isinstance(content, str):
                kind = "text/html" if content.startswith("<") else "application/pem-certificate-chain"
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text)))
            self.send_header("Replay-Nonce", f"{next(nonces):08d}")
            if status == 201:
                self.send_header("Location", f"{directory.url}/order/1")
            self.send_header("Link", f'<{directory.url}/authorization/0>;rel="up"')
            if directory.retry_after is not None:
                self.send_header("Retry-After", directory.retry_after)
            self.end_headers()
            if body:
                self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    directory.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield directory
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
