"""Several sites on one server: `luodi:sites`."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from luodi.problems import SettingsError
from luodi.settings import Settings
from luodi.settings.site import StaticSite

MAIN: dict[str, Any] = {
    "tencentcloud:region": "ap-guangzhou",
    "luodi:site": {"domain": "example.cn", "title": "示例科技"},
    "luodi:server": {"kind": "cvm"},
    "luodi:filing": {"icp": {"number": "粤ICP备2026068982号-1", "approved": "2026-11-18"}},
}


def parse(*further: Any) -> Settings:
    return Settings.parse(MAIN | {"luodi:sites": list(further)}, today=date(2026, 11, 21))


def refusal(*further: Any) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse(*further)
    return [str(problem) for problem in caught.value.problems]


def test_each_site_has_its_names_its_zone_and_its_filing() -> None:
    filing = {"icp": {"number": "沪ICP备2024000123号-1", "approved": "2026-11-01"}}
    main, other = parse({"site": {"domain": "other.cn", "title": "另一个网站"}, "filing": filing}).sites
    assert main.names == ("example.cn", "www.example.cn")
    assert other.names == ("other.cn", "www.other.cn")
    assert other.zone == "other.cn"
    assert str(other.filing.icp and other.filing.icp.number) == "沪ICP备2024000123号-1"


def test_a_subdomain_of_the_first_site_stands_under_its_filing() -> None:
    main, blog = parse({"site": {"domain": "blog.example.cn", "title": "示例博客"}}).sites
    assert blog.filing == main.filing


def test_another_domain_does_not() -> None:
    other = parse({"site": {"domain": "other.cn", "title": "另一个网站"}}).sites[1]
    assert other.filing.icp is None


@pytest.mark.parametrize(
    ("further", "problem"),
    [
        ("other.cn", "luodi:sites[0]: must be a mapping of site, dns, filing"),
        ({}, "luodi:sites[0].site: is not set; see stacks/ for an example"),
        (
            {"site": {"domain": "a_b.cn", "title": "另一个网站"}},
            "luodi:sites[0].site.domain: a_b.cn has an underscore, which a host name can't have (RFC 1123)",
        ),
        (
            {"site": {"domain": "other.cn", "title": "另一个网站"}, "server": {}},
            "luodi:sites[0].server: is not a setting; known are dns, filing, site",
        ),
        (
            {"site": {"domain": "other.cn", "title": "另一个网站"}, "dns": {"zone": "third.cn"}},
            "luodi:sites[0].site.domain: other.cn is not in the zone third.cn (luodi:sites[0].dns.zone)",
        ),
        (
            {"site": {"domain": "www.example.cn", "title": "另一个网站"}},
            "luodi:sites[0].site: www.example.cn is another site's name too; a name has one site",
        ),
        (
            {
                "site": {"domain": "other.cn", "title": "另一个网站"},
                "filing": {"icp": {"number": "川ICP备2025146653号-1", "approved": "2026-11-01"}},
            },
            "luodi:sites[0].filing.icp.number: ",
        ),
    ],
)
def test_what_cannot_be_is_told_where_it_is_said(further: Any, problem: str) -> None:
    [told] = refusal(further)
    assert told.startswith(problem)


def test_facts_that_contradict_each_other_are_told_at_their_site() -> None:
    filing = {"icp": {"number": "沪ICP备2024000123号-1", "approved": "2026-12-01"}}
    [told] = refusal({"site": {"domain": "other.cn", "title": "另一个网站"}, "filing": filing})
    assert told.startswith("luodi:sites[0].filing.icp.approved: ")
    filing = {"icp": {"number": "沪ICP备2024000123号-1", "approved": "2025-12-01", "revoked": "2025-11-01"}}
    [told] = refusal({"site": {"domain": "other.cn", "title": "另一个网站"}, "filing": filing})
    assert told.endswith("2025-11-01 is before luodi:sites[0].filing.icp.approved, 2025-12-01")


def test_sites_are_a_list() -> None:
    with pytest.raises(SettingsError, match=r"luodi:sites: must be a list"):
        Settings.parse(MAIN | {"luodi:sites": {"domain": "other.cn"}})


def test_a_site_s_files_are_built_or_there_already() -> None:
    further = {"site": {"domain": "docs.example.cn", "title": "文档"}}
    build = {"command": "npm run build", "output": "dist"}

    def folder(**more: object) -> str | None:
        site = parse({"site": {**further["site"], **more}}).sites[1].site
        assert isinstance(site, StaticSite)
        return site.folder

    assert folder(build=build) == "dist"
    assert folder(content="public") == "public"
    assert folder() is None
    assert refusal({"site": {**further["site"], "content": "public", "build": build}}) == [
        "luodi:sites[0].site.build: content is set too; leave it out, for build.output is where the site's files are"
    ]
