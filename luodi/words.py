"""What is told to people, in Chinese and in English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

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


class Told(Exception):
    """An error that says what is wrong in both languages; as text, in English."""

    def __init__(self, words: Words) -> None:
        self.words = words
        super().__init__(words.en)
