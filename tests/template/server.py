"""A server as a release finds it, in a sandbox: its own /etc, /opt, /run and /var, and the real nginx."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import http.client
import shlex
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from luodi.delivery.files import File
from luodi.delivery.pages import with_footer
from luodi.rendering import CertificateFiles, Listen, Nginx, Php, Renderer, VirtualHost
from tests.loopback import free_port

LOCAL = "127.0.0.1"
NGINX = ["nginx", "-g", "daemon on; master_process on;"]  # as Debian's nginx.service starts it
_END = "END-OF-RUN"


def certificates(name: str) -> tuple[CertificateFiles, ...]:
    """Where the server has the certificate of a site."""
    folder = f"/etc/luodi/tls/{name}/current"
    return (CertificateFiles(f"{folder}/ecdsa.pem", f"{folder}/ecdsa.key"),)


@dataclass(frozen=True)
class Response:
    """What came back."""

    status: int
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True)
class Issued:
    """A certificate, its key, and the authority that issued it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    authority: x509.Certificate
    authority_key: ec.EllipticCurvePrivateKey

    @property
    def chain(self) -> bytes:
        """PEM."""
        pem = serialization.Encoding.PEM
        return self.certificate.public_bytes(pem) + self.authority.public_bytes(pem)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


def _signed(name: str, issuer: x509.Name | None, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )


@cache
def _authority() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """One for all certificates: several of one name would be taken for each other."""
    key = ec.generate_private_key(ec.SECP256R1())
    return _signed("luodi tests", None, key).sign(key, hashes.SHA256()), key


@cache
def issued(names: tuple[str, ...], responder: str | None = None) -> Issued:
    """A certificate for `names`, with the address of an OCSP responder if there is one."""
    authority, authority_key = _authority()
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _signed("a site", authority.subject, key).add_extension(
        x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False
    )
    if responder is not None:
        access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(responder))
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    return Issued(builder.sign(authority_key, hashes.SHA256()), key, authority, authority_key)


def delivered(host: VirtualHost, content: Mapping[str, bytes], rendered: Mapping[str, str]) -> dict[str, bytes]:
    """A site's files as a delivery brings them: with the footer in the pages that nginx serves as they are."""
    footer = rendered.get(f"{host.folder}/snippets/footer.html")
    if not footer or not host.inject_footer or isinstance(host.kind, Php):
        return dict(content)
    files = with_footer({path: File.holding(data) for path, data in content.items()}, footer).files
    return {path: file.open().read() for path, file in files.items()}


