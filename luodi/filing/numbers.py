"""Filing numbers: parsed into typed values, or refused with the character that is wrong.

Three kinds of number are told apart:

- an ICP filing number (ICP 备案号), `IcpNumber`: the subject's ``京ICP备05070602号``, and a service's,
  which is the subject's with a serial: ``-1`` a website, ``-2A`` an APP, ``-3X`` a mini-program,
  ``-4K`` a quick app;
- a licence (ICP 许可证, 增值电信业务经营许可证), `Licence`: ``京ICP证030173号``, ``合字B2-20180025``.
  It is no filing, but a filing can be made under one: ``京ICP证030173号-1``;
- a public-security number (公安联网备案号), `PublicSecurityNumber`: ``京公网安备11010102000001号``.

Before anything is judged, full-width characters become half-width, letters upper case, every kind of
dash a hyphen, and white space and invisible characters go. `str()` of a value is its canonical form,
and parsing that gives an equal value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum
from functools import cache
from typing import Generic, TypeVar

from luodi.filing.provinces import Province, provinces
from luodi.filing.reading import Reader, count, fold, printable
from luodi.filing.rules import rules
from luodi.words import Words

T = TypeVar("T")


class NumberError(ValueError):
    """A number that can't be right.

    `text` is what was given, `reason` what is wrong with it, in English, and `suggestion` the canonical
    form of what was probably meant, where that can be told. `words` is the whole of it in both languages;
    as text the error is its English.
    """

    def __init__(self, text: str, reason: Words, suggestion: str | None = None) -> None:
        self.text, self.reason, self.suggestion = text, reason.en, suggestion
        self.why = reason
        shown = printable(text)
        hint = Words(f"应为 {suggestion}？", f" Did you mean {suggestion}?") if suggestion else Words("", "")
        self.words = Words(f"{shown}：{reason.zh}。{hint.zh}", f"{shown}: {reason.en}.{hint.en}")
        super().__init__(self.words.en)


# --- values --------------------------------------------------------------------------------------


class Service(Enum):
    """What a filing is for; the value is the letter after the serial of a service number."""

    WEBSITE = ""
    APP = "A"
    MINI_PROGRAM = "X"
    QUICK_APP = "K"

    @property
    def label(self) -> Words:
        """What it is called; in English with the Chinese term."""
        return _SERVICE_LABELS[self]


_NO_LETTER = Words("没有字母", "no letter")
_SERVICE_LABELS = {
    Service.WEBSITE: Words("网站", "a website (网站)"),
    Service.APP: Words("APP", "an APP"),
    Service.MINI_PROGRAM: Words("小程序", "a mini-program (小程序)"),
    Service.QUICK_APP: Words("快应用", "a quick app (快应用)"),
}


@dataclass(frozen=True)
class Licence:
    """A licence (ICP 许可证): ``京ICP证030173号``, or by category, ``合字A1.B1.B2-20180017``.

    `area` is the province's character, ``合字`` for a cross-regional licence, or empty for a national
    one. `categories` are those of the telecom service catalogue (电信业务分类目录), none in the older
    form ``ICP证``. Raises NumberError when the parts make no licence.
    """

    area: str
    categories: tuple[str, ...]
    digits: str

    def __post_init__(self) -> None:
        _must_match(_licence_pattern(), str(self))

    @property
    def province(self) -> str | None:
        """The province's character; None for a national or a cross-regional licence."""
        return self.area if len(self.area) == 1 else None

    @property
    def url(self) -> str:
        """Where anybody can look it up."""
        return _portal("licence", self.digits)

    def __str__(self) -> str:
        if not self.categories:
            return f"{self.area}ICP证{self.digits}号"
        return f"{self.area}{'.'.join(self.categories)}-{self.digits}"


@dataclass(frozen=True)
class Filing:
    """A subject's own filing (主体备案): the province's character and 8 digits (YY + 6) or 10 (YYYY + 6)."""

    province: str
    digits: str

    @property
    def year(self) -> int:
        """The year that it was made in."""
        return int(self.digits[:4]) if len(self.digits) == 10 else 2000 + int(self.digits[:2])

    def __str__(self) -> str:
        return f"{self.province}ICP备{self.digits}号"


