"""XML as COS reads and writes it: elements as dictionaries, lists where an element may be repeated."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast
from xml.parsers.expat import ExpatError

import xmltodict

from localcloud.services.cos.request import CosError

_REPEATED = frozenset(
    {
        "AllowedHeader",
        "AllowedMethod",
        "AllowedOrigin",
        "CORSRule",
        "ExposeHeader",
        "Grant",
        "NoncurrentVersionTransition",
        "Object",
        "Part",
        "Rule",
        "Tag",
        "Transition",
    }
)


def parse(body: bytes, root: str) -> dict[str, Any]:
    """Return what the element `root`, a request's body, holds; raise CosError MalformedXML for anything else.

    Attributes are left out; an element without content is None.
    """
    try:
        document = xmltodict.parse(body, xml_attribs=False, force_list=tuple(_REPEATED), disable_entities=True)
    except (ExpatError, ValueError) as error:
        raise malformed(f"The body is no XML: {error}.") from None
    if set(document) != {root}:
        raise malformed(f"The body is <{next(iter(document))}>, not <{root}>.")
    content = document[root]
    if content is not None and not isinstance(content, dict):
        raise malformed(f"<{root}> holds text.")
    return cast("dict[str, Any]", content or {})


def write(root: str, content: Mapping[str, Any]) -> bytes:
    """Return a document; values that are None are left out."""
    return xmltodict.unparse({root: _without_none(content)}, encoding="utf-8").encode()


def malformed(message: str) -> CosError:
    """Return the refusal of a body that can't be understood."""
    return CosError(HTTPStatus.BAD_REQUEST, "MalformedXML", message)


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_none(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_none(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else value
