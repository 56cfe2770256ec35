"""The filing numbers of a page, and where they link to. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from selectolax.lexbor import LexborHTMLParser

from luodi.filing.numbers import (
    IcpNumber,
    NumberError,
    PublicSecurityNumber,
    parse_icp,
    parse_licence,
    parse_public_security,
)
from luodi.filing.reading import half_width

T = TypeVar("T")

_BETWEEN = "\u200b"
"""Stands between two pieces of text, so that a number that is in several is read, and what follows it is not of it."""
_SPACE = r"[\s\u200b\ufeff]{0,8}"  # bounded: a page may be blank for megabytes
_FILED = (
    rf".{_SPACE}ICP{_SPACE}[备備]{_SPACE}(?:案{_SPACE}(?=(?:\u200b?\d){{6}}))?"
    rf"\d(?:\u200b?\d)*{_SPACE}[号號]?(?:{_SPACE}-{_SPACE}\d+(?:[A-Z](?![A-Z]))?)?"
)
_FILED_BY_LICENCE = (
    rf"(?:.{_SPACE}ICP{_SPACE}证{_SPACE}\d{{6}}{_SPACE}号|(?:合字|[\u4e00-\u9fff])?[AB][12](?:\.[AB][12])*-\d{{8}})"
    rf"{_SPACE}-{_SPACE}\d+(?:[A-Z](?![A-Z]))?"
)
_ICP = re.compile(f"{_FILED}|{_FILED_BY_LICENCE}", re.IGNORECASE)
_SECURITY = re.compile(rf".{_SPACE}公网安?备{_SPACE}\d+{_SPACE}号?")
_LICENCE = re.compile(
    r"(?:备案号|备案)[:\s\u200b]{0,8}((?:.ICP证\d{6}号(?!-)|(?:合字|[\u4e00-\u9fff])?[AB][12](?:\.[AB][12])*-\d{8}(?!-)))"
)
_FILING_HOSTS = re.compile(r"beian\.|mii(?:t)?beian\.")


@dataclass(frozen=True)
class Shown(Generic[T]):
    """A number, and the link that it stands in."""

    number: T
    link: str | None


@dataclass(frozen=True)
class Page:
    """What a page shows of its filing."""

    icp: tuple[Shown[IcpNumber], ...] = ()
    icp_errors: tuple[NumberError, ...] = ()
    security: tuple[Shown[PublicSecurityNumber], ...] = ()
    security_errors: tuple[NumberError, ...] = ()
    licences_as_filings: tuple[str, ...] = ()
    odd_targets: tuple[str, ...] = ()


def read(html: str) -> Page:
    """What the text of a page shows, without what its scripts would draw."""
    tree = LexborHTMLParser(html)
    tree.strip_tags(["script", "style", "template"])
    for picture in tree.css("img[alt]"):
        # A number may be drawn; its words are what a browser reads out.
        picture.replace_with(picture.attributes.get("alt") or "")
    text = half_width(tree.body.text(separator=_BETWEEN)) if tree.body else ""
    links = [(half_width(" ".join((node.text() or "").split())), node.attributes) for node in tree.css("a")]
    icp, icp_errors = _numbers(_ICP, parse_icp, text, links)
    security, security_errors = _numbers(_SECURITY, parse_public_security, text, links)
    odd = {
        str(attributes["target"])
        for _, attributes in links
        if _FILING_HOSTS.search(attributes.get("href") or "") and _is_odd(attributes.get("target"))
    }
    return Page(icp, icp_errors, security, security_errors, _licences(text), tuple(sorted(odd)))


def _is_odd(target: str | None) -> bool:
    return bool(target) and target not in ("_blank", "_self", "_parent", "_top")


def _numbers(
    pattern: re.Pattern[str], parse: Callable[[str], T], text: str, links: list[tuple[str, dict[str, str | None]]]
) -> tuple[tuple[Shown[T], ...], tuple[NumberError, ...]]:
    shown: dict[T, Shown[T]] = {}
    errors: dict[str, NumberError] = {}
    for written in dict.fromkeys(pattern.findall(text)):
        try:
            number = parse(written)
        except NumberError as error:
            errors[error.text] = error
            continue
        squeezed = _squeezed(written)
        link = next((at.get("href") for words, at in links if squeezed in _squeezed(words)), None)
        shown.setdefault(number, Shown(number, link))
    return tuple(shown.values()), tuple(errors.values())


def _squeezed(text: str) -> str:
    return re.sub(r"[\s\u200b\ufeff]", "", text)


def _licences(text: str) -> tuple[str, ...]:
    found: list[str] = []
    for written in _LICENCE.findall(text):
        try:
            found.append(str(parse_licence(written)))
        except NumberError:
            continue
    return tuple(dict.fromkeys(found))
