"""The footer: which number, which words, which links, which icon; and what never gets into it."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luodi import filing_footer
from luodi.filing.numbers import parse_icp, parse_licence, parse_public_security
from luodi.filing.provinces import provinces
from luodi.problems import SettingsError
from luodi.rendering import Footer, RenderingError, Templates
from luodi.rendering.footer import FooterLanguage
from luodi.rendering.icon import read_icon
from luodi.settings import Settings

ICP = parse_icp("京ICP备2026068982号-1")
SECURITY = parse_public_security("京公网安备11010502000001号")
LICENCE = parse_licence("京B2-20260001")
OWNER = "示例科技有限公司"
WHOLE = Footer(ICP, SECURITY, OWNER, LICENCE)


def rendered(footer: Footer) -> str:
    return Templates().page("footer/footer.html", footer=footer)


class Seen(HTMLParser):
    """What a browser makes of it: text, links with theirs, and every element."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.links: dict[str, str | None] = {}
        self.text = ""
        self._link: str | None = None
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "a":
            self._link, self._began = dict(attrs)["href"], len(self.text)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self.links[self.text[self._began :]] = self._link

    def handle_data(self, data: str) -> None:
        self.text += data


# --- numbers and links -------------------------------------------------------------------------------


def test_everything_with_its_link() -> None:
    seen = Seen(rendered(WHOLE))
    assert seen.links == {
        "京ICP备2026068982号-1": "https://beian.miit.gov.cn/",
        "京公网安备11010502000001号": "https://beian.mps.gov.cn/#/query/webSearch?code=11010502000001",
        "增值电信业务经营许可证：京B2-20260001": "https://dxzhgl.miit.gov.cn/",
    }
    assert seen.text.startswith(f"© {OWNER}")
    for tag, attributes in seen.elements:
        if tag == "a":
            assert attributes["rel"] == "noopener noreferrer"
            assert "target" not in attributes


@pytest.mark.parametrize("character", [province.icp for province in provinces() if province.icp])
def test_guangdong_shows_the_subject_s_number_and_every_other_province_the_service_s(character: str) -> None:
    seen = Seen(rendered(Footer(parse_icp(f"{character}ICP备2026068982号-2"))))
    due = f"{character}ICP备2026068982号" + ("" if character == "粤" else "-2")
    assert seen.links == {due: "https://beian.miit.gov.cn/"}


@pytest.mark.parametrize("footer", [Footer(), Footer(owner=OWNER)])
def test_without_a_number_there_is_no_footer(footer: Footer) -> None:
    assert not footer


def test_a_legacy_number_leads_to_the_portal_of_today() -> None:
    seen = Seen(rendered(Footer(public_security=parse_public_security("沪公网备310107100040719"))))
    assert list(seen.links.values()) == ["https://beian.mps.gov.cn/#/query/webSearch?code=310107100040719"]


# --- words -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "text", "lang", "label"),
    [
        (
            "zh",
            f"© {OWNER}京ICP备2026068982号-1京公网安备11010502000001号增值电信业务经营许可证：京B2-20260001",
            "zh-CN",
            "网站备案信息",
        ),
        (
            "en",
            (
                f"© {OWNER}ICP filing 京ICP备2026068982号-1Public-security filing 京公网安备11010502000001号"
                "Value-added telecom licence 京B2-20260001"
            ),
            "en",
            "Filing information of this website",
        ),
        (
            "both",
            (
                f"© {OWNER}京ICP备2026068982号-1 (ICP filing)京公网安备11010502000001号 (Public-security filing)"
                "增值电信业务经营许可证：京B2-20260001 (Value-added telecom licence)"
            ),
            "zh-CN",
            "网站备案信息 Filing information of this website",
        ),
    ],
)
def test_the_words_around_the_numbers(language: FooterLanguage, text: str, lang: str, label: str) -> None:
    seen = Seen(rendered(Footer(ICP, SECURITY, OWNER, LICENCE, language)))
    assert seen.text == text
    tag, outer = seen.elements[0]
    assert (tag, outer["role"], outer["lang"], outer["aria-label"]) == ("div", "region", lang, label)
    [icon] = [attributes for tag, attributes in seen.elements if tag == "img"]
    assert icon["alt"]
    # A screen reader reads a part in another language in that language.
    others = {attributes.get("lang") for tag, attributes in seen.elements[1:]} - {None}
    assert others == {"zh": set(), "en": {"zh-CN"}, "both": {"en"}}[language]


def test_it_is_one_line_that_nginx_can_hold() -> None:
    longest = Footer(
        parse_icp("A1.A2.B1.B2-20180017-99999"),
        parse_public_security("贵公网安备52990002000093号"),
        "股" * 200,
        parse_licence("合字A1.A2.B1.B2-20180017"),
        "both",
    )
    page = rendered(longest)
    assert "\n" not in page
    assert len(page.replace('"', '\\"').encode()) < 4000


# --- what never gets into it -------------------------------------------------------------------------


@given(st.text(max_size=80).filter(str.strip) | st.just("<script>alert(1)</script>") | st.just('"><img onerror=x>'))
def test_a_subject_s_name_stays_text(name: str) -> None:
    plain, named = Seen(rendered(WHOLE)), Seen(rendered(Footer(ICP, SECURITY, name, LICENCE)))
    assert [tag for tag, _ in named.elements] == [tag for tag, _ in plain.elements]
    assert named.elements == plain.elements
    assert named.links == plain.links


