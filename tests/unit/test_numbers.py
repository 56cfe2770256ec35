"""Filing numbers: what is taken, what is refused, and in which words."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luodi.filing.numbers import (
    Filing,
    IcpNumber,
    Licence,
    NumberError,
    PublicSecurityNumber,
    Service,
    parse_icp,
    parse_licence,
    parse_public_security,
)
from luodi.filing.provinces import provinces
from luodi.filing.verdict import judge

ICP_CHARACTERS = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝蜀黔滇藏陕陇青宁新"
DIVISIONS = {
    pair[0]: pair[1:]
    for pair in [
        *("京11", "津12", "冀13", "晋14", "蒙15", "辽21", "吉22", "黑23", "沪31", "苏32", "浙33", "皖34", "闽35"),
        *("赣36", "鲁37", "豫41", "鄂42", "湘43", "粤44", "桂45", "琼46", "渝50", "川51", "贵52", "黔52", "滇53"),
        *("藏54", "陕61", "甘62", "青63", "宁64", "新65", "兵66"),
    ]
}

Number = IcpNumber | Licence | PublicSecurityNumber
Parse = Callable[[str], Number]
PARSERS: list[Parse] = [parse_icp, parse_licence, parse_public_security]


def refused(parse: Parse, text: str) -> NumberError:
    with pytest.raises(NumberError) as caught:
        parse(text)
    return caught.value


# --- what is taken -------------------------------------------------------------------------------


@pytest.mark.parametrize("character", ICP_CHARACTERS)
def test_every_province_files(character: str) -> None:
    number = parse_icp(f"{character}ICP备2026068982号-1")
    assert number == IcpNumber(Filing(character, "2026068982"), 1, Service.WEBSITE)
    assert number.province == character
    assert number.warnings == ()


def test_no_other_character_files() -> None:
    assert {province.icp for province in provinces()} - {None} == set(ICP_CHARACTERS)


@pytest.mark.parametrize(("character", "division"), DIVISIONS.items())
def test_every_division_has_its_character(character: str, division: str) -> None:
    number = parse_public_security(f"{character}公网安备{division}010102000001号")
    assert (number.character, number.digits) == (character, f"{division}010102000001")
    assert number.warnings == ()


@pytest.mark.parametrize(
    ("text", "serial", "service"),
    [
        ("京ICP备05070602号", None, None),
        ("京ICP备05070602号-1", 1, Service.WEBSITE),
        ("京ICP备2020070602号-27", 27, Service.WEBSITE),
        ("京ICP备20070602号-2A", 2, Service.APP),
        ("京ICP备05070602号-3X", 3, Service.MINI_PROGRAM),
        ("京ICP备05070602号-4K", 4, Service.QUICK_APP),
        ("京ICP证030173号-1", 1, Service.WEBSITE),
        ("粤B2-20090059-5", 5, Service.WEBSITE),
        ("A2.B1.B2-20100001-4A", 4, Service.APP),
    ],
)
def test_icp_numbers(text: str, serial: int | None, service: Service | None) -> None:
    number = parse_icp(text)
    assert (number.serial, number.service, str(number)) == (serial, service, text)


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("京ICP证030173号", Licence("京", (), "030173")),
        ("B2-20201388", Licence("", ("B2",), "20201388")),
        ("粤B2-20090059", Licence("粤", ("B2",), "20090059")),
        ("合字B2-20180025", Licence("合字", ("B2",), "20180025")),
        ("合字A1.B1.B2-20180017", Licence("合字", ("A1", "B1", "B2"), "20180017")),
    ],
)
def test_licences(text: str, licence: Licence) -> None:
    assert parse_licence(text) == licence
    assert str(licence) == text


@pytest.mark.parametrize(
    ("parse", "text", "canonical"),
    [
        (parse_icp, "京ＩＣＰ备０５０７０６０２号－１", "京ICP备05070602号-1"),
        (parse_icp, " 京icp备 05070602 号 - 2a\n", "京ICP备05070602号-2A"),
        (parse_icp, "京ICP备05070602号—1", "京ICP备05070602号-1"),
        (parse_icp, "\ufeff京ICP备\u200b05070602号\u00a0-1\u3000", "京ICP备05070602号-1"),
        (parse_licence, "合字b2－20180025", "合字B2-20180025"),
        (parse_licence, "苏B2-20130048号", "苏B2-20130048"),
        (parse_public_security, "京公网安备 11010102000001号", "京公网安备11010102000001号"),
        (parse_public_security, "京公网安备１１０１０１０２０００００１号", "京公网安备11010102000001号"),
    ],
)  # fmt: skip
def test_what_is_meant_is_read(parse: Parse, text: str, canonical: str) -> None:
    assert str(parse(text)) == canonical


@pytest.mark.parametrize(
    ("text", "displayed"),
    [
        ("粤ICP备2026068982号-1", "粤ICP备2026068982号"),
        ("粤ICP备2026068982号", "粤ICP备2026068982号"),
        ("京ICP备2026068982号-1", "京ICP备2026068982号-1"),
        ("粤B2-20090059-5", "粤B2-20090059-5"),
    ],
)
def test_guangdong_displays_the_subject_s_number(text: str, displayed: str) -> None:
    assert str(parse_icp(text).displayed) == displayed


@pytest.mark.parametrize(
    ("parse", "text", "warning"),
    [
        (parse_icp, "京ICP备05070602号", "outside Guangdong a page must carry the service number"),
        (parse_icp, "京ICP备21070602号-1", "from 2021 on, numbers have 10 digits"),
        (parse_icp, "京ICP备2019070602号-1", "before 2020, numbers had 8 digits"),
        (parse_icp, "京ICP备12345678号-1", "reads like the example of a template"),
        (parse_icp, "粤ICP备00000000号-1", "reads like the example of a template"),
        (parse_icp, "沪ICP备2026000000号-1", "reads like the example of a template"),
        (parse_public_security, "京公网安备11010102000000号", "reads like the example of a template"),
        (parse_public_security, "京公网安备11010103000001号", "digits 7 and 8 are 03"),
        (parse_public_security, "沪公网备310107100040719", "an older form, of 15 digits"),
        (parse_public_security, "沪公网备310107100040719号", "an older form, of 15 digits"),
        (parse_public_security, "京公网安备110401400077号", "an older form, of 12 digits"),
        (parse_public_security, "京公网备110401400077", "an older form, of 12 digits"),
    ],
)
def test_warnings(parse: Callable[[str], IcpNumber | PublicSecurityNumber], text: str, warning: str) -> None:
    number = parse(text)
    [found] = number.warnings
    assert found.en.startswith(str(number))
    assert found.zh.startswith(str(number))
    assert warning in found.en


# --- what is refused, and what is said -----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "川ICP备2025146653号",
            "川ICP备2025146653号: Sichuan's filings begin with 蜀. Did you mean 蜀ICP备2025146653号?",
        ),
        (
            "京ICP备05070602",
            "京ICP备05070602: 号 is missing at the end. Did you mean 京ICP备05070602号?",
        ),
        (
            "京ICP备05070602-1号",
            "京ICP备05070602-1号: 号 is missing before -. Did you mean 京ICP备05070602号-1?",
        ),
        (
            "京ICP备0507O602号-1",
            "京ICP备0507O602号-1: O, after 0507, stands where a digit or 号 belongs. Did you mean 京ICP备05070602号-1?",
        ),
        (
            "京ICP05070602号",
            "京ICP05070602号: 备 is missing before 0. Did you mean 京ICP备05070602号?",
        ),
        (
            "京ICP证030173号",
            (
                "京ICP证030173号: this is a licence (ICP 许可证), not a filing (ICP 备案); a filing reads "
                "京ICP备05070602号-1, or, where it is made under this licence, 京ICP证030173号-1."
            ),
        ),
        (
            "京ICP备050706021号",
            "京ICP备050706021号: 9 digits; a filing has 8 (two of the year and 6) or 10 (the year and 6).",
        ),
    ],
)
def test_the_whole_message(text: str, message: str) -> None:
    assert str(refused(parse_icp, text)) == message


@pytest.mark.parametrize(
    ("text", "reason", "suggestion"),
    [
        ("", "is empty", None),
        (" \n", "is empty", None),
        ("贵ICP备05070602号-1", "Guizhou's filings begin with 黔", "黔ICP备05070602号-1"),
        ("云ICP备05070602号-1", "Yunnan's filings begin with 滇", "滇ICP备05070602号-1"),
        ("甘ICP备05070602号-1", "Gansu's filings begin with 陇", "陇ICP备05070602号-1"),
        ("秦ICP备05070602号-1", "Shaanxi's filings begin with 陕", "陕ICP备05070602号-1"),
        ("滬ICP備05070602號-1", "Shanghai's filings begin with 沪", "沪ICP备05070602号-1"),
        ("四川ICP备05070602号-1", "Sichuan's filings begin with 蜀", "蜀ICP备05070602号-1"),
        ("京ICP备案05070602号", "案 stands where a digit or 号 belongs", "京ICP备05070602号"),
        ("京1CP备05070602号", "1 stands where I belongs", "京ICP备05070602号"),
        ("备案号：京ICP备05070602号-1", "备案号: stands before the number", "京ICP备05070602号-1"),
        ("京ICP备05070602号-1 ©2026", "©2026 stands after the number", "京ICP备05070602号-1"),
        ("ICP备05070602号", "the province's character is missing before I", None),
        ("中ICP备05070602号", "中 is no province's character", None),
        ("兵ICP备05070602号", "兵 is no province's character", None),
        ("京ICP备号", "no digits", None),
        ("京ICP备0507060号", "7 digits", None),
        ("京ICP备1915146653号", "1915 is no year", None),
        ("京ICP备٠٥٠٧٠٦٠٢号", "stands where a digit or 号 belongs", None),
        ("京ICP证05070602号", "证 marks a licence", None),
        ("京ICP备05070602号-", "the end stands where the serial of the service belongs", None),
        ("京ICP备05070602号-0", "serial 0 begins with 0", None),
        ("京ICP备05070602号-01", "serial 01 begins with 0", "京ICP备05070602号-1"),
        ("京ICP备05070602号-123456", "6 digits in the serial", None),
        ("京ICP备05070602号-1B", "B after the serial", None),
        ("京ICP备05070602号-1AX", "X stands after the end of the number", None),
        ("京公网安备11010102000001号", "this is a public-security number", None),
        ("粤B2-20090059", "this is a licence", None),
        ("苏B2-20130048号", "made under this licence, 苏B2-20130048-1", None),
        ("浙ICP备B2-20080224-1", "浙ICP备 stands before the number", "浙B2-20080224-1"),
        ("<script>alert(1)</script>", "< is no province's character", None),
        ("京ICP备05070602号" * 20, "280 characters are more than any number has", None),
    ],
)
def test_icp_numbers_that_cannot_be_right(text: str, reason: str, suggestion: str | None) -> None:
    error = refused(parse_icp, text)
    assert reason in error.reason
    assert error.suggestion == suggestion


@pytest.mark.parametrize(
    ("text", "reason", "suggestion"),
    [
        ("", "is empty", None),
        (
            "豫公网安备 31010602002343号",
            "豫 is Henan, whose divisions begin with 41, but 310106 begins with 31, as in Shanghai (沪)",
            None,
        ),
        ("京公网安备99010102000001号", "begins with 99, as nowhere", None),
        (
            "蜀公网安备51010602002343号",
            "Sichuan's public-security numbers begin with 川",
            "川公网安备51010602002343号",
        ),
        (
            "陇公网安备62010602002343号",
            "Gansu's public-security numbers begin with 甘",
            "甘公网安备62010602002343号",
        ),
        ("京公网安备1101010200000号", "13 digits; a public-security number has 14", None),
        ("京公网安备110101020000011号", "15 digits; a public-security number has 14", None),
        ("京公网安备11010102000001", "号 is missing at the end", "京公网安备11010102000001号"),
        ("京公网备11010102000001号", "安 is missing between 公网 and 备", "京公网安备11010102000001号"),
        ("京公网安备110101O2000001号", "O, after 110101, stands", "京公网安备11010102000001号"),
        ("京公安备11010102000001号", "安 stands where 网安备 belongs", "京公网安备11010102000001号"),
        ("公网安备11010102000001号", "the province's character is missing before 公", None),
        ("京ICP备05070602号-1", "this is a number of the ministry's", None),
        ("粤B2-20090059", "this is a number of the ministry's", None),
        ("京公网安备11010102000001号-1", "- stands after the end of the number", None),
    ],
)
def test_public_security_numbers_that_cannot_be_right(text: str, reason: str, suggestion: str | None) -> None:
    error = refused(parse_public_security, text)
    assert reason in error.reason
    assert error.suggestion == suggestion


@pytest.mark.parametrize(
    ("text", "reason", "suggestion"),
    [
        ("", "is empty", None),
        ("京ICP备05070602号", "this is a filing", None),
        ("京ICP证030173号-1", "this is a filing", None),
        ("京公网安备11010102000001号", "this is a public-security number", None),
        ("京ICP证030173", "号 is missing at the end", "京ICP证030173号"),
        ("京ICP证0301731号", "7 digits; a licence with ICP证 has 6", None),
        ("京ICP证B2-20201388", "京ICP证 stands before the number", "京B2-20201388"),
        ("ICP证：京B2-20080042", "ICP证: stands before the number", "京B2-20080042"),
        ("A1、B2-20201388", "- is missing before 、", "A1.B2-20201388"),
        ("粤B220090059", "- is missing before 2", "粤B2-20090059"),
        ("粤B3-20090059", "3 stands in the categories", None),
        ("粤B2-2009005", "7 digits; a licence with categories has 8", None),
        ("合字", "ICP证 is missing at the end", None),
    ],
)
def test_licences_that_cannot_be_right(text: str, reason: str, suggestion: str | None) -> None:
    error = refused(parse_licence, text)
    assert reason in error.reason
    assert error.suggestion == suggestion


@pytest.mark.parametrize("text", ["京ICP备05070602号-2A", "京ICP备05070602号-3X", "粤B2-20090059-5K"])
def test_an_app_s_number_is_no_website_s(text: str) -> None:
    with pytest.raises(NumberError, match=r"is the number of .*; that of a website"):
        parse_icp(text).require_website()


@pytest.mark.parametrize("text", ["京ICP备05070602号-2", "粤ICP备05070602号"])
def test_a_website_s_number_is(text: str) -> None:
    assert parse_icp(text).require_website() == parse_icp(text)


def test_a_website_s_number_is_no_app_s() -> None:
    with pytest.raises(NumberError, match="that of an APP has the letter A"):
        parse_icp("京ICP备05070602号-2").require(Service.APP)


@pytest.mark.parametrize(
    "build",
    [
        lambda: IcpNumber(Filing("川", "05070602")),
        lambda: IcpNumber(Filing("京", "0507060")),
        lambda: IcpNumber(Filing("京", "05070602"), 1),
        lambda: IcpNumber(Filing("京", "05070602"), 0, Service.WEBSITE),
        lambda: IcpNumber(Licence("京", (), "030173")),
        lambda: Licence("京", ("C1",), "20180017"),
        lambda: PublicSecurityNumber("豫", "31010602002343"),
        lambda: PublicSecurityNumber("豫", "<script>"),
    ],
)
def test_no_value_is_a_number_that_cannot_be_right(build: Callable[[], Number]) -> None:
    with pytest.raises(NumberError):
        build()


def test_a_message_is_one_short_printable_line() -> None:
    message = str(refused(parse_icp, "\x1b[31m\r\n\u202e" + "x" * 100_000))
    assert message.isprintable()
    assert len(message) < 300


# --- properties ----------------------------------------------------------------------------------

DIGIT = st.sampled_from("0123456789")


def digits(count: int) -> st.SearchStrategy[str]:
    return st.text(DIGIT, min_size=count, max_size=count)


FILINGS = st.builds(
    Filing,
    st.sampled_from(ICP_CHARACTERS),
    digits(8) | st.builds("{:04}{}".format, st.integers(2000, 2099), digits(6)),
)
LICENCES = st.builds(Licence, st.sampled_from(ICP_CHARACTERS), st.just(()), digits(6)) | st.builds(
    Licence,
    st.sampled_from(["", "合字", *ICP_CHARACTERS]),
    st.lists(st.sampled_from(["A1", "A2", "B1", "B2"]), min_size=1, max_size=4).map(tuple),
    digits(8),
)
SERIALS = st.integers(1, 99_999)
ICP_NUMBERS = st.builds(IcpNumber, FILINGS) | st.builds(
    IcpNumber, FILINGS | LICENCES, SERIALS, st.sampled_from(Service)
)
PUBLIC_SECURITY_NUMBERS = st.sampled_from(sorted(DIVISIONS)).flatmap(
    lambda character: (
        st.builds(
            PublicSecurityNumber,
            st.just(character),
            (digits(10) | digits(12)).map(DIVISIONS[character].__add__),
        )
        | st.builds(
            PublicSecurityNumber,
            st.just(character),
            (digits(10) | digits(13)).map(DIVISIONS[character].__add__),
            st.just("公网备"),
        )
    )
)
EVERY = {parse_icp: ICP_NUMBERS, parse_licence: LICENCES, parse_public_security: PUBLIC_SECURITY_NUMBERS}


@pytest.mark.parametrize("parse", EVERY)
@given(data=st.data())
def test_a_canonical_form_is_read_as_what_it_is_of(parse: Parse, data: st.DataObject) -> None:
    number = data.draw(EVERY[parse])  # type: ignore[index]
    assert parse(str(number)) == number


@pytest.mark.parametrize("parse", PARSERS)
@given(data=st.data())
def test_nothing_is_two_kinds_of_number(parse: Parse, data: st.DataObject) -> None:
    for other, numbers in EVERY.items():
        if other is not parse:
            refused(parse, str(data.draw(numbers)))


NOISE = st.sampled_from([*"京川蜀豫兵ICPicp备案證证号號公网安-—－０１Ol 0129.AXKB\u200b\u0000<é"]) | st.characters()


@st.composite
def spoilt(draw: st.DrawFn) -> str:
    """A number with something put in, taken out or changed."""
    text = str(draw(st.one_of(*EVERY.values())))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 2)))
        text = text[:start] + draw(st.text(NOISE, max_size=2)) + text[end:]
    return text


@pytest.mark.parametrize("parse", PARSERS)
@given(text=st.text() | st.text(NOISE) | spoilt())
def test_whatever_is_typed_is_read_or_refused_with_a_reason(parse: Parse, text: str) -> None:
    found = outcome(parse, text)
    if isinstance(found, NumberError):
        assert found.reason
        assert found.reason != "these parts make no number"
        assert re.search("[一-鿿]", found.why.zh)
        assert str(found).isprintable()
        if found.suggestion is not None:
            assert str(parse(found.suggestion)) == found.suggestion
    else:
        assert parse(str(found)) == found


def outcome(parse: Parse, text: str) -> Number | NumberError:
    try:
        return parse(text)
    except NumberError as error:
        return error


# --- as the footers of public sites have them --------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind", "canonical"),
    [
        ("京ICP证030173号", "licence", "京ICP证030173号"),
        ("京公网安备11000002000001号", "public-security", "京公网安备11000002000001号"),
        ("粤B2-20090191", "licence", "粤B2-20090191"),
        ("浙B2-20080224", "licence", "浙B2-20080224"),
        ("浙B2-20080224-1", "website", "浙B2-20080224-1"),
        ("苏B2-20130048号", "licence", "苏B2-20130048"),
        ("A2.B1.B2-20070312", "licence", "A2.B1.B2-20070312"),
        ("合字B1.B2-20190025", "licence", "合字B1.B2-20190025"),
        ("京ICP备2020036654号-1A", "app", "京ICP备2020036654号-1A"),
        ("粤B2-20090059-1621A", "app", "粤B2-20090059-1621A"),
        ("京公网安备 11010802020088 号", "public-security", "京公网安备11010802020088号"),
        ("京ICP备 13052560 号 - 1", "website", "京ICP备13052560号-1"),
        ("黔ICP备20004760号-14", "website", "黔ICP备20004760号-14"),
        ("贵公网安备 52990002000093号", "public-security", "贵公网安备52990002000093号"),
        ("浙公网安备 33010602009975号", "public-security", "浙公网安备33010602009975号"),
        ("沪ICP备13002172号-3", "website", "沪ICP备13002172号-3"),
        ("粤ICP备11017762号", "subject", "粤ICP备11017762号"),
    ],
)
def test_what_public_sites_show_is_right(text: str, kind: str, canonical: str) -> None:
    verdict = judge(text, today=date(2026, 11, 21))
    assert (verdict.verdict, verdict.kind, verdict.canonical) == ("valid", kind, canonical)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("网信算备310101216601302230019号", "算法备案"),
        ("京网文[2014]2148-348号", "网络文化经营许可证"),
        ("新出发京零字第大120007号", "出版物经营许可证"),
        ("互联网药品信息服务资格证书（京）-经营性-2014-0008", "互联网药品信息服务资格证书"),
        ("京ICP备05070602号-1 京公网安备11000002000001号", "more than one number"),
        ("京ICP备2027012345号-1", "2027 is still to come"),
        ("京ICP备99012345号-1", "2099 is still to come"),
    ],
)
def test_what_is_another_registration_or_of_no_year_yet_is_told(text: str, said: str) -> None:
    verdict = judge(text, today=date(2026, 11, 21))
    assert (verdict.verdict, verdict.canonical) == ("invalid", None)
    assert verdict.reason is not None
    assert said in verdict.reason.en


@given(st.text(max_size=40))
def test_no_text_crashes_a_judgement(text: str) -> None:
    verdict = judge(text, today=date(2026, 11, 21))
    assert (verdict.verdict == "invalid") == (verdict.canonical is None)
