"""Looks at a site over the network. Every look has a deadline and a limit, and nothing is raised for what fails."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

import dns.exception
import dns.resolver
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from luodi import chromium
from luodi.certificate.delegation import resolver_at
from luodi.doctor.bodies import header_text, text_of, unpacked
from luodi.doctor.observed import Answer, Host, Resolved, Seen, Target, Tls
from luodi.settings import Surroundings, registrable

_MOST_BYTES = 2 << 20
"""A footer that comes after these is read by no regulator either."""

RISKY_PORTS = (21, 22, 23, 3306, 3389, 5432, 6379, 8080, 9200, 11211, 27017)
_PORT_SECONDS = 2.0
_REDIRECTS = 5
_EXPOSED = {
    "/.git/HEAD": re.compile(r"\A(?:ref: refs/|[0-9a-f]{40}\s*\Z)"),
    "/.env": re.compile(r"\A(?!\s*<)(?:.*\n){0,50}?(?:export )?[A-Z][A-Z0-9_]+ ?="),
}
"""Paths that scanners ask for first, and how what must not be there looks; an application may answer any path by a
page."""
_STRANGER = "luodi-doctor.invalid"
_OLD = {"TLS 1.0": ssl.TLSVersion.TLSv1, "TLS 1.1": ssl.TLSVersion.TLSv1_1}


def look(target: Target, surroundings: Surroundings, seconds: float, *, browser: bool = True) -> Seen:
    """Look at a site: its names, what they answer, and what else its address has open."""
    apex = registrable(target.name)
    names = (target.name, f"www.{target.name}") if target.name == apex else (target.name,)
    with ThreadPoolExecutor(8) as pool:
        hosts = tuple(pool.map(lambda name: _host(name, target, surroundings, seconds), names))
        address = next((host.resolved.addresses[0] for host in hosts if host.resolved.addresses), None)
        zone = str(apex or target.name)
        name_servers = pool.submit(_values, zone, "NS", surroundings, seconds)
        caa = pool.submit(_values, zone, "CAA", surroundings, seconds)
        served = {target.http_port, target.https_port}
        ports = [port for port in RISKY_PORTS if port not in served]
        states = pool.map(lambda port: _is_open(address, port, seconds), ports) if address else ()
        open_ports = tuple(port for port, is_open in zip(ports, states, strict=False) if is_open)
        bare = fetch(address, target.http_port, _STRANGER, seconds, tls=False) if address else None
        rendered, screenshot = None, None
        first = hosts[0]
        if browser and first.resolved.addresses and first.https and first.https.status:
            rendered, screenshot = _render(target, first.resolved.addresses[0], seconds)
        return Seen(target, hosts, name_servers.result(), caa.result(), open_ports, bare, rendered, screenshot)


def _host(name: str, target: Target, surroundings: Surroundings, seconds: float) -> Host:
    resolved = _resolve(name, surroundings, seconds)
    if not resolved.addresses:
        return Host(name, resolved)
    address = resolved.addresses[0]
    first = _followed(address, target, name, seconds)
    return Host(
        name,
        resolved,
        shake_hands(address, target.https_port, name, surroundings.acme_ca, seconds),
        first,
        fetch(address, target.http_port, name, seconds, tls=False),
        _exposed(address, target.https_port, name, seconds) if first.status else (),
    )


def _followed(address: str, target: Target, name: str, seconds: float) -> Answer:
    """The first page, as a visitor gets it: by the redirects of the site itself, where they end."""
    port = target.https_port
    answer = fetch(address, port, name, seconds, tls=True)
    seen = {answer.path}
    while 300 <= answer.status < 400 and len(seen) <= _REDIRECTS:
        path = _path_here(answer, target, name)
        if path is None or path in seen:
            break
        seen.add(path)
        answer = fetch(address, port, name, seconds, tls=True, path=path)
    return answer


def _path_here(answer: Answer, target: Target, name: str) -> str | None:
    """Where on this very site an answer leads to."""
    try:
        there = urlsplit(urljoin(target.origin(name) + answer.path, answer.headers.get("location", "")))
        if (there.scheme, there.hostname, there.port or 443) != ("https", name, target.https_port):
            return None
    except ValueError:
        return None
    path = f"{there.path or '/'}?{there.query}" if there.query else there.path or "/"
    # Browsers send what an address can't have, such as Chinese, percent-encoded.
    return quote(path, safe="%/?&=:;@+$,!~*'()-._[]|")


def _exposed(address: str, port: int, name: str, seconds: float) -> tuple[str, ...]:
    answers = {path: fetch(address, port, name, seconds, tls=True, path=path) for path in _EXPOSED}
    return tuple(
        path for path, answer in answers.items() if answer.status == 200 and _EXPOSED[path].search(answer.body)
    )


def _resolve(name: str, surroundings: Surroundings, seconds: float) -> Resolved:
    try:
        addresses = tuple(sorted(_asked(name, "A", surroundings, seconds)))  # the same one is looked at each time
        return Resolved(addresses, six=_values(name, "AAAA", surroundings, seconds))
    except (dns.exception.DNSException, OSError) as error:
        return Resolved(error=" ".join(str(error).split()) or type(error).__name__)


def _values(name: str, kind: str, surroundings: Surroundings, seconds: float) -> tuple[str, ...]:
    try:
        return _asked(name, kind, surroundings, seconds)
    except (dns.exception.DNSException, OSError):
        return ()


def _asked(name: str, kind: str, surroundings: Surroundings, seconds: float) -> tuple[str, ...]:
    resolver = resolver_at(surroundings.dns)
    resolver.lifetime = seconds
    return tuple(record.to_text().rstrip(".") for record in resolver.resolve(name, kind))


@contextmanager
def _connected(address: str, port: int, seconds: float) -> Iterator[socket.socket]:
    """A connection that is cut when its time is up, however slowly the other side drips."""
    with socket.create_connection((address, port), timeout=seconds) as connection:
        # Of the socket's own descriptor: TLS takes that away from the object.
        duplicate = connection.dup()
        timer = threading.Timer(seconds, lambda: duplicate.shutdown(socket.SHUT_RDWR))
        timer.daemon = True
        timer.start()
        try:
            yield connection
        finally:
            timer.cancel()
            timer.join()
            duplicate.close()


def fetch(address: str, port: int, name: str, seconds: float, *, tls: bool, path: str = "/") -> Answer:
    """A page of a name at an address, its first 2 MiB; the certificate is not judged here."""
    began = time.monotonic()
    standard = 443 if tls else 80
    host = name if port == standard else f"{name}:{port}"
    try:
        with _connected(address, port, seconds) as raw:
            connection = _lenient().wrap_socket(raw, server_hostname=name) if tls else raw
            request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: luodi-doctor\r\nAccept: text/html\r\n"
            connection.sendall(f"{request}Connection: close\r\n\r\n".encode())
            response = http.client.HTTPResponse(connection)
            response.begin()
            # Of a redirect nobody reads more than where it leads.
            leads = response.status // 100 == 3 and "location" in response.headers
            body = b"" if leads else response.read(_MOST_BYTES + 1)
            if not leads and len(body) <= _MOST_BYTES and response.length:
                raise http.client.IncompleteRead(body, response.length)
            headers = {key.lower(): header_text(value) for key, value in response.getheaders()}
            took = time.monotonic() - began
            plain = unpacked(body, headers.get("content-encoding", ""), _MOST_BYTES + 1) if body else b""
            text = text_of(plain[:_MOST_BYTES], response.headers.get_content_charset())
            cookies = tuple(header_text(cookie) for cookie in response.headers.get_all("set-cookie") or ())
            return Answer(response.status, headers, text, len(plain) > _MOST_BYTES, took, None, cookies, path)
    except (OSError, ValueError, http.client.HTTPException) as error:
        late = isinstance(error, TimeoutError) or time.monotonic() - began >= seconds
        why = "no answer in time" if late else _why(error)
        return Answer(seconds=time.monotonic() - began, error=why, path=path)


def shake_hands(address: str, port: int, name: str, roots: Path | None, seconds: float) -> Tls:
    """What TLS an address speaks for a name, and whether a client would trust it."""
    try:
        with _connected(address, port, seconds) as raw, _lenient().wrap_socket(raw, server_hostname=name) as secured:
            der = secured.getpeercert(binary_form=True) or b""
            modern = secured.version() in ("TLSv1.2", "TLSv1.3")
        certificate = x509.load_der_x509_certificate(der)
    except (OSError, ValueError) as error:
        return Tls(error="no answer in time" if isinstance(error, TimeoutError) else _why(error))
    code, message = _verified(address, port, name, roots, seconds)
    public = certificate.public_key()
    key = (
        "RSA" if isinstance(public, rsa.RSAPublicKey) else "EC" if isinstance(public, ec.EllipticCurvePublicKey) else ""
    )
    bits = public.key_size if isinstance(public, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) else 0
    old = tuple(label for label, version in _OLD.items() if _speaks(address, port, name, version, seconds))
    issuer = certificate.issuer.rfc4514_string()
    return Tls(certificate.not_valid_after_utc, issuer, key, bits, code, message, old, modern)


def _verified(address: str, port: int, name: str, roots: Path | None, seconds: float) -> tuple[int, str]:
    try:
        context = ssl.create_default_context(cafile=roots)
        with _connected(address, port, seconds) as raw, context.wrap_socket(raw, server_hostname=name):
            return 0, ""
    except ssl.SSLCertVerificationError as error:
        return error.verify_code, error.verify_message
    except OSError as error:
        return -1, _why(error)


def _speaks(address: str, port: int, name: str, version: ssl.TLSVersion, seconds: float) -> bool:
    context = _lenient()
    context.minimum_version = context.maximum_version = version
    try:
        with _connected(address, port, seconds) as raw, context.wrap_socket(raw, server_hostname=name):
            return True
    except OSError:
        return False


def _lenient() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def _is_open(address: str, port: int, seconds: float) -> bool:
    try:
        with socket.create_connection((address, port), timeout=min(seconds, _PORT_SECONDS)):
            return True
    except OSError:
        return False


def _render(target: Target, address: str, seconds: float) -> tuple[str | None, bytes | None]:
    browser = chromium.headless()
    if browser is None:
        return None, None
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder, "page.png")
        command = [*browser, "--ignore-certificate-errors"]
        command += [f"--user-data-dir={folder}/profile", f"--host-resolver-rules=MAP {target.name} {address}"]
        command += ["--window-size=1280,900", f"--screenshot={picture}", "--dump-dom", f"{target.origin(target.name)}/"]
        try:
            run = subprocess.run(command, capture_output=True, timeout=max(seconds, 20), check=True)
        except (OSError, subprocess.SubprocessError):
            return None, None
        return run.stdout.decode("utf-8", "replace"), picture.read_bytes() if picture.is_file() else None


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLEOFError | ConnectionResetError):
        return "the connection was cut"
    if isinstance(error, http.client.IncompleteRead):
        return f"the answer broke off after {len(error.partial)} bytes"
    return (isinstance(error, OSError) and error.strerror) or " ".join(str(error).split()) or type(error).__name__
