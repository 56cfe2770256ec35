"""What is run on the server, as text: ``templates/server`` with every value quoted for the shell. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

PACKAGES = ("nginx", "curl", "openssl", "ca-certificates")
KEPT_RELEASES = 5


class _Raw(str):
    """Text of our own making that the shell must not see quoted."""

    __slots__ = ()


def _quote(value: Any) -> str:
    if isinstance(value, _Raw):
        return value
    if isinstance(value, list | tuple):
        return shlex.join(str(part) for part in value)
    return shlex.quote(str(value))


class Scripts:
    """The server's scripts, from a folder of templates."""

    def __init__(self, templates: Path) -> None:
        self._environment = jinja2.Environment(  # noqa: S701 (a shell's text, quoted by finalize)
            loader=jinja2.FileSystemLoader(templates / "server"),
            undefined=jinja2.StrictUndefined,
            finalize=_quote,
            comment_start_string="<#",  # bash writes {# itself, in ${#array[@]}
            comment_end_string="#>",
            keep_trailing_newline=True,
        )
        self._environment.filters["raw"] = _Raw

    def prepare(self) -> str:
        """Makes a fresh server ready; safe to run again."""
        return self._render("prepare", packages=PACKAGES)

    def signing_request(self, key: str, names: Sequence[str]) -> str:
        """Makes the key at `key` if there is none, and prints a CSR for `names`."""
        return self._render("signing-request", key=key, alternative_names=",".join(f"DNS:{name}" for name in names))

    def public_key(self, key: str) -> str:
        """Prints the public half of the key at `key`, or nothing."""
        return self._render("public-key", key=key)

    def upload(self, folder: str, part: str, text: str) -> str:
        """Stores one part of a bundle, base64 text, in `folder`."""
        return self._render("upload", upload=folder, part=part, text=text)

    def release(self, release: str, folder: str, digest: str, names: Sequence[str]) -> str:
        """Unpacks the bundle in `folder`, switches to it, checks that every one of `names` serves it."""
        return self._render(
            "release",
            release=release,
            upload=folder,
            digest=digest,
            names=names,
            keep=KEPT_RELEASES,
        )

    def current(self) -> str:
        """Prints the release that is switched on, and ``serving`` or ``stopped``."""
        return self._render("current")

    def _render(self, name: str, **values: Any) -> str:
        return self._environment.get_template(f"{name}.sh.j2").render(values)
