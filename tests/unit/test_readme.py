"""What a stack says of itself, as Markdown."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from selectolax.lexbor import LexborHTMLParser

from luodi.filing_report import Report, reports
from luodi.readme import readme
from luodi.rendering import Templates
from tests import statuses

_MARKDOWN = MarkdownIt("gfm-like", {"linkify": False})
SEVERAL = statuses.project()[3]


def text(title: str = "", *, days: int = 0) -> str:
    """Of a stack of two sites, so many days later; `title` in place of both titles."""
    settings = SEVERAL.file.settings
    assert settings
    found = list(reports("shop", settings, statuses.TODAY + timedelta(days=days)))
    found = [titled(report, title) for report in found] if title else found
    return readme(Templates(), "shop", settings, found, statuses.ADDRESS)


def titled(report: Report, title: str) -> Report:
    site = report.site
    return replace(report, site=replace(site, site=site.site.model_copy(update={"title": title})))


def page(markdown: str) -> LexborHTMLParser:
    return LexborHTMLParser(f"<body>{_MARKDOWN.render(markdown)}</body>")


def test_it_tells_what_the_stack_is_and_what_to_do() -> None:
    shown = page(text())
    assert [head.text() for head in shown.css("h1, h2")] == [
        *("示例商城", "example.com", "docs.example.com", "命令 / Commands")
    ]
    assert [link.attributes["href"] for link in shown.css("a")] == ["https://example.com/", "https://docs.example.com/"]
    first = {row.css("td")[0].text(): row.css("td")[1].text() for row in shown.css("table")[0].css("tbody tr")}
    assert first["备案 / Filing"] == "已开通，待公安备案 / open, public-security filing due"
    assert first["对外 / Public"] == "开放 / yes"
    assert "submit within 30 days of opening" in str(first["2026-09-09"])
    assert "submit the public-security filing" in str(first["下一步 / Next"])
    paragraph = next(one.text() for one in shown.css("p"))
    assert "Lighthouse · Guangzhou · 2 GB · bundle_starter_mc_promo_med2_01 · 203.0.113.7" in str(paragraph)
    commands = [one.text() for one in shown.css("pre code")]
    assert "python -m luodi status --stack shop " in str(commands[0])


def test_it_is_the_same_on_another_day() -> None:
    assert text(days=400) == text()


def test_a_filing_under_way_says_the_same_on_another_day() -> None:
    settings = statuses.project()[0].file.settings
    assert settings

    def on(days: int) -> str:
        found = list(reports("campaign", settings, statuses.TODAY + timedelta(days=days)))
        return readme(Templates(), "campaign", settings, found, statuses.ADDRESS)

    assert on(0) == on(1) == on(40)


_TITLES = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1).map(
    lambda text: " ".join(text.split())
)


@given(
    _TITLES.filter(bool)
    | st.sampled_from(
        [
            "<script>alert(1)</script>",
            "a | b",
            "[x](y)",
            "`a` **b** _c_",
            "${outputs.address}",
            "# &lt;",
            "-",
            "1.",
            "\\",
        ]
    )
)
def test_no_title_is_taken_for_markdown(title: str) -> None:
    markdown = text(title)
    shown, usual = page(markdown), page(text("title"))
    assert [one.tag for one in shown.css("body *")] == [one.tag for one in usual.css("body *")]
    assert " ".join(str(shown.css("h1")[0].text()).split()) == title
    assert "${" not in markdown
