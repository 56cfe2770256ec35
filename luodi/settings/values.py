"""What a value in a stack file may look like: host names, networks, ports, and what luodi makes of them."""

from __future__ import annotations

import ipaddress
import re
from datetime import date, datetime, timedelta, timezone
from functools import cache
from typing import Annotated, Any, Literal

import idna
from publicsuffixlist import PublicSuffixList
from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


def host_name(text: str) -> str:
    """The A-label form (RFC 5890), lower case, of a host name as a person writes it.

    A Chinese name (IDN) is converted by UTS 46. Raises ValueError for what no filing can be made for: an
    address, a wildcard, an underscore, a single label.
    """
    name = text.strip().rstrip(".")
    if not name:
        raise ValueError("is empty; write a host name, such as example.cn")
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        pass
    else:
        raise ValueError(f"{text} is an IP address; a filing (ICP 备案) is for a domain, such as example.cn")
    if name == "@":
        raise ValueError("@ is what DNSPod's console calls the domain itself; write it whole, such as example.cn")
    if "://" in name or "/" in name:
        raise ValueError(f"{text} is an address; write the host name alone, such as example.cn")
    if "*" in name:
        raise ValueError(f"{text} is a wildcard; name each host, such as www.example.cn")
    if "_" in name:
        raise ValueError(f"{text} has an underscore, which a host name can't have (RFC 1123)")
    try:
        name = idna.encode(name, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise ValueError(f"{text} is no host name: {error}") from None
    labels = name.split(".")
    if len(labels) < 2:
        raise ValueError(f"{text} has no suffix; write it whole, such as example.cn")
    for label in labels:
        if not _LABEL.fullmatch(label):
            raise ValueError(f"{text} is no host name: {label!r} (letters, digits and inner hyphens)")
    if labels[-1][0].isdigit():  # 127.1 is an address to every browser
        raise ValueError(f"{text} is no host name: no suffix begins with a digit")
    return name


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(only_icann=True)


def registrable(name: str) -> str | None:
    """The domain that was bought, of a host name: example.com.cn for www.example.com.cn; None for a bare suffix."""
    return _suffixes().privatesuffix(name)


def readable(name: str) -> str:
    """A host name as a person reads it: U-labels for A-labels (RFC 5890)."""
    return idna.decode(name)


def today_in_china() -> date:
    """The day it is where filings are judged (UTC+8, no summer time)."""
    return datetime.now(timezone(timedelta(hours=8))).date()


def _network(text: str) -> str:
    try:
        return str(ipaddress.IPv4Network(text))
    except ValueError as error:
        raise ValueError(f"{error}; write an IPv4 CIDR block such as 10.8.0.0/16") from None


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError(f"{text} is no IP address, such as 119.29.29.29") from None


def _addresses(given: Any) -> Any:
    """One, or a list of them."""
    if isinstance(given, str):
        return (_address(given),)
    if not isinstance(given, list | tuple) or not given:
        raise ValueError("must be an IP address, or a list of them")
    return given


def _ports(text: str) -> str:
    for part in text.split(","):
        low, _, high = part.partition("-")
        numbers = [low, high] if "-" in part else [low]
        if not all(n.isascii() and n.isdigit() and 1 <= int(n) <= 65535 for n in numbers):
            raise ValueError(f"{text} is no port; write 22, 8000-8010 or 22,2222")
        if int(numbers[0]) > int(numbers[-1]):
            raise ValueError(f"{part} runs backwards; write {high}-{low}")
    return text


def _whole(value: Any) -> Any:
    if type(value) is not int:  # true and 12.0 are equal to a number, and so would be taken for it
        raise PydanticCustomError("int_type", "must be a whole number")
    return value


def like(pattern: str, what: str) -> AfterValidator:
    """Text that matches a pattern whole; `what` it should be is told where it does not."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text, re.ASCII):
            raise ValueError(f"{text} is no {what}")
        return text

    return AfterValidator(check)


HostName = Annotated[str, AfterValidator(host_name)]
Network = Annotated[str, AfterValidator(_network)]
Ports = Annotated[str, AfterValidator(_ports)]
InstanceType = Annotated[str, like(r"[A-Z0-9]+[a-z]*\.[A-Z0-9]+", "instance type (机型规格), such as S5.MEDIUM2")]
Bundle = Annotated[str, like(r"bundle_\w+", "bundle (套餐), such as bundle_starter_mc_promo_med2_01")]
Address = Annotated[str, AfterValidator(_address)]
Addresses = Annotated[tuple[Address, ...], BeforeValidator(_addresses)]
Email = Annotated[str, like(r"[^@\s]+@[^@\s]+\.[^@\s]+", "e-mail address, such as ops@example.cn")]

Period = Annotated[Literal[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 24, 36, 48, 60], BeforeValidator(_whole)]
"""Months that a CVM or Lighthouse instance can be prepaid for (包年包月 购买时长), as the provider takes them."""
