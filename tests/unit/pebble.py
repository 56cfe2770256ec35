"""Pebble, the real ACME server made for tests, with validation switched on."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import os
import shlex
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


def program() -> str:
    """Where Pebble is: on PATH, else where the project's engine has it."""
    if found := shutil.which("pebble"):
        return found
    command = [sys.executable, str(REPOSITORY / "engine" / "provide.py"), "--env"]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    settings = dict(word.split("=", 1) for word in shlex.split(printed) if "=" in word)
    found = shutil.which("pebble", path=settings["PATH"])
    assert found is not None, "engine/provide.py --env leads to no pebble"
    return found


@contextmanager
def running(folder: Path, name_server: tuple[str, int], *, bad_nonces: int) -> Iterator[Pebble]:
    """Pebble, that asks `name_server` and refuses this percentage of good nonces. It reuses no validation."""
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
    }
    file = folder / "pebble.json"
    file.write_text(json.dumps({"pebble": config}))
    settings = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": str(bad_nonces), "PEBBLE_AUTHZREUSE": "0"}
    with (folder / "pebble.log").open("wb") as log:
        process = subprocess.Popen(
            [program(), "-config", str(file), "-dnsserver", f"{name_server[0]}:{name_server[1]}"],
            env=os.environ | settings,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            root = _when_ready(f"https://127.0.0.1:{management}/roots/0", certificate, process)
            yield Pebble(Authority(f"https://127.0.0.1:{port}/dir", certificate), root)
        finally:
            process.terminate()
            process.wait(timeout=10)


def _when_ready(url: str, roots: Path, process: subprocess.Popen[bytes]) -> str:
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=str(roots))),
    )
    end = time.monotonic() + 20
    while True:
        try:
            with opener.open(url, timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            assert process.poll() is None, "pebble ended"
            assert time.monotonic() < end, "pebble does not answer"
            time.sleep(0.02)


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
