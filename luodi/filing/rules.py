"""The rules of the filing as data files have them, and which source each is from."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal, Self


@dataclass(frozen=True)
class Source:
    """Where a rule is from, and how sure it is: H several sources agree, M one or a dated one, L uncertain.

    What is M or L is shown as advice, never as a refusal.
    """

    text: str
    confidence: Literal["H", "M", "L"]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """The source that a row of a data file names."""
        return cls(row["source"], row["confidence"])


@cache
def rules(name: str) -> Mapping[str, Any]:
    """A data file of the regime, ``luodi/filing/<name>.toml``."""
    return tomllib.loads(resources.files("luodi.filing").joinpath(f"{name}.toml").read_text("utf-8"))