@dataclass(frozen=True)
class IcpNumber:
    """An ICP filing number: a subject's (主体备案号) or, with a serial, a service's (服务备案号).

    `stem` is the subject's filing, or the licence that the filing is made under. `serial` counts one
    subject's services, whatever they are; it and `service` are None for a subject number. Raises
    NumberError when the parts make no number.
    """

    stem: Filing | Licence
    serial: int | None = None
    service: Service | None = None

    def __post_init__(self) -> None:
        if (self.serial is None) != (self.service is None):
            raise NumberError(
                str(self.stem), Words("序号和服务类型须同时存在", "a serial and a service belong together")
            )
        _must_match(_icp_pattern(), str(self))

    @property
    def province(self) -> str | None:
        """The province's character; None under a licence that is no province's."""
        return self.stem.province

    @property
    def displayed(self) -> IcpNumber:
        """The number that a page has to carry.

        Guangdong's authority wants the subject number, the others the service number.
        """
        if self.province == "粤" and isinstance(self.stem, Filing):
            return IcpNumber(self.stem)
        return self

    @property
    def warnings(self) -> tuple[Words, ...]:
        """What is unusual about the number, though it can be right."""
        return tuple(_icp_warnings(self)) + ((self.page_warning,) if self.page_warning else ())

    def from_the_future(self, today: date) -> Words | None:
        """What is wrong with a number of a year that is still to come; None for any other."""
        if not isinstance(self.stem, Filing) or self.stem.year <= today.year:
            return None
        return Words(
            f"{self}：{self.stem.year} 年还没有到，不会有那一年的备案号",
            f"{self}: {self.stem.year} is still to come, so there is no number of that year",
        )

    @property
    def page_warning(self) -> Words | None:
        """Why a page can't carry just this number: outside Guangdong a subject number is not accepted."""
        if self.serial is not None or self.province == "粤":
            return None
        return Words(
            f"{self}：广东以外的网站页面须展示服务备案号，即在它后面加 -1 等序号",
            f"{self}: outside Guangdong a page must carry the service number (服务备案号), which is "
            "this one with -1 or another serial after it",
        )

    def require(self, service: Service) -> IcpNumber:
        """This number, if it is a subject's or one for `service`; else NumberError."""
        if self.service is None or self.service is service:
            return self
        own, wanted, serial = self.service.label, service.label, f"-{self.serial}{self.service.value}"
        ending = Words(f"有字母 {service.value}", f"the letter {service.value}") if service.value else _NO_LETTER
        raise NumberError(
            str(self),
            Words(
                f"{serial} 是{own.zh}的备案号，{wanted.zh}的序号后面{ending.zh}；两者都可在 "
                "https://beian.miit.gov.cn/ 按主体查到",
                f"{serial} is the number of {own.en}; that of {wanted.en} has {ending.en} after its serial. Both are "
                "listed under the subject at https://beian.miit.gov.cn/",
            ),
        )

    def require_website(self) -> IcpNumber:
        """This number, if it is a subject's or a website's; else NumberError."""
        return self.require(Service.WEBSITE)

    @property
    def url(self) -> str:
        """Where anybody can look it up."""
        return _portal("icp", self.stem.digits)

    def __str__(self) -> str:
        if self.service is None:
            return str(self.stem)
        return f"{self.stem}-{self.serial}{self.service.value}"


def _icp_warnings(number: IcpNumber) -> Iterator[Words]:
    if isinstance(number.stem, Filing):
        digits = number.stem.digits
        if digits in _MADE_UP or digits[-6:] == _NEVER_COUNTED:
            yield _made_up(number, "https://beian.miit.gov.cn/")
        if len(digits) == 8 and digits[:2] > "20":
            yield Words(
                f"{number}：2021 年起的备案号有 10 位数字，以四位年份开头",
                f"{number}: from 2021 on, numbers have 10 digits and begin with the whole year",
            )
        if len(digits) == 10 and digits[:4] < "2020":
            yield Words(
                f"{number}：2020 年以前的备案号有 8 位数字，以两位年份开头",
                f"{number}: before 2020, numbers had 8 digits and began with two of the year",
            )


