"""What is wrong with a stack file, in the words of the stack file."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from luodi.section import kind_of


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
    location = list(detail["loc"])
    kinds = {kind_of(model): model for model in models}
    kind = str(location.pop(0)) if len(models) > 1 and location else kind_of(models[0])
    location, there = _written(location, [kinds[kind]] if detail["loc"] and kind in kinds else list(models))
    if detail["type"].startswith("union_tag"):
        location.append("kind")
    path = section
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part if part.isprintable() else ascii(part)}"
    if detail["type"] != "extra_forbidden":
        return Problem(path, _words(detail, there))
    key = str(location.pop())
    known = {name: _known_keys(model, location) for name, model in kinds.items()}
    for other, keys in known.items():
        if key in keys:
            return Problem(path, f"is a setting of kind {other}, not {kind}")
    return Problem(path, unknown(key, known[kind]))


def _written(location: list[int | str], models: list[type[BaseModel]]) -> tuple[list[int | str], list[type[BaseModel]]]:
    """A location as the stack file has it, without the kinds that decided, and what may stand there."""
    found: list[int | str] = []
    for part in location:
        inner = [section for model in models for section in _inner(model, part)] if isinstance(part, str) else models
        if part and part in {kind_of(model) for model in models} and not inner:
            models = [model for model in models if kind_of(model) == part]
        elif part != "[key]":
            found.append(part)
            models = inner
    return found, models


def _words(detail: ErrorDetails, models: Sequence[type[BaseModel]]) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    got = _shown(detail["input"])
    if detail["input"] is None:
        return "is empty; give it a value, or leave it out"
    match kind:
        case "value_error":
            return str(context["error"])
        case "missing":
            return "is not set"
        case "literal_error":
            return f"must be one of {_bare(context['expected']).replace(' or ', ', ')}; got {_bare(got)}"
        case "union_tag_invalid":
            return f"must be one of {_bare(context['expected_tags'])}; got {_bare(context['tag'])}"
        case "union_tag_not_found":
            return f"is not set; write {' or '.join(kind_of(model) for model in models)}"
        case "string_type":
            return f"must be text, got {got}" + (
                "" if isinstance(detail["input"], dict | list) else "; put it in quotes"
            )
        case "int_type" | "int_from_float":
            return f"must be a whole number, got {got}"
        case "bool_type":
            return f"must be true or false, got {got}"
        case "greater_than_equal":
            return f"must be {context['ge']} or more, got {got}"
        case "less_than_equal":
            return f"must be {context['le']} or less, got {got}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"must be a mapping of settings, got {got}"
        case "tuple_type":
            return f"must be a list, got {got}"
        case _:
            return f"{detail['msg'][:1].lower()}{detail['msg'][1:]}; got {got}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _bare(text: str) -> str:
    return text.replace("'", "")


def _known_keys(section: type[BaseModel], location: list[int | str]) -> list[str]:
    found = [section]
    for part in location:
        if isinstance(part, str):
            found = [inner for model in found for inner in _inner(model, part)]
    return list(dict.fromkeys(str(field.alias) for model in found for field in model.model_fields.values()))


def _inner(model: type[BaseModel], key: int | str) -> Iterator[type[BaseModel]]:
    def sections(annotation: Any) -> Iterator[type[BaseModel]]:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield annotation
        for part in get_args(annotation):
            yield from sections(part)

    for field in model.model_fields.values():
        if field.alias == key:
            yield from sections(field.annotation)
