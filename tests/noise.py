"""Content that no compression makes smaller."""

from __future__ import annotations

import random


def noise(size: int) -> bytes:
    """Bytes that no compression makes smaller, the same ones each time."""
    return random.Random(7).randbytes(size)
