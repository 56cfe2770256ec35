"""The status page as a person sees it: on a desk and on a phone, in light and in dark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Playwright

from luodi.status.page import page
from luodi.words import Language
from tests import statuses
from tests.browser.conftest import plain
from tests.browser.test_footer import contrast

_LONG = "非常长的网站名称" * 12 + "<b>&amp;" + "averylongwordwithoutanyplacetobreakit" * 6


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with plain(playwright) as opened:
        yield opened


_OVERFLOWING = """() => [...document.querySelectorAll('body *')].filter(each => {
    const box = each.getBoundingClientRect(), outer = each.parentElement.getBoundingClientRect();
    return box.right > outer.right + 1 || box.right > innerWidth || each.scrollWidth > each.clientWidth + 1
        && getComputedStyle(each).display != 'inline';
}).map(each => each.outerHTML.slice(0, 200))"""
"""What is wider than what it is in, or than the window."""

_COLOURS = """() => [...document.querySelectorAll('body *')].filter(
    each => [...each.childNodes].some(node => node.nodeType == 3 && node.data.trim())).map(each => {
        let ground = each;
        while (getComputedStyle(ground).backgroundColor == 'rgba(0, 0, 0, 0)') ground = ground.parentElement;
        return [each.textContent, getComputedStyle(each).color, getComputedStyle(ground).backgroundColor];
    })"""


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_nothing_overflows_and_all_of_it_can_be_read(
    browser: Browser,
    tmp_path: Path,
    picture: Callable[[str], Path],
    width: int,
    scheme: Literal["light", "dark"],
    language: Language,
) -> None:
    file = tmp_path / "status.html"
    found = [*statuses.project(), statuses.with_title(_LONG)]
    file.write_text(page("example", found, statuses.TODAY, statuses.NOW, language), "utf-8")
    asked: list[str] = []
    tab = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(file.as_uri())
    tab.screenshot(path=picture(f"status-{language}-{scheme}-{width}"), full_page=True)
    assert asked == [file.as_uri()]
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    assert tab.evaluate(_OVERFLOWING) == []
    colours: list[Any] = tab.evaluate(_COLOURS)
    assert len(colours) > 50
    for text, ink, ground in colours:
        # AA for text of any size: https://www.w3.org/TR/WCAG22/#contrast-minimum
        assert contrast(ink, ground) >= 4.5, (text, ink, ground)
    tab.close()


def test_each_stack_is_found_by_its_name(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "status.html"
    file.write_text(page("example", statuses.project(), statuses.TODAY, statuses.NOW, "en"), "utf-8")
    tab = browser.new_page()
    tab.goto(file.as_uri())
    shop = tab.get_by_role("region", name="shop")
    assert shop.get_by_role("link", name="example.com", exact=True).get_attribute("href") == "https://example.com/"
    assert shop.get_by_text("80 days overdue").is_visible()
    assert tab.get_by_role("heading", name="test settings wrong").is_visible()
    tab.close()
