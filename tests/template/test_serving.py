"""What a rendered release answers, served by a real nginx."""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import html
import http.server
import os
import re
import socket
import ssl
import subprocess
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from OpenSSL import SSL

from luodi.filing.numbers import parse_icp, parse_public_security
from luodi.rendering import Footer, Static, Templates, VirtualHost, quote
from tests.template.server import LOCAL, NGINX, Issued, Server, certificates, issued

NAMES = ("example.cn", "www.example.cn")
ICP = parse_icp("京ICP备2026068982号-1")
PUBLIC_SECURITY = parse_public_security("京公网安备11010502000001号")
BOTH = Footer(ICP, PUBLIC_SECURITY, "示例科技有限公司")
MARK = 'class="luodi-footer"'
FOOTER_OF_BOTH = Templates().page("footer/footer.html", footer=BOTH)

PAGE = "<!doctype html><html><head><title>{0}</title></head><body><p>{0}</p></body></html>"
CONTENT = {
    "index.html": PAGE.format("首页").encode(),
    "upper.html": b"<HTML><BODY><P>old</P></BODY></HTML>",
    "twice.html": b"<html><body>one<script>let end = '</body>';</script></body><!-- </body> --></html>",
    "minified.html": "<!doctype html><meta charset=utf-8><title>x</title><p>一".encode(),
    "gbk.html": "<!doctype html><meta charset=gbk><body>示例</body></html>".encode("gbk"),
    "frames.html": b"<!doctype html><frameset><frame src=a.html></frameset></html>",
    "empty.html": b"",
    "page.xhtml": b"<html xmlns='http://www.w3.org/1999/xhtml'><body><p>x</p></body></html>",
    "fragment.html": b"<li>one</li>",
    "docs/index.html": PAGE.format("docs").encode(),
    "empty/kept.txt": b"kept",
    "data.json": b'{"html": "<body></body>"}',
    "style.css": b"/* </body> */" + b"p { color: red }\n" * 100,
    "script.js": b"const end = '</body>';\n",
    "module.mjs": b"export default 1;\n",
    "download.bin": b"</body>" + bytes(range(256)) * 40,
    "WW_verify_x1Y2.txt": b"x1Y2z3",
    ".env": b"SECRET=1",
    ".git/config": b"[core]",
    "sub/.htpasswd": b"me:secret",
    ".well-knownx": b"SECRET",
    ".well-known/pki-validation/file.txt": b"hello",
}


def host(footer: Footer = BOTH, **changes: object) -> VirtualHost:
    values: dict[str, object] = {
        "names": NAMES,
        "title": "示例科技",
        "footer": footer,
        "certificates": certificates(NAMES[0]),
        "kind": Static(),
        **changes,
    }
    return VirtualHost(**values)  # type: ignore[arg-type]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server with nothing on it."""
    found = Server(tmp_path / "server")
    yield found
    found.stop()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that serves CONTENT with both numbers."""
    yield from _serving(tmp_path_factory, host(), CONTENT)


@pytest.fixture(scope="module")
def holding(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that serves the holding page with both numbers."""
    yield from _serving(tmp_path_factory, host(kind=Static(has_content=False)), {})


