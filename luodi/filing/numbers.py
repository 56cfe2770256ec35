"""Filing numbers: parsed into typed values, or refused with the character that is wrong.

Three kinds of number are told apart:

- an ICP filing number (ICP 备案号), `IcpNumber`: the subject's ``京ICP备05070602号``, and a service's, which
  is the subject's with a serial: ``-1`` a website, ``-2A`` an APP, ``-3X`` a mini-program, ``-4K`` a quick app;
- a licence (ICP 许可证, 增值电信业务经营许可证), `Licence`: ``京ICP证030173号``, ``合字B2-20180025``. It is no
  filing, but a filing can be made under one: ``京ICP证030173号-1``;
- a public-security number (公安联网备案号), `PublicSecurityNumber`: ``京公网安备11010102000001号``.

Before anything is judged, full-width characters become half-width, letters upper case, every kind of dash
a hyphen, and white space and invisible characters go. `str()` of a value is its canonical form, and parsing
that gives an equal value.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib import resources
from typing import Any


class NumberError(ValueError):
    """A number that can't be right.

    `text` is what was given, `reason` what is wrong with it, and `suggestion` the canonical form of what was
    probably meant, where that can be told.
    """

    def __init__(self, text: str, reason: str, suggestion: str | None = None) -> None:
        self.text, self.reason, self.suggestion = text, reason, suggestion
        hint = f" Did you mean {suggestion}?" if suggestion else ""
        super().__init__(f"{_printable(text)}: {reason}.{hint}")


class Service(Enum):
    """What a filing is for; the value is the letter after the serial of a service number."""

    WEBSITE = ""
    APP = "A"
    MINI_PROGRAM = "X"
    QUICK_APP = "K"

    @property
    def label(self) -> str:
        """What it is called, with the Chinese term."""
        return _SERVICE_LABELS[self]


_SERVICE_LABELS = {
    Service.WEBSITE: "a website (网站)",
    Service.APP: "an APP",
    Service.MINI_PROGRAM: "a mini-program (小程序)",
    Service.QUICK_APP: "a quick app (快应用)",
}


@dataclass(frozen=True)
class Province:
    """A province as filing numbers write it: a row of ``provinces.toml``, which says what each field means."""

    name: str
    chinese: str
    division: str
    icp: str | None
    public_security: tuple[str, ...]
    mistaken: tuple[str, ...]


@cache
def provinces() -> tuple[Province, ...]:
    """Every province, in the order of its division code."""
    text = resources.files("luodi.filing").joinpath("provinces.toml").read_text("utf-8")
    return tuple(_province(row) for row in tomllib.loads(text)["province"])


def _province(row: dict[str, Any]) -> Province:
    return Province(
        name=row["name"],
        chinese=row["chinese"],
        division=row["division"],
        icp=row.get("icp"),
        public_security=tuple(row["public-security"]),
        mistaken=tuple(row["mistaken"]),
    )


# --- ICP filing numbers and licences -------------------------------------------------------------


@dataclass(frozen=True)
class Licence:
    """A licence (ICP 许可证): ``京ICP证030173号``, or by category, ``合字A1.B1.B2-20180017``.

    `area` is the province's character, ``合字`` for a cross-regional licence under the joint scheme, or empty
    for a national one. `categories` are those of the telecom service catalogue (电信业务分类目录), none in the
    older form ``ICP证``. Raises NumberError when the parts make no licence.
    """

    area: str
    categories: tuple[str, ...]
    digits: str

    def __post_init__(self) -> None:
        _only(_licence_pattern(), str(self))

    @property
    def province(self) -> str | None:
        """The province's character; None for a national or a cross-regional licence."""
        return self.area if len(self.area) == 1 else None

    def __str__(self) -> str:
        if not self.categories:
            return f"{self.area}ICP证{self.digits}号"
        return f"{self.area}{'.'.join(self.categories)}-{self.digits}"


