"""A cache of its own for every test that fills one, and small Go modules to build."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import cache, golang


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, the engine's share of it returned."""
    monkeypatch.setenv("LUODI_CACHE", str(tmp_path / "cache"))
    return cache.folder()


@pytest.fixture(scope="session")
def go() -> Path:
    """The Go command that builds the engine."""
    return golang.find(cache.SOURCES / "pebble")


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Path]:
    """Write an executable script and return its path."""

    def write(name: str, script: str, folder: str = "programs") -> Path:
        path = tmp_path / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
        return path

    return write


@pytest.fixture
def go_module(tmp_path: Path) -> Callable[[dict[str, str]], Path]:
    """Write the sources of a Go module that Go's cache has never seen; return its folder.

    `UNIQUE` in a source stands for text that is new in every run.
    """

    def write(files: dict[str, str]) -> Path:
        folder = tmp_path / "module"
        unique = hashlib.sha256(str(tmp_path).encode() + str(tmp_path.stat().st_ctime_ns).encode()).hexdigest()
        for name, text in {"go.mod": "module example.test/tiny\n\ngo 1.26\n", **files}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("UNIQUE", unique), encoding="utf-8")
        return folder

    return write
