"""Keys that lead into a section, and stand beside it: ``luodi:site.domain`` for the `domain` of ``luodi:site``.

`pulumi new` asks for such keys alone, and keeps each answer as text: a template's questions have no structure
(pkg/cmd/pulumi/project/newcmd/config.go). So does `pulumi config set` without ``--path``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from luodi.problems import Problem

_NO_TEXT = re.compile(r"-?[0-9]{1,18}|true|false", re.ASCII)


def structured(
    values: Mapping[str, Any], namespace: str, sections: Collection[str]
) -> tuple[dict[str, Any], list[Problem]]:
    """The configuration with what such keys say inside the sections, and what can't be taken so.

    A text that is a whole number, ``true`` or ``false`` is read as one.
    """
    found = dict(values)
    problems = []
    for key, value in values.items():
        section, *path = key.removeprefix(f"{namespace}:").split(".")
        if not key.startswith(f"{namespace}:") or section not in sections or not path:
            continue
        del found[key]
        whole = f"{namespace}:{section}"
        try:
            found[whole] = _with(found.get(whole), path, _read(value))
        except ValueError:
            problems.append(Problem(key, f"is set in {whole} too; leave one of the two out"))
    return found, problems


def _with(there: Any, path: list[str], value: Any) -> Any:
    """What is there, with a value at a path inside. Raises ValueError where something else is."""
    if there is None:
        there = {}
    if not isinstance(there, Mapping):
        raise ValueError
    key, *further = path
    if not further and key in there:
        raise ValueError
    return {**there, key: _with(there.get(key), further, value) if further else value}


def _read(value: Any) -> Any:
    if not isinstance(value, str) or not _NO_TEXT.fullmatch(value):
        return value
    return value == "true" if value in ("true", "false") else int(value)
