"""What of a stack file is a secret, and how another stack gets its own. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from luodi import web
from luodi.settings import ACCOUNT_KEY
from luodi.settings.certificate import CERTIFICATE_KEY, HMAC_KEY

Path = tuple[str | int, ...]
"""Where something stands in a stack's configuration: its full key, then keys and indices inside."""

CREDENTIALS = ("tencentcloud:secretId", "tencentcloud:secretKey", "tencentcloud:securityToken")
APP_SECRETS = "luodi:app-secrets"
_ALWAYS = frozenset(
    {*CREDENTIALS, APP_SECRETS, *(f"luodi:{name}" for name in (ACCOUNT_KEY, HMAC_KEY, CERTIFICATE_KEY))}
)
"""Keys whose values are secrets however they are written."""

HIDDEN = "••••••"
"""Stands for a secret where it is shown."""


@dataclass(frozen=True)
class Secret:
    """A secret that a stack has to be given, by the path of its key; `hashed` for the hash of a password."""

    path: Path
    hashed: bool = False

    @property
    def key(self) -> str:
        """The path as luodi's messages write it."""
        return pulumi_path(self.path)

    def command(self, stack: str) -> str:
        """The line that sets it. Pulumi asks for the value, and openssl for the password."""
        nested = ["--path"] if len(self.path) > 1 else []
        words = ["pulumi", "config", "set", "--secret", *nested, "--stack", stack, pulumi_path(self.path)]
        return shlex.join(words) + (' "$(openssl passwd -6)"' if self.hashed else "")


def sealed(value: Any) -> bool:
    """Whether it is a value that Pulumi encrypted."""
    return isinstance(value, Mapping) and set(value) == {"secure"}


def hidden(value: Any) -> Any:
    """The value as it may be shown: HIDDEN in the place of what is encrypted, and of every password hash."""
    if sealed(value) or (isinstance(value, str) and _is_hash(value)):
        return HIDDEN
    if isinstance(value, Mapping):
        return {key: hidden(inner) for key, inner in value.items()}
    return [hidden(inner) for inner in value] if isinstance(value, list | tuple) else value


def _is_hash(text: str) -> bool:
    try:
        web.password_hash(text)
    except ValueError:
        return False
    return True


def secrets_of(config: Mapping[str, Any]) -> Iterator[Path]:
    """Where a stack file has secrets: what is encrypted, and what is one however it is written."""
    for key, value in config.items():
        if key in _ALWAYS and not (key == APP_SECRETS and isinstance(value, Mapping) and not sealed(value)):
            yield (key,)
        else:
            yield from _inside((key,), value, every=key == APP_SECRETS)


def _inside(path: Path, value: Any, *, every: bool) -> Iterator[Path]:
    if sealed(value):
        yield path
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _inside((*path, key), inner, every=every)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _inside((*path, index), inner, every=every)
    elif every:
        yield path


def pulumi_path(path: Path) -> str:
    """The path as `pulumi config set --path` and luodi's own messages write it."""
    written = str(path[0])
    for part in path[1:]:
        if isinstance(part, int):
            written += f"[{part}]"
        else:
            written += f".{part}" if re.fullmatch(r"[^\s.\[\]\"]+", part) else f'["{part}"]'
    return written
