"""The stack that is judged: its name and its configuration."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi_policy import policy as host

from luodi.filing.facts import SECTION
from policy.names import apex_of

_config: dict[str, str] = {}


def listen() -> None:
    """Keep what the engine says of the stack before it asks about resources.

    The engine hands a policy pack the stack's configuration by ConfigureStack, of which pulumi_policy keeps the tags
    alone; so this listens in on it. What is secret is left where it is.
    """
    servicer = host._PolicyAnalyzerServicer
    configure_stack = servicer.ConfigureStack

    def heard(self: Any, request: Any, context: Any) -> Any:
        hear({key: text for key, text in request.config.items() if key not in set(request.config_secret_keys)})
        return configure_stack(self, request, context)

    servicer.ConfigureStack = heard  # type: ignore[assignment,method-assign]


def hear(config: Mapping[str, str]) -> None:
    """Take this for the stack's configuration: full keys to text, which is JSON where a value has a structure."""
    _config.clear()
    _config.update(config)


def config() -> Mapping[str, Any]:
    """The stack's configuration: full keys (``luodi:site``) to plain values."""
    return {key: _plain(text) for key, text in _config.items()}


@dataclass(frozen=True)
class Hosted:
    """A site that the configuration names: its `domain`, and what it says of its filing, at `path`."""

    domain: str
    filing: Any
    path: str


def sites() -> Iterator[Hosted]:
    """The sites of a stack of luodi's: its own, and those of ``luodi:sites``. Any other stack has none."""
    said = config()
    main = _domain(said.get("luodi:site"))
    own = said.get(SECTION)
    if main is not None or own is not None:
        yield Hosted(main or "", own, SECTION)
    further = said.get("luodi:sites")
    for index, item in enumerate(further if isinstance(further, list) else ()):
        domain = _domain(item.get("site")) if isinstance(item, dict) else None
        if domain is None:
            continue
        # One that names no filing stands under that of the stack's own site, if it is in the same domain.
        filing = item.get("filing", own if apex_of(domain) == apex_of(main or "") else None)
        yield Hosted(domain, filing, f"luodi:sites[{index}].filing" if "filing" in item else SECTION)


def _domain(site: Any) -> str | None:
    return str(site["domain"]) if isinstance(site, dict) and "domain" in site else None


def _plain(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def name(urn: str) -> str:
    """The stack's name, of any resource's URN: https://www.pulumi.com/docs/iac/concepts/resources/names/#urns"""
    return urn.split("::", maxsplit=1)[0].removeprefix("urn:pulumi:")