@dataclass(frozen=True)
class Filing:
    """A subject's own filing (主体备案): the province's character, and 8 digits (YY + 6) or 10 (YYYY + 6)."""

    province: str
    digits: str

    def __str__(self) -> str:
        return f"{self.province}ICP备{self.digits}号"


@dataclass(frozen=True)
class IcpNumber:
    """An ICP filing number: a subject's (主体备案号) or, with a serial, a service's (服务备案号).

    `stem` is the subject's filing or the licence that the filing is made under. `serial` counts one subject's
    services, whatever they are; it and `service` are None for a subject number. Raises NumberError when the
    parts make no number.
    """

    stem: Filing | Licence
    serial: int | None = None
    service: Service | None = None

    def __post_init__(self) -> None:
        if (self.serial is None) != (self.service is None):
            raise NumberError(str(self.stem), "a serial goes with a service, and a service with a serial")
        _only(_icp_pattern(), str(self))

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
    def warnings(self) -> tuple[str, ...]:
        """What is unusual about the number, though it can be right."""
        return tuple(_icp_warnings(self))

    def require(self, service: Service) -> IcpNumber:
        """This number, if it is a subject's or one for `service`; else NumberError."""
        if self.service in (None, service):
            return self
        assert self.service is not None
        ending = f"a letter {service.value}" if service.value else "no letter"
        raise NumberError(
            str(self),
            f"-{self.serial}{self.service.value} is the number of {self.service.label}; that of "
            f"{service.label} has {ending} after its serial. Both are listed under the subject at "
            "https://beian.miit.gov.cn/",
        )

    def require_website(self) -> IcpNumber:
        """This number, if it is a subject's or a website's; else NumberError."""
        return self.require(Service.WEBSITE)

    def __str__(self) -> str:
        if self.service is None:
            return str(self.stem)
        return f"{self.stem}-{self.serial}{self.service.value}"


def parse_icp(text: str) -> IcpNumber:
    """The ICP filing number that `text` is. Raises NumberError."""
    number = _normalised(text)
    if (found := _icp_pattern().fullmatch(number)) is None:
        raise NumberError(text, _icp_fault(number), _suggestion(number, _icp_mended(number), _icp_pattern()))
    stem: Filing | Licence
    stem = Filing(found["province"], found["digits"]) if found["province"] else _licence(found)
    if found["serial"] is None:
        return IcpNumber(stem)
    return IcpNumber(stem, int(found["serial"]), Service(found["service"]))


def parse_licence(text: str) -> Licence:
    """The licence that `text` is. Raises NumberError."""
    number = _normalised(text)
    if (found := _licence_pattern().fullmatch(number)) is None:
        mended = _licence_mended(number)
        raise NumberError(text, _licence_fault(number), _suggestion(number, mended, _licence_pattern()))
    return _licence(found)


def _licence(found: re.Match[str]) -> Licence:
    if found["old_digits"]:
        return Licence(found["old_area"], (), found["old_digits"])
    return Licence(found["area"] or "", tuple(found["categories"].split(".")), found["new_digits"])


@cache
def _characters() -> str:
    return "".join(province.icp for province in provinces() if province.icp)


_CATEGORIES = r"[AB][12](?:\.[AB][12])*"


@cache
def _licence_form() -> str:
    old = rf"(?P<old_area>[{_characters()}])ICP证(?P<old_digits>[0-9]{{6}})号"
    new = rf"(?P<area>[{_characters()}]|合字)?(?P<categories>{_CATEGORIES})-(?P<new_digits>[0-9]{{8}})"
    return f"(?:{old}|{new})"


@cache
def _licence_pattern() -> re.Pattern[str]:
    return re.compile(_licence_form())


@cache
def _icp_pattern() -> re.Pattern[str]:
    filing = rf"(?P<province>[{_characters()}])ICP备(?P<digits>20[0-9]{{8}}|[0-9]{{8}})号"
    serial = r"-(?P<serial>[1-9][0-9]{0,4})(?P<service>[AXK]?)"
    # A licence is a filing's stem only where a serial follows: by itself it stays a licence.
    return re.compile(rf"(?:{filing}(?=$|-)|{_licence_form()}(?=-))(?:{serial})?")


