"""What the sections of a stack file are made of, for every module that has one."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any, Union, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Tag


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


def kind_of(model: type[BaseModel]) -> str:
    """The `kind` that a section is read for; empty where it is the only one."""
    field = model.model_fields.get("kind")
    return str(get_args(field.annotation)[0]) if field else ""


def either(models: tuple[type[Section], ...]) -> Any:
    """A section that is one of several, as its `kind` says; without one, that whose kind has a default."""
    tags = [kind_of(model) for model in models]
    defaults = [tag for tag, model in zip(tags, models, strict=True) if not model.model_fields["kind"].is_required()]

    def tag(value: Any) -> Any:
        if isinstance(value, Mapping):
            return value.get("kind", *defaults[:1])
        return getattr(value, "kind", tags[0])  # no section at all, which is for the first of them to say

    tagged = tuple(Annotated[model, Tag(kind)] for kind, model in zip(tags, models, strict=True))
    return Annotated[Union[tagged], Discriminator(tag)]  # noqa: UP007 (made at run time)
