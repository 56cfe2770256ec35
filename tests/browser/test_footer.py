"""The footer on every kind of page: what comes over the wire, and what a visitor sees."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Dialog, Page, Playwright, expect

from luodi.filing.numbers import parse_icp, parse_licence, parse_public_security
from luodi.rendering import Footer, Proxy, Static, Templates, Upstream, VirtualHost
from tests.browser.conftest import trusting
from tests.browser.upstream import Answer, serving
from tests.template.server import LOCAL, Server, certificates

FILES, APP = "example.cn", "app.example.com"
FOOTERS = {
    FILES: Footer(
        parse_icp("京ICP备2026068982号-1"),
        parse_public_security("京公网安备11010502000001号"),
        "<script>alert('示例')</script>科技有限公司",
        parse_licence("京B2-20260001"),
        "both",
    ),
    APP: Footer(parse_icp("粤ICP备2026012345号-3"), parse_public_security("粤公网安备44030002000001号"), "另一家公司"),
}
MARK = b'class="luodi-footer"'
PAGE = (
    "<!doctype html><html lang=zh><head><meta charset=utf-8><title>{0}</title></head>"
    "<body><main>{0}</main>{1}</body></html>"
)


def page(title: str, more: str = "") -> bytes:
    return PAGE.format(title, more).encode()


def snippet(name: str) -> str:
    return Templates().page("footer/footer.html", footer=FOOTERS[name])


LARGE = page("large", "<p>示例 </p>" * 60_000)
HOSTILE = page("hostile", "<style>body *{display:none;color:#fff;font-size:2px;position:fixed;opacity:0}</style>")
CUT = page("cut")
FILE_PAGES = {
    "index.html": page("static"),
    "large.html": LARGE,
    "hostile.html": HOSTILE,
    "dark.html": page("dark", "<style>:root{color-scheme:dark}body{background:#000;color:#fff}</style>"),
    "grid.html": page("grid", "<style>body{display:grid;grid-template-columns:1fr 1fr 1fr;min-height:100vh}</style>"),
    "included.html": page("included", snippet(FILES)),
    "minified.html": b"<!doctype html><html lang=zh><meta charset=utf-8><title>m</title><main>minified</main>",
    "strict.html": page("strict", '<meta http-equiv="Content-Security-Policy" content="default-src \'self\'">'),
}
ANSWERS = {
    "/": Answer((page("proxied"),)),
    "/gzip": Answer((page("gzip" * 200),), compress=True),
    "/chunked": Answer(tuple(bytes([each]) for each in CUT)),
    "/chunked-large": Answer(tuple(LARGE[start : start + 9973] for start in range(0, len(LARGE), 9973))),
    "/included": Answer((page("included", snippet(APP)),)),
    "/included-chunked": Answer(tuple(page("included", snippet(APP))[n : n + 7] for n in range(0, 4000, 7))),
    "/data": Answer((b'{"html": "<body></body>"}',), "application/json"),
    "/fragment": Answer((b"<li>one</li>",)),
    "/download": Answer((page("saved"),), headers={"Content-Disposition": 'attachment; filename="a.html"'}),
    "/saved-with-footer": Answer((page("x", snippet(APP)),), headers={"Content-Disposition": "attachment"}),
    "/text": Answer((b"</body>",), "text/plain"),
    "/script.js": Answer((b"const end = '</body>';",), "text/javascript"),
    "/events": Answer((b"data: </body>\n\n", b"data: 2\n\n"), "text/event-stream"),
}
UNTOUCHED = ("/data", "/fragment", "/download", "/saved-with-footer", "/text", "/script.js", "/events")
PAGES = [
    *((FILES, f"/{path}") for path in FILE_PAGES),
    *((APP, path) for path in ANSWERS if path not in UNTOUCHED),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two domains on one server: files, and an application behind it."""
    with serving(ANSWERS) as port:
        made = Server(tmp_path_factory.mktemp("footer") / "server")
        files, app = (
            VirtualHost((name,), name, FOOTERS[name], certificates(name), kind)
            for name, kind in ((FILES, Static()), (APP, Proxy(Upstream((f"{LOCAL}:{port}",)))))
        )
        made.add(files, "r1", FILE_PAGES, beside=(app,))
        made.switch("r1")
        try:
            made.start()
            yield made
        finally:
            made.stop()


# --- over the wire -----------------------------------------------------------------------------------


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(("name", "path"), PAGES)
def test_every_page_has_its_own_domain_s_footer_once(server: Server, name: str, path: str, compressed: bool) -> None:
    answer = server.get(path, name, headers={"Accept-Encoding": "gzip"} if compressed else {})
    assert answer.status == 200
    assert (answer.headers["Content-Encoding"] == "gzip") == compressed
    body = gzip.decompress(answer.body) if compressed else answer.body
    footer = snippet(name).encode()
    assert body.count(MARK) == 1
    assert body.count(footer) == 1
    # Nothing else of the page is touched.
    original = FILE_PAGES[path[1:]] if name == FILES else ANSWERS[path].body
    assert body.replace(footer, b"") == original.replace(footer, b"")
    assert body.endswith(footer + original[original.rfind(b"</body>") :] if b"</body>" in original else footer)


@pytest.mark.parametrize("path", UNTOUCHED)
def test_what_is_no_page_passes_untouched(server: Server, path: str) -> None:
    assert server.get(path, APP).body == ANSWERS[path].body