def _icp_warnings(number: IcpNumber) -> Iterable[str]:
    if isinstance(number.stem, Filing):
        digits = number.stem.digits
        if len(digits) == 8 and digits[:2] > "20":
            yield f"{number}: from 2021 on, numbers have 10 digits and begin with the whole year"
        if len(digits) == 10 and digits[:4] < "2020":
            yield f"{number}: before 2020, numbers had 8 digits and began with two of the year"
    if number.serial is None and number.province != "粤":
        yield (
            f"{number}: outside Guangdong a page must carry the service number (服务备案号), which is this with "
            "-1 or another serial after it"
        )


def _icp_fault(number: str) -> str:
    example = "京ICP备05070602号-1"
    if not number:
        return f"an ICP filing number (ICP 备案号) is empty; one reads {example}"
    if extra := _surplus(number, _icp_pattern()):
        return extra
    if "公网" in number:
        return "this is a public-security number (公安联网备案号), not an ICP filing number (ICP 备案号)"
    if _licence_pattern().fullmatch(number):
        return (
            f"this is a licence (ICP 许可证), not a filing (ICP 备案); a filing reads {example}, or, where it is "
            f"made under this licence, {number}-1"
        )
    reader = _Reader(number)
    if fault := _province_fault(reader, "filings", _characters(), lambda province: province.icp):
        return fault
    if fault := reader.expect("ICP"):
        return fault
    if reader.next == "证":
        return "证 marks a licence (ICP 许可证); a filing (ICP 备案) has 备 there"
    if fault := reader.expect("备"):
        return fault
    digits = reader.digits()
    if fault := reader.intruder("号-"):
        return fault
    if len(digits) not in (8, 10):
        return f"{_count(digits)}; a filing has 8 (two of the year and 6) or 10 (the year and 6)"
    if len(digits) == 10 and not digits.startswith("20"):
        return f"{digits[:4]} is no year that a filing's 10 digits can begin with"
    if fault := reader.expect("号"):
        return fault
    return _serial_fault(reader)


def _serial_fault(reader: _Reader) -> str:
    if fault := reader.expect("-"):
        return fault
    serial = reader.digits()
    if not serial:
        return f"{reader.found} where the serial of the service belongs, as in -1"
    if serial.startswith("0"):
        return f"serial {serial[:8]} begins with 0; serials count from 1"
    if len(serial) > 5:
        return f"{_count(serial)} in the serial, where 1 to 5 are seen"
    if reader.next and reader.next not in "AXK":
        return (
            f"{reader.found} after the serial; nothing stands there for a website, A for an APP, X for a "
            "mini-program, K for a quick app"
        )
    reader.take()
    return f"{reader.found} after the end of the number"


def _licence_fault(number: str) -> str:
    examples = "京ICP证030173号 or 合字B2-20180025"
    if not number:
        return f"a licence (ICP 许可证) is empty; one reads {examples}"
    if extra := _surplus(number, _licence_pattern()):
        return extra
    if "公网" in number:
        return "this is a public-security number (公安联网备案号), not a licence (ICP 许可证)"
    if _icp_pattern().fullmatch(number) or "ICP备" in number:
        return f"this is a filing (ICP 备案), not a licence (ICP 许可证); a licence reads {examples}"
    reader = _Reader(number)
    if number.startswith("合字"):
        reader.take(2)
    elif reader.next not in tuple("AB"):
        known = _characters()
        if fault := _province_fault(reader, "licences", known, lambda province: province.icp):
            return fault
    if reader.next not in tuple("AB"):
        if fault := reader.expect("ICP证"):
            return fault
        digits = reader.digits()
        if fault := reader.intruder("号"):
            return fault
        if len(digits) != 6:
            return f"{_count(digits)}; a licence with ICP证 has 6"
        return reader.expect("号") or f"{reader.found} after the end of the licence"
    categories = re.match(r"[AB][12](?:[.][AB][12])*", reader.rest)
    reader.take(categories.end() if categories else 1)
    if not categories:
        return f"{reader.found} in the categories, which are A1, A2, B1 and B2, with a full stop between"
    if fault := reader.expect("-"):
        return f"{fault}, after categories such as B2 or A1.B2"
    digits = reader.digits()
    if fault := reader.intruder(""):
        return fault
    return f"{_count(digits)}; a licence with categories has 8 (the year and 4)"


