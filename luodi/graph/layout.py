"""Where the parts of a picture stand: columns of a fixed width, and for each site a lane as high as it needs. Pure.

All lengths are in the picture's own unit, a pixel at its natural size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from luodi.graph import text
from luodi.graph.parts import Lane, Look, Part, Picture

HEAD, SMALL = 14, 12
"""Sizes of text."""
_BOLD = 1.08
"""How much wider a heading is for its weight."""
_LINE = 18
_PADDING = 12
_HEAD_LINES, _TEXT_LINES = 3, 3
"""A text that takes more lines is cut; the whole of it is what a pointer that rests there is told."""
_GAP, _LANE_GAP = 14, 30
_MARGIN, _TITLE = 24, 56
_VISITOR, _NAMES, _GATE, _NGINX, _TARGET = (24, 112), (188, 236), (472, 208), (752, 236), (1044, 260)
"""Of each column where it begins, and its width."""
_SERVER = (728, 600)
WIDTH = _SERVER[0] + _SERVER[1] + _MARGIN

Flow = Literal["open", "closed", "inner"]


@dataclass(frozen=True)
class Line:
    """A line of text; `y` is its base line, below the top of its box."""

    y: float
    text: str
    head: bool


@dataclass(frozen=True)
class Box:
    """A part where it stands."""

    x: float
    y: float
    width: float
    height: float
    lines: tuple[Line, ...]
    look: Look
    whole: str

    def moved(self, y: float) -> Box:
        """The same with its top there."""
        return Box(self.x, y, self.width, self.height, self.lines, self.look, self.whole)

    @property
    def right(self) -> float:
        """Where it ends."""
        return self.x + self.width

    @property
    def middle(self) -> float:
        """Half its height."""
        return self.y + self.height / 2

    @property
    def bottom(self) -> float:
        """Where it ends."""
        return self.y + self.height


@dataclass(frozen=True)
class Arrow:
    """From one point to another; `stopped`: nothing gets through, and it ends half-way."""

    x1: float
    y1: float
    x2: float
    y2: float
    flow: Flow
    stopped: bool = False

    @property
    def path(self) -> str:
        """What SVG calls the data of a path: a curve that leaves and arrives level; a line where it goes down."""
        if self.x1 == self.x2:
            return f"M{self.x1:g} {self.y1:g}V{self.y2:g}"
        half = (self.x1 + self.x2) / 2
        if self.stopped:
            return f"M{self.x1:g} {self.y1:g}H{half:g}"
        return f"M{self.x1:g} {self.y1:g}C{half:g} {self.y1:g} {half:g} {self.y2:g} {self.x2:g} {self.y2:g}"

    @property
    def end(self) -> tuple[float, float]:
        """Where it is stopped."""
        return (self.x1 + self.x2) / 2, self.y1


@dataclass(frozen=True)
class Drawing:
    """All of it: `server` is drawn beneath the boxes."""

    title: str
    description: str
    height: float
    server: Box
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    width: float = WIDTH


def layout(picture: Picture) -> Drawing:
    """Give each part its place."""
    server = _box(picture.server, _SERVER, _TITLE)
    top = server.bottom
    lanes = []
    for lane in picture.lanes:
        lanes.append(_lane(lane, top))
        top = max(box.bottom for box in lanes[-1][0]) + _LANE_GAP
    bottom = top - _LANE_GAP + _PADDING + _GAP / 2
    around = Box(server.x, server.y, server.width, bottom - server.y, server.lines, server.look, server.whole)
    visitor = _box(picture.visitor, _VISITOR, 0)
    first, last = (lanes[index][0][0].middle for index in (0, -1))
    visitor = visitor.moved((first + last) / 2 - visitor.height / 2)
    asks = [
        Arrow(visitor.right, visitor.middle, boxes[0].x, boxes[0].middle, "open" if lane.open else "closed")
        for lane, (boxes, _) in zip(picture.lanes, lanes, strict=True)
    ]
    return Drawing(
        text.printable(picture.title),
        text.printable(picture.description),
        bottom + _MARGIN,
        around,
        (visitor, *(box for boxes, _ in lanes for box in boxes)),
        (*asks, *(arrow for _, arrows in lanes for arrow in arrows)),
    )


def _lane(lane: Lane, top: float) -> tuple[tuple[Box, ...], tuple[Arrow, ...]]:
    """Its boxes, the names first, and its arrows; each column is centred on the highest."""
    columns = [
        [_box(lane.names, _NAMES, 0)],
        [_box(lane.gate, _GATE, 0)],
        [_box(lane.nginx, _NGINX, 0), _box(lane.certificate, _NGINX, 0)],
        [_box(target, _TARGET, 0) for target in lane.targets],
    ]
    highest = max(map(_height, columns))
    names, gates, served, targets = (list(_stacked(column, top, highest)) for column in columns)
    [name], [gate], [nginx, certificate] = names, gates, served
    flow: Flow = "open" if lane.open else "closed"
    arrows = [
        Arrow(name.right, name.middle, gate.x, gate.middle, flow),
        Arrow(gate.right, gate.middle, nginx.x, nginx.middle, flow, stopped=lane.blocked),
        Arrow(certificate.x + certificate.width / 2, certificate.y, nginx.x + nginx.width / 2, nginx.bottom, "inner"),
        *(Arrow(nginx.right, nginx.middle, target.x, target.middle, "inner") for target in targets),
    ]
    return (name, gate, nginx, certificate, *targets), tuple(arrows)


def _height(column: Sequence[Box]) -> float:
    return sum(box.height for box in column) + _between(column) * (len(column) - 1)


def _between(column: Sequence[Box]) -> float:
    return _GAP + 8 if len(column) > 1 else 0


def _stacked(column: Sequence[Box], top: float, room: float) -> Iterator[Box]:
    y = top + (room - _height(column)) / 2
    for box in column:
        yield box.moved(y)
        y += box.height + _between(column)


def _box(part: Part, column: tuple[float, float], y: float) -> Box:
    x, width = column
    room = width - 2 * _PADDING
    head = text.printable(part.head)
    rows = [(line, True) for line in text.lines(head, HEAD * _BOLD, room, _HEAD_LINES)]
    for each in map(text.printable, part.lines):
        rows += [(line, False) for line in text.lines(each, SMALL, room, _TEXT_LINES)]
    lines = tuple(Line(_PADDING + (number + 0.75) * _LINE, line, head) for number, (line, head) in enumerate(rows))
    whole = "\n".join((head, *map(text.printable, part.lines)))
    return Box(x, y, width, 2 * _PADDING + len(rows) * _LINE, lines, part.look, whole)
