"""Each kind of site, served by a real nginx and asked by HTTP/1.1, HTTP/2 and WebSocket clients."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from luodi.filing.numbers import parse_icp
from luodi.rendering import (
    Area,
    Endpoint,
    Footer,
    Headers,
    Hsts,
    Limits,
    Location,
    Log,
    Maintenance,
    MiniProgram,
    Nginx,
    Proxy,
    Redirect,
    Spa,
    Static,
    Upstream,
    VirtualHost,
)
from luodi.web import VISITORS_WORD
from tests.loopback import free_port
from tests.template.application import PAGE, SECURED, application, echo
from tests.template.server import LOCAL, Response, Server, certificates

FOOTER = Footer(parse_icp("京ICP备2026068982号-1"))
MARK = 'class="luodi-footer"'
ELSEWHERE = "127.0.0.2"
PASSWORD = "correct horse"


def crypted(password: str) -> str:
    command = ["openssl", "passwd", "-6", "-stdin"]
    return subprocess.run(command, input=password, capture_output=True, text=True, check=True).stdout.strip()


def host(name: str, kind: object, *, more: tuple[str, ...] = (), **changes: object) -> VirtualHost:
    values = {"title": "示例科技", "footer": FOOTER, "certificates": certificates(name), "kind": kind, **changes}
    return VirtualHost((name, *more), **values)  # type: ignore[arg-type]


WHOLE = {
    "/json": b'{"html": "<body></body>"}',
    "/fragment": b"<li>one</li>",
    "/download": PAGE.encode(),
    "/part": PAGE.encode()[-20:],
}
CONTENT = {
    "index.html": PAGE.encode(),
    "index.html.gz": gzip.compress(b"without a footer"),
    "style.css": b"p { color: red }\n" * 100,
    "style.css.gz": gzip.compress(b"/* compressed beforehand */"),
    "app.3f2a9c1b.js": b"let a",
    "assets/index-DiwrgTda.js": b"let b",
    "photo-20260131.jpg": b"jpeg",
    "assets/document.js": b"let c",
    "fonts/a.woff2": b"font",
    "admin/index.html": PAGE.encode(),
    "admin/app.3f2a9c1b.js": b"let e",
    "docs/index.html": PAGE.encode(),
    "docs/guide.html": PAGE.encode(),
    "app/index.html": b"<html><body>the application</body></html>",
    "app/about.html": b"<html><body>about it</body></html>",
    "app/about/team.html": b"<html><body>the team</body></html>",
    "app/figures.html": b"<html><body>the figures</body></html>",
    "app/payroll.html": b"<html><body>the payroll</body></html>",
    "app/main.js": b"let d",
    "office/plan.txt": b"plan",
    "backup.sql": b"secret",
    "page.html~": b"secret",
    "notes.bak": b"secret",
}


@dataclass(frozen=True)
class Served:
    server: Server
    received: list[int]

    def get(self, path: str, name: str = "files.cn", **more: object) -> Response:
        return self.server.get(path, name, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server with a site of each kind."""
    root = tmp_path_factory.mktemp("kinds") / "server"
    with application() as (address, received), echo() as sockets:
        behind, down = Upstream((address,)), Upstream((f"{LOCAL}:{free_port()}",))
        files = host(
            "files.cn",
            Static(immutable=("/fonts/",)),
            more=("www.files.cn", "old.files.cn"),
            one_name=True,
            paths=(
                Location("/api/", Proxy(behind)),
                Location("/app/", Spa()),
                Location("/docs/", Static()),
            ),
            redirects=(
                Redirect("/was", "/docs/"),
                Redirect("/blog/*", "https://blog.cn/$1/"),
                Redirect("/gone", "/docs/?from=gone", 302),
                Redirect("/part", "/docs/#part"),
                Redirect("/parts/*", "/docs/#part"),
                Redirect("/moved/*", "/"),
                Redirect("/moved-part/*", "/#part"),
                Redirect("/sold-part/*", "https://blog.cn#part"),
                Redirect("/sold/*", "https://blog.cn"),
                Redirect("/旧(a)/*", "/new"),
            ),
            areas=(
                Area("/admin/", (("小明", crypted(PASSWORD)),), (f"{ELSEWHERE}/32",)),
                Area("/office/", (), (f"{ELSEWHERE}/32",)),
                Area("/app/figures.html", (), (f"{ELSEWHERE}/32",)),
                Area("/app/payroll", (), (f"{ELSEWHERE}/32",)),
            ),
            verification={"WW_verify_x1Y2.txt": "x1Y2\n", "MP_verify_a.txt": "\ufeffa"},
            headers=Headers(policy_mode="enforce", hsts=Hsts(300), more={"X-Mine": 'a "b" $host;'}),
        )
        app = host(
            "app.cn",
            Proxy(behind, health="/health", body="1m"),
            paths=(
                Location("/ws/", Proxy(Upstream((sockets,)))),
                Location("/down/", Proxy(down)),
                Location("/stubborn/", Proxy(behind, decompress=True)),
                Location("/upload/", Proxy(behind, body="64m", stream_requests=True)),
            ),
        )
        program = host(
            "program.cn",
            MiniProgram(behind, socket=Endpoint("/", "ws.program.cn"), health="/health"),
            more=("ws.program.cn",),
        )
        closed = host("closed.cn", Static(), maintenance=Maintenance((f"{ELSEWHERE}/32",), 120), noindex=True)
        slow = host("slow.cn", Static(has_content=False), limits=Limits(1, 3, 50))
        nested = host(
            "nested.cn",
            Proxy(behind),
            areas=(
                Area("/", (("小明", crypted(PASSWORD)),)),
                Area("/office/", (), (f"{ELSEWHERE}/32",)),
                Area("/open/", (), ("0.0.0.0/0",)),
            ),
        )
        server = Server(root)
        server.add(
            files,
            "r1",
            CONTENT,
            beside=(app, program, closed, slow, nested),
            nginx=Nginx(log=Log("json")),
            more={f"sites/closed.cn/html/{path}": data for path, data in CONTENT.items()},
        )
        with server.serving("r1"):
            yield Served(server, received)


