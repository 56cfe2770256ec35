"""Put files where they belong: all of them whole, or none."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

_MODE = 0o644


class NotPlaced(Exception):
    """A file that can't be written; the message says which and why. Nothing was written."""


def place(texts: Mapping[Path, str]) -> None:
    """Write each text to a file that is not there yet, in folders that are made where they are missing.

    Whatever goes wrong, an interruption too, what was made before it is taken away again. Raises NotPlaced.
    """
    with _undone_on_failure() as made:
        unfinished = {path: _beside(path, text, made) for path, text in texts.items()}
        for path, file in unfinished.items():
            if path.exists():
                raise NotPlaced(f"{path} is there already; nothing was written")
            _rename(file, path)
            made[made.index(file)] = path


def replace(path: Path, text: str) -> None:
    """Write a file, over what may be there. Raises NotPlaced."""
    with _undone_on_failure() as made:
        _rename(_beside(path, text, made), path)


@contextlib.contextmanager
def _undone_on_failure() -> Iterator[list[Path]]:
    made: list[Path] = []
    try:
        yield made
    except BaseException:
        for path in reversed(made):
            with contextlib.suppress(OSError):  # what somebody else put into a new folder keeps it there
                if path.is_dir():
                    path.rmdir()
                else:
                    path.unlink()
        raise


def _beside(path: Path, text: str, made: list[Path]) -> Path:
    """A file with that text in the same folder, under a name that is nobody's yet."""
    try:
        for folder in reversed([folder for folder in path.parents if not folder.exists()]):
            folder.mkdir()
            made.append(folder)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            unfinished = Path(file.name)
            made.append(unfinished)
            file.write(text)
        unfinished.chmod(_MODE)
    except OSError as error:
        raise NotPlaced(_why(path, error)) from None
    return unfinished


def _rename(file: Path, path: Path) -> None:
    try:
        file.replace(path)
    except OSError as error:
        raise NotPlaced(_why(path, error)) from None


def _why(path: Path, error: OSError) -> str:
    return f"{path} can't be written: {error.strerror}; nothing was"
