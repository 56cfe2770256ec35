"""A drawn stack as a person sees it: every text inside its box, and readable in light and dark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Playwright

from luodi.graph.drawing import svg
from luodi.settings import Settings
from luodi.words import Language
from tests.browser.conftest import plain
from tests.browser.test_footer import contrast
from tests.unit.test_cli_graph import SEVERAL

_TODAY = date(2026, 11, 28)
_WIDEST = {
    "domain": "example.cn",
    "title": "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW mmmmmm 示例<&>\"' " + "Averylongword" * 20,
}

_OUTSIDE = """() => [...document.querySelectorAll('g')].flatMap(group => {
    const box = group.querySelector('rect').getBBox();
    return [...group.querySelectorAll('text')].filter(text => {
        const it = text.getBBox();
        return it.x < box.x || it.x + it.width > box.x + box.width || it.y < box.y
            || it.y + it.height > box.y + box.height;
    }).map(text => text.textContent);
})"""
_COLOURS = """() => [...document.querySelectorAll('g text')].map(text => [
    text.textContent, getComputedStyle(text).fill, getComputedStyle(text.closest('g').querySelector('rect')).fill])"""


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with plain(playwright) as opened:
        yield opened


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_text_is_in_its_box_and_can_be_read(
    browser: Browser,
    tmp_path: Path,
    picture: Callable[[str], Path],
    language: Language,
    scheme: Literal["light", "dark"],
) -> None:
    config = {**SEVERAL, "luodi:sites": [*SEVERAL["luodi:sites"], {"site": _WIDEST | {"domain": "wide.example.cn"}}]}
    file = tmp_path / "stack.svg"
    file.write_text(svg("production", Settings.parse(config, today=_TODAY), _TODAY, language), "utf-8")
    asked: list[str] = []
    tab = browser.new_page(viewport={"width": 1400, "height": 1300}, color_scheme=scheme)
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(file.as_uri())
    assert asked == [file.as_uri()]
    assert tab.evaluate(_OUTSIDE) == []
    colours: list[Any] = tab.evaluate(_COLOURS)
    assert len(colours) > 40
    for text, ink, ground in colours:
        # AA for text of any size: https://www.w3.org/TR/WCAG22/#contrast-minimum
        assert contrast(ink, ground) >= 4.5, (text, ink, ground)
    # As a page shows it that holds it as a picture.
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><img src='{file.name}' alt='' width=1352>", "utf-8")
    tab.goto(page.as_uri())
    assert tab.evaluate("document.images[0].naturalWidth") == 1352
    tab.screenshot(path=picture(f"graph-{language}-{scheme}"), full_page=True)
    tab.close()
