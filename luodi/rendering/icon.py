"""An icon from a file, as an SVG that a page can be given.

A browser runs no script of an image and fetches nothing for it; but whoever opens the icon by its own address opens a
document of the site's. So an SVG may hold shapes and text, and nothing that acts or is somewhere else.
"""

from __future__ import annotations

import base64
import re
import struct
from pathlib import Path
from xml.parsers import expat

from luodi.rendering.errors import RenderingError

LARGEST_KB = 64
"""The official icon (备案编号图标) of https://beian.mps.gov.cn/ is a PNG of 20 KB."""
_MOST_PIXELS = 1024

_NAMESPACE = "http://www.w3.org/2000/svg"
_SHAPES = frozenset(
    (
        *(
            "svg",
            "g",
            "defs",
            "symbol",
            "use",
            "title",
            "desc",
            "path",
            "rect",
            "circle",
            "ellipse",
            "line",
            "polyline",
        ),
        *("polygon", "text", "tspan", "clipPath", "mask", "linearGradient", "radialGradient", "stop", "pattern"),
        *("filter", "feGaussianBlur", "feOffset", "feBlend", "feFlood", "feComposite", "feMerge", "feMergeNode"),
        "feColorMatrix",
    )
)
# A reference into the icon itself, as in fill="url(#shade)".
_INSIDE = re.compile(r"""url\(\s*["']?#[^)"'\s]*["']?\s*\)""")
_PNG = b"\x89PNG\r\n\x1a\n"


def read_icon(path: Path) -> str:
    """The SVG in a file, or a PNG wrapped into one. Raises RenderingError for what is no icon, or does anything."""
    if not path.is_file():
        raise RenderingError(f"{path}: there is no such file; name an SVG or a PNG, from the project's folder")
    try:
        if path.stat().st_size > LARGEST_KB * 1024:
            raise RenderingError(f"{path}: {path.stat().st_size // 1024} KB; an icon has {LARGEST_KB} KB at most")
        data = path.read_bytes()
    except OSError as error:
        raise RenderingError(f"{path}: can't be read: {error.strerror or error}") from None
    try:
        return _wrapped(data) if data.startswith(_PNG) else _checked(data)
    except _Fault as fault:
        raise RenderingError(f"{path}: {fault}") from None


class _Fault(Exception):
    """What is wrong with the file."""


def _wrapped(data: bytes) -> str:
    if len(data) < 24 or data[12:16] != b"IHDR":
        raise _Fault("is cut short: a PNG begins with its size")
    width, height = struct.unpack(">II", data[16:24])
    if not (0 < width <= _MOST_PIXELS and 0 < height <= _MOST_PIXELS):
        raise _Fault(f"is {width} x {height} pixels; an icon has {_MOST_PIXELS} at most each way")
    image = base64.b64encode(data).decode()
    return (
        f'<svg xmlns="{_NAMESPACE}" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f'<image width="{width}" height="{height}" href="data:image/png;base64,{image}"/></svg>\n'
    )


def _checked(data: bytes) -> str:
    parser = expat.ParserCreate(namespace_separator=" ")
    depth = 0

    def doctype(*_: object) -> None:
        raise _Fault("has a DOCTYPE, which an icon doesn't need; take that line out")

    def instruction(target: str, _: str) -> None:
        raise _Fault(f"has an instruction <?{target}?>, which could lead elsewhere; take it out")

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        namespace, _, tag = name.rpartition(" ")
        if depth == 0 and (namespace, tag) != (_NAMESPACE, "svg"):
            raise _Fault(f'is no SVG: it begins with <{tag}>, not with <svg xmlns="{_NAMESPACE}">')
        depth += 1
        if namespace != _NAMESPACE or tag not in _SHAPES:
            raise _Fault(f"has <{tag}>; an icon may hold shapes and text, and nothing that acts or is somewhere else")
        for attribute, value in attributes.items():
            _allowed(tag, attribute.rpartition(" ")[2], value)

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    parser.StartDoctypeDeclHandler = doctype
    parser.ProcessingInstructionHandler = instruction
    parser.StartElementHandler, parser.EndElementHandler = start, end
    try:
        parser.Parse(data, True)
        return data.decode("utf-8-sig")
    except expat.ExpatError as error:
        if b"<" not in data[:200]:
            raise _Fault("is neither SVG nor PNG") from None
        raise _Fault(f"is no SVG: {error}") from None
    except UnicodeDecodeError:
        raise _Fault("is not in UTF-8") from None


def _allowed(tag: str, attribute: str, value: str) -> None:
    if attribute.lower().startswith("on"):
        raise _Fault(f"has a script: {attribute} of <{tag}>")
    if attribute in ("href", "src", "base") and not value.startswith("#"):
        raise _Fault(f"leads elsewhere: {attribute} of <{tag}> is {value[:60]!r}")
    left = _INSIDE.sub("", value).lower()
    if attribute != "d" and ("url(" in left or "javascript:" in left or "@import" in left or "\\" in left):
        raise _Fault(f"leads elsewhere: {attribute} of <{tag}> is {value[:60]!r}")
