"""What holds for all tests: the order that several workers take them in, and how hypothesis looks for examples."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is no reason to fail, and a run finds what the last one found.
settings.register_profile("luodi", deadline=None, derandomize=True)
settings.load_profile("luodi")

_TESTS = Path(__file__).parent
_LONGEST_FIRST = ("stack", "docs", "policy", "engine", "browser", "localcloud", "template")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what takes longest begin first, so that no worker is left alone with it at the end."""
    items.sort(key=lambda item: _rank(item.path))


def _rank(path: Path) -> int:
    folder = path.relative_to(_TESTS).parts[0]
    return _LONGEST_FIRST.index(folder) if folder in _LONGEST_FIRST else len(_LONGEST_FIRST)
