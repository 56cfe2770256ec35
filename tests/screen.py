"""A program at a terminal: what is typed there, and what the screen then shows."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pexpect
import pyte

ENTER, CTRL_C, CTRL_D, CTRL_U, DOWN = "\r", "\x03", "\x04", "\x15", "\x1b[B"
_ROWS = 120
_SECONDS = 60.0


def heed_interrupts() -> None:
    """What is started in the background, as CI may be, ignores Ctrl-C, and so would what it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def interrupt(typed: pexpect.spawn[str]) -> None:
    """Type Ctrl-C until the program ends, as a person does: one that comes just before Python waits for a line is only
    seen with the next key."""
    for _ in range(int(_SECONDS)):
        typed.sendintr()
        if typed.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=1) == 0:
            return
    raise AssertionError(f"Ctrl-C ends nothing:\n{typed.before}")


class _Terminal(pyte.Screen):
    """Says, when a program asks, where the cursor is."""

    def __init__(self, columns: int, answer: Callable[[str], object]) -> None:
        super().__init__(columns, _ROWS)
        self._answer = answer

    def write_process_input(self, data: str) -> None:
        self._answer(data)


class Screen:
    """A program in `folder`, at a terminal of so many columns."""

    def __init__(
        self, folder: Path, program: str, *arguments: str, environment: Mapping[str, str], columns: int = 100
    ) -> None:
        self._shown = _Terminal(columns, self.type)
        self._stream = pyte.ByteStream(self._shown)
        self._typed: pexpect.spawn[bytes] = pexpect.spawn(
            program,
            list(arguments),
            cwd=str(folder),
            env={**environment, "TERM": "xterm-256color"},
            timeout=_SECONDS,
            dimensions=(_ROWS, columns),
            preexec_fn=heed_interrupts,
        )

    @property
    def text(self) -> str:
        """What is shown, without spaces and ends of lines: a narrow terminal puts them anywhere."""
        return "".join("".join(self._shown.display).split())

    def wait_for(self, text: str) -> None:
        """Read until the screen shows it."""
        wanted = "".join(text.split())
        self._read(lambda: wanted in self.text, text)

    def type(self, *keys: str) -> None:
        """Type, as fast as it goes."""
        self._typed.send("".join(keys).encode())

    def end(self) -> int | None:
        """Wait until the program ends, and give its exit code."""
        self._read(lambda: False, None)
        self._typed.close()
        return self._typed.exitstatus

    def _read(self, enough: Callable[[], bool], wanted: str | None) -> None:
        until = time.monotonic() + _SECONDS
        while not enough():
            try:
                self._stream.feed(self._typed.read_nonblocking(65536, timeout=until - time.monotonic()))
            except pexpect.EOF:
                assert wanted is None, f"it ended before {wanted!r} was shown:\n{self.text}"
                return
            except pexpect.TIMEOUT:
                raise AssertionError(f"{wanted or 'its end'!r} never came:\n{self.text}") from None