@pytest.fixture(scope="module")
def unfiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that serves CONTENT without any number."""
    yield from _serving(tmp_path_factory, host(Footer(owner="示例科技有限公司")), CONTENT)


def _serving(paths: pytest.TempPathFactory, served: VirtualHost, content: dict[str, bytes]) -> Iterator[Server]:
    found = Server(paths.mktemp("site") / "server")
    found.add(served, "r1", content)
    with found.serving("r1"):
        yield found


# --- every variation is one that nginx takes -----------------------------------------------------


@pytest.mark.parametrize("ocsp_stapling", [False, True])
@pytest.mark.parametrize("inject", [False, True])
@pytest.mark.parametrize("has_content", [False, True])
@pytest.mark.parametrize(
    "footer",
    [Footer(), Footer(ICP), Footer(None, PUBLIC_SECURITY), BOTH],
    ids=["none", "icp", "public-security", "both"],
)
def test_nginx_takes_it(server: Server, footer: Footer, has_content: bool, inject: bool, ocsp_stapling: bool) -> None:
    served = host(footer, kind=Static(has_content), inject_footer=inject, ocsp=ocsp_stapling)
    server.add(served, "r1", CONTENT if has_content else {})
    said = server.check("r1")
    assert said.returncode == 0, said.stderr
    warnings = [line for line in said.stderr.splitlines() if "[warn]" in line]
    # A certificate of our own has no responder; and only root can become www-data.
    expected = ("no OCSP responder URL", 'the "user" directive makes sense only')
    assert [line for line in warnings if not any(each in line for each in expected)] == []


def test_the_longest_names_fit(server: Server) -> None:
    longest = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 57, "cn"])
    names = ("example.cn", longest, *(f"{n}.{longest[:240]}cn" for n in range(98)))
    server.add(host(names=names), "r1", CONTENT)
    said = server.check("r1")
    assert (said.returncode, "could not build" in said.stderr) == (0, False), said.stderr


# --- names, ports, addresses ---------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_http_leads_to_https(site: Server, name: str) -> None:
    answer = site.get("/a/b?c=%20d&e", name, https=False)
    assert answer.status == 301
    assert answer.headers["Location"] == f"https://{name}:{site.listen.https}/a/b?c=%20d&e"


@pytest.mark.parametrize("name", NAMES)
def test_each_name_serves_the_site(site: Server, name: str) -> None:
    answer = site.get("/", name)
    assert answer.status == 200
    assert "首页" in answer.text


@pytest.mark.parametrize("name", ["example.com", "sub.example.cn", "xexample.cn", LOCAL, None])
def test_the_handshake_is_refused_for_any_other_name(site: Server, name: str | None) -> None:
    context = site.trust()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"), site.tls(name, context):
        pass


@pytest.mark.parametrize("request_head", ["Host: example.com", f"Host: {LOCAL}", "Host: example.cn.x"])
def test_nothing_answers_any_other_name_over_http(site: Server, request_head: str) -> None:
    with socket.create_connection((LOCAL, site.listen.http), timeout=20) as plain:
        plain.sendall(f"GET / HTTP/1.1\r\n{request_head}\r\n\r\n".encode())
        assert _read(plain) == b""


def _read(connection: socket.socket) -> bytes:
    """What comes before the connection is closed or reset."""
    with contextlib.suppress(ConnectionResetError):
        return connection.recv(1000)
    return b""


def test_nothing_answers_a_request_without_a_name(site: Server) -> None:
    with socket.create_connection((LOCAL, site.listen.http), timeout=20) as plain:
        plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert _read(plain) == b""


UNREADABLE = [
    "GET / HTTP/1.1",
    "hello",
    "GET /%zz HTTP/1.1\r\nHost: {0}",
    "TRACE / HTTP/1.1\r\nHost: {0}",
    "CONNECT {0}:443 HTTP/1.1\r\nHost: {0}",
    "GET / HTTP/1.1\r\nHost: {0}\r\nTransfer-Encoding: x",
    "GET / HTTP/9.9\r\nHost: {0}",
    f"GET /{'a' * 70_000} HTTP/1.1",
    f"GET / HTTP/1.1\r\nHost: {{0}}\r\nX-Long: {'a' * 70_000}",
]


def _said(server: Server, request: str, port: int, source: str = LOCAL) -> bytes:
    with socket.create_connection((LOCAL, port), timeout=20, source_address=(source, 0)) as plain:
        with contextlib.suppress(ConnectionError):  # it may be closed before all of it is sent
            plain.sendall(f"{request}\r\n\r\n".encode())
        return _read(plain)


@pytest.mark.parametrize("request_head", UNREADABLE)
def test_nothing_answers_what_is_no_request_for_a_site(site: Server, request_head: str) -> None:
    asked = request_head.format(LOCAL)
    assert _said(site, asked, site.listen.http) == b""
    assert _said(site, asked, site.listen.https) == b""


def test_a_closed_site_answers_nobody_else_whatever_they_send(tmp_path: Path) -> None:
    server = Server(tmp_path / "server")
    server.add(host(Footer(), audience=("127.0.0.7/32",)), "r1")
    with server.serving("r1"):
        for request in ("GET / HTTP/1.1\r\nHost: {0}", *UNREADABLE):
            for port in (server.listen.http, server.listen.https):
                assert _said(server, request.format(NAMES[0]), port, "127.0.0.3") == b"", request
        assert b" 405 " in _said(server, f"TRACE / HTTP/1.1\r\nHost: {NAMES[0]}", server.listen.http, "127.0.0.7")


def test_nothing_answers_a_request_for_another_name_than_the_handshake_s(site: Server) -> None:
    with site.tls("example.cn") as secure:
        secure.sendall(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")
        assert _read(secure) == b""


# --- TLS -----------------------------------------------------------------------------------------


def _only(version: ssl.TLSVersion, ciphers: str = "ALL:@SECLEVEL=0") -> ssl.SSLContext:
    """A client that speaks just `version`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers(ciphers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the old versions are, which is the point
        context.minimum_version = context.maximum_version = version
    return context


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(site: Server, version: ssl.TLSVersion) -> None:
    with site.tls("example.cn", _only(version)) as secure:
        assert secure.version() == version.name.replace("_", ".")


def test_tls_1_1_is_refused(site: Server, tmp_path: Path) -> None:
    client = _only(ssl.TLSVersion.TLSv1_1)
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"), site.tls("example.cn", client):
        pass
    # The client can: a server that speaks nothing else is understood.
    assert _handshake_with_an_old_server(client, tmp_path) == "TLSv1.1"


def _handshake_with_an_old_server(client: ssl.SSLContext, folder: Path) -> str | None:
    certificate = issued(NAMES)
    (folder / "both.pem").write_bytes(certificate.chain + certificate.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.load_cert_chain(folder / "both.pem")
    with socket.create_server((LOCAL, 0)) as listening:

        def serve() -> None:
            plain, _ = listening.accept()
            with context.wrap_socket(plain, server_side=True) as secure:
                secure.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            with (
                socket.create_connection(listening.getsockname(), timeout=20) as plain,
                client.wrap_socket(plain, server_hostname="example.cn") as secure,
            ):
                version = secure.version()
                secure.sendall(b"x")
                return version
        finally:
            thread.join(timeout=20)


@pytest.mark.parametrize("ciphers", ["AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384"])
def test_weak_ciphers_are_refused(site: Server, ciphers: str) -> None:
    client = _only(ssl.TLSVersion.TLSv1_2, f"{ciphers}:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"), site.tls("example.cn", client):
        pass


def test_no_session_ticket_is_given(site: Server) -> None:
    client = _only(ssl.TLSVersion.TLSv1_2)
    with site.tls("example.cn", client) as secure:
        assert secure.session is not None
        assert not secure.session.has_ticket


def test_http_2_is_spoken(site: Server, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(site.authority)
    port = site.listen.https
    command = ["curl", "--silent", "--show-error", "--noproxy", "*", "--http2", "--cacert", "ca.pem"]
    command += ["--resolve", f"example.cn:{port}:{LOCAL}", "--write-out", "%{http_version} %{http_code}"]
    command += ["--output", "page", f"https://example.cn:{port}/"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert said.stdout == "2 200", said.stderr
    assert (tmp_path / "page").read_text().count(MARK) == 1


def test_ocsp_answers_are_stapled(server: Server) -> None:
    with _responder() as (address, answer):
        answer(issued(NAMES, address))
        server.add(host(ocsp=True), "r1", CONTENT, responder=address)
        server.switch("r1")
        server.start()
        until = time.monotonic() + 30
        # The first handshakes come before nginx has asked the responder.
        while (status := _stapled(server)) is None and time.monotonic() < until:
            time.sleep(0.1)
    assert status is ocsp.OCSPCertStatus.GOOD, server.log


def _stapled(server: Server) -> ocsp.OCSPCertStatus | None:
    """The stapled answer's verdict, if there is one."""
    got: list[bytes] = []

    def take(_connection: SSL.Connection, staple: bytes, _data: object) -> bool:
        got.append(staple)
        return True

    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_ocsp_client_callback(take)
    with socket.create_connection((LOCAL, server.listen.https), timeout=20) as plain:
        connection = SSL.Connection(context, plain)
        connection.set_tlsext_host_name(b"example.cn")
        connection.request_ocsp()
        connection.set_connect_state()
        plain.setblocking(True)
        connection.do_handshake()
        connection.close()
    return ocsp.load_der_ocsp_response(got[0]).certificate_status if got and got[0] else None


@contextlib.contextmanager
def _responder() -> Iterator[tuple[str, Callable[[Issued], None]]]:
    """An OCSP responder: its address, and a function that makes it vouch for a certificate."""
    said: list[bytes] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._say()

        def do_GET(self) -> None:
            self._say()

        def _say(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/ocsp-response")
            self.send_header("Content-Length", str(len(said[0])))
            self.end_headers()
            self.wfile.write(said[0])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    def vouch(issued: Issued) -> None:
        now = dt.datetime.now(dt.UTC)
        built = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                cert=issued.certificate,
                issuer=issued.authority,
                algorithm=hashes.SHA1(),  # as RFC 5019 names a certificate
                cert_status=ocsp.OCSPCertStatus.GOOD,
                this_update=now - dt.timedelta(hours=1),
                next_update=now + dt.timedelta(days=1),
                revocation_time=None,
                revocation_reason=None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, issued.authority)
            .sign(issued.authority_key, hashes.SHA256())
        )
        said[:] = [built.public_bytes(serialization.Encoding.DER)]

    with http.server.ThreadingHTTPServer((LOCAL, 0), Handler) as responder:
        thread = threading.Thread(target=responder.serve_forever)
        thread.start()
        try:
            yield f"http://{LOCAL}:{responder.server_port}/", vouch
        finally:
            responder.shutdown()
            thread.join(timeout=20)


# --- the footer ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/index.html", "/upper.html", "/docs/", "/page.xhtml"])
def test_a_page_has_the_footer_once_just_before_its_end(site: Server, path: str) -> None:
    page = site.get(path, "example.cn").text
    assert page.count(MARK) == 1
    assert re.search(r"</div></body>\s*</html>\s*$", page, re.IGNORECASE)
    assert '<a href="https://beian.miit.gov.cn/" rel="noopener noreferrer"' in page
    assert ">京ICP备2026068982号-1</a>" in page
    assert 'href="https://beian.mps.gov.cn/#/query/webSearch?code=11010502000001"' in page
    assert ">京公网安备11010502000001号</a>" in page
    assert "© 示例科技有限公司" in page


def test_only_the_real_end_of_a_page_gets_the_footer(site: Server) -> None:
    page = site.get("/twice.html", "example.cn").text
    assert page.count(MARK) == 1
    assert page.endswith("</script>" + FOOTER_OF_BOTH + "</body><!-- </body> --></html>")


def test_a_page_without_its_tags_has_the_footer_at_its_end(site: Server) -> None:
    assert site.get("/minified.html", "example.cn").body == CONTENT["minified.html"] + FOOTER_OF_BOTH.encode()


def test_a_page_in_another_encoding_has_a_footer_that_can_be_read(site: Server) -> None:
    body = site.get("/gbk.html", "example.cn").body
    assert body.replace(FOOTER_OF_BOTH.encode("ascii", "xmlcharrefreplace"), b"") == CONTENT["gbk.html"] != body


@pytest.mark.parametrize(
    "path",
    [
        "/data.json",
        "/style.css",
        "/script.js",
        "/download.bin",
        "/WW_verify_x1Y2.txt",
        "/fragment.html",
        "/frames.html",
        "/empty.html",
        "/.well-known/pki-validation/file.txt",
    ],
)
def test_what_is_no_page_comes_byte_for_byte(site: Server, path: str) -> None:
    answer = site.get(path, "example.cn")
    assert (answer.status, answer.body) == (200, CONTENT[path[1:]])


def test_the_page_for_what_is_not_there_has_the_footer(site: Server) -> None:
    answer = site.get("/nowhere", "example.cn")
    assert answer.status == 404
    assert "未找到页面" in answer.text
    assert answer.text.count(MARK) == 1


def test_a_compressed_page_has_the_footer(site: Server) -> None:
    answer = site.get("/", "example.cn", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert gzip.decompress(answer.body).decode() == site.get("/", "example.cn").text


@pytest.mark.parametrize("length", [1, 32_760, 32_768, 65_530, 1_000_003])
def test_pages_of_any_length_have_the_footer(server: Server, length: int) -> None:
    # Around nginx's own buffers of 32 KB, where the tag is cut in two.
    pages = {f"{n}.html": b"x" * (length + n) + b"</body></html>" for n in range(9)}
    server.add(host(), "r1", pages)
    server.switch("r1")
    server.start()
    for name, page in pages.items():
        body = server.get(f"/{name}", "example.cn").body
        assert body.count(MARK.encode()) == 1
        assert re.sub(rb"<div class=.*</div>", b"", body) == page


def test_head_has_no_body_and_the_length_with_the_footer(site: Server) -> None:
    answer = site.get("/", "example.cn", method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["Content-Length"]) == len(site.get("/", "example.cn").body)


def test_a_part_of_a_page_is_a_part_of_it_with_the_footer(site: Server) -> None:
    whole = site.get("/", "example.cn").body
    answer = site.get("/", "example.cn", headers={"Range": "bytes=200-299"})
    assert (answer.status, answer.body) == (206, whole[200:300])
    assert answer.headers["Content-Range"] == f"bytes 200-299/{len(whole)}"


def test_a_part_of_a_file_is_that_part(site: Server) -> None:
    answer = site.get("/download.bin", "example.cn", headers={"Range": "bytes=2-9"})
    assert (answer.status, answer.body) == (206, CONTENT["download.bin"][2:10])


def test_a_page_seen_before_its_numbers_is_not_taken_for_the_same(server: Server) -> None:
    before = server.add(host(Footer()), "r1", CONTENT) / "sites/example.cn/html/index.html"
    os.utime(before, (0, before.stat().st_mtime - 60))  # a release comes later than the one before
    server.add(host(), "r2", CONTENT)
    server.switch("r1")
    server.start()
    had = server.get("/", "example.cn").headers
    server.switch("r2")
    server.reload()
    seen = {"If-None-Match": had["ETag"], "If-Modified-Since": had["Last-Modified"]}
    for names in (seen.keys(), ["If-None-Match"], ["If-Modified-Since"]):
        answer = server.get("/", "example.cn", headers={name: seen[name] for name in names})
        assert (answer.status, answer.text.count(MARK)) == (200, 1)


@pytest.mark.parametrize("path", ["/style.css", "/", "/page.xhtml", "/minified.html"])
def test_a_file_seen_before_is_taken_for_the_same(site: Server, path: str) -> None:
    seen = site.get(path, "example.cn").headers
    for name, value in (("If-None-Match", seen["ETag"]), ("If-Modified-Since", seen["Last-Modified"])):
        assert site.get(path, "example.cn", headers={name: value}).status == 304


ENDS_WITH_HTML = """{% extends "luodi/nginx/http/variables.conf.j2" %}
{% block page_end %}</html>{% endblock %}
"""


@pytest.mark.parametrize(
    ("page", "gets", "templates"),
    [
        ("<html><BODY>a</BODY></html>", "<html><BODY>a{}</body></html>", {}),
        ("<html><p>a</html>", "<html><p>a</html>", {}),
        ("<html><p>a</html>", "<html><p>a{}</html>", {"nginx/http/variables.conf.j2": ENDS_WITH_HTML}),
    ],
)
def test_what_a_team_adds_to_nginx_gets_the_footer_as_it_passes(
    server: Server, tmp_path: Path, page: str, gets: str, templates: dict[str, str]
) -> None:
    own = f'location = /own {{ default_type text/html; return 200 "{page}"; }}\n'
    for path, text in {**templates, "nginx/snippets/server.conf": own}.items():
        file = tmp_path / "mine" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    server.add(host(), "r1", CONTENT, tmp_path / "mine")
    server.switch("r1")
    server.start()
    assert server.get("/own", "example.cn").text == gets.format(FOOTER_OF_BOTH)


def test_the_icon_is_served(site: Server) -> None:
    [source] = re.findall(r'<img src="([^"]+)" alt="[^"]+"', site.get("/", "example.cn").text)
    answer = site.get(source, "example.cn")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/svg+xml")
    assert answer.body.startswith(b"<svg ")


@pytest.mark.parametrize("path", ["/", "/docs/", "/upper.html"])
def test_without_a_number_there_is_nothing_at_all(unfiled: Server, path: str) -> None:
    file = path[1:] if path.endswith("html") else f"{path[1:]}index.html"
    answer = unfiled.get(path, "example.cn")
    assert answer.body == CONTENT[file]
    assert unfiled.get("/.well-known/luodi/public-security.svg", "example.cn").status == 404


def test_a_site_that_includes_the_footer_itself_gets_no_second_one(server: Server) -> None:
    folder = server.add(host(inject_footer=False), "r1", {})
    snippet = (folder / "sites/example.cn/snippets/footer.html").read_text()
    page = PAGE.format("own").replace("</body>", f"{snippet}</body>")
    index = folder / "sites/example.cn/html/index.html"
    index.parent.mkdir(parents=True, exist_ok=True)
    index.write_text(page)
    server.switch("r1")
    server.start()
    assert server.get("/", "example.cn").text == page
    assert page.count(MARK) == 1


# --- the rest of what is served ------------------------------------------------------------------


def test_the_holding_page(holding: Server) -> None:
    answer = holding.get("/", "example.cn")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<h1>示例科技</h1>" in answer.text
    assert answer.text.count(MARK) == 1
    assert not re.search(r'(src|href)="(?!/|https://beian\.|data:,)', answer.text)


@pytest.mark.parametrize("path", ["/.env", "/.git/config", "/sub/.htpasswd", "/.well-knownx", "/.git/"])
def test_hidden_files_stay_hidden(site: Server, path: str) -> None:
    answer = site.get(path, "example.cn")
    assert answer.status == 404
    assert "SECRET" not in answer.text


def test_a_folder_without_an_index_is_not_listed(site: Server) -> None:
    answer = site.get("/empty/", "example.cn")
    assert answer.status == 404
    assert "kept" not in answer.text


def test_a_folder_is_led_to_without_naming_a_port(site: Server) -> None:
    answer = site.get("/docs", "example.cn")
    assert (answer.status, answer.headers["Location"]) == (301, "/docs/")


def test_a_site_s_own_error_page_comes_first(server: Server) -> None:
    server.add(host(), "r1", {"index.html": b"", "404.html": PAGE.format("ours").encode()})
    server.switch("r1")
    server.start()
    answer = server.get("/nowhere", "example.cn")
    assert answer.status == 404
    assert "ours" in answer.text
    assert answer.text.count(MARK) == 1
    assert server.get("/404.html", "example.cn").status == 404


@pytest.mark.parametrize("path", ["/", "/style.css", "/nowhere"])
def test_headers(site: Server, path: str) -> None:
    headers = site.get(path, "example.cn").headers
    assert headers.get_all("X-Content-Type-Options") == ["nosniff"]
    assert headers.get_all("Referrer-Policy") == ["strict-origin-when-cross-origin"]
    assert headers["Server"] == "nginx"
    assert headers.get_all("X-Frame-Options") == ["SAMEORIGIN"]
    assert headers.get_all("Cache-Control") == ["no-cache"]


def test_module_scripts_are_scripts(site: Server) -> None:
    kind = site.get("/module.mjs", "example.cn").headers["Content-Type"]
    assert kind.startswith(("text/javascript", "application/javascript"))


# --- which release is served ---------------------------------------------------------------------

WHICH = "/.well-known/luodi/release"


@pytest.mark.parametrize("https", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_the_server_itself_is_told_its_release(site: Server, name: str, https: bool) -> None:
    assert site.get(WHICH, name, https=https).text == "r1"


@pytest.mark.parametrize("https", [False, True])
def test_nobody_else_is_told_the_release(site: Server, https: bool) -> None:
    answer = site.get(WHICH, "example.cn", https=https, source="127.0.0.2")
    assert answer.status == 404
    assert "r1" not in answer.text


def test_a_release_is_switched_on_and_back(server: Server) -> None:
    server.add(host(Footer()), "r1", CONTENT)
    server.add(host(), "r2", {"index.html": PAGE.format("新版").encode()})
    server.switch("r1")
    server.start()
    for release, title, footers in (("r2", "新版", 1), ("r1", "首页", 0), ("r2", "新版", 1)):
        assert server.check(release).returncode == 0
        server.switch(release)
        server.reload()
        assert server.get(WHICH, "example.cn").text == release
        page = server.get("/", "example.cn").text
        assert title in page
        assert page.count(MARK) == footers


def test_a_check_judges_the_release_that_it_names(server: Server) -> None:
    server.add(host(), "good", CONTENT)
    bad = server.add(host(), "bad", CONTENT)
    (bad / "nginx/sites/example.cn.conf").write_text("server { listen nonsense; }")
    server.switch("good")
    said = server.check("bad")
    assert said.returncode == 1
    assert "/opt/luodi/releases/bad/nginx/sites/example.cn.conf:1" in said.stderr
    server.switch("bad")
    assert server.check("good").returncode == 0


def test_a_release_keeps_to_its_own_files(server: Server) -> None:
    """Between the switch and the reload, and when that fails, the release before goes on whole."""
    server.add(host(), "r1", CONTENT)
    bad = server.add(host(), "r2", {"index.html": PAGE.format("新版").encode()})
    (bad / "nginx/sites/example.cn.conf").write_text("server { listen nonsense; }")
    server.switch("r1")
    server.start()
    server.switch("r2")
    assert "首页" in server.get("/", "example.cn").text
    code, said = server.run([*NGINX, "-s", "reload"])
    assert (code, "nonsense" in said) == (1, True)
    # As when only the reload itself goes wrong: nginx gives up on it and tells nobody but its log.
    server.run(["bash", "-c", "kill -HUP $(cat /run/nginx.pid)"])
    _until(lambda: "nonsense" in server.log)
    assert "首页" in server.get("/", "example.cn").text
    assert server.get(WHICH, "example.cn").text == "r1"


def _until(condition: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


# --- nothing that a user writes reaches nginx as configuration -----------------------------------

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
HOSTILE = st.lists(
    st.sampled_from(
        [
            *("$", "${", "}", "{", ";", '"', "'", "\\", "\n", "\r", "\t", "#", "`", "<", ">", "&"),
            *("$host", "${request_uri}", "$1", "\\n", '";', "</body>", "<script>", "*/", "{{ 7 }}"),
            *("</div>", "&amp;", "🀄", "示例", "\u202e", "\u2028", "\x01", "\x7f", "include /etc/passwd;"),
        ]
    ),
    max_size=12,
).map("".join)
TEXT = ANY_TEXT | HOSTILE


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts=st.lists(TEXT, min_size=20, max_size=40))
def test_a_quoted_text_is_that_text(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    locations = "\n".join(f"location = /{n} {{ return 200 {quote(t)}; }}" for n, t in enumerate(texts))
    server = Server(tmp_path_factory.mktemp("quote") / "server")
    folder = server.add(host(Footer()), "r1", CONTENT)
    site_file = folder / "nginx/sites/example.cn.conf"
    configuration = site_file.read_text()
    site_file.write_text(configuration.replace("index index.html;", locations))
    server.switch("r1")
    try:
        server.start()
        said = [server.get(f"/{n}", "example.cn").body.decode() for n in range(len(texts))]
    finally:
        server.stop()
    assert said == texts


def test_the_longest_text_that_is_quoted_is_read(server: Server) -> None:
    for unit, count in (("x", 4000), ("x ", 2000), ("示", 1333), ("$", 266), ('"', 2000)):
        text = unit * count
        folder = server.add(host(Footer()), "r1", CONTENT)
        site_file = folder / "nginx/sites/example.cn.conf"
        # Wherever it falls in nginx's own buffer of 4 KB.
        for before in (0, 1000, 4090):
            location = f"# {'.' * before}\nlocation = /long {{ return 200 {quote(text)}; }}"
            site_file.write_text(site_file.read_text().replace("index index.html;", location, 1))
            said = server.check("r1")
            assert said.returncode == 0, said.stderr
            server.add(host(Footer()), "r1", CONTENT)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(title=TEXT, owner=TEXT)
def test_titles_and_owners_are_shown_as_they_are(
    tmp_path_factory: pytest.TempPathFactory, title: str, owner: str
) -> None:
    server = Server(tmp_path_factory.mktemp("names") / "server")
    footer = Footer(ICP, PUBLIC_SECURITY, owner)
    server.add(host(footer, title=title, kind=Static(has_content=False)), "r1")
    server.switch("r1")
    try:
        server.start()
        page = server.get("/", "example.cn").text
    finally:
        server.stop()
    assert page.count(MARK) == 1
    shown = re.search(r"<h1>(.*?)</h1>", page, re.DOTALL)
    assert shown is not None
    assert html.unescape(shown[1]) == title
    line = re.search(r"<span [^>]*>© (.*?)</span>", page, re.DOTALL)
    assert (html.unescape(line[1]) if line else "") == owner