# What stands in templates until somebody puts the own number in. Whoever counts begins with 1.
_MADE_UP = {"12345678", "87654321", "2012345678", *(digit * 8 for digit in "0123456789")}
_NEVER_COUNTED = "000000"


def _made_up(number: IcpNumber | PublicSecurityNumber, portal: str) -> Words:
    return Words(
        f"{number}：像是模板里的示例号码；请与 {portal} 上的核对",
        f"{number}: reads like the example of a template; compare it with the one at {portal}",
    )


_MARKER = "公网安备"
_OLD_MARKER = "公网备"


@dataclass(frozen=True)
class PublicSecurityNumber:
    """A public-security number (公安联网备案号): ``京公网安备11010102000001号``.

    Its 14 digits are the 6 of an administrative division, 02, and a sequence of 6. The canonical form
    has no space, as in the code that today's portal (https://beian.mps.gov.cn/) hands out for pages;
    the portal before it wrote one after 备. Two older forms are taken with a warning: 12 digits, and
    the `marker` 公网备 with 15 or 12 digits, which stands without 号. Raises NumberError when the parts
    make no number.
    """

    character: str
    digits: str
    marker: str = _MARKER

    def __post_init__(self) -> None:
        _must_match(_public_security_pattern(), str(self))
        if fault := _division_fault(self.character, self.digits):
            raise NumberError(str(self), fault)

    @property
    def warnings(self) -> tuple[Words, ...]:
        """What is unusual about the number, though it can be right."""
        if len(self.digits) != 14:
            why = Words(
                f"旧式号码，{len(self.digits)} 位数字，通常为 14 位",
                f"an older form, of {len(self.digits)} digits where 14 are usual",
            )
        elif self.digits[-6:] == _NEVER_COUNTED:
            return (_made_up(self, "https://beian.mps.gov.cn/"),)
        elif self.digits[6:8] != "02":
            why = Words(
                f"第 7、8 位是 {self.digits[6:8]}，通常为 02",
                f"digits 7 and 8 are {self.digits[6:8]} where 02 is usual",
            )
        else:
            return ()
        return (
            Words(
                f"{self}：{why.zh}；请与 https://beian.mps.gov.cn/ 上的核对",
                f"{self}: {why.en}; compare it with the one at https://beian.mps.gov.cn/",
            ),
        )

    @property
    def url(self) -> str:
        """Where anybody can look it up."""
        return _portal("public-security", self.digits)

    def __str__(self) -> str:
        end = "号" if self.marker == _MARKER else ""
        return f"{self.character}{self.marker}{self.digits}{end}"


def _portal(kind: str, digits: str) -> str:
    return str(rules("regime")["portal"][kind]["url"]).format(digits=digits)


# --- what numbers look like ----------------------------------------------------------------------

_CATEGORIES = r"[AB][12](?:\.[AB][12])*"
_SERIAL = r"-(?P<serial>[1-9][0-9]{0,4})(?P<service>[AXK]?)"
_LONGEST = 200


@cache
def _characters() -> str:
    return "".join(province.icp for province in provinces() if province.icp)


@cache
def _public_security_characters() -> str:
    return "".join(character for province in provinces() for character in province.public_security)


@cache
def _licence_pattern() -> re.Pattern[str]:
    area = f"[{_characters()}]"
    old = rf"(?P<old_area>{area})ICP证(?P<old_digits>[0-9]{{6}})号"
    new = rf"(?P<area>{area}|合字)?(?P<categories>{_CATEGORIES})-(?P<new_digits>[0-9]{{8}})"
    return re.compile(f"(?:{old}|{new})")


@cache
def _licence_as_written() -> re.Pattern[str]:
    return re.compile(f"{_licence_pattern().pattern}号?(?![0-9-])")


