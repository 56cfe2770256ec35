"""The regions of Tencent Cloud that a site with a filing may stand in."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Region:
    """A mainland region of Tencent Cloud."""

    id: str
    name: str
    zone: str


@cache
def _region_data() -> Mapping[str, Mapping[str, Any]]:
    text = resources.files("luodi.data").joinpath("regions.toml").read_text("utf-8")
    return MappingProxyType(tomllib.loads(text))


def mainland_regions() -> tuple[str, ...]:
    """The ids of the mainland regions."""
    return tuple(_region_data()["mainland"])


def mainland_region(name: str) -> Region:
    """The mainland region of that id. Raises ValueError for any other, saying why a site can't stand there."""
    data = _region_data()
    if name in data["mainland"]:
        return Region(name, **data["mainland"][name])
    known = ", ".join(data["mainland"])
    why = "a filing (ICP 备案) needs a server on the mainland"
    place = data["elsewhere"].get(name)
    if place is not None or re.match(r"(na|eu|sa|me|af)-", name):
        where = f"{name}, {place}," if place else name
        raise ValueError(f"{where} is not on the mainland, and {why}. Set one of {known}")
    near = difflib.get_close_matches(name, data["mainland"], 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise ValueError(f"{name} is no mainland region known here, and {why}.{hint} Known: {known}")