# --- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/", "no-cache"),
        ("/style.css", "no-cache"),
        ("/app.3f2a9c1b.js", "public, max-age=31536000, immutable"),
        ("/assets/index-DiwrgTda.js", "public, max-age=31536000, immutable"),
        ("/fonts/a.woff2", "public, max-age=31536000, immutable"),
        ("/assets/document.js", "no-cache"),
        ("/photo-20260131.jpg", "no-cache"),
        ("/missing.3f2a9c1b.js", "no-cache"),
    ],
)
def test_what_browsers_keep(served: Served, path: str, kept: str) -> None:
    assert served.get(path).headers.get_all("Cache-Control") == [kept]


def test_a_file_compressed_beforehand_is_sent_as_it_is_and_a_page_with_the_footer(served: Served) -> None:
    asked = {"Accept-Encoding": "gzip"}
    assert gzip.decompress(served.get("/style.css", headers=asked).body) == b"/* compressed beforehand */"
    page = served.get("/", headers=asked)
    assert int(page.headers["Content-Length"]) == len(page.body), "nginx knows no length of what it compresses itself"
    assert gzip.decompress(page.body) == served.get("/").body
    assert served.get("/").text.count(MARK) == 1


@pytest.mark.parametrize("path", ["/backup.sql", "/page.html~", "/notes.bak", "/docs/.env", "/app/.git/config"])
def test_what_was_left_behind_is_not_served(served: Served, path: str) -> None:
    answer = served.get(path)
    assert answer.status == 404
    assert "未找到页面" in answer.text
    assert answer.text.count(MARK) == 1


def test_an_application_s_addresses_are_its_own_though_there_are_files_too(served: Served) -> None:
    for path in ("/api/export.sql", "/api/today.log"):
        assert served.get(path).body == b"not mine", path
    for path in ("/api/.env", "/docs/export.sql", "/export.sql", "/app/today.log"):
        assert served.get(path).status == 404, path


def test_other_names_lead_to_the_domain(served: Served) -> None:
    answer = served.get("/docs/?a=b", "www.files.cn")
    assert (answer.status, answer.headers["Location"]) == (
        301,
        f"https://files.cn:{served.server.listen.https}/docs/?a=b",
    )
    assert served.get("/.well-known/luodi/release", "www.files.cn").text == "r1"


