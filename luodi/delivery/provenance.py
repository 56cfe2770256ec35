"""Who delivers, and what: for the server's audit log and for the list of its releases."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_SECONDS = 10

_ACTORS = (
    "GITHUB_ACTOR",  # GitHub Actions; Gitea's too
    "GITLAB_USER_LOGIN",
    "CNB_BUILD_USER",  # 云原生构建
    "BUILD_USER_ID",  # Jenkins, by its build user vars plugin
)
_MOST = 200


@dataclass(frozen=True)
class Provenance:
    """Who delivers, from which commit (None outside git), and whether the folder differed from it."""

    who: str
    commit: str | None
    dirty: bool | None

    def as_record(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)


def find(folder: Path, environ: Mapping[str, str] = os.environ) -> Provenance:
    """Of a project's folder: the CI system's actor, else git's user, else the system's; never an error."""
    commit = _git(folder, "rev-parse", "--verify", "HEAD")
    changes = _git(folder, "status", "--porcelain", "--", ".") if commit else None
    return Provenance(_who(folder, environ), commit, bool(changes) if changes is not None else None)


def _who(folder: Path, environ: Mapping[str, str]) -> str:
    for variable in _ACTORS:
        if actor := environ.get(variable):
            return _line(f"{actor} (CI)")
    name, email = _git(folder, "config", "user.name"), _git(folder, "config", "user.email")
    if name or email:
        return _line(f"{name or ''} <{email}>".strip() if email else str(name))
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = str(os.getuid())
    return _line(f"{user}@{socket.gethostname()}")


def _line(text: str) -> str:
    """One printable line: what somebody calls himself ends in a log."""
    return "".join(char if char.isprintable() else " " for char in text)[:_MOST]


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        ran = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return ran.stdout.strip()