@cache
def _icp_pattern() -> re.Pattern[str]:
    filing = rf"(?P<province>[{_characters()}])ICP备(?P<digits>20[0-9]{{8}}|[0-9]{{8}})号"
    # A licence is a filing's stem only where a serial follows: by itself it stays a licence.
    return re.compile(f"(?:{filing}|{_licence_pattern().pattern}(?=-))(?:{_SERIAL})?")


@cache
def _public_security_pattern() -> re.Pattern[str]:
    character = f"(?P<character>[{_public_security_characters()}])"
    new = rf"{_MARKER}(?P<digits>[0-9]{{14}}|[0-9]{{12}})号"
    old = rf"{_OLD_MARKER}(?P<old_digits>[0-9]{{15}}|[0-9]{{12}})(?![0-9])号?"
    return re.compile(f"{character}(?:{new}|{old})")


def _must_match(pattern: re.Pattern[str], number: str) -> None:
    if pattern.fullmatch(number) is None:
        raise NumberError(number, Words("这些部分不能组成号码", "these parts make no number"))


# --- parsing -------------------------------------------------------------------------------------


def parse_icp(text: str) -> IcpNumber:
    """The ICP filing number that `text` is. Raises NumberError."""
    return _parse(text, _Kind(_icp_pattern(), _icp, _icp_fault, _icp_mended))


def parse_licence(text: str) -> Licence:
    """The licence that `text` is; one with categories may be followed by 号, as pages have it. Raises NumberError."""
    return _parse(text, _Kind(_licence_as_written(), _licence, _licence_fault, _licence_mended))


def parse_public_security(text: str) -> PublicSecurityNumber:
    """The public-security number that `text` is. Raises NumberError."""
    pattern = _public_security_pattern()
    kind = _Kind(pattern, _public_security, _public_security_fault, _public_security_mended)
    return _parse(text, kind)


def _icp(found: re.Match[str]) -> IcpNumber:
    stem = Filing(found["province"], found["digits"]) if found["province"] else _licence(found)
    if found["serial"] is None:
        return IcpNumber(stem)
    return IcpNumber(stem, int(found["serial"]), Service(found["service"]))


def _licence(found: re.Match[str]) -> Licence:
    if found["old_digits"]:
        return Licence(found["old_area"], (), found["old_digits"])
    return Licence(found["area"] or "", tuple(found["categories"].split(".")), found["new_digits"])


def _public_security(found: re.Match[str]) -> PublicSecurityNumber:
    if found["digits"]:
        return PublicSecurityNumber(found["character"], found["digits"])
    return PublicSecurityNumber(found["character"], found["old_digits"], _OLD_MARKER)


@dataclass(frozen=True)
class _Kind(Generic[T]):
    """A kind of number: how it looks, how it is read, what can be wrong with it, and what was meant."""

    pattern: re.Pattern[str]
    read: Callable[[re.Match[str]], T]
    fault: Callable[[str], Words]
    mended: Callable[[str], str]


def _parse(text: str, kind: _Kind[T]) -> T:
    if len(text) > _LONGEST:
        raise NumberError(
            text, Words(f"{len(text)} 个字符，没有这么长的号码", f"{len(text)} characters are more than any number has")
        )
    number = fold(text)
    if found := kind.pattern.fullmatch(number):
        try:
            return kind.read(found)
        except NumberError as error:
            raise NumberError(text, error.why) from None
    within = _within(number, kind.pattern)
    reason = kind.fault(number) if within is None else _surplus(number, within)
    meant = kind.pattern.fullmatch(kind.mended(number)) or within
    try:
        suggestion = str(kind.read(meant)) if meant else None
    except NumberError:
        suggestion = None
    raise NumberError(text, reason, suggestion)


def _within(number: str, pattern: re.Pattern[str]) -> re.Match[str] | None:
    """A right number with other text around it, but not one cut out of a longer number."""
    if found := pattern.search(number):
        before, after = number[: found.start()], number[found.end() :]
        if not re.search(r"[0-9A-Z][、,./]?$", before) and not re.match(r"[0-9A-Z-]", after):
            return found
    return None


def _surplus(number: str, found: re.Match[str]) -> Words:
    before, after = number[: found.start()], number[found.end() :]
    extra = printable(before or after, 20)
    return Words(
        f"号码{'前面' if before else '后面'}多出“{extra}”",
        f"{extra} stands {'before' if before else 'after'} the number",
    )