def _icp_mended(number: str) -> str:
    """`number` with the usual slips of a filing number mended; whether that is one is for others to judge."""
    text = _mended_province(number.translate(_TRADITIONAL), lambda province: province.icp)
    found = re.fullmatch(
        rf"(?P<area>[{_characters()}])(?:[IL1|]?CP备?案?号?|备案?号?):?(?P<digits>[0-9OQIL|]{{8,10}})号?"
        r"(?:[-_~.]*0*(?P<serial>[1-9][0-9]*)(?P<service>[AXK]?)号?)?",
        text,
    )
    if found is None:
        return text
    serial = f"-{found['serial']}{found['service']}" if found["serial"] else ""
    return f"{found['area']}ICP备{found['digits'].translate(_LOOKALIKES)}号{serial}"


def _licence_mended(number: str) -> str:
    text = _mended_province(number.translate(_TRADITIONAL), lambda province: province.icp)
    text = re.sub(r"([AB][12])[、,/]?(?=[AB][12])", r"\1.", text)
    if found := re.fullmatch(rf"(.?)ICP证:?((?:[{_characters()}]|合字)?{_CATEGORIES})-?([0-9]{{8}})号?", text):
        area, categories, digits = found.groups()
        return f"{'' if categories[0] not in 'AB' else area}{categories}-{digits}"
    if found := re.fullmatch(rf"((?:[{_characters()}]|合字)?{_CATEGORIES})-?([0-9]{{8}})号?", text):
        return f"{found[1]}-{found[2]}"
    if found := re.fullmatch(r"(.)(?:[IL1|]?CP证|证)([0-9OQIL|]{6})号?", text):
        return f"{found[1]}ICP证{found[2].translate(_LOOKALIKES)}号"
    return text


# --- public-security numbers ---------------------------------------------------------------------

_MARKER = "公网安备"
_OLD_MARKER = "公网备"


