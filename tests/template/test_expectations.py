"""What h5bp's server configurations are tested for, as facts; and that nothing written in a stack file escapes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from engine import packages
from luodi.filing.numbers import parse_icp
from luodi.rendering import (
    Area,
    Footer,
    Headers,
    Limits,
    Location,
    Maintenance,
    MiniProgram,
    Php,
    Redirect,
    RenderingError,
    Static,
    Upstream,
    VirtualHost,
)
from luodi.web import VISITORS_WORD
from tests.template.server import LOCAL, Server, certificates

# https://github.com/h5bp/server-configs-test, lib/basic-file-access.json, and h5bp/server-configs-nginx, mime.types
TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8",
    "json": "application/json",
    "map": "application/json",
    "jsonld": "application/ld+json",
    "geojson": "application/geo+json",
    "webmanifest": "application/manifest+json",
    "wasm": "application/wasm",
    "xml": "text/xml; charset=utf-8",
    "atom": "application/atom+xml; charset=utf-8",
    "rss": "application/rss+xml; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "jpg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "bmp": "image/bmp",
    "ico": "image/x-icon",
    "woff": "font/woff",
    "woff2": "font/woff2",
    "ttf": "font/ttf",
    "otf": "font/otf",
    "eot": "application/vnd.ms-fontobject",
    "mp4": "video/mp4",
    "f4v": "video/mp4",
    "webm": "video/webm",
    "ogv": "video/ogg",
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "ogg": "audio/ogg",
    "pdf": "application/pdf",
    "txt": "text/plain; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "ics": "text/calendar; charset=utf-8",
    "vcf": "text/vcard; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
    "zip": "application/zip",
    "htc": "text/x-component",
    "3gp": "video/3gpp",
    "avifs": "image/avif",
    "kml": "application/vnd.google-earth.kml+xml",
    "vcard": "text/vcard; charset=utf-8",
    "unknown": "application/octet-stream",
}
# h5bp/server-configs-nginx, h5bp/web_performance/compression.conf
COMPRESSED = [
    *(
        "html",
        "css",
        "js",
        "mjs",
        "json",
        "map",
        "jsonld",
        "geojson",
        "webmanifest",
        "wasm",
        "xml",
        "atom",
        "rss",
        "rdf",
    ),
    *(
        "svg",
        "bmp",
        "ico",
        "ttf",
        "otf",
        "eot",
        "txt",
        "md",
        "markdown",
        "csv",
        "ics",
        "vcf",
        "vtt",
        "htc",
        "xsl",
        "kml",
    ),
]
# lib/forbidden-files.js: refused there with 403, here without a word on whether they are there.
FORBIDDEN = [
    *(".hidden_file", ".hidden_directory/", ".hidden_directory/test.html", ".well-known/", ".well-known/.hidden_file"),
    *(".well-known/.hidden_directory/test.html", "%23test%23", "test/"),
    *(f"test.{kind}" for kind in ("bak", "conf", "dist", "fla", "inc", "ini", "log", "psd", "sh", "sql", "swo", "swp")),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    content = {f"test.{kind}": b"x" * 300 for kind in {*TYPES, *COMPRESSED, "bak", "conf", "sql", "swp", "log"}}
    content |= {".hidden_file": b"", ".well-known/.hidden_file": b"", ".hidden_directory/test.html": b"", "#test#": b""}
    server = Server(tmp_path_factory.mktemp("expected") / "server")
    server.add(host(), "r1", content | {"test/kept.txt": b""})
    with server.serving("r1"):
        yield server


def host(**changes: object) -> VirtualHost:
    values: dict[str, object] = {
        "names": ("example.cn",),
        "title": "示例",
        "footer": Footer(parse_icp("京ICP备2026068982号-1")),
        "certificates": certificates("example.cn"),
        "kind": Static(),
        **changes,
    }
    return VirtualHost(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(("extension", "kind"), TYPES.items())
def test_types(site: Server, extension: str, kind: str) -> None:
    answer = site.get(f"/test.{extension}", "example.cn")
    assert (answer.status, answer.headers["Content-Type"]) == (200, kind)


@pytest.mark.parametrize("extension", COMPRESSED)
def test_what_gains_by_it_is_compressed(site: Server, extension: str) -> None:
    answer = site.get(f"/test.{extension}", "example.cn", headers={"Accept-Encoding": "gzip"})
    assert (answer.status, answer.headers["Content-Encoding"]) == (200, "gzip")


@pytest.mark.parametrize("extension", TYPES)
def test_headers(site: Server, extension: str) -> None:
    headers = site.get(f"/test.{extension}", "example.cn").headers
    document = extension in ("html", "svg", "xml", "pdf")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert (headers["Permissions-Policy"] is not None) is document
    assert (headers["Content-Security-Policy-Report-Only"] is not None) is document
    for name in ("Access-Control-Allow-Origin", "X-Powered-By", "X-UA-Compatible", "X-XSS-Protection"):
        assert headers[name] is None
    assert headers["Server"] == "nginx"


@pytest.mark.parametrize("path", FORBIDDEN)
def test_forbidden_files(site: Server, path: str) -> None:
    assert site.get(f"/{path}", "example.cn").status == 404


@pytest.mark.parametrize("extension", ["json", "css"])
def test_what_has_not_changed_is_not_sent_again(site: Server, extension: str) -> None:
    seen = site.get(f"/test.{extension}", "example.cn").headers
    for name, value in (("If-None-Match", seen["ETag"]), ("If-Modified-Since", seen["Last-Modified"])):
        answer = site.get(f"/test.{extension}", "example.cn", headers={name: value})
        assert (answer.status, answer.headers["Content-Security-Policy-Report-Only"]) == (304, None)


# --- nothing escapes -----------------------------------------------------------------------------

TEXT = st.lists(
    st.sampled_from([*"ab;{}$\"'\\#é示 \t\n\r\0", "${host}", "$1", "\\n", "'; }", "include /etc/passwd;", "<release>"]),
    max_size=8,
).map("".join)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(value=TEXT, path=TEXT, target=TEXT, realm=TEXT)
def test_what_is_written_is_what_is_sent(
    tmp_path_factory: pytest.TempPathFactory, value: str, path: str, target: str, realm: str
) -> None:
    """Or it is refused when it is read."""
    parts: list[dict[str, object]] = []
    makers: tuple[Callable[[], dict[str, object]], ...] = (
        lambda: {"headers": Headers(more={"X-Said": f"v{value}"})},
        lambda: {"redirects": (Redirect("/old", f"/{target}"),)},
        lambda: {"areas": (Area("/office/", (("me", "$6$x$y"),), (), realm),)},
        lambda: {"paths": (Location(f"/{path}/", Static()),)},
    )
    for part in makers:
        try:
            parts.append(part())
        except RenderingError:
            parts.append({})
    assume(any(parts))
    server = Server(tmp_path_factory.mktemp("written") / "server")
    try:
        merged = {key: each for part in parts for key, each in part.items()}
        server.add(host(**merged), "r1", {"index.html": b"<body></body>", f"{path.strip('/')}/index.html": b"there"})
    except (RenderingError, ValueError, OSError):
        return
    server.switch("r1")
    try:
        server.start()
        answer = server.get("/", "example.cn")
        assert answer.status == 200
        if parts[0]:
            assert answer.headers["X-Said"].encode("latin-1").decode().strip() == f"v{value}".strip()
        if parts[1] and target.isascii():
            assert server.get("/old", "example.cn").headers["Location"] == f"/{target}"
        if parts[2]:
            assert server.get("/office/", "example.cn").status == 401
    finally:
        server.stop()


@pytest.mark.parametrize(
    "changes",
    [
        {"limits": Limits(burst=0)},
        {"verification": {"robots.txt": "x"}, "maintenance": Maintenance()},
        {"verification": {"robots.txt": "x", "A.txt": "", "a.TXT": ""}, "areas": (Area("/", (), ("10.0.0.0/8",)),)},
    ],
    ids=["no burst", "robots.txt of its own", "names that differ by their case"],
)
def test_nginx_takes_what_is_taken(tmp_path: Path, changes: dict[str, object]) -> None:
    server = Server(tmp_path / "server")
    server.add(host(**changes), "r1")
    said = server.check("r1")
    assert said.returncode == 0, said.stderr


@pytest.mark.parametrize(
    ("changes", "twice"),
    [
        ({"verification": {"404.html": "x"}}, "/404.html"),
        ({"verification": {"robots.txt": "x"}, "noindex": True}, "/robots.txt"),
        ({"redirects": (Redirect("/healthz", "/a"),)}, "/healthz"),
        (
            {"redirects": (Redirect("/upload/*", "/a/"),), "kind": MiniProgram(Upstream(("127.0.0.1:3000",)))},
            "/upload/",
        ),
        ({"redirects": (Redirect("/a/*", "/b/"),), "paths": (Location("/a/", Static()),)}, "/a/"),
    ],
)
def test_two_things_at_one_path_are_refused(changes: dict[str, object], twice: str) -> None:
    with pytest.raises(RenderingError, match=f"example.cn has {twice} twice"):
        host(**changes)


# --- PHP -----------------------------------------------------------------------------------------

TOLD = b"<?php header('Content-Type: application/json'); echo json_encode($_SERVER);"
FORGED = ("X-Real-IP", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Request-ID")
SAYS = b"<?php header('X-Powered: php'); header('X-Powered-By: PHP/8'); "
CODE = SAYS + b"echo '<body>', $_SERVER['REQUEST_URI'], ' ', $_SERVER['PATH_INFO'] ?? '';"


def test_php_is_run_where_it_may_be_and_nowhere_else(tmp_path: Path) -> None:
    packages.require(packages.APPLICATIONS)
    [fpm] = sorted(Path("/usr/sbin").glob("php-fpm*"))[:1]
    server = Server(tmp_path / "server")
    content = {
        "index.php": CODE + b" echo ' front</body>';",
        "told.php": TOLD,
        "wp-admin/index.php": CODE + b" echo ' admin</body>';",
        "wp-content/uploads/shell.php": CODE + b" echo 'run';",
        "wp-content/uploads/a.phtml": b"text",
        "inc/view.phtml": b"<?php // a secret",
        "OLD.PHP": b"<?php // a secret",
        "wp-content/uploads/a.png": b"png",
        "style.css": b"p {}",
        ".env": b"SECRET",
    }
    server.add(host(kind=Php("unix:/run/luodi/php.sock")), "r1", content)
    server.switch("r1")
    pool = "[global]\nerror_log = /var/log/nginx/fpm.log\n[site]\nlisten = /run/luodi/php.sock\nlisten.mode = 0666\n"
    (server.root / "opt/fpm.conf").write_text(f"{pool}user = root\ngroup = root\npm = static\npm.max_children = 1\n")
    try:
        server.start()
        code, said = server.run([str(fpm), "-n", "-R", "-D", "-y", "/opt/fpm.conf"])
        assert code == 0, said
        for path, text in {
            "/": "/  front",
            "/2026/11/a-post/?p=1": "/2026/11/a-post/?p=1  front",
            "/wp-admin/": "/wp-admin/  admin",
            "/index.php/a/b": "/index.php/a/b /a/b front",
        }.items():
            answer = server.get(path, "example.cn")
            assert (answer.status, answer.headers["X-Powered"]) == (200, "php"), answer.text
            assert answer.headers["X-Powered-By"] is None
            assert text in answer.text
            assert answer.text.count('class="luodi-footer"') == 1
        forged = dict.fromkeys((*FORGED, *VISITORS_WORD), "evil.cn")
        said = json.loads(server.get("/told.php", "example.cn", host="Example.cn:81", headers=forged).body)
        assert "evil.cn" not in said.values()
        assert said["HTTP_HOST"] == said["HTTP_X_FORWARDED_HOST"] == said["SERVER_NAME"] == "example.cn"
        assert said["HTTP_X_FORWARDED_FOR"] == said["HTTP_X_REAL_IP"] == said["REMOTE_ADDR"] == LOCAL
        assert (said["HTTP_X_FORWARDED_PROTO"], said["HTTP_X_FORWARDED_PORT"]) == ("https", "443")
        hidden = ("/inc/view.phtml", "/OLD.PHP", "/inc/view.phtml/x")
        for path in (
            "/wp-content/uploads/shell.php",
            "/wp-content/uploads/shell.php/a.png",
            "/none.php",
            "/.env",
            *hidden,
        ):
            answer = server.get(path, "example.cn")
            assert answer.headers["X-Powered"] is None, path
            assert answer.status == 404
        assert server.get("/wp-content/uploads/a.phtml", "example.cn").status == 404
        assert server.get("/wp-content/uploads/a.png", "example.cn").body == b"png"
        assert server.get("/style.css", "example.cn").headers["Content-Type"] == "text/css; charset=utf-8"
    finally:
        server.stop()
