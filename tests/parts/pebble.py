"""Pebble, the real ACME server made for tests, with validation switched on."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import os
import shutil
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from luodi.certificate.order import Authority
from tests.loopback import free_port

REPOSITORY = Path(__file__).parents[2]
BLOCKED = "blocked.example"
"""A name that this authority issues nothing for."""


@dataclass(frozen=True)
class Pebble:
    """A running authority, and the root that its certificates chain to (PEM)."""

    authority: Authority
    root: str
    management: str
    """The URL of its management interface."""
    log: Path

    def issued(self) -> int:
        """How many certificates it has issued so far."""
        return self.log.read_text().count("Issued certificate serial")

    def requests(self) -> int:
        """How many requests it was sent so far."""
        return self.log.read_text().count("-> calling handler()")

    def suggest(self, chain: str, answer: str) -> None:
        """Say this of a certificate when it is asked about (ARI): any text, also no JSON."""
        content = json.dumps({"Certificate": chain, "ARIResponse": answer}).encode()
        _open(urllib.request.Request(f"{self.management}/set-renewal-info/", content), self.authority.roots)


def program() -> str:
    """Where Pebble is: on PATH, else where the project's engine has it."""
    if found := shutil.which("pebble"):
        return found
    command = [sys.executable, str(REPOSITORY / "engine" / "provide.py"), "--pebble"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


@contextmanager
def running(
    folder: Path,
    name_server: tuple[str, int],
    *,
    bad_nonces: int = 5,
    reuse: int = 0,
    validation_seconds: int = 0,
    validates: bool = True,
    **settings: Any,
) -> Iterator[Pebble]:
    """Pebble, that asks `name_server` and refuses this percentage of good nonces.

    It reuses `reuse` per cent of validations, takes up to `validation_seconds` for each, or believes all
    (`validates`), and has these further settings of its configuration file.
    """
    port, management = free_port(), free_port()
    certificate, key = _own_certificate(folder)
    config = {
        "listenAddress": f"127.0.0.1:{port}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(certificate),
        "privateKey": str(key),
        "httpPort": 5002,
        "tlsPort": 5001,
        "keyAlgorithm": "ecdsa",
        "domainBlocklist": [BLOCKED],
        "profiles": {"default": {"description": "90 days", "validityPeriod": 90 * 86400}},
        **settings,
    }
    file, log = folder / "pebble.json", folder / "pebble.log"
    file.write_text(json.dumps({"pebble": config}))
    sleep = {"PEBBLE_VA_SLEEPTIME": str(validation_seconds + 1)} if validation_seconds else {"PEBBLE_VA_NOSLEEP": "1"}
    faults = {"PEBBLE_WFE_NONCEREJECT": str(bad_nonces), "PEBBLE_AUTHZREUSE": str(reuse)}
    if not validates:
        faults["PEBBLE_VA_ALWAYS_VALID"] = "1"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program(), "-config", str(file), "-dnsserver", f"{name_server[0]}:{name_server[1]}"],
            env=os.environ | sleep | faults,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            url = f"https://127.0.0.1:{management}"
            root = _when_ready(f"{url}/roots/0", certificate, process)
            yield Pebble(Authority(f"https://127.0.0.1:{port}/dir", certificate), root, url, log)
        finally:
            process.terminate()
            process.wait(timeout=10)


def _when_ready(url: str, roots: Path, process: subprocess.Popen[bytes]) -> str:
    end = time.monotonic() + 60
    while True:
        try:
            return _open(url, roots).decode()
        except OSError:
            assert process.poll() is None, "pebble ended"
            assert time.monotonic() < end, "pebble does not answer"
            time.sleep(0.02)


def _open(what: str | urllib.request.Request, roots: Path | None) -> bytes:
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=str(roots))),
    )
    with opener.open(what, timeout=5) as answer:
        return bytes(answer.read())


def _own_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that is its own root, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the authority itself")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "authority.pem", folder / "authority.key"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files
