"""`make local`'s last step: from a running cloud to a site that was visited, and what it prints."""

import os
import re
import shlex
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from engine import cache
from localcloud.cli import main
from localcloud.errors import LocalcloudError
from localcloud.visit import visit
from tests.cloud import Cloud, running_cloud

ROOT = cache.SOURCES.parent
PAGE = """<!doctype html><title> 茶叶铺 &amp; 茶具 </title><p>没有</p><br>
<footer>© 2026 <a href="https://beian.miit.gov.cn/">蜀ICP备<b>2025146653</b>号</a><img src=x> 完 </footer><p>之后</p>"""


@contextmanager
def https_server(folder: Path, name: str, page: str) -> Iterator[tuple[int, Path]]:
    """A site on loopback with a certificate for ``name``; its port and its root are returned."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test Root")])
    now = datetime.now(UTC)

    def certificate(subject: x509.Name, of: ec.EllipticCurvePrivateKey, *, ca: bool) -> x509.Certificate:
        identity = x509.SubjectKeyIdentifier.from_public_key(of.public_key())
        return (
            x509.CertificateBuilder(authority, subject, of.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
            .add_extension(identity, critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .sign(root_key, hashes.SHA256())
        )

    root, chain = folder / "root.pem", folder / "chain.pem"
    root.write_bytes(certificate(authority, root_key, ca=True).public_bytes(serialization.Encoding.PEM))
    no_encryption = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_encryption)
    leaf = certificate(x509.Name([]), key, ca=False).public_bytes(serialization.Encoding.PEM)
    chain.write_bytes(private + leaf)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port, root
        server.shutdown()
        thread.join()


def test_a_visit_tells_what_the_page_and_the_certificate_are(tmp_path: Path) -> None:
    with https_server(tmp_path, "shop.example.cn", PAGE) as (port, root):
        seen = visit("https://shop.example.cn/", "127.0.0.1", port, root)
    assert (seen.status, seen.title) == (200, "茶叶铺 & 茶具")
    assert seen.footer == "© 2026 蜀ICP备2025146653 号 <https://beian.miit.gov.cn/> 完"
    assert seen.issuer == "Test Root"
    assert seen.chain == ("shop.example.cn", "Test Root")
    assert timedelta(days=29) < seen.expires - datetime.now(UTC) < timedelta(days=31)


def test_a_visit_trusts_only_the_roots_that_are_named_and_the_right_name(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with (
        https_server(tmp_path, "shop.example.cn", PAGE) as (port, root),
        https_server(other, "shop.example.cn", PAGE) as (_, foreign),
    ):
        with pytest.raises(LocalcloudError, match="certificate can't be trusted"):
            visit("https://shop.example.cn/", "127.0.0.1", port, foreign)
        with pytest.raises(LocalcloudError, match=r"certificate can't be trusted: Hostname mismatch"):
            visit("https://www.example.cn/", "127.0.0.1", port, root)
    with pytest.raises(LocalcloudError, match=f"can't be opened at 127.0.0.1:{port}: .*refused"):
        visit("https://shop.example.cn/", "127.0.0.1", port, root)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running_cloud(tmp_path_factory.mktemp("landing")) as cloud:
        yield cloud


def land(cloud: Cloud, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run what `make local` runs last."""
    return subprocess.run(
        [sys.executable, "-m", "localcloud", "land", "--home", str(cloud.home)],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def shell(line: str, cloud: Cloud) -> str:
    """Run a line as a user types it, in the project's folder."""
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_lands_twice_and_what_it_prints_is_true(cloud: Cloud) -> None:
    before = (ROOT / "stacks" / "Pulumi.local.yaml").read_bytes()
    first = land(cloud)
    assert first.returncode == 0, first.stdout + first.stderr
    assert re.search(r"\+ \d+ created", first.stdout)
    for label, pattern in {
        "Site": rf"https://luodi-example\.cn/ at 127\.[\d.]+:{cloud.https_port}",
        "Fetched": r"with the authority's root alone: 200, title “落地示例”",
        "Certificate": r"by Pebble Intermediate CA \w+, until 20\d\d-\d\d-\d\d \d\d:\d\d UTC \(\d+ days\)",
        "Chain": r"luodi-example\.cn ← Pebble Intermediate CA \w+ ← Pebble Root CA \w+",
        "Footer": r".*蜀ICP备2025146653号-1 <https://beian\.miit\.gov\.cn/> .*川公网安备",
        "Time": r"[\d.]+ s: rehearsal cloud .* pulumi up [\d.]+ s",
    }.items():
        assert re.search(rf"^{label} +{pattern}", first.stdout, re.MULTILINE), f"{label}\n{first.stdout}"

    curl = next(line for line in first.stdout.splitlines() if line.startswith("  curl "))
    assert "蜀ICP备2025146653号-1" in shell(f"{curl} -sS --fail", cloud)

    evaluated = next(line.strip() for line in first.stdout.splitlines() if line.startswith("  eval "))
    assert shlex.quote(str(cloud.home)) in evaluated
    shown = shell(f"{evaluated}; pulumi preview --stack local --expect-no-changes --color=never", cloud)
    assert "unchanged" in shown

    second = land(cloud)
    assert second.returncode == 0, second.stdout + second.stderr
    assert re.search(r"^ +\d+ unchanged$", second.stdout, re.MULTILINE)
    assert "created" not in second.stdout
    assert (ROOT / "stacks" / "Pulumi.local.yaml").read_bytes() == before


@pytest.mark.slow
def test_a_failure_says_what_and_what_to_do(cloud: Cloud) -> None:
    broken = land(cloud, PULUMI_OPTION_PARALLEL="many")
    assert broken.returncode == 1
    assert "failed (exit code" in broken.stderr
    assert "type `make local` again" in broken.stderr
    assert "Traceback" not in broken.stderr


@pytest.mark.slow
def test_an_interrupted_landing_goes_on_with_the_next(tmp_path: Path) -> None:
    with running_cloud(tmp_path / "cloud") as cloud:
        _interrupted(cloud)


def _interrupted(cloud: Cloud) -> None:
    """A first landing, which has much to do yet when it is stopped: one that changes nothing ends before it minds."""
    locks = cloud.home / "pulumi" / ".pulumi" / "locks"
    # A shell's background job ignores Ctrl-C, and so would what it starts.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "localcloud", "land", "--home", str(cloud.home)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as first:
        assert first.stdout is not None
        for line in first.stdout:
            if "Instance" in line and "creating" in line:
                os.killpg(first.pid, signal.SIGINT)
                break
        first.communicate(timeout=120)
    assert first.returncode == 1
    assert not list(locks.rglob("*.json")), "the state is still locked"
    after = land(cloud)
    assert after.returncode == 0, after.stdout + after.stderr


def test_a_missing_engine_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from localcloud import daemon, landing

    endpoints = daemon.Endpoints(1, "", 1, 1, "", "", "127.8.0.0/16", 1, 1, 1, {"443": 443})
    monkeypatch.setattr(daemon, "up", lambda home: endpoints)
    monkeypatch.setattr(landing, "environment", lambda home, endpoints: {"PATH": str(tmp_path)})
    done = CliRunner().invoke(main, ["land", "--home", str(tmp_path)])
    assert done.exit_code == 1
    assert "make engine" in done.output