# --- what is wrong -------------------------------------------------------------------------------


def _icp_fault(number: str) -> Words:
    example = "京ICP备05070602号-1"
    if not number:
        return Words(
            f"ICP 备案号是空的，例如 {example}", f"an ICP filing number (ICP 备案号) is empty; one reads {example}"
        )
    if "公网" in number:
        return Words(
            "这是公安联网备案号，不是 ICP 备案号",
            "this is a public-security number (公安联网备案号), not an ICP filing number (ICP 备案号)",
        )
    if found := _licence_as_written().fullmatch(number):
        licence = _licence(found)
        return Words(
            f"这是许可证号，不是备案号；备案号例如 {example}，以这张许可证备案的则是 {licence}-1",
            f"this is a licence (ICP 许可证), not a filing (ICP 备案); a filing reads {example}, or, where "
            f"it is made under this licence, {licence}-1",
        )
    reader = Reader(number)
    if fault := _province_fault(reader, _FILINGS, _characters(), _icp_character):
        return fault
    if fault := reader.expect("ICP"):
        return fault
    if reader.next == "证":
        return Words(
            "“证”是许可证，备案号这里是“备”", "证 marks a licence (ICP 许可证); a filing (ICP 备案) has 备 there"
        )
    if fault := reader.expect("备"):
        return fault
    digits = reader.digits()
    if fault := reader.intruder(digits, "号-"):
        return fault
    if len(digits) not in (8, 10):
        return _counted(
            digits,
            Words(
                "备案号有 8 位（两位年份加 6 位）或 10 位（四位年份加 6 位）",
                "a filing has 8 (two of the year and 6) or 10 (the year and 6)",
            ),
        )
    if len(digits) == 10 and not digits.startswith("20"):
        return Words(
            f"10 位备案号不会以年份 {digits[:4]} 开头",
            f"{digits[:4]} is no year that a filing's 10 digits can begin with",
        )
    if fault := reader.expect("号"):
        return fault
    return _serial_fault(reader)


def _counted(digits: str, expected: Words) -> Words:
    found = count(digits)
    return Words(f"{found.zh}；{expected.zh}", f"{found.en}; {expected.en}")


def _after_the_end(reader: Reader, what: Words) -> Words:
    return Words(f"{what.zh}结束后多出“{reader.found.zh}”", f"{reader.found.en} stands after the end of the {what.en}")


def _serial_fault(reader: Reader) -> Words:
    if fault := reader.expect("-"):
        return fault
    serial = reader.digits()
    if not serial:
        return Words(
            f"应为服务序号（如 -1）的位置是“{reader.found.zh}”",
            f"{reader.found.en} stands where the serial of the service belongs, as in -1",
        )
    if serial.startswith("0"):
        return Words(
            f"序号 {serial[:8]} 以 0 开头，序号从 1 数起", f"serial {serial[:8]} begins with 0; serials count from 1"
        )
    if len(serial) > 5:
        found = count(serial)
        return Words(f"序号有{found.zh}，最多 5 位", f"{found.en} in the serial, which has 5 at most")
    if reader.next and reader.next not in "AXK":
        return Words(
            f"序号后面是“{reader.found.zh}”；网站没有字母，APP 是 A，小程序是 X，快应用是 K",
            f"{reader.found.en} after the serial; nothing stands there for a website, A for an APP, X for a "
            "mini-program, K for a quick app",
        )
    reader.take()
    return _after_the_end(reader, _NUMBER)


