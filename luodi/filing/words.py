"""What the filing rules say: in Chinese and in English, and by which source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Self

Language = Literal["zh", "en"]


@dataclass(frozen=True)
class Words:
    """The same in Chinese and in English."""

    zh: str
    en: str

    @classmethod
    def of(cls, row: Mapping[str, str]) -> Self:
        """The words that a data file holds as ``{zh = ..., en = ...}``."""
        return cls(row["zh"], row["en"])

    def in_(self, language: Language) -> str:
        """The words in one language."""
        return self.zh if language == "zh" else self.en

    def fill(self, **values: object) -> Words:
        """The words with their ``{placeholders}`` filled; a value that is Words is filled in by language."""
        zh = {name: value.zh if isinstance(value, Words) else value for name, value in values.items()}
        en = {name: value.en if isinstance(value, Words) else value for name, value in values.items()}
        return Words(self.zh.format(**zh), self.en.format(**en))

    def json(self) -> dict[str, str]:
        """Both languages, for a program."""
        return {"zh": self.zh, "en": self.en}

    def __str__(self) -> str:
        return self.en


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
    import tomllib  # here, so that whoever only has words starts quickly
    from importlib import resources

    return tomllib.loads(resources.files("luodi.filing").joinpath(f"{name}.toml").read_text("utf-8"))
