"""How each client is run, as its users run it: with an account that is registered, and a hook for the records."""

from __future__ import annotations

import compileall
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bench.certificates.ground import Ground
from luodi.certificate import order

REPOSITORY = Path(__file__).resolve().parents[2]
_HOOK = r"""#!/bin/sh
record="{\"fqdn\": \"_acme-challenge.$CERTBOT_DOMAIN.\", \"value\": \"$CERTBOT_VALIDATION\"}"
exec curl -fsS -d "$record" "$HOOK/$1"
"""


class Client(Protocol):
    """A program that orders certificates."""

    name: str

    def register(self) -> None:
        """Make its account; not measured."""

    def order(self, certificates: Sequence[Sequence[str]]) -> None:
        """Obtain one certificate for each list of names, and leave it in a file."""


@dataclass
class Luodi:
    """luodi: all certificates by one process."""

    ground: Ground
    name: str = "luodi"
    _key: str = field(default_factory=order.new_account_key)
    _url: str = ""

    def register(self) -> None:
        # As pip has done for certbot; where Python may write no bytecode, each process would else compile it again.
        for package in ("luodi", "bench"):
            compileall.compile_dir(REPOSITORY / package, quiet=1)
        self._url = order.register(order.Account(self.ground.authority.authority, self._key))

    def order(self, certificates: Sequence[Sequence[str]]) -> None:
        jobs = [
            {"csr": _csr(names), "chain": str(self.ground.folder / f"luodi-{names[0]}.pem")} for names in certificates
        ]
        asked = {
            "directory": self.ground.directory,
            "roots": str(self.ground.roots),
            "key": self._key,
            "account": self._url,
            "server": [self.ground.server.address, self.ground.server.port],
            "hook": self.ground.hook,
            "jobs": jobs,
        }
        _run([sys.executable, "-m", "bench.certificates.order"], {}, json.dumps(asked))
        for job in jobs:
            x509.load_pem_x509_certificates(Path(job["chain"]).read_bytes())


@dataclass
class Certbot:
    """certbot certonly --manual, once for each certificate."""

    ground: Ground
    program: Path
    name: str = "certbot"

    def register(self) -> None:
        self._hook = self.ground.folder / "hook"
        self._hook.write_text(_HOOK, encoding="utf-8")
        self._hook.chmod(0o755)
        self._certbot("register", "--agree-tos", "--no-eff-email", "-m", "ops@example.cn")

    def order(self, certificates: Sequence[Sequence[str]]) -> None:
        for names in certificates:
            domains = [word for name in names for word in ("-d", name)]
            hooks = ["--manual-auth-hook", f"{self._hook} present", "--manual-cleanup-hook", f"{self._hook} cleanup"]
            self._certbot("certonly", "--manual", "--preferred-challenges", "dns", *hooks, *domains)
            assert (self.ground.folder / "certbot" / "live" / names[0] / "fullchain.pem").exists()

    def _certbot(self, *arguments: str) -> None:
        home = self.ground.folder / "certbot"
        folders = ["--config-dir", str(home), "--work-dir", str(home / "work"), "--logs-dir", str(home / "logs")]
        command = [str(self.program), *arguments, *folders, "-n", "--server", self.ground.directory]
        _run(command, {"REQUESTS_CA_BUNDLE": str(self.ground.roots), "HOOK": self.ground.hook})


@dataclass
class Lego:
    """lego run --dns httpreq, once for each certificate."""

    ground: Ground
    program: Path
    name: str = "lego"

    def register(self) -> None:
        """By its first order: lego registers only then. That one is not measured."""
        self.order([["warm.cn"]])

    def order(self, certificates: Sequence[Sequence[str]]) -> None:
        home, server = self.ground.folder / "lego", self.ground.server
        around = {
            "LEGO_CA_CERTIFICATES": str(self.ground.roots),
            "HTTPREQ_ENDPOINT": self.ground.hook,
            "HTTPREQ_POLLING_INTERVAL": "0",
        }
        for names in certificates:
            domains = [word for name in names for word in ("-d", name)]
            options = ["--accept-tos", "--path", str(home), "--server", self.ground.directory, "-m", "ops@example.cn"]
            dns = ["--dns", "httpreq", "--dns.propagation-disable-ans", "--dns.resolvers"]
            _run([str(self.program), *options, *dns, f"{server.address}:{server.port}", *domains, "run"], around)
            assert (home / "certificates" / f"{names[0]}.crt").exists()


def _csr(names: Sequence[str]) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return request.public_bytes(serialization.Encoding.PEM).decode()


def _run(command: list[str], around: dict[str, str], text: str | None = None) -> None:
    # No proxy; and bytecode is kept, as on any machine where the programs run a second time.
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        command, cwd=REPOSITORY, env={**kept, **around}, input=text, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"`{' '.join(command)}` failed (exit code {done.returncode}):\n{done.stdout}{done.stderr}")
