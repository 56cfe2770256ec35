"""Text for systemd, for the shell and for PHP-FPM, each value quoted as its reader wants it. Pure but for reading."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from luodi.rendering import rendered, server_environment

_BARE = re.compile(r"[A-Za-z0-9._:/@+=,<>-]+")


class Templates:
    """The templates of a folder laid out like the project's ``templates/``, and those shipped for what it lacks."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def render(self, name: str, **values: Any) -> str:
        """``<name>.j2``: a script (``.sh``), a unit (``.service``), or a pool's configuration (``.conf``)."""
        quote: Callable[[str], str] = shlex.quote if name.endswith(".sh") else systemd_word
        environment = server_environment(self._folder, quote, trim_blocks=True, lstrip_blocks=True)
        return rendered(environment, f"{name}.j2", values)


def systemd_word(text: str) -> str:
    """`text` as one word of a command in a unit file (systemd.service(5), Command lines)."""
    if _BARE.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


def environment_file(variables: Mapping[str, str]) -> str:
    """What systemd's ``EnvironmentFile=`` reads back as `variables` (systemd.exec(5)), also of several lines."""
    return "".join(f"{name}={_value(value)}\n" for name, value in sorted(variables.items()))


def pool_environment(variables: Mapping[str, str]) -> str:
    """The environment of a pool of PHP-FPM's. Raises ValueError for the few values that it can't hold."""
    return "".join(f"env[{name}] = {_ini_value(value)}\n" for name, value in sorted(variables.items()))


def _ini_value(text: str) -> str:
    if "'" not in text:
        return f"'{text}'"
    if "${" in text or "\\" in text or '"' in text:
        raise ValueError("PHP-FPM can't take a value with both an apostrophe and one of \", \\ and ${")
    return f'"{text}"'


def _value(text: str) -> str:
    return '"' + re.sub(r'([\\"`$])', r"\\\1", text) + '"'
