"""What a page loads from elsewhere, and what it says of itself. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser

from luodi.doctor.findings import texts

_LOADED = (("script", "src"), ("img", "src"), ("iframe", "src"), ("video", "src"), ("audio", "src"), ("source", "src"))
_LINKED = ("stylesheet", "icon", "preload", "modulepreload", "manifest")
_MOST = 5
"""How many are named."""


@dataclass(frozen=True)
class Markup:
    """`insecure` are addresses that are loaded without TLS, `foreign` hosts that the mainland does not reach or
    reaches badly; `hidden` says that search engines are asked away, `listing` that it is a folder's list of files."""

    insecure: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    hidden: bool = False
    listing: bool = False


def read(html: str, address: str) -> Markup:
    """Of a page at an https address."""
    tree = LexborHTMLParser(html)
    loaded = list(dict.fromkeys(_absolute(address, written) for written in _loaded(tree)))
    hosts = dict.fromkeys(host for host in map(_host, loaded) if host and _is_foreign(host))
    title = tree.css_first("title")
    robots = " ".join(node.attributes.get("content") or "" for node in tree.css('meta[name="robots" i]'))
    return Markup(
        tuple(one for one in loaded if one.startswith("http:"))[:_MOST],
        tuple(hosts)[:_MOST],
        "noindex" in robots.lower(),
        title is not None and (title.text() or "").strip().startswith("Index of /"),
    )


def _loaded(tree: LexborHTMLParser) -> Iterator[str]:
    for tag, attribute in _LOADED:
        yield from (written for node in tree.css(tag) if (written := node.attributes.get(attribute)))
    for node in tree.css("link[href]"):
        if {*(node.attributes.get("rel") or "").lower().split()} & {*_LINKED}:
            yield node.attributes.get("href") or ""


def _absolute(address: str, written: str) -> str:
    try:
        return urljoin(address, written.strip())
    except ValueError:
        return ""


def _host(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").lower()
    except ValueError:
        return ""


def _is_foreign(host: str) -> bool:
    return any(host == one or host.endswith(f".{one}") for one in texts()["foreign"]["hosts"])