@pytest.mark.parametrize(
    ("path", "status", "to"),
    [
        ("/was", 301, "/docs/"),
        ("/was?a=b", 301, "/docs/?a=b"),
        ("/gone?a=b", 302, "/docs/?from=gone"),
        ("/part?a=b", 301, "/docs/?a=b#part"),
        ("/parts/c?a=b", 301, "/docs/c?a=b#part"),
        ("/blog/2026/a%20b?c=d", 301, "https://blog.cn/$1/2026/a%20b?c=d"),
        ("/blog/", 301, "https://blog.cn/$1/"),
    ],
)
def test_redirects(served: Served, path: str, status: int, to: str) -> None:
    answer = served.get(path)
    assert (answer.status, answer.headers["Location"]) == (status, to)


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("/moved/a?b=c", "/a?b=c"),
        ("/moved//evil.cn/", "/evil.cn/"),
        ("/moved/\\evil.cn/", "/evil.cn/"),
        ("/moved///evil.cn/", "/evil.cn/"),
        ("/moved/%2fevil.cn/", "/%2fevil.cn/"),
        ("/sold/a?b=c", "https://blog.cn/a?b=c"),
        ("/moved-part//evil.cn/", "/evil.cn/#part"),
        ("/sold-part/@evil.cn/", "https://blog.cn/@evil.cn/#part"),
        ("/sold/@evil.cn/", "https://blog.cn/@evil.cn/"),
        ("/sold/a.evil.cn/", "https://blog.cn/a.evil.cn/"),
        ("/sold/:8080/", "https://blog.cn/:8080/"),
    ],
)
def test_a_visitor_does_not_choose_the_host_that_a_redirect_leads_to(served: Served, path: str, to: str) -> None:
    assert served.get(path).headers["Location"] == to


@pytest.mark.parametrize("path", ["/%E6%97%A7(a)/b?c=d", "/%e6%97%a7%28a%29/b?c=d"])
def test_a_redirect_of_a_chinese_path_keeps_what_follows(served: Served, path: str) -> None:
    assert served.get(path).headers["Location"] == "/newb?c=d"


def test_a_file_by_which_others_know_the_owner_comes_byte_for_byte(served: Served) -> None:
    assert served.get("/WW_verify_x1Y2.txt").body == b"x1Y2\n"
    assert served.get("/MP_verify_a.txt").body == "\ufeffa".encode()
    assert served.get("/ww_verify_x1y2.txt").status == 404


# --- a single-page application -------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/app/", "/app/users/1", "/app/users/john.doe", "/app/a/b/"])
def test_an_application_s_own_addresses_are_its_index(served: Served, path: str) -> None:
    answer = served.get(path)
    assert (answer.status, "the application" in answer.text) == (200, True)
    assert answer.text.count(MARK) == 1
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(("path", "text"), [("/app/about", "about it"), ("/app/about/team", "the team")])
def test_a_page_made_beforehand_is_itself(served: Served, path: str, text: str) -> None:
    """As `next build` writes them with `output: "export"`, a folder of the page's name beside it."""
    answer = served.get(path)
    assert (answer.status, text in answer.text) == (200, True)
    assert answer.text.count(MARK) == 1


@pytest.mark.parametrize("path", ["/app/missing.js", "/app/a/b.3f2a9c1b.css", "/app/x.PNG", "/app/wp-login.php"])
def test_a_missing_asset_is_missing(served: Served, path: str) -> None:
    answer = served.get(path)
    assert answer.status == 404
    assert "the application" not in answer.text


def test_an_asset_is_itself(served: Served) -> None:
    assert served.get("/app/main.js").body == b"let d"


# --- an application ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/page", "/gzip-if-asked", "/chunked", "/large", "/"])
@pytest.mark.parametrize("compressed", [False, True])
def test_a_page_of_an_application_has_the_footer_once(served: Served, path: str, compressed: bool) -> None:
    answer = served.get(path, "app.cn", headers={"Accept-Encoding": "gzip"} if compressed else {})
    assert answer.headers["Content-Encoding"] == ("gzip" if compressed else None)
    page = (gzip.decompress(answer.body) if compressed else answer.body).decode()
    assert page.count(MARK) == 1
    assert page.endswith("</body></html>")


@pytest.mark.parametrize("path", ["/json", "/fragment", "/download", "/part"])
def test_what_is_no_page_of_an_application_comes_as_it_is(served: Served, path: str) -> None:
    answer = served.get(path, "app.cn")
    assert b"luodi-footer" not in answer.body
    assert answer.body == WHOLE[path]


