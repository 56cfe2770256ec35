"""Telling people: WeCom (企业微信), DingTalk (钉钉), Feishu (飞书) robots, plain HTTP, and whatever else Apprise knows.

Addresses hold tokens, so they come by the environment alone: ``LUODI_NOTIFY``, separated by spaces. A robot's webhook
is written as its console shows it; DingTalk's signing secret (加签) goes behind it as ``#secret=SEC...``. Any other
``http(s)://`` address gets a POST with JSON; any address of Apprise's own (https://github.com/caronc/apprise/wiki)
works too.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit

VARIABLE = "LUODI_NOTIFY"

_WECOM, _DINGTALK = "qyapi.weixin.qq.com", "oapi.dingtalk.com"
_FEISHU, _LARK = "open.feishu.cn", "open.larksuite.com"


class BadAddress(Exception):
    """An address that nobody can be told at; the message says which one it is, by its place, not by its text."""


def addresses(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Where people are told, as Apprise's addresses. Raises BadAddress."""
    given = environ.get(VARIABLE, "").split()
    if not given:
        return ()
    import apprise

    found = []
    for number, text in enumerate(given, 1):
        try:
            address = _address(text)
        except ValueError as error:
            raise BadAddress(f"{VARIABLE}: address {number}: {error}") from None
        if apprise.Apprise.instantiate(address) is None:
            raise BadAddress(
                f"{VARIABLE}: address {number} is none that can be told at; write a robot's webhook address "
                "(WeCom, DingTalk, Feishu), an http(s):// address, or one of Apprise's"
            )
        found.append(address)
    return tuple(found)


def tell(where: Sequence[str], title: str, text: str, *, failed: bool) -> list[str]:
    """Tell everybody; the addresses that could not be told, without their tokens.

    A failure to tell is no failure of what is told about, so nothing is raised.
    """
    import apprise

    kind = apprise.NotifyType.FAILURE if failed else apprise.NotifyType.SUCCESS
    silent = []
    for address in where:
        plugin = apprise.Apprise.instantiate(address)
        if plugin is None or not plugin.notify(title=title, body=text, notify_type=kind):
            silent.append(_shown(plugin))
    return silent


def _shown(plugin: Any) -> str:
    """An address without its tokens."""
    return str(plugin.url(privacy=True)).partition("?")[0] if plugin else "an address"


def _address(text: str) -> str:
    """Apprise's form of an address as a console shows it."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https"):
        return text
    if parts.hostname == _WECOM:
        return f"wecombot://{_one(parts.query, 'key')}"
    if parts.hostname == _DINGTALK:
        secret = parse_qs(parts.fragment).get("secret", [""])[0]
        token = _one(parts.query, "access_token")
        return f"dingtalk://{quote(secret)}@{token}/" if secret else f"dingtalk://{token}/"
    if parts.hostname in (_FEISHU, _LARK):
        scheme = "feishu" if parts.hostname == _FEISHU else "lark"
        return f"{scheme}://{parts.path.rstrip('/').rpartition('/')[2]}"
    # Apprise keeps a query for itself but for what has a "-" before it.
    query = urlencode([(f"-{name}", value) for name, value in parse_qsl(parts.query, keep_blank_values=True)])
    scheme = "jsons" if parts.scheme == "https" else "json"
    return parts._replace(scheme=scheme, query=query, fragment="").geturl()


def _one(query: str, name: str) -> str:
    values = parse_qs(query).get(name)
    if not values:
        raise ValueError(f"the webhook has no {name}=; copy it whole from the robot's page")
    return quote(values[0])
