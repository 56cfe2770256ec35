"""What is wrong with a stack file, in the words of the stack file."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails


@dataclass(frozen=True)
class Problem:
    """One thing in a stack file that can't be right: the key's path, and what is wrong with it."""

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


class SettingsError(Exception):
    """A stack file that can't be right; `problems` has every reason."""

    def __init__(self, source: str, problems: list[Problem]) -> None:
        self.source, self.problems = source, problems
        count = "1 setting" if len(problems) == 1 else f"{len(problems)} settings"
        lines = [f"{source}: {count} can't be right", *(f"  {problem}" for problem in problems)]
        super().__init__("\n".join(lines))


def unknown(name: str, known: Sequence[str]) -> str:
    """What to say of a key that isn't one."""
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(known))}"
    return f"is not a setting; {hint}"


def explain(section: str, models: Sequence[type[BaseModel]], detail: ErrorDetails) -> Problem:
    """A validator's finding in the words of the stack file.

    `section` is the key that was judged, `models` what it may be; of several, `kind` decides.
    """
    tags = {get_args(model.model_fields["kind"].annotation)[0] for model in models if len(models) > 1}
    location = [part for index, part in enumerate(detail["loc"]) if not (index == 0 and part in tags)]
    path = section
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return Problem(path, _words(detail, models, location))


def _words(detail: ErrorDetails, models: Sequence[type[BaseModel]], location: list[int | str]) -> str:
    kind, got, context = detail["type"], detail["input"], detail.get("ctx", {})
    match kind:
        case "value_error":
            return str(context["error"])
        case "missing":
            return "is not set"
        case "extra_forbidden":
            return unknown(str(location[-1]), _known_keys(models, location[:-1]))
        case "literal_error":
            choices = str(context["expected"]).replace("'", "").replace(" or ", ", ")
            return f"must be one of {choices}; got {got!r}".replace("'", "")
        case "union_tag_invalid":
            return f"kind must be one of {context['expected_tags']}; got {context['tag']}".replace("'", "")
        case "union_tag_not_found":
            return "kind is not set; write cvm or lighthouse"
        case "string_pattern_mismatch":
            return f"{got!r} does not look like one (expected {context['pattern']})"
        case "string_type":
            return (
                f"must be text, got {got!r}; put it in quotes" if not isinstance(got, dict | list) else "must be text"
            )
        case "int_type" | "int_from_float" | "bool_type":
            return f"must be {'a whole number' if kind != 'bool_type' else 'true or false'}, got {got!r}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"must be a mapping of settings, got {got!r}"
        case "tuple_type":
            return f"must be a list, got {got!r}"
        case _:
            return f"{detail['msg'][:1].lower()}{detail['msg'][1:]}; got {got!r}"


def _known_keys(models: Sequence[type[BaseModel]], location: list[int | str]) -> list[str]:
    found = list(models)
    for part in location:
        if isinstance(part, str):
            found = [inner for model in found for inner in _inner(model, part)]
    return list(dict.fromkeys(str(field.alias) for model in found for field in model.model_fields.values()))


def _inner(model: type[BaseModel], key: str) -> Iterator[type[BaseModel]]:
    def sections(annotation: Any) -> Iterator[type[BaseModel]]:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield annotation
        for part in get_args(annotation):
            yield from sections(part)

    for field in model.model_fields.values():
        if field.alias == key:
            yield from sections(field.annotation)