def test_a_page_compressed_against_the_request_comes_whole(served: Served) -> None:
    answer = served.get("/gzip-anyhow", "app.cn", headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(answer.body).decode() == PAGE
    answer = served.get(
        "/stubborn/gzip-anyhow", "app.cn", headers={"Accept-Encoding": "gzip", "User-Agent": "a browser"}
    )
    assert (answer.headers["Content-Encoding"], answer.text.count(MARK)) == (None, 1)


def told(served: Served, path: str = "/told", name: str = "app.cn", **headers: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(served.get(path, name, headers=headers).body)
    return found


def test_an_application_is_told_who_asks_and_nothing_that_they_made_up(served: Served) -> None:
    forged = {
        "X-Forwarded-For": "1.2.3.4",
        "X-Real-IP": "1.2.3.4",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.cn",
        "X-Request-ID": "forged",
        "X-Forwarded-Port": "8080",
        **dict.fromkeys(VISITORS_WORD, "evil.cn"),
    }
    said = told(served, **forged)
    assert said["host"] == said["x-forwarded-host"] == ["app.cn"]
    assert said["x-real-ip"] == said["x-forwarded-for"] == [LOCAL]
    assert said["x-forwarded-proto"] == ["https"]
    assert said["x-forwarded-port"] == ["443"]
    assert len(said["x-request-id"][0]) == 32
    assert not said.keys() & {*(name.lower() for name in VISITORS_WORD), "connection", "upgrade"}


def test_an_application_under_a_path_is_told_the_whole_path(served: Served) -> None:
    assert told(served, "/api/told", "files.cn")["path"] == "/api/told"


def test_an_upgrade_to_anything_but_a_websocket_is_not_passed_on(served: Served) -> None:
    said = told(served, Upgrade="h2c", Connection="Upgrade, HTTP2-Settings")
    assert not said.keys() & {"upgrade", "http2-settings"} or said.get("upgrade") is None


def test_an_application_s_own_headers_are_neither_doubled_nor_replaced(served: Served) -> None:
    headers = served.get("/secured", "app.cn").headers
    for name, value in SECURED.items():
        assert headers.get_all(name) == [value]
    headers = served.get("/page", "app.cn").headers
    for name in SECURED:
        assert len(headers.get_all(name) or []) == 1, name
    assert headers["Cache-Control"] == "no-cache"


def test_nobody_is_told_which_software_an_application_is(served: Served) -> None:
    headers = served.get("/page", "app.cn").headers
    assert (headers["Server"], headers["X-Powered-By"]) == ("nginx", None)


def test_an_application_s_own_policy_is_not_measured_against_another(served: Served) -> None:
    headers = served.get("/policy", "app.cn").headers
    assert headers.get_all("Content-Security-Policy") == ["default-src *"]
    assert headers["Content-Security-Policy-Report-Only"] is None
    assert served.get("/page", "app.cn").headers["Content-Security-Policy-Report-Only"]


def test_an_application_s_own_errors_are_its_own(served: Served) -> None:
    answer = served.get("/error", "app.cn")
    assert (answer.status, answer.body) == (500, b"mine")
    assert served.get("/nowhere", "app.cn").body == b"not mine"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_application_that_is_down_has_a_page_with_the_footer(served: Served, method: str) -> None:
    answer = served.get("/down/x", "app.cn", method=method)
    assert answer.status == 502
    assert "暂时无法访问" in answer.text
    assert answer.text.count(MARK) == 1
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(("name", "path", "status"), [("app.cn", "/down/x", 502), ("closed.cn", "/", 503)])
def test_what_fails_with_an_upload_has_its_own_page_too(served: Served, name: str, path: str, status: int) -> None:
    """An error page is led to inside nginx, with the length of what was sent."""
    with served.server.tls(name, source="127.0.0.3") as secure:
        head = f"POST {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\nContent-Length: 2000000\r\n\r\n"
        secure.sendall(head.encode() + b"x" * 2_000_000)
        answer = http.client.HTTPResponse(secure)
        answer.begin()
        assert answer.status == status
        assert answer.read().decode().count(MARK) == 1


def test_a_request_that_is_too_large_is_refused(served: Served) -> None:
    with served.server.tls("app.cn") as secure:
        secure.sendall(b"POST /told HTTP/1.1\r\nHost: app.cn\r\nContent-Length: 1048577\r\n\r\n")
        assert secure.recv(100).startswith(b"HTTP/1.1 413 ")


def test_an_upload_is_passed_on_while_it_comes_in(served: Served) -> None:
    served.received.clear()
    with served.server.tls("app.cn") as secure:
        head = "POST /upload/x HTTP/1.1\r\nHost: app.cn\r\nContent-Length: 2000000\r\n\r\n"
        secure.sendall(head.encode() + b"x" * 1_000_000)
        _until(lambda: bool(served.received) and served.received[-1] >= 900_000)
        secure.sendall(b"x" * 1_000_000)
        answer = http.client.HTTPResponse(secure)
        answer.begin()
        assert answer.read() == b"2000000"


def _until(condition: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_health_is_the_application_s(served: Served) -> None:
    assert served.get("/healthz", "app.cn").text == "well"
    assert served.get("/healthz").text == "ok\n"
    assert served.get("/healthz", "program.cn").text == "well"


def test_a_balancer_that_asks_by_address_is_answered_and_nobody_else(served: Served) -> None:
    def ask(source: str) -> bytes:
        address = (LOCAL, served.server.listen.http)
        with socket.create_connection(address, timeout=20, source_address=(source, 0)) as plain:
            plain.sendall(f"GET /healthz HTTP/1.1\r\nHost: {LOCAL}\r\nConnection: close\r\n\r\n".encode())
            try:
                return plain.makefile("rb").read()
            except ConnectionResetError:
                return b""

    assert ask(LOCAL).endswith(b"\r\n\r\nok\n")
    assert ask(ELSEWHERE) == b""


def test_a_websocket_through(served: Served) -> None:
    with connect(
        f"wss://app.cn:{served.server.listen.https}/ws/",
        sock=socket.create_connection((LOCAL, served.server.listen.https), timeout=20),
        ssl=served.server.trust(),
        proxy=None,
    ) as client:
        for message in ("落地", b"\0\1", "x" * 100_000):
            client.send(message)
            assert client.recv(timeout=20) == message


def test_http_2(served: Served) -> None:
    base = f"https://{LOCAL}:{served.server.listen.https}"
    with httpx.Client(http2=True, http1=False, verify=served.server.trust(), trust_env=False) as client:
        for path, count in (("/page", 1), ("/json", 0), ("/chunked", 1), ("/down/x", 1)):
            answer = client.get(base + path, headers={"Host": "app.cn"}, extensions={"sni_hostname": "app.cn"})
            assert answer.http_version == "HTTP/2"
            assert answer.text.count(MARK) == count


# --- a mini-program ------------------------------------------------------------------------------


def test_a_mini_program_s_purposes_are_apart(served: Served) -> None:
    assert told(served, "/told", "program.cn")["path"] == "/told"
    assert served.get("/upload/x", "program.cn", method="POST").text == "0"
    assert told(served, "/told", "ws.program.cn", Upgrade="websocket", Connection="Upgrade")["upgrade"] == ["websocket"]
    assert "upgrade" not in told(served, "/told", "program.cn", Upgrade="websocket", Connection="Upgrade")


# --- closed areas, maintenance, limits -----------------------------------------------------------


def _basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


# What Express, PHP and Java take for /admin.
AROUND = [
    "/ADMIN",
    "/Admin/x",
    "/index.php/admin",
    "/a/b.PHP/admin/x",
    "/admin;a=b",
    "/admin;/x",
    "/;a/admin",
    "/;/;/admin",
]


@pytest.mark.parametrize(
    "path", ["/admin/", "/admin", "/admin/index.html", "/admin/none", "//admin/", "/%61dmin/", *AROUND]
)
def test_an_area_wants_a_password(served: Served, path: str) -> None:
    answer = served.get(path)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="Restricted"'
    assert "需要登录" in answer.text
    assert answer.text.count(MARK) == 1
    assert served.get(path, headers=_basic("小明", "wrong")).status == 401


def test_an_area_is_open_to_its_users_and_addresses(served: Served) -> None:
    assert served.get("/admin/", headers=_basic("小明", PASSWORD)).status == 200
    assert served.get("/admin/", source=ELSEWHERE).status == 200
    assert served.get("/office/plan.txt", source=ELSEWHERE).body == b"plan"
    answer = served.get("/office/plan.txt")
    assert (answer.status, "plan" in answer.text) == (404, False)
    for path in ("/administration", "/not/admin", "/notadmin", "/index.php/administration", "/admin.php"):
        assert served.get(path).status == 404


@pytest.mark.parametrize("path", ["/app/figures.html", "/app/figures", "/app/payroll", "/app/payroll.html"])
def test_a_closed_page_is_closed_by_both_of_its_names(served: Served, path: str) -> None:
    assert served.get(path).status == 404
    assert served.get(path, source=ELSEWHERE).status == 200


@pytest.mark.parametrize(
    ("path", "anybody", "user", "elsewhere"),
    [
        ("/x", False, True, False),
        ("/office/x", False, False, True),
        ("/OFFICE/x", False, False, True),
        ("/open/x", True, True, True),
        ("/none.php/open/x", False, True, False),
    ],
)
def test_an_area_in_another_has_rules_of_its_own(
    served: Served, path: str, anybody: bool, user: bool, elsewhere: bool
) -> None:
    def reached(**more: object) -> bool:
        return served.get(path, "nested.cn", **more).body == b"not mine"

    assert reached() is anybody
    assert reached(headers=_basic("小明", PASSWORD)) is user
    assert reached(source=ELSEWHERE) is elsewhere


def test_what_is_in_an_area_is_not_for_a_cache_that_many_share(served: Served) -> None:
    answer = served.get("/admin/app.3f2a9c1b.js", headers=_basic("小明", PASSWORD))
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "private, max-age=31536000, immutable")


def test_a_site_that_is_worked_on_says_so(served: Served) -> None:
    source = "127.0.0.3"
    for path in ("/", "/style.css", "/nowhere"):
        answer = served.get(path, "closed.cn", source=source)
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "120"
        assert "系统维护中" in answer.text
        assert answer.text.count(MARK) == 1
    assert served.get("/healthz", "closed.cn", source=source).status == 200
    assert served.get("/style.css", "closed.cn", source=ELSEWHERE).status == 200
    assert served.get("/style.css", "closed.cn").headers["Retry-After"] is None


def test_search_engines_are_asked_to_stay_away(served: Served) -> None:
    answer = served.get("/robots.txt", "closed.cn")
    assert answer.text == "User-agent: *\nDisallow: /\n"
    assert answer.headers.get_all("X-Robots-Tag") == ["noindex, nofollow"]
    assert served.get("/").headers["X-Robots-Tag"] is None


def test_who_asks_for_too_much_is_told_to_wait(served: Served) -> None:
    answers = [served.get("/", "slow.cn", source="127.0.0.4") for _ in range(8)]
    refused = [answer for answer in answers if answer.status == 429]
    assert answers[0].status == 200
    assert refused
    assert refused[0].headers["Retry-After"] == "10"
    assert "访问过于频繁" in refused[0].text
    assert all(served.get("/", "slow.cn").status == 200 for _ in range(20))


# --- headers and the log -------------------------------------------------------------------------


def test_headers_are_each_site_s(served: Served) -> None:
    headers = served.get("/").headers
    assert headers.get_all("Strict-Transport-Security") == ["max-age=300"]
    assert headers.get_all("X-Mine") == ['a "b" $host;']
    assert headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert headers["Content-Security-Policy-Report-Only"] is None
    other = served.get("/page", "app.cn").headers
    assert (other["Strict-Transport-Security"], other["X-Mine"]) == (None, None)
    assert other["Content-Security-Policy"] is None
    assert other["Content-Security-Policy-Report-Only"].startswith("default-src 'self'")


def test_https_for_ever_is_asked_for_over_https_alone(served: Served) -> None:
    assert served.get("/").headers["Strict-Transport-Security"] == "max-age=300"
    answer = served.get("/", https=False)
    assert (answer.status, answer.headers["Strict-Transport-Security"]) == (301, None)


def test_a_policy_goes_with_documents_alone(served: Served) -> None:
    headers = served.get("/style.css").headers
    assert headers["Content-Security-Policy"] is None
    assert headers["Permissions-Policy"] is None
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_log_tells_of_visits_and_not_of_visitors(served: Served) -> None:
    path = f"/docs/guide.html?token={'t' * 9}"
    served.get(path, headers={"Referer": "https://files.cn/?name=li", "User-Agent": 'a "b"'})
    log = served.server.root / "log/access.log"
    until = time.monotonic() + 20
    # nginx writes it when it is done with the request, which the visitor may be first.
    while not (logged := re.findall(r'^.*"path":"/docs/guide.html".*$', log.read_text(), re.MULTILINE)):
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.02)
    line = json.loads(logged[-1])
    assert (line["address"], line["referer"], line["agent"]) == ("127.0.0.0", "https://files.cn/", 'a "b"')
    assert (line["status"], line["host"], line["method"]) == ("200", "files.cn", "GET")
    assert "ttt" not in log.read_text()
    assert served.get(f"/none?token={'t' * 9}").status == 404
    assert "ttt" not in served.server.log
