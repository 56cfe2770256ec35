"""The local ACME authority: Pebble, in strict mode, validating against this cloud's DNS.

Pebble makes new roots at each start and forgets its accounts and orders. Every root that it has
had is kept, so that a certificate issued before a restart can still be verified.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import logging
import os
import signal
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from urllib.error import URLError
from urllib.request import HTTPSHandler, ProxyHandler, build_opener

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from localcloud.errors import LocalcloudError

NONCE_REJECT = "5"
"""Per cent of good nonces that Pebble refuses, so that clients show that they try again."""
START_SECONDS = 30.0
STOP_SECONDS = 5.0
RESTART_SECONDS = 1.0
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True)
class AuthorityOptions:
    """Where Pebble listens on loopback, where it asks DNS (`address:port`), how long it certifies."""

    port: int
    management_port: int
    dns: str
    certificate_lifetime: timedelta


class Authority:
    """A supervised Pebble."""

    def __init__(self, home: Path, program: str, options: AuthorityOptions, log: logging.Logger) -> None:
        """Run `program`, the Pebble binary, with its files in `home`."""
        self._home = home
        self._program = program
        self._options = options
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._supervisor: asyncio.Task[None] | None = None

    @property
    def directory(self) -> str:
        """The URL of the ACME directory."""
        return f"https://127.0.0.1:{self._options.port}/dir"

    @property
    def bundle(self) -> Path:
        """A PEM file of all that a client must trust: the directory's CA, and every root in `roots`."""
        return self._home / "ca.pem"

    @property
    def roots(self) -> Path:
        """The folder of every root so far; others of the cloud's may be put there before the start."""
        return self._home / "roots"

    async def start(self, log_file: Path) -> None:
        """Start Pebble and return once it answers; its words go to `log_file`.

        Raises LocalcloudError when it can't be started.
        """
        self._prepare()
        await self._launch(log_file)
        self._supervisor = asyncio.get_running_loop().create_task(self._supervise(log_file))

    async def close(self) -> None:
        """Stop Pebble."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            with suppress(asyncio.CancelledError):
                await self._supervisor
        await self._stop()

    async def _supervise(self, log_file: Path) -> None:
        while True:
            if self._process is not None:
                code = await self._process.wait()
                self._log.error("pebble ended with %s; starting it again", code)
            await asyncio.sleep(RESTART_SECONDS)
            try:
                await self._launch(log_file)
            except LocalcloudError:
                self._log.exception("pebble can't be started")
                await self._stop()

    async def _launch(self, log_file: Path) -> None:
        config = self._home / "pebble.json"
        with log_file.open("ab") as output:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    self._program,
                    "-strict",
                    "-config",
                    str(config),
                    "-dnsserver",
                    self._options.dns,
                    stdout=output,
                    stderr=output,
                    stdin=asyncio.subprocess.DEVNULL,
                    env={
                        "PATH": os.environ.get("PATH", os.defpath),
                        "PEBBLE_VA_NOSLEEP": "1",
                        "PEBBLE_WFE_NONCEREJECT": os.environ.get("PEBBLE_WFE_NONCEREJECT", NONCE_REJECT),
                    },
                    preexec_fn=_end_with_parent,
                )
            except OSError as error:
                raise LocalcloudError(f"pebble ({self._program}) can't be started: {error}.") from error
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        while not await self._ready():
            if self._process.returncode is not None or asyncio.get_running_loop().time() > deadline:
                await self._stop()
                raise LocalcloudError(f"pebble did not start; see {log_file}:\n{_tail(log_file)}")
            await asyncio.sleep(0.05)

    async def _stop(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _ready(self) -> bool:
        """Whether Pebble answers; if so, its root is kept."""
        try:
            root = await asyncio.to_thread(self._get, self._options.management_port, "/roots/0")
            await asyncio.to_thread(self._get, self._options.port, "/dir")
        except (URLError, OSError):
            return False
        self._keep_root(root)
        return True

    def _get(self, port: int, path: str) -> bytes:
        context = ssl.create_default_context(cafile=str(self._home / "directory-ca.pem"))
        opener = build_opener(ProxyHandler({}), HTTPSHandler(context=context))
        with opener.open(f"https://127.0.0.1:{port}{path}", timeout=5) as response:
            body: bytes = response.read()
        return body

    def _keep_root(self, pem: bytes) -> None:
        root = x509.load_pem_x509_certificate(pem)
        self.roots.mkdir(exist_ok=True)
        _write(self.roots / f"{root.fingerprint(hashes.SHA256()).hex()}.pem", pem)
        parts = [self._home / "directory-ca.pem", *sorted(self.roots.glob("*.pem"))]
        _write(self.bundle, b"".join(part.read_bytes().rstrip() + b"\n" for part in parts))

    def _prepare(self) -> None:
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        certificate, key = self._home / "directory.pem", self._home / "directory.key"
        if not certificate.exists():
            _make_directory_certificate(self._home / "directory-ca.pem", certificate, key)
        seconds = int(self._options.certificate_lifetime.total_seconds())
        profile = {"description": "The certificates of the rehearsal", "validityPeriod": seconds}
        config = {
            "listenAddress": f"127.0.0.1:{self._options.port}",
            "managementListenAddress": f"127.0.0.1:{self._options.management_port}",
            "certificate": str(certificate),
            "privateKey": str(key),
            # Where HTTP-01 and TLS-ALPN-01 would be tried: nothing listens there, as nothing
            # could be reached on an unfiled domain's 80 and 443.
            "httpPort": 1,
            "tlsPort": 1,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": False,
            "keyAlgorithm": "ecdsa",
            # It stands in for Let's Encrypt, so a zone that allows that one alone allows it too.
            "caaIdentities": ["letsencrypt.org"],
            "profiles": {"default": profile},
        }
        _write(self._home / "pebble.json", json.dumps({"pebble": config}, indent=2).encode())


def _make_directory_certificate(ca_path: Path, path: Path, key_path: Path) -> None:
    """Make the certificate that the directory itself shows, and a CA for it that certifies no more."""
    now = datetime.now(UTC)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localcloud ACME directory CA")])
    ca = (
        x509.CertificateBuilder()
        .subject_name(issuer)
        .issuer_name(issuer)
        .public_key(ca_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
        .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))])
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    _write(key_path, private, mode=0o600)
    _write(ca_path, ca.public_bytes(pem))
    _write(path, leaf.public_bytes(pem) + ca.public_bytes(pem))


def _write(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Put a whole file in its place at once."""
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    partial.replace(path)


def _tail(path: Path, lines: int = 5) -> str:
    return "\n".join(path.read_text("utf-8", "replace").splitlines()[-lines:])


def _end_with_parent() -> None:
    """In the child, before it becomes Pebble: ask to be ended when the daemon dies, however it dies."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