# --- the icon ----------------------------------------------------------------------------------------

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1">{}</svg>'


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\x2f\x6f\xc4" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "inside",
    [
        '<path d="M0 0h1v1z" fill="#2f6fc4"/>',
        (
            '<defs><linearGradient id="curl"><stop stop-color="red"/></linearGradient></defs>'
            '<rect width="1" height="1" fill="url(#curl)"/>'
        ),
        '<g id="a" style="fill:red"><title>公安</title></g><use href="#a"/>',
    ],
)
def test_an_svg_is_taken_as_it_is(tmp_path: Path, inside: str) -> None:
    file = tmp_path / "icon.svg"
    file.write_text(SVG.format(inside), "utf-8")
    assert read_icon(file) == SVG.format(inside)


def test_luodi_s_own_drawing_is_an_icon() -> None:
    read_icon(Path(__file__).parents[2] / "templates/footer/public-security.svg")


def test_a_png_is_wrapped_into_an_svg(tmp_path: Path) -> None:
    file = tmp_path / "icon.png"
    file.write_bytes(png(20, 22))
    image = ET.fromstring(read_icon(file))
    assert image.attrib["viewBox"] == "0 0 20 22"
    source = image[0].attrib["href"].removeprefix("data:image/png;base64,")
    assert base64.b64decode(source) == png(20, 22)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (SVG.format("<script>alert(1)</script>"), "has <script>"),
        (SVG.format('<path d="" onload="alert(1)"/>'), "has a script: onload"),
        (SVG.format("<foreignObject/>"), "has <foreignObject>"),
        (SVG.format('<html:script xmlns:html="http://www.w3.org/1999/xhtml">x</html:script>'), "has <script>"),
        (SVG.format('<image href="https://example.com/a.png"/>'), "has <image>"),
        (SVG.format('<use href="https://example.com/a.svg#b"/>'), "leads elsewhere: href of <use>"),
        (
            SVG.format('<use xmlns:x="http://www.w3.org/1999/xlink" x:href="//example.com/a#b"/>'),
            "leads elsewhere: href of <use>",
        ),
        (SVG.format('<rect fill="url(https://example.com/a)"/>'), "leads elsewhere: fill of <rect>"),
        (SVG.format('<rect style="fill:u\\72l(//example.com)"/>'), "leads elsewhere: style of <rect>"),
        (SVG.format('<style>@import "//example.com/a.css"</style>'), "has <style>"),
        (SVG.format('<set attributeName="href" to="javascript:x"/>'), "has <set>"),
        ("<!DOCTYPE svg [<!ENTITY a 'b'>]>" + SVG.format("&a;"), "has a DOCTYPE"),
        ('<?xml-stylesheet href="//example.com/a.css"?>' + SVG.format(""), "has an instruction <?xml-stylesheet?>"),
        ("<svg/>", "is no SVG: it begins with <svg>, not with"),
        ("<html xmlns='http://www.w3.org/1999/xhtml'/>", "is no SVG: it begins with <html>"),
        (SVG.format("<path"), "is no SVG: not well-formed"),
        ("GIF89a", "is neither SVG nor PNG"),
        ("", "is neither SVG nor PNG"),
        (SVG.format("<!--" + "x" * 70_000 + "-->"), "68 KB; an icon has 64 KB at most"),
        (b"\x89PNG\r\n\x1a\n\0\0", "is cut short"),
        (png(2000, 1), "is 2000 x 1 pixels"),
    ],
)
def test_what_is_no_icon_is_refused(tmp_path: Path, data: str | bytes, said: str) -> None:
    file = tmp_path / "icon.svg"
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    with pytest.raises(RenderingError, match=re.escape(said)) as caught:
        read_icon(file)
    assert str(file) in str(caught.value)


# --- from a stack file -------------------------------------------------------------------------------


def settings(**site: Any) -> Settings:
    return Settings.parse(
        {
            "tencentcloud:region": "ap-beijing",
            "luodi:site": {"domain": "example.cn", "title": "示例", **site},
            "luodi:server": {"kind": "cvm"},
            "luodi:filing": {
                "subject": {"name": OWNER, "province": "京"},
                "icp": {"number": str(ICP), "approved": "2026-01-02"},
                "public-security": {"number": str(SECURITY), "approved": "2026-02-03"},
                "licence": "京B2-20260001号",
            },
            "luodi:sites": [
                {
                    "site": {"domain": "example.com", "title": "另一个", "footer": {"language": "en"}},
                    "filing": {
                        "subject": {"name": "另一家公司"},
                        "icp": {"number": "粤ICP备2026068982号-3", "approved": "2026-01-02"},
                    },
                },
                {"site": {"domain": "shop.example.cn", "title": "商店"}},
            ],
        }
    )


def test_each_domain_of_a_server_has_its_own_footer() -> None:
    main, other, below = [filing_footer.footer(site) for site in settings().sites]
    assert main == WHOLE
    assert Seen(rendered(other)).text == "© 另一家公司ICP filing 粤ICP备2026068982号"
    assert below == WHOLE  # a subdomain stands under the filing of its apex


def test_an_icon_is_read_from_the_project_s_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("icon.svg").write_text(SVG.format(""), "utf-8")
    assert filing_footer.footer(settings(footer={"icon": "icon.svg"}).main).icon == SVG.format("")
    with pytest.raises(RenderingError) as caught:
        filing_footer.footer(settings(footer={"icon": "other.png"}).main)
    assert str(caught.value) == (
        "luodi:site.footer.icon: other.png: there is no such file; name an SVG or a PNG, from the project's folder"
    )


def test_a_setting_that_is_none_is_refused() -> None:
    with pytest.raises(SettingsError) as caught:
        settings(footer={"language": "de", "colour": "red"})
    assert [str(problem) for problem in caught.value.problems] == [
        "luodi:site.footer.language: must be one of zh, en, both; got de",
        "luodi:site.footer.colour: is not a setting; known are icon, inject, language",
    ]
