"""How settings of two stacks are shown beside each other."""

from __future__ import annotations

import json
from typing import Any

NOTHING = "-"


def shown(value: Any) -> str:
    """A value as a person reads it; NOTHING for none."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list | tuple):
        return ", ".join(shown(each) for each in value) or NOTHING
    return json.dumps(value, ensure_ascii=False, default=str)