def test_a_page_that_nginx_makes_itself_has_it_too(server: Server) -> None:
    for name, path in ((FILES, "/nowhere"), (APP, "/healthz-of-nobody")):
        answer = server.get(path, name)
        assert answer.status == 404
        assert answer.body.count(MARK) == (1 if b"</body>" in answer.body else 0)


# --- in a browser ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def visitor(
    server: Server, playwright: Playwright, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrowserContext]:
    home = tmp_path_factory.mktemp("home")
    roots = home / "roots.pem"
    roots.write_text(server.authority, "ascii")
    hosts = {f"{name}:443": f"{LOCAL}:{server.listen.https}" for name in FOOTERS}
    with trusting(playwright, home, roots, hosts) as browser:
        yield browser


@pytest.fixture
def tab(visitor: BrowserContext) -> Iterator[Page]:
    opened = visitor.new_page()
    yield opened
    opened.close()


@pytest.mark.parametrize(("name", "path"), PAGES)
def test_a_visitor_sees_it_once_and_whole(tab: Page, name: str, path: str) -> None:
    tab.set_viewport_size({"width": 1280, "height": 800})
    tab.goto(f"https://{name}{path}")
    expect(tab.get_by_role("region", name="网站备案信息")).to_have_count(1)
    footer = FOOTERS[name]
    assert footer.icp is not None
    assert footer.public_security is not None
    assert footer.owner is not None
    links = tab.get_by_role("link")
    for number, target in (
        (footer.icp.displayed, footer.icp.url),
        (footer.public_security, footer.public_security.url),
    ):
        link = links.filter(has_text=str(number))
        expect(link).to_have_count(1)
        expect(link).to_be_visible()
        expect(link).to_have_attribute("href", target)
    expect(tab.get_by_text(f"© {footer.owner}", exact=True)).to_be_visible()
    icon = tab.locator(".luodi-footer img")
    expect(icon).to_have_accessible_name(re.compile("^公安备案图标"))
    assert icon.evaluate("each => each.complete && each.naturalWidth > 0")


def luminance(colour: str) -> float:
    """Relative luminance: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    red, green, blue = (int(part) / 255 for part in re.findall(r"\d+", colour)[:3])

    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, as a browser writes them: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def contrasts(tab: Page) -> dict[str, float]:
    """The contrast of each text of the footer with what it stands on."""
    found: list[list[str]] = tab.evaluate(
        """() => [...document.querySelectorAll('.luodi-footer a, .luodi-footer span')].map(each => [
            each.textContent, getComputedStyle(each).color,
            getComputedStyle(each.closest('.luodi-footer')).backgroundColor])"""
    )
    return {text: contrast(colour, ground) for text, colour, ground in found}


LOOKS: list[tuple[str, str, dict[str, Any], int]] = [
    (FILES, "/index.html", {"color_scheme": "light"}, 1280),
    (FILES, "/index.html", {"color_scheme": "dark"}, 390),
    (FILES, "/dark.html", {"color_scheme": "light"}, 1280),
    (FILES, "/dark.html", {"color_scheme": "dark"}, 390),
    (FILES, "/hostile.html", {"color_scheme": "dark"}, 390),
    (FILES, "/grid.html", {"color_scheme": "light"}, 390),
    (APP, "/", {"color_scheme": "dark", "media": "print"}, 800),
    (FILES, "/dark.html", {"color_scheme": "dark", "media": "print"}, 800),
]


@pytest.mark.parametrize(("name", "path", "look", "width"), LOOKS)
def test_it_can_be_read_in_every_light_and_width(
    tab: Page, picture: Callable[[str], Path], name: str, path: str, look: dict[str, Any], width: int
) -> None:
    tab.set_viewport_size({"width": width, "height": 800})
    tab.emulate_media(**look)
    tab.goto(f"https://{name}{path}")
    found = contrasts(tab)
    assert len(found) >= 3
    # AA for text of any size: https://www.w3.org/TR/WCAG22/#contrast-minimum
    assert min(found.values()) >= 4.5, found
    box = tab.locator(".luodi-footer").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    size = tab.locator(".luodi-footer a").first.evaluate("each => parseFloat(getComputedStyle(each).fontSize)")
    assert size >= 12
    tab.screenshot(
        path=picture("-".join(["footer", path.strip("/").removesuffix(".html") or "app", *look.values(), str(width)]))
    )


def test_it_is_reached_and_shown_by_keyboard(tab: Page) -> None:
    tab.goto(f"https://{FILES}/index.html")
    for number in ("京ICP备2026068982号-1", "京公网安备11010502000001号", "京B2-20260001"):
        tab.keyboard.press("Tab")
        focused = tab.locator(":focus")
        expect(focused).to_contain_text(number)
        assert focused.evaluate("each => getComputedStyle(each).outlineStyle") != "none"


def test_a_name_that_is_a_script_is_only_read(visitor: BrowserContext, tab: Page) -> None:
    said: list[str] = []

    def dialog(opened: Dialog) -> None:
        said.append(opened.message)
        opened.dismiss()

    tab.on("dialog", dialog)
    tab.goto(f"https://{FILES}/index.html")
    expect(tab.get_by_text("© <script>alert('示例')</script>科技有限公司", exact=True)).to_be_visible()
    assert tab.evaluate("document.scripts.length") == 0
    assert said == []
