"""Runs one long command: progress on screen, everything in a log, a short quotation on failure."""

import contextlib
import os
import queue
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from engine.errors import EngineError
from engine.progress import Progress, State

SHOWN_LINES = 15
"""How much of a failed command's output an error quotes."""

AGAIN = "Mend what it says, then run the same command again: what is complete is not done twice."


def run(
    command: list[str],
    title: str,
    *,
    log: Path,
    seconds: float,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    state: Callable[[str | None], State] | None = None,
    hints: Mapping[str, str] | None = None,
) -> list[str]:
    """Run ``command`` and return the lines of its output.

    ``seconds`` is how long it should take. ``environment`` is added to this process's own.
    ``state`` is given each line, or None every second, and says how far the work has come.
    ``hints`` maps signs in the output to what the user can do.

    Raises EngineError where the command can't be started or fails. The command and all it started
    end with this call, however it ends.
    """
    seen: list[str] = []
    log.parent.mkdir(parents=True, exist_ok=True)
    with Progress(title, seconds) as progress, log.open("a", buffering=1, encoding="utf-8") as file:
        file.write(f"$ {shlex.join(command)}\n")
        with _started(command, folder, {**os.environ, **(environment or {})}) as (process, lines):
            for line in lines:
                if line is not None:
                    file.write(f"{line}\n")
                    seen.append(line)
                progress.show(state(line) if state else State())
        file.write(f"exit code {process.returncode}\n\n")
        if process.returncode:
            raise EngineError(_failure(title, process.returncode, seen, log, hints or {}))
    return seen


@contextlib.contextmanager
def _started(
    command: list[str], folder: Path | None, environment: Mapping[str, str]
) -> Iterator[tuple["subprocess.Popen[str]", Iterator[str | None]]]:
    """Start ``command`` in a process group of its own, which ends with this block."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            yield process, _lines(process)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)


def _lines(process: "subprocess.Popen[str]") -> Iterator[str | None]:
    """Yield each line of output, and None whenever a second passes without one."""
    waiting: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in process.stdout or ():
            waiting.put(line.rstrip("\n"))
        waiting.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = waiting.get(timeout=1)
        except queue.Empty:
            yield None
            continue
        if line is None:
            process.wait()
            return
        yield line


def _failure(title: str, code: int, lines: list[str], log: Path, hints: Mapping[str, str]) -> str:
    text = "\n".join(lines)
    quoted = "\n".join(f"    {line}" for line in lines[-SHOWN_LINES:])
    advice = next((hint for sign, hint in hints.items() if sign in text), AGAIN)
    return f"{title} failed (exit code {code}). It ended with:\n{quoted}\n  The whole log: {log}\n  {advice}"
