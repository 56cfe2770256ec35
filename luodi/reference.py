"""The settings reference, from the model that judges stack files: ``python -m luodi.reference > docs/settings.md``."""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from luodi import settings
from luodi.section import kind_of

_HEAD = """# Settings

Every key of a stack file (`stacks/Pulumi.<stack>.yaml`). This page is made from `luodi/settings/` by
`python -m luodi.reference`; the tests fail when it is out of date.

`tencentcloud:region` is Tencent Cloud's own key: a mainland region, one of {regions}.
A stack stays in its region: what it made is looked for there. For another region make another stack.

A setting may stand by itself, its path after the section's name, as `pulumi new` writes it:
`luodi:site.domain: example.cn` is the `domain` of `luodi:site`. Each is said once, in one way or the other.
"""
_FOOT = """
## `luodi:acme-account-key`

A secret, optional: the PEM key of an ACME account to use instead of a new one
(`pulumi config set --secret luodi:acme-account-key < key.pem`).
Another one later is given to the same account (key rollover).

## `luodi:eab-hmac-key`

A secret: the HMAC key, in base64url, that goes with `luodi:certificate.eab-key-id`; of several authorities one each,
as `{"zerossl": "...", "google": "..."}`. It is in no state.

## `luodi:certificate-key`

A secret: the private key (PEM) of a certificate that was bought elsewhere, in place of `luodi:certificate.files.key`
(`pulumi config set --secret luodi:certificate-key < certificate.key`). It is in no state, and reaches the server
encrypted.

## `luodi:app-secrets`

Secrets, by names of your own: what applications are told by `app.secrets` and `php.secrets`
(`pulumi config set --secret --path luodi:app-secrets.database-url`). They reach the server encrypted to a key that was
made there.
"""


def page() -> str:
    """The whole page, Markdown."""
    regions = ", ".join(f"`{name}`" for name in settings.mainland_regions())
    parts = [_HEAD.format(regions=regions)]
    for name, models in settings.sections().items():
        key = f"`{settings.NAMESPACE}:{name}`"
        shared = _shared(models)
        if len(models) > 1:
            parts.extend(_table(f"{key}, whatever its kind", "", models[0], shared))
        for model in models:
            title = f"{key}, `kind: {kind_of(model)}`" if len(models) > 1 else key
            own = [each for each in model.model_fields if each not in shared or len(models) == 1]
            parts.extend(_table(title, _what(model), model, own))
    parts.append(_FOOT)
    return "".join(parts)


def _shared(models: tuple[type[BaseModel], ...]) -> list[str]:
    """The keys that mean the same for each of several kinds."""
    first, *others = models
    return [
        name
        for name, field in first.model_fields.items()
        if all(name in other.model_fields and repr(other.model_fields[name]) == repr(field) for other in others)
    ]


def _table(title: str, what: str, model: type[BaseModel], names: list[str]) -> Iterator[str]:
    yield f"\n## {title}\n\n" + (f"{what}\n\n" if what else "")
    yield "| key | value | default | |\n|---|---|---|---|\n"
    yield from _rows(model, "", names)


def _rows(model: type[BaseModel], prefix: str, names: list[str] | None = None) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if names is not None and name not in names:
            continue
        path = f"{prefix}{field.alias}"
        inner = _section(field.annotation)
        words = [field.description or "", _what(inner) if inner and not field.description else ""]
        yield f"| `{path}` | {_type(field)} | {_default(field)} | {' '.join(filter(None, words))} |\n"
        if inner is not None:
            many = "[]" if _origin(field.annotation) is tuple else ""
            yield from _rows(inner, f"{path}{many}.")


def _type(field: FieldInfo) -> str:
    return _name(field.annotation)


def _name(annotation: Any) -> str:
    origin, args = _origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _name(args[0])
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in args)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(_name(part) for part in args if part is not types.NoneType))
    if origin is tuple:
        return f"list of {_name(args[0])}"
    if origin is dict:
        return f"mapping of {_name(args[0])} to {_name(args[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "mapping"
    return {str: "text", int: "whole number", bool: "`true`, `false`", date: "date"}.get(annotation, "text")


def _origin(annotation: Any) -> Any:
    return get_origin(annotation)


def _section(annotation: Any) -> type[BaseModel] | None:
    """The section that a key holds; None where it is one of several, which are described where they stand."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = [inner for inner in map(_section, get_args(annotation)) if inner]
    return found[0] if len(found) == 1 else None


def _default(field: FieldInfo) -> str:
    if field.is_required() or field.default is PydanticUndefined:
        return "required"
    value = field.default
    if value is None or value in ((), {}) or isinstance(value, BaseModel):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _what(model: type[BaseModel] | None) -> str:
    return inspect.cleandoc(model.__doc__ or "").split("\n\n", 1)[0].replace("\n", " ") if model else ""


if __name__ == "__main__":
    print(page(), end="")
