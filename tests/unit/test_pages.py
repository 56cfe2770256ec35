"""The footer in the pages of a release: where it goes, and what is left as it is."""

from __future__ import annotations

import contextlib
import gzip
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from luodi.delivery import content
from luodi.delivery.bundle import Bundle
from luodi.delivery.content import ContentError
from luodi.delivery.files import File
from luodi.delivery.pages import has_footer, with_footer
from luodi.rendering import pages
from luodi.rendering.pages import NoPlace, carries, insertion

FOOTER = '<div class="luodi-footer">粤ICP备2026068982号-1</div>'
ASCII = FOOTER.encode("ascii", "xmlcharrefreplace")
HERE = "<HERE>"

HTML = {
    "plain": "<!doctype html><html><head><title>x</title></head><body><p>a</p><HERE></body></html>",
    "upper case": "<!DOCTYPE HTML><HTML><BODY>A<HERE></BODY></HTML>\n",
    "space in the tag": "<!doctype html><body>a<HERE></body \n></html>",
    "no </body>": "<!doctype html><html><p>a<HERE></html>",
    "no </html>": "<!doctype html><body>a<HERE></body>",
    "minified": "<!doctype html><meta charset=utf-8><title>x</title><p>a<HERE>",
    "a line break at the end": "<!doctype html><p>a\n<HERE>",
    "no doctype": "<html><body>a<HERE></body></html>",
    "neither doctype nor <html>": "<p>a<HERE></body>",
    "a comment before": "\n<!-- made by x -->\n<!doctype html><p>a<HERE>",
    "a declaration before": '<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN"><p>a<HERE>',
    "in a comment": "<!doctype html><body><!-- </body> -->a<HERE></body><!-- </body></html> -->",
    "in a script": "<!doctype html><script>a = '</body>'</script>a<HERE></body><script>'</body>'</script></html>",
    "in a script alone": "<!doctype html><script>let a = '</body></html>'</script>a<HERE>",
    "in a style": "<!doctype html><style>/* </body> */</style><body>a<HERE></body>",
    "in a textarea": "<!doctype html><body><textarea></body></textarea><HERE></body>",
    "in a title": "<!doctype html><title></body></title><body>a<HERE></body>",
    "in an attribute": "<!doctype html><body><p title='</body>'>a<HERE></body>",
    "in a template": "<!doctype html><body><template></body></template><HERE></body><template></body></template>",
    "in an iframe": "<!doctype html><body><iframe srcdoc='</body>'></body></iframe><HERE></body>",
    "in a CDATA section of a picture": "<!doctype html><body><svg><text><![CDATA[</body>]]></text></svg><HERE></body>",
    "in a noscript": "<!doctype html><body><noscript></body></noscript>a<HERE></body>",
    "twice": "<!doctype html><body>a</body>b<HERE></body></html>",
    "two pages": "<!doctype html><html><body>a</body></html><!doctype html><html><body>b<HERE></body></html>",
    "an open element": "<!doctype html><body><div><p>a<HERE></body></html>",
    "an open picture": "<!doctype html><body><svg><g><HERE></body></html>",
    "an open table": "<!doctype html><body><table><tr><td>a<HERE></body></html>",
    "the mark's own name": "<!doctype html><body data-luodi-end='3'><div data-luodi-end=0></div><HERE></body>",
    "a body alone": "<!doctype html><body><HERE></body>",
    "a BOM": "\ufeff<!doctype html><p>a<HERE>",
    "20 KB": f"<!doctype html><body>{'<p>示例</p>' * 1000}<HERE></body></html>",
}
XHTML = {
    "plain": '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body><p>a</p><HERE></body></html>',
    "a script that is empty": "<html><head><script src='a'/></head><body>a<HERE></body></html>",
    "in a CDATA section": "<html><body><p><![CDATA[</body>]]></p><!-- </body> --><HERE></body></html>",
    "a BOM": "\ufeff<html><body><HERE></body></html>",
}


@pytest.mark.parametrize("page", HTML.values(), ids=HTML)
def test_it_goes_to_the_end_of_what_is_seen(page: str) -> None:
    before = page.replace(HERE, "").encode()
    found = insertion(before, FOOTER)
    assert found is not None
    assert found.into(before).decode() == page.replace(HERE, FOOTER)
    # A browser shows it once, and at a second release it is there.
    assert len(LexborHTMLParser(found.into(before)).css(".luodi-footer")) == 1
    assert insertion(found.into(before), FOOTER) is None


