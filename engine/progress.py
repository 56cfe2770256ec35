"""How far long work has come: one changing line on a terminal, a line a minute elsewhere."""

import sys
import time
from types import TracebackType
from typing import NamedTuple, Self, TextIO

TERMINAL_INTERVAL = 0.2
OTHER_INTERVAL = 60.0
"""Seconds between two lines."""


class State(NamedTuple):
    """How far some work has come: for people, and as a share of 1 where that is known."""

    text: str = "working"
    done: float | None = None


def duration(seconds: float) -> str:
    """Return ``seconds`` as a person says it: ``42 s``, ``3 min 20 s``."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    if not minutes:
        return f"{rest} s"
    return f"{minutes} min {rest:02} s" if rest else f"{minutes} min"


class Progress:
    """Shows the work named ``title``, expected to take ``expected`` seconds.

    Call :meth:`show` as often as convenient; it draws no more often than is useful.
    """

    def __init__(self, title: str, expected: float, stream: TextIO | None = None) -> None:
        self.title = title
        self.expected = expected
        self.stream = stream or sys.stderr
        self.terminal = self.stream.isatty()
        self.started = self.drawn = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the work began."""
        return time.monotonic() - self.started

    def __enter__(self) -> Self:
        self._line(f"{self.title}: begun; about {duration(self.expected)}", last=not self.terminal)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        outcome = "done" if kind is None else "stopped"
        self._line(f"{self.title}: {outcome} after {duration(self.elapsed)}", last=True)

    def show(self, state: State) -> None:
        """Tell ``state`` with the time passed and left, if it is time to."""
        interval = TERMINAL_INTERVAL if self.terminal else OTHER_INTERVAL
        now = time.monotonic()
        if now - self.drawn >= interval:
            self.drawn = now
            passed = f"{duration(self.elapsed)} so far"
            self._line(f"{self.title}: {state.text}; {passed}, {self._left(state.done)}", last=not self.terminal)

    def _left(self, done: float | None) -> str:
        left = self.expected - self.elapsed
        if done and done >= 0.1:  # a slower machine shows, once there is something to go by
            left = max(left, self.elapsed / done - self.elapsed)
        return f"about {duration(left)} left" if left >= 1 else "soon done"

    def _line(self, text: str, *, last: bool) -> None:
        erase = "\r\x1b[K" if self.terminal else ""
        self.stream.write(f"{erase}{text}" + ("\n" if last else ""))
        self.stream.flush()