def _licence_fault(number: str) -> Words:
    examples = Words("京ICP证030173号、合字B2-20180025", "京ICP证030173号 or 合字B2-20180025")
    if not number:
        return Words(f"许可证号是空的，例如 {examples.zh}", f"a licence (ICP 许可证) is empty; one reads {examples.en}")
    if "公网" in number:
        return Words(
            "这是公安联网备案号，不是许可证号",
            "this is a public-security number (公安联网备案号), not a licence (ICP 许可证)",
        )
    if "ICP备" in number or _icp_pattern().fullmatch(number):
        return Words(
            f"这是备案号，不是许可证号；许可证号例如 {examples.zh}",
            f"this is a filing (ICP 备案), not a licence (ICP 许可证); a licence reads {examples.en}",
        )
    reader = Reader(number)
    if number.startswith("合字"):
        reader.take(2)
    elif reader.next not in "AB" and (fault := _province_fault(reader, _LICENCES, _characters(), _icp_character)):
        return fault
    return _old_licence_fault(reader) if reader.next not in tuple("AB") else _category_fault(reader)


def _old_licence_fault(reader: Reader) -> Words:
    if fault := reader.expect("ICP证"):
        return fault
    digits = reader.digits()
    if fault := reader.intruder(digits, "号"):
        return fault
    if len(digits) != 6:
        return _counted(digits, Words("“ICP证”后面有 6 位", "a licence with ICP证 has 6"))
    return reader.expect("号") or _after_the_end(reader, _LICENCE)


def _category_fault(reader: Reader) -> Words:
    categories = re.match(_CATEGORIES, reader.rest)
    reader.take(categories.end() if categories else 1)
    if categories is None:
        return Words(
            f"业务类别里有“{reader.found.zh}”；类别是 A1、A2、B1、B2，以点分隔",
            f"{reader.found.en} stands in the categories; those are A1, A2, B1 and B2, with dots between",
        )
    if fault := reader.expect("-"):
        return fault
    digits = reader.digits()
    if fault := reader.intruder(digits, ""):
        return fault
    return _counted(
        digits, Words("带类别的许可证有 8 位（年份加 4 位）", "a licence with categories has 8 (the year and 4)")
    )


def _public_security_fault(number: str) -> Words:
    example = "京公网安备11010102000001号"
    if not number:
        return Words(
            f"公安联网备案号是空的，例如 {example}",
            f"a public-security number (公安联网备案号) is empty; one reads {example}",
        )
    if "ICP" in number or _licence_as_written().fullmatch(number):
        return Words(
            "这是工信部的号码（ICP 备案或许可证），不是公安联网备案号",
            "this is a number of the ministry's (ICP 备案 or 许可证), not a public-security number (公安联网备案号)",
        )
    reader = Reader(number)
    known = _public_security_characters()
    if fault := _province_fault(reader, _PUBLIC_SECURITY_NUMBERS, known, _public_security_character):
        return fault
    old = reader.rest.startswith(_OLD_MARKER)
    if old and len(re.sub(r"[^0-9]", "", number)) == 14:
        return Words(f"“公网”和“备”之间缺少“安”，例如 {example}", f"安 is missing between 公网 and 备, as in {example}")
    if fault := reader.expect(_OLD_MARKER if old else _MARKER):
        return fault
    digits = reader.digits()
    if fault := reader.intruder(digits, "号"):
        return fault
    if len(digits) not in ((15, 12) if old else (14, 12)):
        return _counted(digits, Words("公安联网备案号有 14 位", "a public-security number has 14"))
    return reader.expect("号") or _after_the_end(reader, _NUMBER)


def _division_fault(character: str, digits: str) -> Words | None:
    own = next(province for province in provinces() if character in province.public_security)
    if digits.startswith(own.division):
        return None
    other = next((each for each in provinces() if digits.startswith(each.division)), None)
    whose = Words("没有这样的省份", "as nowhere")
    if other:
        characters = "/".join(other.public_security)
        whose = Words(f"属于{other.chinese}（{characters}）", f"as in {other.name} ({characters})")
    return Words(
        f"“{character}”是{own.chinese}，行政区划代码以 {own.division} 开头，"
        f"而 {digits[:6]} 以 {digits[:2]} 开头，{whose.zh}；是否抄自模板？你的号码见 https://beian.mps.gov.cn/",
        f"{character} is {own.name}, whose divisions begin with {own.division}, but {digits[:6]} begins "
        f"with {digits[:2]}, {whose.en}. Was it copied from a template? Yours is at "
        "https://beian.mps.gov.cn/",
    )