@pytest.mark.parametrize("page", XHTML.values(), ids=XHTML)
def test_in_xhtml_too(page: str) -> None:
    before = page.replace(HERE, "").encode()
    found = insertion(before, FOOTER, xml=True)
    assert found is not None
    assert found.into(before).decode() == page.replace(HERE, FOOTER)


@pytest.mark.parametrize(
    "page",
    [
        "",
        " \n",
        "<li>one</li>",
        "<p>a</p><script>let a = '</body>'</script>",
        "google-site-verification: google1.html",
        '{"html": "<body>"}',
        "<!-- <!doctype html> --><p>a",
        "<!doctype svg><svg></svg>",
        "<htmlx>",
        "<header>a</header>",
    ],
)
def test_a_fragment_is_left_as_it_is(page: str) -> None:
    assert insertion(page.encode(), FOOTER) is None


NO_PLACE = "shows nothing at its end: it has frames, or a comment or an element that is never closed"


@pytest.mark.parametrize(
    ("page", "why"),
    [
        ("<!doctype html><frameset><frame src=a><noframes><body>a</body></noframes></frameset></html>", NO_PLACE),
        ("<!doctype html><body>a<!-- open", NO_PLACE),
        ("<!doctype html><body>a<script>open", NO_PLACE),
        ("<!doctype html><body><textarea>open", NO_PLACE),
        ("<!doctype html><body><plaintext>a</body>", NO_PLACE),
        ("<!doctype html><body><video>a", NO_PLACE),
        ("<!doctype html><p>a" + "x" * pages.MOST_BYTES, "has over 16 MB"),
    ],
)
def test_a_page_without_a_place_is_told(page: str, why: str) -> None:
    with pytest.raises(NoPlace) as caught:
        insertion(page.encode(), FOOTER)
    assert str(caught.value) == why


@pytest.mark.parametrize(
    ("page", "why"),
    [
        ("<html><body><p>a</body></html>", "is not well-formed XML, so browsers show an error .mismatched tag: "),
        (
            '<?xml version="1.0" encoding="gbk"?><html/>',
            "is in an encoding that is not read here .*; write it as UTF-8",
        ),
        ("<html><body/></html>", "has no body with a start and an end tag"),
        ("<html><p>a</p></html>", "has no body with a start and an end tag"),
    ],
)
def test_so_is_one_in_xhtml(page: str, why: str) -> None:
    with pytest.raises(NoPlace, match=why):
        insertion(page.encode(), FOOTER, xml=True)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le"])
def test_a_page_in_utf_16_is_told(encoding: str) -> None:
    with pytest.raises(NoPlace, match="is UTF-16"):
        insertion("\ufeff<!doctype html><p>示例".encode(encoding), FOOTER)


@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "big5", "shift_jis", "latin-1"])
@pytest.mark.parametrize("said", [True, False])
def test_in_another_encoding_it_can_be_read_all_the_same(encoding: str, said: bool) -> None:
    text = "é" if encoding == "latin-1" else "示例" if encoding != "shift_jis" else "例"
    meta = f'<meta http-equiv="Content-Type" content="text/html; charset={encoding}">' if said else ""
    before = f"<!doctype html>{meta}<body>{text}</body></html>".encode(encoding)
    found = insertion(before, FOOTER)
    assert found is not None
    page = found.into(before)
    assert page == before.replace(b"</body>", ASCII + b"</body>")
    shown = LexborHTMLParser(page.decode(encoding)).css_first("body")
    assert shown is not None
    assert shown.text() == f"{text}粤ICP备2026068982号-1"
    assert insertion(page, FOOTER) is None


def test_a_page_that_says_it_is_gbk_and_is_ascii_is_believed() -> None:
    found = insertion(b"<!doctype html><meta charset=gbk><p>a", FOOTER)
    assert found is not None
    assert found.text == ASCII


TAGS = (
    "html",
    "body",
    "script",
    "textarea",
    "template",
    "svg",
    "select",
    "noscript",
    "table",
    "title",
    "style",
    "button",
)
MARKUP = st.lists(
    st.sampled_from(
        [
            *(f"<{slash}{tag}>" for tag in TAGS for slash in ("", "/")),
            *(
                "<!doctype html>",
                "</BODY/>",
                "<!--",
                "-->",
                "<p title='",
                "<frameset>",
                "<a href=x>",
                "]]>",
                "'",
                '"',
                "<",
            ),
            *("示例", "a", "\0", "&", "\n"),
        ]
    ),
    max_size=14,
).map("".join)


