"""The dossier as a person sees it, and as it comes out of a printer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from luodi import dossier
from luodi.settings import Settings
from tests.browser.conftest import plain

_TODAY = date(2026, 11, 21)
_STACK = {
    "tencentcloud:region": "ap-guangzhou",
    "luodi:site": {"domain": "example.cn", "title": "示例科技"},
    "luodi:server": {"kind": "lighthouse", "bundle": "bundle_starter_mc_promo_med2_01"},
    "luodi:filing": {
        "type": "first",
        "subject": {"kind": "enterprise", "name": "示例科技有限公司", "province": "粤"},
        "submitted": "2026-11-03",
        "domain": {"verified": "2026-10-20", "expires": "2027-10-20"},
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    settings = Settings.parse(_STACK, today=_TODAY)
    documents = dossier.documents("production", settings, settings.main, {"address": "203.0.113.7"}, _TODAY, "zh")
    dossier.write(documents, tmp_path, force=False)
    printed = dossier.print_pdfs(tmp_path, documents)
    assert printed.note is None, printed.note
    return tmp_path


@pytest.mark.parametrize("name", ["dossier", "commitment-letter"])
def test_a_document_is_read_and_printed(
    name: str, folder: Path, playwright: Playwright, picture: Callable[[str], Path]
) -> None:
    assert (folder / f"{name}.pdf").read_bytes().startswith(b"%PDF-")
    with plain(playwright) as browser:
        for width in (1200, 390):
            page = browser.new_page(viewport={"width": width, "height": 900})
            page.goto((folder / f"{name}.html").as_uri())
            page.screenshot(path=picture(f"{name}-{width}"), full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.get_by_text("示例科技有限公司").first.is_visible()
            blank = page.get_by_text("〔待填：").first
            assert blank.is_visible()
            # A blank stands out from what is filled in.
            assert blank.evaluate("each => getComputedStyle(each).backgroundColor") == "rgb(254, 243, 199)"
            page.close()
