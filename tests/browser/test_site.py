"""The site as a visitor sees it: through the real certificate chain, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright, expect

from tests.browser.conftest import trusting
from tests.cloud import Cloud, running_cloud
from tests.project import Project

_DOMAIN = "kanjian.cn"
_LOOKS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "color_scheme": "dark"},
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cloud, str]]:
    with running_cloud(tmp_path_factory.mktemp("cloud")) as cloud:
        project = Project(tmp_path_factory.mktemp("project") / "site", cloud.environment())
        stack = project.configure(
            "test",
            {
                "tencentcloud:region": "ap-chengdu",
                "luodi:site": {"domain": _DOMAIN, "title": "看见书店"},
                "luodi:server": {"kind": "cvm", "period": 6},
                "luodi:dns": {"manage": "create"},
                "luodi:filing": {
                    "subject": {"name": "成都看见书店有限公司"},
                    "icp": {"number": "蜀ICP备2025146653号-1", "approved": "2025-09-12"},
                    "public-security": {"number": "川公网安备51010402001234号", "approved": "2025-10-09"},
                },
            },
        )
        stack.up()
        yield cloud, str(stack.outputs()["address"])


@pytest.mark.parametrize("look", sorted(_LOOKS))
def test_the_footer_is_seen_with_both_links(
    site: tuple[Cloud, str], playwright: Playwright, tmp_path: Path, picture: Callable[[str], Path], look: str
) -> None:
    cloud, address = site
    hosts = {_DOMAIN: f"{address}:{cloud.https_port}"}
    with trusting(playwright, tmp_path, cloud.roots, hosts, **_LOOKS[look]) as browser:
        page = browser.new_page()
        answer = page.goto(f"https://{_DOMAIN}/")
        assert answer is not None
        assert answer.status == 200
        seen = answer.security_details()
        assert seen is not None
        assert "Pebble" in str(seen["issuer"])
        filing = page.get_by_role("link", name="蜀ICP备2025146653号-1")
        security = page.get_by_role("link", name="川公网安备51010402001234号")
        for link, target in (
            (filing, "https://beian.miit.gov.cn/"),
            (security, "https://beian.mps.gov.cn/#/query/webSearch?code=51010402001234"),
        ):
            expect(link).to_be_visible()
            expect(link).to_have_attribute("href", target)
            box = link.bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= _LOOKS[look]["viewport"]["width"]
        icon = page.locator(".luodi-footer img")
        expect(icon).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        page.screenshot(path=picture(f"site-{look}"), full_page=True)


def test_a_browser_that_does_not_know_the_authority_refuses(
    site: tuple[Cloud, str], playwright: Playwright, tmp_path: Path
) -> None:
    cloud, address = site
    nobody = tmp_path / "nobody.pem"
    nobody.write_text("", "ascii")
    with trusting(playwright, tmp_path, nobody, {_DOMAIN: f"{address}:{cloud.https_port}"}) as browser:
        page = browser.new_page()
        with pytest.raises(Exception, match="ERR_CERT_AUTHORITY_INVALID"):
            page.goto(f"https://{_DOMAIN}/")