class Server:
    """A sandboxed server. Its folders lie under `root`; ports are the loopback address's."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.listen = Listen(LOCAL, free_port(), free_port())
        for folder in ("opt/luodi/releases", "etc/nginx", "tls", "log", "run"):
            (root / folder).mkdir(parents=True)
        self._nginx: subprocess.Popen[str] | None = None
        self.authority = ""

    # --- what is on it

    def add(
        self,
        host: VirtualHost,
        release: str,
        content: Mapping[str, bytes] | None = None,
        templates: Path | None = None,
        responder: str | None = None,
        *,
        beside: tuple[VirtualHost, ...] = (),
        nginx: Nginx = Nginx(),  # noqa: B008 (frozen)
        more: Mapping[str, bytes] | None = None,
    ) -> Path:
        """Put a release on the server, and its certificates; the release's folder.

        `content` is the first host's; `beside` are further hosts, and `more` what else is in the release.
        """
        hosts = (host, *beside)
        nginx = dataclasses.replace(nginx, listen=self.listen)
        rendered = Renderer(templates).nginx_files(*hosts, release=release, nginx=nginx)
        for each in hosts:
            certificate = issued(each.names, responder)
            self.authority = certificate.authority.public_bytes(serialization.Encoding.PEM).decode()
            folder = self.root / "tls" / each.name / "current"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "ecdsa.pem").write_bytes(certificate.chain)
            (folder / "ecdsa.key").write_bytes(certificate.key_pem)
        files = {path: text.encode() for path, text in rendered.items()}
        files |= {f"{host.folder}/html/{path}": data for path, data in delivered(host, content or {}, rendered).items()}
        files |= more or {}
        folder = self.root / "opt/luodi/releases" / release
        for path, data in files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        return folder

    def switch(self, release: str) -> None:
        """Point the server at a release, without telling nginx."""
        link = self.root / "opt/luodi/current"
        link.unlink(missing_ok=True)
        link.symlink_to(f"/opt/luodi/releases/{release}")
        configuration = self.root / "etc/nginx/nginx.conf"
        if not configuration.is_symlink():
            configuration.symlink_to("/opt/luodi/current/nginx/nginx.conf")

    # --- nginx

    def _inside(self, command: list[str]) -> list[str]:
        root = self.root
        kept = ["/etc/passwd", "/etc/group", "/etc/ld.so.cache", "/etc/nsswitch.conf"]
        return [
            "bwrap",
            *("--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev"),
            *("--symlink", "usr/bin", "/bin", "--symlink", "usr/sbin", "/sbin"),
            *("--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64"),
            *("--tmpfs", "/etc", "--tmpfs", "/run", "--tmpfs", "/tmp", "--dir", "/var/lib/nginx"),
            *(part for file in kept for part in ("--ro-bind-try", file, file)),
            *("--bind", str(root / "etc/nginx"), "/etc/nginx"),
            *("--ro-bind", str(root / "tls"), "/etc/luodi/tls", "--bind", str(root / "run"), "/run/luodi"),
            *("--bind", str(root / "opt"), "/opt", "--bind", str(root / "log"), "/var/log/nginx"),
            *("--die-with-parent", "--unshare-pid", "--setenv", "PATH", "/usr/sbin:/usr/bin"),
            *command,
        ]

    def load(self, *modules: str) -> None:
        """Have nginx load modules of the distribution's, as installing them on the server does."""
        enabled = self.root / "etc/nginx/modules-enabled"
        enabled.mkdir(exist_ok=True)
        for module in modules:
            shutil.copy(f"/usr/share/nginx/modules-available/mod-{module}.conf", enabled / f"50-mod-{module}.conf")

    def check(self, release: str) -> subprocess.CompletedProcess[str]:
        """``nginx -t`` of a release that need not be switched on."""
        configuration = f"/opt/luodi/releases/{release}/nginx/nginx.conf"
        command = self._inside(["nginx", "-t", "-c", configuration])
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def start(self) -> None:
        """Start nginx as the system does: it finds its configuration in /etc/nginx."""
        self._nginx = subprocess.Popen(
            self._inside(["bash", "-s"]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        code, said = self.run(NGINX)
        assert code == 0, said
        self.wait()

    @contextlib.contextmanager
    def serving(self, release: str) -> Iterator[None]:
        """Switch to a release and serve it for a while."""
        self.switch(release)
        try:
            self.start()
            yield
        finally:
            self.stop()

    def reload(self, seconds: float = 20) -> None:
        """Reload nginx as the system does, and wait until the workers of before are gone."""
        before = self._workers()
        code, said = self.run([*NGINX, "-s", "reload"])
        assert code == 0, said
        until = time.monotonic() + seconds
        # They take connections until the reload has reached them, even when a new one already answers.
        while before & self._workers():
            assert time.monotonic() < until, self.log
            time.sleep(0.02)

    def _workers(self) -> set[str]:
        code, said = self.run(["bash", "-c", "cat /proc/$(cat /run/nginx.pid)/task/*/children"])
        assert code == 0, said
        return set(said.split())

    def run(self, command: list[str]) -> tuple[int, str]:
        """Run a command beside nginx; its exit code and what it printed."""
        assert self._nginx is not None
        assert self._nginx.stdin is not None
        assert self._nginx.stdout is not None
        self._nginx.stdin.write(f"{shlex.join(command)} 2>&1; printf '\\n%d\\n{_END}\\n' $?\n")
        self._nginx.stdin.flush()
        *said, code = iter(self._nginx.stdout.readline, f"{_END}\n")
        return int(code), "".join(said).strip()

    def stop(self) -> None:
        """Stop everything on the server."""
        if self._nginx is not None:
            with self._nginx:
                self._nginx.kill()
            self._nginx = None

    @property
    def log(self) -> str:
        """nginx's error log."""
        return (self.root / "log/error.log").read_text()

    def wait(self, seconds: float = 20) -> None:
        """Wait until nginx takes connections."""
        until = time.monotonic() + seconds
        while True:
            try:
                socket.create_connection((LOCAL, self.listen.https), timeout=5).close()
            except OSError:
                assert time.monotonic() < until, self.log
                time.sleep(0.02)
            else:
                return

    # --- its visitors

    def trust(self) -> ssl.SSLContext:
        """TLS with verification on, trusting the server's authority alone."""
        return ssl.create_default_context(cadata=self.authority)

    @contextlib.contextmanager
    def tls(
        self, name: str | None, context: ssl.SSLContext | None = None, source: str = LOCAL
    ) -> Iterator[ssl.SSLSocket]:
        """A TLS connection that asks for `name`."""
        address = (LOCAL, self.listen.https)
        with (
            socket.create_connection(address, timeout=20, source_address=(source, 0)) as plain,
            (context or self.trust()).wrap_socket(plain, server_hostname=name) as secure,
        ):
            yield secure

    def get(
        self,
        path: str,
        name: str,
        *,
        method: str = "GET",
        https: bool = True,
        host: str | None = None,
        source: str = LOCAL,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Ask for `path` at `name`; with `host`, name another one in the request than in the handshake."""
        port = self.listen.https if https else self.listen.http
        connection = http.client.HTTPConnection(LOCAL, port, timeout=20, source_address=(source, 0))
        with contextlib.closing(connection):
            if https:
                connection.connect()
                connection.sock = self.trust().wrap_socket(connection.sock, server_hostname=name)
            connection.request(method, path, headers={"Host": host or name, **(headers or {})})
            answer = connection.getresponse()
            return Response(answer.status, answer.headers, answer.read())
