"""Requests and responses as the official SDK's model classes describe them.

The `tencentcloud-sdk-python-<product>` packages hold one class per request, response and
structure, with every field's type in the constructor's docstring. They are the only description
used here, so the rehearsal cloud can neither accept nor answer a field that Tencent doesn't have.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from localcloud.errors import CloudError

Model = TypeVar("Model")
"""A class of an SDK `models` module: untyped there, so its attributes are Any here."""

_TYPE_LINE = re.compile(r"^\s*:type (\w+): (.+?)\s*$", re.MULTILINE)
_SCALARS: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}


@dataclass(frozen=True)
class Field:
    """One field: `kind` is str, int, float, bool or a model class; `many` means a list of it."""

    name: str
    kind: type
    many: bool
    unsigned: bool


_known: dict[type, Mapping[str, Field]] = {}


def fields_of(model: type) -> Mapping[str, Field]:
    """Return the fields of an SDK model class by name, in the SDK's order."""
    if model not in _known:
        _known[model] = dict(_read(model))
    return _known[model]


def _read(model: Any) -> Iterator[tuple[str, Field]]:
    module = sys.modules[model.__module__]
    documentation = model.__init__.__doc__ or ""
    for name, described in _TYPE_LINE.findall(documentation):
        unsigned = described.endswith(" non-negative")
        many = described.startswith("list of ")
        text = described.removesuffix(" non-negative").removeprefix("list of ").strip("`").rpartition(".")[2]
        kind = _SCALARS.get(text) or getattr(module, text)
        yield name, Field(name, kind, many, unsigned)


def parse(model: type[Model], parameters: Mapping[str, Any], path: str = "") -> Model:
    """Make a request of class `model` from what a client sent.

    Raises CloudError UnknownParameter for a name that the class doesn't have, InvalidParameter
    for a value of another type.
    """
    fields = fields_of(model)
    request = model()
    for name, value in parameters.items():
        field = fields.get(name)
        if field is None:
            raise CloudError("UnknownParameter", f"The parameter `{path}{name}` is not recognized.")
        if value is not None:
            setattr(request, name, _parse_field(field, value, path + name))
    return request


def _parse_field(field: Field, value: Any, path: str) -> Any:
    if not field.many:
        return _parse_value(field, value, path)
    if not isinstance(value, list):
        raise _wrong_type(path)
    return [_parse_value(field, item, f"{path}.{index}") for index, item in enumerate(value)]


def _parse_value(field: Field, value: Any, path: str) -> Any:
    if field.kind not in _SCALARS.values():
        if not isinstance(value, dict):
            raise _wrong_type(path)
        return parse(field.kind, value, f"{path}.")
    if field.kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not field.kind:
        raise _wrong_type(path)
    if field.unsigned and cast("int", value) < 0:
        raise CloudError("InvalidParameterValue", f"The value of parameter `{path}` must not be negative.")
    return value


def _wrong_type(path: str) -> CloudError:
    return CloudError("InvalidParameter", f"The value type of parameter `{path}` is not valid.")


def typed(model: type, tree: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Turn the texts of a GET request (`Filters.0.Name=...` as a tree) into what JSON would hold.

    Names that the class doesn't have are left for `parse` to refuse.
    """
    fields = fields_of(model)
    parameters: dict[str, Any] = {}
    for name, value in tree.items():
        field = fields.get(name)
        if field is None or not field.many:
            parameters[name] = value if field is None else _typed_value(field, value, path + name)
            continue
        if not isinstance(value, dict) or not all(key.isdecimal() for key in value):
            raise _wrong_type(path + name)
        parameters[name] = [_typed_value(field, value[key], f"{path}{name}.{key}") for key in sorted(value, key=int)]
    return parameters


def _typed_value(field: Field, value: Any, path: str) -> Any:
    if field.kind not in _SCALARS.values():
        if not isinstance(value, dict):
            raise _wrong_type(path)
        return typed(field.kind, value, f"{path}.")
    if not isinstance(value, str):
        raise _wrong_type(path)
    try:
        if field.kind is bool:
            return {"true": True, "false": False}[value.lower()]
        return field.kind(value)
    except (KeyError, ValueError):
        raise _wrong_type(path) from None


def require(request: object, *names: str) -> None:
    """Raise CloudError MissingParameter for the first of `names` that `request` doesn't have."""
    for name in names:
        if getattr(request, name) is None:
            raise CloudError("MissingParameter", f"The request is missing a required parameter `{name}`.")


def build(model: type[Model], values: Mapping[str, Any] | None = None, /, **more: Any) -> Model:
    """Make a response or structure of class `model`; nested mappings become their own classes.

    Names that begin with an underscore are the rehearsal cloud's own and are left out. Raises
    TypeError for a field that the class doesn't have or a value of another type: a mistake here.
    """
    fields = fields_of(model)
    built = model()
    for name, value in {**(values or {}), **more}.items():
        if name.startswith("_"):
            continue
        if name not in fields:
            raise TypeError(f"{model.__name__} has no field {name}")
        setattr(built, name, _build_field(fields[name], value, f"{model.__name__}.{name}"))
    return built


def _build_field(field: Field, value: Any, where: str) -> Any:
    if value is None:
        return None
    if field.many:
        return [_build_value(field, item, where) for item in value]
    return _build_value(field, value, where)


def _build_value(field: Field, value: Any, where: str) -> Any:
    if field.kind in _SCALARS.values():
        if type(value) is not field.kind:
            raise TypeError(f"{where} is {field.kind.__name__}, not {type(value).__name__}")
        return value
    if isinstance(value, Mapping):
        return build(field.kind, value)
    if not isinstance(value, field.kind):
        raise TypeError(f"{where} is {field.kind.__name__}, not {type(value).__name__}")
    return value


def serialise(model: object) -> dict[str, Any]:
    """Return what is sent for `model`: every field of its class, null where it has no value."""
    document: dict[str, Any] = {}
    for name, field in fields_of(type(model)).items():
        value = getattr(model, name)
        if value is not None and field.kind not in _SCALARS.values():
            value = [serialise(item) for item in value] if field.many else serialise(value)
        document[name] = value
    return document


def given(model: object) -> dict[str, Any]:
    """Return the fields of `model` that have a value, for keeping in the store."""
    document: dict[str, Any] = _without_nulls(serialise(model))
    return document


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