@given(MARKUP)
def test_whatever_the_page_it_is_shown_once_or_not_at_all(page: str) -> None:
    before = page.encode()
    try:
        found = insertion(before, FOOTER)
    except NoPlace:
        return
    if found is not None:
        after = found.into(before)
        assert after[: found.at] + after[found.at + len(found.text) :] == before
        assert len(LexborHTMLParser(after.decode("latin-1")).css(".luodi-footer")) == 1


@given(st.binary(max_size=200))
def test_no_bytes_are_too_odd(page: bytes) -> None:
    for xml in (True, False):
        with contextlib.suppress(NoPlace):
            insertion(page, FOOTER, xml=xml)


# --- the files of a site -----------------------------------------------------------------------------

PAGE = b"<!doctype html><p>a"


def footed(files: dict[str, bytes]) -> dict[str, bytes]:
    found = with_footer({path: File.holding(data) for path, data in files.items()}, FOOTER).files
    for file in found.values():
        assert File.holding(file.open().read()) == File(file.size, file.sha256, file.open().read())
    return {path: file.open().read() for path, file in found.items()}


def test_only_pages_get_it() -> None:
    others = {"a.json": PAGE, "a.txt": PAGE, "html": PAGE, "a.js": PAGE, "part.html": b"<li>a", "a.svg": PAGE}
    named = dict.fromkeys(["index.html", "a/B.HTM", "c.shtml", "文件.html"], PAGE)
    xhtml = {"a.xhtml": b"<html><body></body></html>"}
    found = footed(others | named | xhtml)
    assert {path: found[path] for path in others} == others
    assert {path: found[path] for path in named} == dict.fromkeys(named, PAGE + FOOTER.encode())
    assert found["a.xhtml"] == f"<html><body>{FOOTER}</body></html>".encode()


def test_a_copy_compressed_beforehand_is_made_again_or_left_out() -> None:
    found = footed(
        {
            **{f"index.html{kind}": b"old" for kind in (".gz", ".br", ".zst", ".bak")},
            "index.html": PAGE,
            "part.html": b"<li>",
            "part.html.br": b"kept",
            "a.js.gz": b"kept",
            "b.gz": b"kept",
        }
    )
    assert gzip.decompress(found.pop("index.html.gz")) == PAGE + FOOTER.encode()
    assert found == {
        "index.html": PAGE + FOOTER.encode(),
        "index.html.bak": b"old",
        "part.html": b"<li>",
        "part.html.br": b"kept",
        "a.js.gz": b"kept",
        "b.gz": b"kept",
    }


def test_what_gets_none_is_told_by_its_path() -> None:
    files = {
        "frames.html": b"<!doctype html><frameset></frameset>",
        "gbk.html": "<!doctype html><p>示例".encode("gbk"),
        "good.html": PAGE,
    }
    told = with_footer({path: File.holding(data) for path, data in files.items()}, FOOTER).told
    assert told.keys() == {"frames.html", "gbk.html"}
    assert told["frames.html"].startswith("gets no footer: it shows nothing at its end")
    assert told["gbk.html"].startswith("is not UTF-8, as which nginx serves it")


def test_large_content_takes_little_memory(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(bytes(100_000_000))
    for number in range(300):
        (tmp_path / f"{number}.html").write_bytes(PAGE + b"x" * 200_000)
    tracemalloc.start()
    try:
        found = with_footer(content.read(tmp_path), FOOTER).files
        tracemalloc.reset_peak()
        Bundle.of(found, tmp_path / "bundle")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 10_000_000


def test_a_page_that_changes_meanwhile_is_not_published(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes(PAGE)
    looked = content.read(tmp_path)
    found = with_footer(looked, FOOTER).files
    (tmp_path / "a.html").write_bytes(b"<!doctype html><p>b")
    with pytest.raises(ContentError, match=r"a\.html changed while it was being published"):
        Bundle.of(found, tmp_path / "bundle")
    with pytest.raises(ContentError, match=r"a\.html changed while it was being published"):
        with_footer(looked, FOOTER)


def test_a_page_is_known_by_its_footer() -> None:
    assert has_footer(File.holding(PAGE + FOOTER.encode()), FOOTER)
    assert has_footer(File.holding(PAGE + ASCII), FOOTER)
    assert not has_footer(File.holding(PAGE), FOOTER)
    assert not carries(b"", FOOTER)
