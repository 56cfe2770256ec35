"""What all products share: actions, filters, pages, ids, times."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar, TypeVar

from localcloud import wire
from localcloud.cloud import Cloud
from localcloud.errors import CloudError
from localcloud.store import Document, Kind, Store

Handler = Callable[[Any, Any], object]
_Handler = TypeVar("_Handler", bound=Handler)


@dataclass(frozen=True)
class Action:
    """One action of a product: its handler and the parameters that it can't do without."""

    name: str
    handler: Handler
    requires: tuple[str, ...]


def action(name: str, *, requires: Sequence[str] = ()) -> Callable[[_Handler], _Handler]:
    """Declare a method of a Service as the handler of the API action `name`."""

    def declare(handler: _Handler) -> _Handler:
        handler.__dict__["action"] = Action(name, handler, tuple(requires))
        return handler

    return declare


class Service:
    """One product, for the time of one request."""

    product: ClassVar[str]
    version: ClassVar[str]
    sdk: ClassVar[ModuleType]
    regional: ClassVar[bool] = True
    actions: ClassVar[Mapping[str, Action]]

    def __init_subclass__(cls) -> None:
        """Collect the actions that are declared here and in the parts that it is made of."""
        members = (member for part in reversed(cls.__mro__) for member in vars(part).values())
        declared = (getattr(member, "action", None) for member in members)
        cls.actions = {item.name: item for item in declared if isinstance(item, Action)}

    def __init__(self, cloud: Cloud, region: str, request_id: str) -> None:
        """Serve a request made in `region` (empty for a product that knows no regions)."""
        self.cloud = cloud
        self.store = cloud.store
        self.region = region
        self.request_id = request_id

    def call(self, name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out an action and return its response's fields.

        Raises CloudError with Tencent's code when it is refused; nothing has changed then.
        """
        declared = self.actions[name]
        request = wire.parse(getattr(self.sdk, f"{name}Request"), parameters)
        wire.require(request, *declared.requires)
        with self.store.transaction():
            response = declared.handler(self, request)
        return wire.serialise(response)


def made_before(store: Store, kind: Kind, region: str, id_field: str, token: str | None) -> list[str]:
    """Return the ids of what an earlier request with the same ClientToken made."""
    if not token:
        return []
    return [one[id_field] for one in store.all(kind, region) if one["_ClientToken"] == token]


def not_empty(name: str, values: Sequence[Any] | None) -> Sequence[Any]:
    """Return `values`; raise CloudError MissingParameter for an empty list."""
    if not values:
        raise CloudError("MissingParameter", f"The request is missing a required parameter `{name}`.")
    return values


def page(
    items: Sequence[Document],
    offset: str | int | None,
    limit: str | int | None,
    *,
    default: int = 20,
    maximum: int = 100,
) -> list[Document]:
    """Return the part of `items` that a request with Offset and Limit asks for.

    Raises CloudError InvalidParameterValue when they are not numbers in range.
    """
    start = _number("Offset", offset, 0)
    length = _number("Limit", limit, default)
    if start < 0:
        raise CloudError("InvalidParameterValue", f"Offset is {start}; it can't be negative.")
    if not 1 <= length <= maximum:
        raise CloudError("InvalidParameterValue", f"Limit is {length}; give 1 to {maximum}.")
    return list(items[start : start + length])


def _number(name: str, value: str | int | None, default: int) -> int:
    if value is None or value == "":
        return default
    try:
        return int(value)
    except ValueError:
        raise CloudError("InvalidParameterValue", f"{name} is {value!r}; give a whole number.") from None


Extract = Callable[[Document], Iterable[str]]


def select(
    items: Iterable[Document],
    *,
    ids: Sequence[str] | None,
    id_field: str,
    filters: Sequence[Any] | None,
    by: Mapping[str, str | Extract],
    tags_of: Callable[[str], Mapping[str, str]] | None = None,
    code: str = "InvalidFilter",
    exclusive: bool = True,
) -> list[Document]:
    """Return those of `items` that have one of `ids` and pass all `filters`.

    `by` maps a filter's name to a field of the document or to a function giving its values;
    where `tags_of` is given, `tag-key`, `tag-value` and `tag:<key>` work too. Raises CloudError
    InvalidParameter when both ids and filters are given (where that is `exclusive`), `code` for an
    unknown filter.
    """
    if exclusive and ids and filters:
        raise CloudError("InvalidParameter", "Ids and Filters can't be given at the same time.")
    selected = [item for item in items if not ids or item[id_field] in ids]
    for one in filters or ():
        wire.require(one, "Name")
        wanted = set(one.Values or ())
        values_of = _extractor(one.Name, by, tags_of, id_field)
        if values_of is None:
            known = [*by, *(["tag-key", "tag-value", "tag:<key>"] if tags_of else [])]
            raise CloudError(code, f"There is no filter {one.Name!r}; known: {', '.join(known)}.")
        selected = [item for item in selected if wanted.intersection(values_of(item))]
    return selected


def _extractor(
    name: str,
    by: Mapping[str, str | Extract],
    tags_of: Callable[[str], Mapping[str, str]] | None,
    id_field: str,
) -> Extract | None:
    source = by.get(name)
    if isinstance(source, str):
        field = source
        return lambda item: _texts(item.get(field))
    if source is not None:
        return source
    if tags_of is None:
        return None
    if name == "tag-key":
        return lambda item: tags_of(item[id_field]).keys()
    if name == "tag-value":
        return lambda item: tags_of(item[id_field]).values()
    if name.startswith("tag:"):
        key = name.removeprefix("tag:")
        return lambda item: [v for k, v in tags_of(item[id_field]).items() if k == key]
    return None


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, bool):
        return [str(value).lower()]
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]
