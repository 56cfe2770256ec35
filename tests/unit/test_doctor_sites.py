"""`luodi doctor` at sites as companies in China have them: old encodings, odd footers, answers that are no page."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from luodi.doctor.bodies import text_of, unpacked
from luodi.doctor.judging import judge
from luodi.doctor.observed import Answer, Seen
from luodi.doctor.pages import read
from tests.unit.test_doctor import (
    BOTH,
    EXPECTED,
    GOOD,
    HEADERS,
    ICP,
    NOW,
    PSB,
    body,
    certificate,
    examined,
    failing,
    host,
    moved,
    page,
    real_site,
    response,
)

GOOD_PAGE = page(ICP, PSB)


def answer(content: bytes, head: str = "Content-Type: text/html", status: str = "HTTP/1.1 200 OK") -> bytes:
    headers = "".join(f"{key}: {value}\r\n" for key, value in HEADERS.items())
    return f"{status}\r\n{headers}{head}\r\nConnection: close\r\n\r\n".encode() + content


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


RIGHT = {
    "gbk by meta": answer(
        f'<meta http-equiv="Content-Type" content="text/html; charset=gb2312">{GOOD_PAGE}'.encode("gbk")
    ),
    "gbk by html5 meta": answer(f"<meta charset=GBK>{GOOD_PAGE}".encode("gbk")),
    "gbk that nobody tells": answer(GOOD_PAGE.encode("gbk")),
    "utf-16 by its mark": answer(f"\ufeff{GOOD_PAGE}".encode("utf-16-le")),
    "utf-8 with its mark": answer(f"\ufeff{GOOD_PAGE}".encode()),
    "an encoding that isn't one": answer(GOOD_PAGE.encode(), "Content-Type: text/html; charset=utf8mb4"),
    "a codec that is for no page": answer(GOOD_PAGE.encode(), "Content-Type: text/html; charset=idna"),
    "gzip unasked": answer(gzip.compress(GOOD_PAGE.encode()), "Content-Encoding: gzip"),
    "deflate unasked": answer(zlib.compress(GOOD_PAGE.encode()), "Content-Encoding: deflate"),
    "raw deflate unasked": answer(zlib.compress(GOOD_PAGE.encode(), wbits=-15), "Content-Encoding: deflate"),
    "http 1.0": answer(GOOD_PAGE.encode(), status="HTTP/1.0 200 OK"),
    "chunked": answer(chunked(GOOD_PAGE.encode(), b""), "Transfer-Encoding: chunked"),
}


@pytest.mark.parametrize("reply", RIGHT.values(), ids=RIGHT)
def test_a_right_page_passes_however_it_is_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, reply: bytes) -> None:
    with real_site(reply, certificate(*BOTH)) as site:
        code, output = examined(monkeypatch, tmp_path, site, "--json")

    assert (code, failing(output)) == (0, set())


WRONG = {
    "chunks that break off": (
        answer(chunked(GOOD_PAGE.encode()) + b"100\r\nabc", "Transfer-Encoding: chunked"),
        "the answer broke off after 247 bytes",
    ),
    "less than its length": (answer(b"<p>abc", "Content-Length: 9999"), "the answer broke off after 6 bytes"),
    "gzip that breaks off": (answer(gzip.compress(GOOD_PAGE.encode())[:60], "Content-Encoding: gzip"), "broke off"),
    "gzip that is none": (answer(b"<p>hello", "Content-Encoding: gzip"), "it is called gzip and is not"),
    "brotli unasked": (answer(b"\x0b\x02\x80a\x03", "Content-Encoding: br"), "encoded as br, which was not asked for"),
    "no http": (b"hello\r\n", "can't be had: hello"),
    "no content": (answer(b"", status="HTTP/1.1 204 No Content"), "answers 204"),
    "not modified": (answer(b"", status="HTTP/1.1 304 Not Modified"), "answers 304"),
    "a redirect to nowhere": (answer(b"", status="HTTP/1.1 302 Found"), "answers 302"),
    "a redirect to http that nothing answers": (moved("http://example.cn/"), "http://example.cn/: Connection refused"),
}


@pytest.mark.parametrize(("reply", "told"), WRONG.values(), ids=WRONG)
def test_an_answer_that_is_no_page_is_named_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, reply: bytes, told: str
) -> None:
    with real_site(reply, certificate("example.cn")) as site:
        _, output = examined(monkeypatch, tmp_path, site, "--json", "--http-port", "1")

    rows = [row for row in json.loads(output) if row["where"] == "example.cn" and row["level"] == "failing"]
    assert [row["check"] for row in rows] == ["http"]
    assert told in rows[0]["what"]["en"]


def test_a_packed_page_is_read_no_further_than_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    reply = answer(gzip.compress(GOOD_PAGE.encode() + b" " * (50 << 20)), "Content-Encoding: gzip")
    with real_site(reply, certificate(*BOTH)) as site:
        code, output = examined(monkeypatch, tmp_path, site, "--json")

    assert code == 0
    assert "huge-page" in output


def test_a_site_is_followed_to_a_path_in_chinese(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    paths = {b"/": moved("/首页/"), b"/%E9%A6%96%E9%A1%B5/": response(GOOD_PAGE)}
    with real_site(response("gone"), certificate(*BOTH), paths) as site:
        code, output = examined(monkeypatch, tmp_path, site, "--json")

    assert (code, failing(output)) == (0, set())


def test_what_was_found_is_told_though_its_page_can_t_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with real_site(response(page()), certificate(*BOTH)) as site:
        code, output = examined(monkeypatch, tmp_path, site, "--json", "--html", str(tmp_path / "none" / "page.html"))

    assert (code, failing(output)) == (2, {"number-missing"})


def test_a_redirect_is_followed_whatever_its_body(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = answer(b"<p>", "Location: /zh/\r\nContent-Length: 99\r\nContent-Encoding: br", "HTTP/1.1 301 Moved")
    with real_site(response("gone"), certificate(*BOTH), {b"/": broken, b"/zh/": response(GOOD_PAGE)}) as site:
        code, output = examined(monkeypatch, tmp_path, site, "--json")

    assert (code, failing(output)) == (0, set())


def of(seen: Seen) -> list[str]:
    return [finding.id for finding in judge(seen, EXPECTED, NOW)]


def to_http(plain: Answer) -> Seen:
    return host(https=Answer(301, {"location": "http://example.cn/"}), http=plain)


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (to_http(Answer(200, {}, GOOD_PAGE)), ["no-redirect"]),
        (to_http(Answer(301, {"location": "https://example.cn/"})), ["redirect-loop"]),
        (to_http(Answer(error="refused")), ["no-page"]),
        (to_http(Answer(503)), ["error-page"]),
        (host(https=Answer(301, {"location": "https://example.cn:8443/"})), ["leads-elsewhere"]),
    ],
)
def test_a_redirect_is_called_what_it_is(seen: Seen, told: list[str]) -> None:
    assert of(seen) == told


NUMBER = "京ICP备2026068982号-1"


@pytest.mark.parametrize(
    "written",
    [
        "京ICP备 2026068982 号 - 1",
        "京ICP备&nbsp;2026068982&nbsp;号&nbsp;-&nbsp;1",
        "京ＩＣＰ备２０２６０６８９８２号－１",
        "京ICP备2026068982号−1",
        "京ICP备2026068982号‐1",
        "京icp备2026068982号-1",
        "ICP备案号：京ICP备2026068982号-1",
        "京ICP备2026068982号-1All Rights Reserved",
        "京ICP备2026068982号-1Powered by X",
        '<img src=beian.png alt="京ICP备2026068982号-1">',
        "<span>京ICP备2026068982号</span><span>－1</span>",
    ],
)
def test_a_number_is_read_as_people_write_it(written: str) -> None:
    told = read(page(ICP.replace(NUMBER, written), PSB))

    assert [(str(shown.number), shown.link) for shown in told.icp] == [(NUMBER, "https://beian.miit.gov.cn/")]
    assert told.icp_errors == ()


@pytest.mark.parametrize("number", ["粤B2-20090059-5", "京ICP证030173号-1", "合字B2-20180025-2", "B2-20201388-1"])
def test_a_filing_under_a_licence_is_read(number: str) -> None:
    told = read(page(f"增值电信业务经营许可证：{number.rpartition('-')[0]}", ICP.replace(NUMBER, number)))

    assert [(str(shown.number), shown.link) for shown in told.icp] == [(number, "https://beian.miit.gov.cn/")]


@pytest.mark.parametrize("text", ["工信部ICP备案20问", "代办ICP备案2026年新规", "网站未备案怎么办？"])
def test_a_page_may_speak_of_filings(text: str) -> None:
    assert of(body(f"<p>{text}</p>", ICP, PSB)) == []


@pytest.mark.parametrize("serial", ["-1B", "-01"])
def test_a_number_with_a_wrong_end_is_still_refused(serial: str) -> None:
    assert "number-malformed" in of(body(ICP.replace("-1<", f"{serial}<"), PSB))


def test_a_provider_s_page_is_one_without_a_number() -> None:
    blocked = Answer(200, HEADERS, page("<p>该网站暂时无法访问</p>"))
    assert "blocked" in of(replace(GOOD, hosts=(replace(GOOD.hosts[0], https=blocked),)))


def test_half_a_character_at_the_end_leaves_a_page_its_encoding() -> None:
    assert text_of("示例".encode()[:-1], None).startswith("示")


def test_what_is_not_asked_for_is_refused() -> None:
    assert unpacked(b"abc", "identity", 2) == b"ab"
    with pytest.raises(ValueError, match="zstd"):
        unpacked(b"abc", "zstd", 2)
