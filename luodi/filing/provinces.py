"""Provinces as filing numbers write them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class Province:
    """A row of ``provinces.toml``, which says what each field means and where it is from."""

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
    return tuple(
        Province(
            name=row["name"],
            chinese=row["chinese"],
            division=row["division"],
            icp=row.get("icp"),
            public_security=tuple(row["public-security"]),
            mistaken=tuple(row["mistaken"]),
        )
        for row in tomllib.loads(text)["province"]
    )
