"""The commands that `pulumi` itself doesn't have."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from io import TextIOWrapper
from types import MappingProxyType
from typing import cast

import click

_COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "certificate": "luodi.certificate_cli",
        "compare": "luodi.compare_cli",
        "diff": "luodi.releases_cli",
        "doctor": "luodi.doctor.command",
        "filing": "luodi.filing_cli",
        "logs": "luodi.logs_cli",
        "releases": "luodi.releases_cli",
        "render": "luodi.render_cli",
        "renew": "luodi.certificate_cli",
        "revoke": "luodi.certificate_cli",
        "rollback": "luodi.releases_cli",
        "stack": "luodi.stack_cli",
    }
)
"""The module that has each command, by the command's own name."""


class _Commands(click.Group):
    """Imports a command when it is asked for: all of them together take a second or two."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_COMMANDS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _COMMANDS:
            return cast("click.Command", getattr(import_module(_COMMANDS[cmd_name]), cmd_name))
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """luodi (落地): land a site on a mainland China server.

    Bring a stack up with `pulumi up`; these commands do what `pulumi` doesn't.
    """


def run() -> None:
    """The program: what a terminal's encoding lacks is shown escaped, and ends nothing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    main(prog_name="luodi")
