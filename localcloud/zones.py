"""Zones and records as DNSPod keeps them: what a name, a line and a value may be."""

from __future__ import annotations

import ipaddress
import re

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from publicsuffixlist import PublicSuffixList

from localcloud.errors import CloudError

NAME_SERVERS = ("f1g1ns1.dnspod.net", "f1g1ns2.dnspod.net")
"""The name servers of DNSPod's free plan."""
DEFAULT_LINE = "默认"
LINES = {
    DEFAULT_LINE: "0",
    "国内": "7=0",
    "境外": "3=0",
    "电信": "10=0",
    "联通": "10=1",
    "教育网": "10=2",
    "移动": "10=3",
}
"""Lines of the free plan by name (DescribeRecordLineList); only 默认 is answered here."""
TYPES = frozenset({"A", "AAAA", "CNAME", "MX", "TXT", "NS", "SRV", "CAA"})
MINIMUM_TTL = 600
"""Seconds; the least that the free plan (免费版) allows."""
MAXIMUM_TTL = 604800
"""Seconds ("范围1-604800，不同套餐域名最小值不同", docstring of CreateRecordRequest.TTL)."""
_WITH_TARGET = frozenset({"CNAME", "NS", "MX", "SRV"})
_LABEL = re.compile(r"^(?!-)[a-z0-9_-]{1,63}(?<!-)$")
_suffixes = PublicSuffixList()


def to_ascii(domain: str) -> str:
    """Return a domain in lower case and punycode; raise CloudError DomainInvalid if it isn't one.

    Only a registrable domain is one: `example.cn`, not `www.example.cn`, an address or `com.cn`.
    """
    text = domain.strip().rstrip(".").lower()
    try:
        name = dns.name.from_unicode(text, idna_codec=dns.name.IDNA_2003)
        ascii_text = name.to_text(omit_final_dot=True)
    except (dns.exception.DNSException, UnicodeError):
        raise _invalid_domain(domain) from None
    labels = ascii_text.split(".")
    if not all(_LABEL.fullmatch(label) and "_" not in label for label in labels):
        raise _invalid_domain(domain)
    if labels[-1].isdigit() or _suffixes.privatesuffix(ascii_text) != ascii_text:
        raise _invalid_domain(domain)
    return ascii_text


def check_subdomain(text: str) -> str:
    """Return a host record (主机记录) in lower case and punycode: `@`, `www`, `*`, `a.b`."""
    lowered = text.strip().lower() or "@"
    if lowered == "@":
        return lowered
    try:
        labels = [_label(label) for label in lowered.split(".")]
    except UnicodeError:
        labels = [""]
    first, *rest = labels
    if not (first == "*" or _LABEL.fullmatch(first)) or not all(map(_LABEL.fullmatch, rest)):
        raise CloudError(
            "InvalidParameter.SubdomainInvalid",
            f"SubDomain {text!r}: letters, digits, hyphens and underscores, @ or a leading *.",
        )
    return ".".join(labels)


def _label(text: str) -> str:
    return text if text == "*" or _LABEL.fullmatch(text) else text.encode("idna").decode()


def check_value(record_type: str, value: str, priority: int) -> str:
    """Return a record's value as DNSPod keeps it (host names end in a dot).

    Raises CloudError RecordTypeInvalid or RecordValueInvalid.
    """
    if record_type in {"显性URL", "隐性URL"}:
        raise CloudError("InvalidParameter.DomainNotBeian", "The domain is not filed: no URL record.")
    if record_type not in TYPES:
        raise CloudError(
            "InvalidParameter.RecordTypeInvalid",
            f"RecordType {record_type!r}: known here are {', '.join(sorted(TYPES))}.",
        )
    value = value.strip()
    if record_type in _WITH_TARGET and not value.endswith("."):
        value += "."
    try:
        if record_type == "A":
            ipaddress.IPv4Address(value)
        elif record_type == "AAAA":
            ipaddress.IPv6Address(value)
        to_rdata(record_type, value, priority)
    except (ValueError, dns.exception.DNSException):
        raise CloudError(
            "InvalidParameter.RecordValueInvalid",
            f"Value {value!r} is not one of a {record_type} record.",
        ) from None
    if not value or len(value) > 2048:
        raise CloudError(
            "InvalidParameter.RecordValueLengthInvalid",
            f"Value has {len(value)} characters; give 1 to 2048.",
        )
    return value


def to_rdata(record_type: str, value: str, priority: int) -> dns.rdata.Rdata:
    """Return a record's value as DNS data; raise dns.exception.DNSException if it isn't any."""
    if record_type == "TXT":
        text = value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
        raw = text.encode()
        chunks = [raw[start : start + 255] for start in range(0, len(raw), 255)] or [b""]
        value = " ".join(_quoted(chunk) for chunk in chunks)
    elif record_type == "MX":
        value = f"{priority} {value}"
    return dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(record_type), value)


def _quoted(raw: bytes) -> str:
    return (
        '"' + "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\{byte:03d}" for byte in raw) + '"'
    )


def _invalid_domain(domain: str) -> CloudError:
    return CloudError(
        "InvalidParameter.DomainInvalid",
        f"Domain {domain!r} is not a domain that can be registered; give one such as dnspod.cn.",
    )