_NUMBER, _LICENCE = Words("号码", "number"), Words("许可证号", "licence")
_FILINGS, _LICENCES = Words("备案号", "filings"), Words("许可证号", "licences")
_PUBLIC_SECURITY_NUMBERS = Words("公安联网备案号", "public-security numbers")


def _province_fault(
    reader: Reader, numbers: Words, known: str, character: Callable[[Province], str | None]
) -> Words | None:
    """Step over the province's character, or say what is wrong with it."""
    if reader.next and reader.next in known:
        reader.take()
        return None
    mended = _mended_province(reader.rest, character)
    if mended != reader.rest:
        province = next(each for each in provinces() if character(each) == mended[0])
        return Words(
            f"{province.chinese}的{numbers.zh}以“{mended[0]}”开头",
            f"{province.name}'s {numbers.en} begin with {mended[0]}",
        )
    if reader.rest.startswith(("ICP", "备", "公")):
        return Words(f"“{reader.next}”之前缺少省份简称", f"the province's character is missing before {reader.next}")
    return Words(
        f"“{reader.found.zh}”不是省份简称；{numbers.zh}以这些字之一开头：{known}",
        f"{reader.found.en} is no province's character; {numbers.en} begin with one of {known}",
    )


# --- what was meant ------------------------------------------------------------------------------
# The usual slips, mended. Whether what comes out is a number is for the pattern to judge.

_TRADITIONAL = str.maketrans("備號證証網", "备号证证网")
_LOOKALIKES = str.maketrans("OQIL|", "00111")


def _icp_mended(number: str) -> str:
    text = _mended_province(number.translate(_TRADITIONAL), _icp_character)
    text = re.sub(rf"^(.)ICP备(?={_CATEGORIES}-)", r"\1", text)  # a filing under a licence, named twice
    found = re.fullmatch(
        r"(?P<area>.)(?:[IL1|]?CP备?案?号?|备案?号?):?(?P<digits>[0-9OQIL|]{8,10})号?"
        r"(?:[-_~.]*0*(?P<serial>[1-9][0-9]*)(?P<service>[AXK]?)号?)?",
        text,
    )
    if found is None:
        return text
    serial = f"-{found['serial']}{found['service']}" if found["serial"] else ""
    return f"{found['area']}ICP备{found['digits'].translate(_LOOKALIKES)}号{serial}"


def _licence_mended(number: str) -> str:
    text = _mended_province(number.translate(_TRADITIONAL), _icp_character)
    text = re.sub(r"([AB][12])[、,/]?(?=[AB][12])", r"\1.", text)
    text = re.sub(r"^(.?)ICP证:?(?=(?:合字|.)?[AB][12])", r"\1", text)  # the licence's name, not a part of its number
    if found := re.fullmatch(r"(.)(?:[IL1|]?CP证|证)([0-9OQIL|]{6})号?", text):
        return f"{found[1]}ICP证{found[2].translate(_LOOKALIKES)}号"
    if found := re.fullmatch(rf"(.?.?{_CATEGORIES})-?([0-9OQIL|]{{8}})号?", text):
        return f"{found[1]}-{found[2].translate(_LOOKALIKES)}"
    return text


def _public_security_mended(number: str) -> str:
    text = _mended_province(number.translate(_TRADITIONAL), _public_security_character)
    if found := re.fullmatch(r"(.)公?网?安?备案?号?:?([0-9OQIL|]{14}|[0-9]{12})号?", text):
        return f"{found[1]}{_MARKER}{found[2].translate(_LOOKALIKES)}号"
    return text


def _mended_province(number: str, character: Callable[[Province], str | None]) -> str:
    """`number` with the right character in place of a province's name or another of its short forms."""
    for province in provinces():
        right = character(province)
        names = (province.chinese, *province.mistaken, *province.public_security, province.icp or "")
        wrong = next((name for name in names if name and number.startswith(name)), None)
        if right and wrong:
            return f"{right}{number[len(wrong) :]}"
    return number


def _icp_character(province: Province) -> str | None:
    return province.icp


def _public_security_character(province: Province) -> str | None:
    return province.public_security[0]
