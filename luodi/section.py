"""What the sections of a stack file are made of, for every module that has one."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


def _named(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty")
    if any(unicodedata.category(char) in ("Cc", "Zl", "Zp") for char in text):
        raise ValueError(f"{text!r} has a control character or a line break")
    return text.strip()


Text = Annotated[str, AfterValidator(_named)]
"""One line that says something."""


class Section(BaseModel):
    """What every section shares: kebab-case keys, nothing unknown, nothing coerced, nothing changed later."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        alias_generator=lambda name: name.replace("_", "-"),
        validate_by_name=False,
        validate_by_alias=True,
    )