@dataclass(frozen=True)
class PublicSecurityNumber:
    """A public-security number (公安联网备案号): ``京公网安备11010102000001号``.

    Its 14 digits are the 6 of an administrative division, 02, and a sequence of 6. The canonical form has no
    space, as today's portal (https://beian.mps.gov.cn/) writes it in the code that it hands out; the former
    portal's had one after 备. Two older forms are taken with a warning: 12 digits, and the `marker` 公网备 with
    15 or 12 digits, which stands without 号. Raises NumberError when the parts make no number.
    """

    character: str
    digits: str
    marker: str = _MARKER

    def __post_init__(self) -> None:
        _only(_public_security_pattern(), str(self))
        if fault := _division_fault(self.character, self.digits):
            raise NumberError(str(self), fault)

    @property
    def legacy(self) -> bool:
        """Whether it is of an older form."""
        return self.marker == _OLD_MARKER or len(self.digits) != 14

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is unusual about the number, though it can be right."""
        if self.legacy:
            return (
                f"{self}: an older form ({len(self.digits)} digits); look it up at https://beian.mps.gov.cn/, "
                "whose numbers have 14",
            )
        if self.digits[6:8] != "02":
            return (
                f"{self}: digits 7 and 8 are {self.digits[6:8]}, where 02 is usual; compare it with the one at "
                "https://beian.mps.gov.cn/",
            )
        return ()

    def __str__(self) -> str:
        return f"{self.character}{self.marker}{self.digits}{'号' if self.marker == _MARKER else ''}"


def parse_public_security(text: str) -> PublicSecurityNumber:
    """The public-security number that `text` is. Raises NumberError."""
    number = _normalised(text)
    found = _public_security_pattern().fullmatch(number)
    fault = _public_security_fault(number) if found is None else _division_fault(found[1], found[3])
    if found is None or fault:
        mended = _public_security_mended(number)
        raise NumberError(text, fault or "", _suggestion(number, mended, _public_security_pattern()))
    return PublicSecurityNumber(found[1], found[3], found[2])


@cache
def _public_security_characters() -> str:
    return "".join(character for province in provinces() for character in province.public_security)


@cache
def _public_security_pattern() -> re.Pattern[str]:
    return re.compile(
        rf"([{_public_security_characters()}])"
        rf"(?:(?={_MARKER}(?:[0-9]{{14}}|[0-9]{{12}})号)|(?={_OLD_MARKER}(?:[0-9]{{15}}|[0-9]{{12}})(?![0-9])))"
        rf"({_MARKER}|{_OLD_MARKER})([0-9]+)号?"
    )


def _division_fault(character: str, digits: str) -> str | None:
    own = next(province for province in provinces() if character in province.public_security)
    if digits.startswith(own.division):
        return None
    other = next((province for province in provinces() if digits.startswith(province.division)), None)
    whose = f"those of {other.name} ({'/'.join(other.public_security)})" if other else "no province's"
    return (
        f"{character} is {own.name}, whose divisions begin with {own.division}, but {digits[:6]} begins with "
        f"{digits[:2]}, {whose}. Was it copied from a template"
        "? The right one is at https://beian.mps.gov.cn/"
    )


def _public_security_fault(number: str) -> str:
    example = "京公网安备11010102000001号"
    if not number:
        return f"a public-security number (公安联网备案号) is empty; one reads {example}"
    if extra := _surplus(number, _public_security_pattern()):
        return extra
    if "ICP" in number or _licence_pattern().fullmatch(number):
        return "this is a number of the ministry's (ICP 备案 or 许可证), not a public-security number (公安联网备案号)"
    reader = _Reader(number)
    known = _public_security_characters()
    if fault := _province_fault(reader, "public-security numbers", known, lambda province: province.public_security[0]):
        return fault
    old = reader.rest.startswith(_OLD_MARKER)
    if old and len(re.sub(r"[^0-9]", "", reader.rest)) == 14:
        return f"安 is missing between 公网 and 备, as in {example}"
    if fault := reader.expect(_OLD_MARKER if old else _MARKER):
        return fault
    digits = reader.digits()
    if fault := reader.intruder("号"):
        return fault
    if len(digits) not in ((15, 12) if old else (14, 12)):
        return f"{_count(digits)}; a public-security number has 14"
    return reader.expect("号") or f"{reader.found} after the end of the number"


def _public_security_mended(number: str) -> str:
    text = _mended_province(number.translate(_TRADITIONAL), lambda province: province.public_security[0])
    if found := re.fullmatch(r"(.)公?网?安?备案?号?:?([0-9OQIL|]{14})号?", text):
        character, digits = found[1], found[2].translate(_LOOKALIKES)
        return f"{character}{_MARKER}{digits}号"
    if found := re.fullmatch(r"(.公网安备[0-9]{12})", text):
        return f"{found[1]}号"
    return text


# --- what every kind shares ----------------------------------------------------------------------

_DASHES = "‐‑‒–—―−﹘﹣⁃‒"
_FOLDED = {
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
    **{ord(dash): "-" for dash in _DASHES},
}
_TRADITIONAL = str.maketrans("備號證証網", "备号证证网")
_LOOKALIKES = str.maketrans("OQIL|", "00111")


def _normalised(text: str) -> str:
    folded = text.translate(_FOLDED)
    kept = (char for char in folded if not (char.isspace() or unicodedata.category(char) == "Cf"))
    return "".join(char.upper() if char.isascii() else char for char in kept)


def _printable(text: str, limit: int = 60) -> str:
    """`text` for one line of a message: short, and without what a terminal would act on."""
    short = text if len(text) <= limit else f"{text[:limit]}…"
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in short)
    return shown if shown.strip() else repr(shown)


def _only(pattern: re.Pattern[str], number: str) -> None:
    if pattern.fullmatch(number) is None:
        raise NumberError(number, "these parts make no number")


def _count(digits: str) -> str:
    return "1 digit" if len(digits) == 1 else f"{len(digits) or 'no'} digits"


def _surplus(number: str, pattern: re.Pattern[str]) -> str | None:
    """What is wrong when `number` has a right one in it, with something before or after."""
    found = pattern.search(number)
    if found is None or _cut(number, found):
        return None
    before, after = number[: found.start()], number[found.end() :]
    return f"{_printable(before or after, 20)} stands {'before' if before else 'after'} the number"


def _cut(number: str, found: re.Match[str]) -> bool:
    """Whether `found` begins or ends amid something that reads as a part of the number."""
    before, after = number[: found.start()], number[found.end() :]
    return bool(re.search(r"[0-9A-Z][、,./]?$", before) or re.match(r"[0-9A-Z-]", after))


def _suggestion(number: str, mended: str, pattern: re.Pattern[str]) -> str | None:
    for candidate in (number, mended):
        found = pattern.search(candidate)
        if found is None or _cut(candidate, found) or (candidate is mended and found[0] != mended):
            continue
        if pattern is _public_security_pattern() and _division_fault(found[1], found[3]):
            continue
        return found[0]
    return None


def _mended_province(number: str, character: Callable[[Province], str | None]) -> str:
    """`number` with the character that belongs there in place of a province's name or another short form."""
    for province in provinces():
        right = character(province)
        names = (
            province.chinese,
            *province.mistaken,
            *province.public_security,
            province.icp or "",
        )
        wrong = next((name for name in names if name and number.startswith(name)), None)
        if right and wrong:
            kept = wrong == right or (wrong in province.public_security and "公" in number)
            return number if kept else f"{right}{number[len(wrong) :]}"
    return number


