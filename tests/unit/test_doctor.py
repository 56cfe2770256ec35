"""`luodi doctor`: each fault of a site is found and named; good sites have none; a hostile one is bounded."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from luodi.cli import main
from luodi.doctor.findings import texts
from luodi.doctor.judging import judge, looked_at
from luodi.doctor.observed import Answer, Expected, Host, Resolved, Seen, Target, Tls
from luodi.doctor.pages import read
from luodi.filing.numbers import parse_icp, parse_public_security
from tests.unit.nameserver import serving

NOW = datetime(2026, 11, 27, tzinfo=UTC)
ICP = '<a href="https://beian.miit.gov.cn/">京ICP备2026068982号-1</a>'
PSB = '<a href="https://beian.mps.gov.cn/#/query/webSearch?code=11010502000001">京公网安备11010502000001号</a>'
HEADERS = {
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'self'",
    "server": "nginx",
}


def page(*footer: str) -> str:
    return f"<!doctype html><html><body><h1>示例</h1><footer>{''.join(footer)}</footer></body></html>"


GOOD_HOST = Host(
    "example.cn",
    Resolved(("203.0.113.7",)),
    Tls(NOW + timedelta(days=60), "CN=R11,O=Let's Encrypt", "EC", 256),
    Answer(200, HEADERS, page(ICP, PSB), seconds=0.1),
    Answer(301, {"location": "https://example.cn/"}),
)
GOOD = Seen(
    Target("example.cn"),
    (GOOD_HOST, replace(GOOD_HOST, name="www.example.cn")),
    ("a.dnspod.com",),
    ('0 issue "letsencrypt.org"',),
    bare=Answer(error="the connection was cut"),
)
EXPECTED = Expected(
    "203.0.113.7",
    parse_icp("京ICP备2026068982号-1"),
    parse_public_security("京公网安备11010502000001号"),
    indexed=True,
)


def host(**changes: Any) -> Seen:
    return replace(GOOD, hosts=(replace(GOOD_HOST, **changes),))


def tls(**changes: Any) -> Seen:
    assert GOOD_HOST.tls
    return host(tls=replace(GOOD_HOST.tls, **changes))


def body(*footer: str, **headers: str) -> Seen:
    return host(https=Answer(200, {**HEADERS, **headers}, page(*footer)))


def without(name: str) -> Seen:
    return host(https=Answer(200, {key: value for key, value in HEADERS.items() if key != name}, page(ICP, PSB)))


OLD_PSB = PSB.replace("beian.mps.gov.cn/#/query/webSearch?code=11010502000001", "www.beian.gov.cn/portal")
FAULTS = [
    ("unresolved", host(resolved=Resolved(error="NXDOMAIN"), tls=None, https=None, http=None)),
    ("other-address", host(resolved=Resolved(("198.51.100.9",)))),
    ("several-addresses", host(resolved=Resolved(("203.0.113.7", "198.51.100.9")))),
    ("no-caa", replace(GOOD, caa=())),
    ("not-dnspod", replace(GOOD, name_servers=("ns1.elsewhere.example",))),
    *(("open-port", replace(GOOD, open_ports=(port,))) for port in (22, 3306, 6379, 8080)),
    ("tls-none", host(tls=Tls(error="cut"), https=Answer(error="cut"))),
    ("tls-old-only", tls(modern=False, old=("TLS 1.0",))),
    ("tls-old", tls(old=("TLS 1.0", "TLS 1.1"))),
    ("certificate-expired", tls(not_after=NOW - timedelta(days=1), verify_code=10)),
    ("certificate-ending", tls(not_after=NOW + timedelta(days=2))),
    ("certificate-name", tls(verify_code=62)),
    ("certificate-chain", tls(verify_code=20, verify_message="unable to get local issuer certificate")),
    ("certificate-self-signed", tls(verify_code=18)),
    ("certificate-staging", tls(verify_code=20, issuer="CN=(STAGING) Riddling Rhubarb R12")),
    ("certificate-refused", tls(verify_code=23, verify_message="certificate revoked")),
    ("weak-key", tls(key="RSA", bits=1024)),
    ("no-page", host(https=Answer(error="no answer in time"))),
    ("blocked", host(https=Answer(200, HEADERS, "<title>网站暂时无法访问</title><p>该网站未根据要求完成备案</p>"))),
    ("blocked", host(http=Answer(302, {"location": "https://dnspod.qcloud.com/static/webblock.html"}))),
    ("error-page", host(https=Answer(502, HEADERS))),
    ("no-redirect", host(http=Answer(200, {}, "hello"))),
    ("no-redirect", host(http=Answer(301, {"location": "http://www.example.cn/"}))),
    ("huge-page", host(https=Answer(200, HEADERS, page(ICP, PSB), truncated=True))),
    ("slow", host(https=Answer(200, HEADERS, page(ICP, PSB), seconds=6))),
    ("bare-address", replace(GOOD, bare=Answer(200, {}, "hello"))),
    ("no-hsts", without("strict-transport-security")),
    ("no-nosniff", without("x-content-type-options")),
    ("no-csp", without("content-security-policy")),
    ("server-version", body(ICP, PSB, server="nginx/1.18.0")),
    ("number-missing", body(PSB)),
    ("number-missing", replace(GOOD, hosts=(GOOD_HOST, replace(GOOD_HOST, https=Answer(200, HEADERS, page(PSB)))))),
    ("number-by-script", replace(body(PSB), rendered=page(ICP, PSB))),
    ("number-by-script", replace(body(f"<script>document.write('{ICP}')</script>", PSB), rendered=page(ICP, PSB))),
    ("number-hidden", replace(body(ICP, PSB), rendered=page(PSB))),
    ("number-wrong", body(ICP.replace("068982", "068983"), PSB)),
    ("number-malformed", body(ICP.replace("京ICP", "川ICP"), PSB)),
    ("number-template", body(ICP.replace("2026068982", "12345678"), PSB)),
    ("number-subject", body(ICP.replace("-1<", "<"), PSB)),
    ("number-service", body(ICP.replace("京", "粤"), PSB)),
    ("number-app", body(ICP.replace("-1<", "-2A<"), PSB)),
    ("icp-unlinked", body("京ICP备2026068982号-1", PSB)),
    ("icp-link", body(ICP.replace("beian.miit.gov.cn", "example.com"), PSB)),
    ("icp-link-old", body(ICP.replace("beian.miit.gov.cn", "www.miitbeian.gov.cn"), PSB)),
    ("security-missing", body(ICP)),
    ("security-wrong", body(ICP, PSB.replace("京公", "沪公"))),
    ("security-template", body(ICP, PSB.replace("000001", "000000"))),
    ("security-link", body(ICP, PSB.replace("beian.mps.gov.cn", "beian.miit.gov.cn"))),
    ("security-link", body(ICP, PSB.replace("code=11010502000001", "code=1"))),
    ("security-link-old", body(ICP, OLD_PSB)),
    ("licence-labelled", body(ICP, PSB, "备案号：京ICP证030173号")),
    ("block-target", body(ICP.replace("<a ", '<a target="_block" '), PSB)),
    ("ipv6-elsewhere", host(resolved=Resolved(("203.0.113.7",), six=("2001:db8::7",)))),
    ("redirect-loop", host(https=Answer(302, {"location": "/"}))),
    ("redirect-loop", host(https=Answer(301, {"location": "https://example.cn/"}))),
    (
        "redirect-loop",
        replace(
            GOOD,
            hosts=(
                replace(GOOD_HOST, https=Answer(301, {"location": "https://www.example.cn/"})),
                replace(GOOD_HOST, name="www.example.cn", https=Answer(301, {"location": "https://example.cn/"})),
            ),
        ),
    ),
    ("leads-elsewhere", host(https=Answer(302, {"location": "https://elsewhere.example/"}))),
    ("exposed-file", host(exposed=("/.git/HEAD",))),
    ("folder-listing", host(https=Answer(200, HEADERS, page(ICP, PSB, "<title>Index of /</title>")))),
    ("mixed-content", body(ICP, PSB, '<img src="http://img.example.cn/a.png">')),
    ("mixed-content", body(ICP, PSB, '<link rel="stylesheet" href="http://img.example.cn/a.css">')),
    ("foreign-host", body(ICP, PSB, '<link rel=stylesheet href="//fonts.googleapis.com/css?family=X">')),
    ("foreign-host", body(ICP, PSB, "<script src=https://cdn.jsdelivr.net/npm/vue></script>")),
    ("not-indexed", body(ICP, PSB, '<meta name="Robots" content="NOINDEX">')),
    ("not-indexed", host(https=Answer(200, {**HEADERS, "x-robots-tag": "noindex"}, page(ICP, PSB)))),
    ("cookie-unguarded", host(https=Answer(200, HEADERS, page(ICP, PSB), cookies=("sid=1; HttpOnly",)))),
    ("mini-program-port", replace(GOOD, target=Target("example.cn", 8443))),
    ("mini-program-forbidden", replace(GOOD, target=Target("api.weixin.qq.com"))),
]


@pytest.mark.parametrize(("name", "seen"), FAULTS, ids=[f"{name}-{index}" for index, (name, _) in enumerate(FAULTS)])
def test_names_the_fault(name: str, seen: Seen) -> None:
    assert name in {finding.id for finding in judge(seen, EXPECTED, NOW)}


def test_finds_nothing_at_a_good_site() -> None:
    assert judge(GOOD, EXPECTED, NOW) == []


def test_every_fault_of_a_site_has_a_case() -> None:
    account = {name for name, row in texts()["finding"].items() if row["check"] == "account"}

    assert {name for name, _ in FAULTS} == set(texts()["finding"]) - account


def test_what_is_not_certain_only_warns() -> None:
    for _, seen in FAULTS:
        for finding in judge(seen, EXPECTED, NOW):
            assert finding.source
            assert finding.level == "warning" or finding.source.confidence == "H"


@pytest.mark.parametrize(
    "html",
    [
        f"{ICP}<p>A=1</p>",
        f"{ICP}<a>APP下载</a>",
        f"<div>{ICP}</div>Apps",
        ICP.replace("2026068982", "<b>2026</b><b>068982</b>"),
        ICP.replace("ICP备", "<span>ICP</span>\n <span>备</span>"),
    ],
)
def test_a_number_ends_where_its_element_does(html: str) -> None:
    told = read(page(html, PSB))
    assert [str(shown.number) for shown in told.icp] == ["京ICP备2026068982号-1"]
    assert told.icp[0].link == "https://beian.miit.gov.cn/"


@given(st.text())
def test_reads_any_page(html: str) -> None:
    read(html)


# --- real sites ----------------------------------------------------------------------------------


@dataclass
class RealSite:
    """A site on loopback; `reply` is sent whole for each request, nothing where it is empty."""

    context: ssl.SSLContext
    reply: bytes
    paths: Mapping[bytes, bytes] = field(default_factory=dict)
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    stopping: bool = False

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def serve(self) -> None:
        while not self.stopping:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        try:
            with self.context.wrap_socket(connection, server_side=True) as secured:
                if asked := secured.recv(4096):
                    secured.sendall(self.paths.get(asked.split(b" ")[1], self.reply))
                    if not self.reply:
                        secured.recv(4096)
        except OSError:
            return


@contextmanager
def real_site(
    reply: bytes, certificate: trustme.LeafCert, paths: Mapping[bytes, bytes] | None = None
) -> Iterator[RealSite]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    site = RealSite(context, reply, paths or {})
    thread = threading.Thread(target=site.serve, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.stopping = True
        site.listener.close()


def response(html: str) -> bytes:
    headers = "".join(f"{key}: {value}\r\n" for key, value in HEADERS.items())
    return f"HTTP/1.1 200 OK\r\n{headers}Connection: close\r\n\r\n{html}".encode()


def moved(location: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


AUTHORITY = trustme.CA()


def examined(
    monkeypatch: pytest.MonkeyPatch, folder: Path, site: RealSite, *options: str, trusted: bool = True
) -> tuple[int, str]:
    roots = folder / "roots.pem"
    (AUTHORITY if trusted else trustme.CA()).cert_pem.write_to_path(str(roots))
    monkeypatch.setenv("LUODI_ACME_CA", str(roots))
    with serving(["127.0.0.1"]) as [names]:
        for name in ("example.cn", "www.example.cn"):
            names.publish(name, "127.0.0.1", kind="A")
        monkeypatch.setenv("LUODI_DNS", f"127.0.0.1:{names.port}")
        command = ["doctor", f"https://example.cn:{site.port}", "--no-browser", "--timeout", "2", *options]
        run = CliRunner().invoke(main, command)
    assert run.exception is None or isinstance(run.exception, SystemExit)
    return run.exit_code, run.stdout


def failing(output: str) -> set[str]:
    return {row["id"] for row in json.loads(output) if row["level"] == "failing"}


def certificate(*names: str, **about: Any) -> trustme.LeafCert:
    return AUTHORITY.issue_cert(*names, **about)


BOTH = ("example.cn", "www.example.cn")


def test_a_good_site_passes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with real_site(response(page(ICP, PSB)), certificate(*BOTH)) as site:
        code, output = examined(monkeypatch, tmp_path, site, "--json")

    assert (code, failing(output)) == (0, set())


@pytest.mark.parametrize(
    ("fault", "names", "about", "trusted", "html"),
    [
        ("certificate-name", ("other.cn",), {}, True, page(ICP)),
        ("certificate-expired", BOTH, {"not_after": datetime(2020, 1, 2, tzinfo=UTC)}, True, page(ICP)),
        ("certificate-chain", BOTH, {}, False, page(ICP)),
        ("number-missing", BOTH, {}, True, page()),
        ("icp-link-old", BOTH, {}, True, page(ICP.replace("beian.miit", "www.miitbeian"))),
    ],
)
def test_a_real_fault_fails(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    fault: str,
    names: tuple[str, ...],
    about: dict[str, Any],
    trusted: bool,
    html: str,
) -> None:
    before = {"not_before": datetime(2020, 1, 1, tzinfo=UTC), **about} if about else {}
    with real_site(response(html), certificate(*names, **before)) as site:
        code, output = examined(monkeypatch, tmp_path, site, "--json", trusted=trusted)

    assert (code, failing(output)) == (1, {fault})


def test_a_site_is_followed_to_its_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    paths = {b"/": moved("/zh/"), b"/zh/": moved("index.html?a=1"), b"/zh/index.html?a=1": response(page(ICP))}
    with real_site(response("gone"), certificate(*BOTH), paths) as site:
        code, output = examined(monkeypatch, tmp_path, site, "--json")

    assert (code, failing(output)) == (0, set())


@pytest.mark.parametrize("location", ["/", "/?again", "https://example.cn:{port}/", "//www.example.cn:{port}/"])
def test_a_site_that_leads_in_a_circle_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, location: str) -> None:
    with real_site(b"", certificate(*BOTH)) as site:
        site.reply = moved(location.format(port=site.port))
        code, output = examined(monkeypatch, tmp_path, site, "--json")

    assert (code, failing(output)) == (1, {"redirect-loop"})


def test_what_scanners_ask_for_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    paths = {b"/.git/HEAD": response("ref: refs/heads/main\n"), b"/.env": response("# ours\nDB_PASSWORD=hunter2\n")}
    with real_site(response(page(ICP)), certificate(*BOTH), paths) as site:
        code, output = examined(monkeypatch, tmp_path, site, "--json")

    assert (code, failing(output)) == (1, {"exposed-file"})
    assert "hunter2" not in output
    told = next(row["what"]["en"] for row in json.loads(output) if row["id"] == "exposed-file")
    assert told == "anybody can read /.git/HEAD, /.env"


def test_an_application_that_answers_everything_exposes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with real_site(response(page(ICP, "<p>A=1</p>")), certificate(*BOTH)) as site:
        _, output = examined(monkeypatch, tmp_path, site, "--json")

    assert failing(output) == set()


def test_cookies_are_each_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cookies = b"Set-Cookie: a=1; Secure\r\nSet-Cookie: b=2\r\nSet-Cookie: c=3; path=/; secure\r\n"
    reply = response(page(ICP)).replace(b"Connection:", cookies + b"Connection:")
    with real_site(reply, certificate(*BOTH)) as site:
        _, output = examined(monkeypatch, tmp_path, site, "--json")

    told = {row["where"]: row["what"]["en"] for row in json.loads(output) if row["id"] == "cookie-unguarded"}
    assert set(told.values()) == {"these cookies lack Secure: b"}


def test_an_address_that_hangs_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with real_site(b"", certificate(*BOTH)) as site:
        code, output = examined(monkeypatch, tmp_path, site, "--json")

    assert (code, failing(output)) == (1, {"no-page"})


def test_only_the_beginning_of_a_page_of_50_mb_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with real_site(response(page(ICP) + " " * (50 << 20)), certificate(*BOTH)) as site:
        code, output = examined(monkeypatch, tmp_path, site, "--json")

    assert code == 0
    assert "huge-page" in output


def test_writes_a_page_that_escapes_what_it_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bad = ICP.replace("https://beian.miit.gov.cn/", "https://evil.example/&lt;script&gt;alert(1)&lt;/script&gt;")
    with real_site(response(page(bad)), certificate(*BOTH)) as site:
        code, output = examined(monkeypatch, tmp_path, site, "--html", str(tmp_path / "report.html"), "--lang", "zh")

    written = (tmp_path / "report.html").read_text("utf-8")
    assert code == 1
    assert "京ICP备2026068982号-1 链接到了" in output.replace("\n", "")
    assert "alert(1)" in written
    assert "<script" not in written


def test_what_could_not_be_looked_at_is_not_called_ok() -> None:
    nowhere = Seen(Target("example.cn"), (Host("example.cn", Resolved(error="NXDOMAIN")),))
    assert looked_at(nowhere) == ("dns",)


def test_a_terminal_that_lacks_chinese_ends_nothing() -> None:
    def run(argument: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "luodi", "doctor", "--lang", "zh", argument]
        environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    told = run("--help")
    assert (told.returncode, told.stderr) == (0, "")
    refused = run("例 子")
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("address", ["", "ftp://example.cn", "203.0.113.7", "https://example.cn:99999", "a b.cn", "cn"])
def test_refuses_what_is_no_address(address: str) -> None:
    run = CliRunner().invoke(main, ["doctor", address])

    assert run.exit_code == 2
    assert "Traceback" not in run.output
