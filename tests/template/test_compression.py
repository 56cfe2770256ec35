"""Brotli beside gzip, by the distribution's own modules for nginx."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import packages
from luodi.filing.numbers import parse_icp
from luodi.rendering import Footer, Nginx, Static, VirtualHost
from tests.template.server import LOCAL, Server, certificates

NAME = "example.cn"
MARK = 'class="luodi-footer"'
PAGE = "<!doctype html><html><body>" + "<p>示例</p>" * 200 + "</body></html>"
STYLE = b"p { color: red }\n" * 100
CONTENT = {
    "index.html": PAGE.encode(),
    "index.html.br": b"without a footer",
    "style.css": STYLE,
    "style.css.br": b"compressed beforehand",
    "style.css.gz": gzip.compress(b"by gzip"),
    "main.js": STYLE,
    "photo.jpg": STYLE,
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    packages.require(packages.BROTLI)
    server = Server(tmp_path_factory.mktemp("compressed") / "server")
    server.load("http-brotli-filter", "http-brotli-static")
    host = VirtualHost(
        (NAME,), "示例", Footer(parse_icp("京ICP备2026068982号-1")), certificates(NAME), Static(), noindex=True
    )
    server.add(host, "r1", CONTENT, nginx=Nginx(modules=frozenset({"brotli"})))
    with server.serving("r1"):
        yield server


def decoded(site: Server, path: str) -> str:
    """What a client that understands brotli alone makes of an answer."""
    (site.root / "ca.pem").write_text(site.authority)
    address = ["--resolve", f"{NAME}:{site.listen.https}:{LOCAL}", f"https://{NAME}:{site.listen.https}{path}"]
    command = ["curl", "-sS", "--compressed", "-H", "Accept-Encoding: br", "--cacert", str(site.root / "ca.pem")]
    return subprocess.run([*command, *address], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("path", ["/", "/main.js"])
def test_what_is_text_is_compressed_for_who_understands_it(site: Server, path: str) -> None:
    plain = site.get(path, NAME)
    answer = site.get(path, NAME, headers={"Accept-Encoding": "gzip, deflate, br, zstd"})
    assert (answer.status, answer.headers["Content-Encoding"]) == (200, "br")
    assert "Accept-Encoding" in (answer.headers["Vary"] or "")
    assert len(answer.body) < len(plain.body) / 2
    assert decoded(site, path) == plain.text


def test_a_page_has_its_footer_though_a_copy_without_one_was_shipped(site: Server) -> None:
    assert decoded(site, "/").count(MARK) == 1


def test_a_copy_compressed_beforehand_is_sent_as_it_is(site: Server) -> None:
    both = site.get("/style.css", NAME, headers={"Accept-Encoding": "gzip, br"})
    assert (both.headers["Content-Encoding"], both.body) == ("br", CONTENT["style.css.br"])
    older = site.get("/style.css", NAME, headers={"Accept-Encoding": "gzip"})
    assert (older.headers["Content-Encoding"], gzip.decompress(older.body)) == ("gzip", b"by gzip")
    assert site.get("/style.css", NAME).body == STYLE


def test_what_is_compressed_by_its_kind_is_left_alone(site: Server) -> None:
    answer = site.get("/photo.jpg", NAME, headers={"Accept-Encoding": "br, gzip"})
    assert (answer.headers["Content-Encoding"], answer.body) == (None, STYLE)


def test_without_the_module_nginx_says_which_word_it_lacks(tmp_path: Path) -> None:
    server = Server(tmp_path / "server")
    host = VirtualHost((NAME,), "示例", Footer(), certificates(NAME), Static())
    server.add(host, "r1", {"index.html": b""}, nginx=Nginx(modules=frozenset({"zstd"})))
    said = server.check("r1")
    assert said.returncode == 1
    assert 'unknown directive "zstd"' in said.stderr