def _province_fault(reader: _Reader, kind: str, known: str, character: Callable[[Province], str | None]) -> str | None:
    if reader.next and reader.next in known:
        reader.take()
        return None
    mended = _mended_province(reader.rest, character)
    if mended != reader.rest:
        province = next(province for province in provinces() if character(province) == mended[0])
        return f"{province.name}'s {kind} begin with {mended[0]}"
    if reader.rest.startswith(("ICP", "备", "公")):
        return f"the province's character is missing before {reader.next}"
    return f"{reader.found} is no province's character; {kind} begin with one of {known}"


class _Reader:
    """A number read from the left, to find the first character that is wrong."""

    def __init__(self, number: str) -> None:
        self.rest = number

    @property
    def next(self) -> str:
        """The next character; empty at the end."""
        return self.rest[:1]

    @property
    def found(self) -> str:
        """The next character, for a message."""
        return _printable(self.next) if self.rest else "the end"

    def take(self, count: int = 1) -> None:
        self.rest = self.rest[count:]

    def expect(self, text: str) -> str | None:
        """Step over `text`, or say what stands in its place."""
        for index, char in enumerate(text):
            if self.next != char:
                left = text[index:]
                if not self.rest:
                    return f"{left} is missing at the end"
                if self.rest[:1].isdigit() or text.startswith("-") or self.next in "号-备":
                    return f"{left} is missing before {self.found}"
                return f"{self.found} stands where {left} belongs"
            self.take()
        return None

    def digits(self) -> str:
        """Step over ASCII digits."""
        digits = self.rest[: len(self.rest) - len(self.rest.lstrip("0123456789"))]
        self.take(len(digits))
        return digits

    def intruder(self, allowed: str) -> str | None:
        """What is wrong when the digits are followed by anything but the end or one of `allowed`."""
        if not self.rest or self.next in allowed:
            return None
        return f"{self.found} stands where a digit{' or ' + allowed[0] if allowed else ''} belongs"
