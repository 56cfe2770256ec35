"""What to say of one number that somebody holds up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from luodi.filing.numbers import (
    IcpNumber,
    Licence,
    NumberError,
    PublicSecurityNumber,
    Service,
    parse_icp,
    parse_licence,
    parse_public_security,
)
from luodi.filing.provinces import Province, provinces
from luodi.filing.reading import fold, printable
from luodi.filing.rules import rules
from luodi.words import Words

Purpose = Literal["website", "mini-program", "app", "public-security", "licence"]
Kind = Literal["subject", "website", "mini-program", "app", "quick-app", "public-security", "licence"]
Number = IcpNumber | Licence | PublicSecurityNumber

_SERVICES: dict[Service, Kind] = {
    Service.WEBSITE: "website",
    Service.MINI_PROGRAM: "mini-program",
    Service.APP: "app",
    Service.QUICK_APP: "quick-app",
}
_WANTED: dict[str, Service] = {"website": Service.WEBSITE, "mini-program": Service.MINI_PROGRAM, "app": Service.APP}


@dataclass(frozen=True)
class Verdict:
    """`kind` and `canonical` are None where no number could be read, `reason` where nothing is wrong."""

    verdict: Literal["valid", "warning", "invalid"]
    kind: Kind | None
    canonical: str | None
    reason: Words | None


def judge(
    text: str, purpose: Purpose | None = None, province: Province | None = None, *, today: date | None = None
) -> Verdict:
    """Judge `text` as a number for `purpose`, by default as whatever it is, of a subject in `province`.

    With `today`, no number is of a year to come.
    """
    if other := _another_registration(text):
        return Verdict("invalid", None, None, other)
    try:
        number = _parser(text, purpose)(text)
    except NumberError as error:
        return Verdict("invalid", None, None, error.words)
    kind, canonical = _kind(number), str(number)
    if today and isinstance(number, IcpNumber) and (fault := number.from_the_future(today)):
        return Verdict("invalid", kind, None, fault)
    if isinstance(number, IcpNumber) and purpose in _WANTED:
        try:
            number.require(_WANTED[purpose])
        except NumberError as error:
            return Verdict("invalid", kind, None, error.words)
    if province and (fault := _elsewhere(number, province)):
        # The two filings may be of different provinces; so this is only worth a look.
        if isinstance(number, PublicSecurityNumber):
            return Verdict("warning", kind, canonical, fault)
        return Verdict("invalid", kind, None, fault)
    if warnings := [*_warnings(number, purpose)]:
        return Verdict("warning", kind, canonical, _joined(warnings))
    return Verdict("valid", kind, canonical, None)


def _another_registration(text: str) -> Words | None:
    """What stands in many a footer beside the numbers, and is none of them."""
    folded, said = fold(text), rules("registrations")["say"]
    ours = ("ICP" in folded) + ("公网" in folded)
    if ours == 2:
        return Words.of(said["several"]).fill(text=printable(text))
    for row in rules("registrations")["registration"]:
        if not ours and any(mark in folded for mark in row["marks"]):
            return Words.of(said["another"]).fill(text=printable(text), name=Words.of(row["name"]))
    return None


def find_province(text: str) -> Province | None:
    """The province that `text` names: by a character of its numbers, or by its name."""
    wanted = text.strip().casefold()
    for province in provinces():
        names = (province.name, province.chinese, province.icp, *province.public_security, *province.mistaken)
        if wanted in (name.casefold() for name in names if name):
            return province
    return None


def _parser(text: str, purpose: Purpose | None) -> Callable[[str], Number]:
    if purpose == "public-security":
        return parse_public_security
    if purpose == "licence":
        return parse_licence
    if purpose in _WANTED:
        return parse_icp
    for parse in (parse_icp, parse_public_security, parse_licence):
        try:
            parse(text)
        except NumberError:
            continue
        return parse
    # Nothing reads it, so what it looks like decides whose complaint is told.
    folded = fold(text)
    if "公" in folded or "网" in folded:
        return parse_public_security
    return parse_licence if "证" in folded or folded.lstrip("合字")[:2] in ("A1", "A2", "B1", "B2") else parse_icp


def _kind(number: Number) -> Kind:
    if isinstance(number, PublicSecurityNumber):
        return "public-security"
    if isinstance(number, Licence):
        return "licence"
    return _SERVICES[number.service] if number.service else "subject"


def _elsewhere(number: Number, province: Province) -> Words | None:
    if isinstance(number, PublicSecurityNumber):
        own, right = number.character, province.public_security
    else:
        own, right = number.province or "", (province.icp or "",)
    if not own or own in right:
        return None
    return Words(
        f"{number} 属于“{own}”，{province.chinese}的以“{right[0]}”开头",
        f"{number} is of {own}; those of {province.name} begin with {right[0]}",
    )


def _warnings(number: Number, purpose: Purpose | None) -> Iterator[Words]:
    if isinstance(number, Licence):
        return
    if isinstance(number, PublicSecurityNumber) or purpose == "website":
        yield from number.warnings
    else:
        yield from (warning for warning in number.warnings if warning != number.page_warning)
    if isinstance(number, IcpNumber) and purpose == "website" and number.displayed != number:
        yield Words(
            f"广东的网站页面上展示主体备案号 {number.displayed}",
            f"in Guangdong a page carries the subject number, {number.displayed}",
        )


def _joined(warnings: list[Words]) -> Words:
    return Words("；".join(words.zh for words in warnings), "; ".join(words.en for words in warnings))
