"""The commands that `pulumi` itself doesn't have."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from io import TextIOWrapper
from types import MappingProxyType
from typing import cast

import click

from luodi import __version__
from luodi.commands.terminal import INTERRUPTED

_COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "certificate": "luodi.commands.certificate",
        "compare": "luodi.commands.compare",
        "completion": "luodi.commands.completion",
        "diff": "luodi.commands.releases",
        "doctor": "luodi.commands.doctor",
        "filing": "luodi.commands.filing",
        "graph": "luodi.commands.graph",
        "logs": "luodi.commands.logs",
        "new": "luodi.commands.new",
        "price": "luodi.commands.price",
        "releases": "luodi.commands.releases",
        "render": "luodi.commands.render",
        "renew": "luodi.commands.certificate",
        "revoke": "luodi.commands.certificate",
        "rollback": "luodi.commands.releases",
        "stack": "luodi.commands.stack",
        "status": "luodi.commands.status",
    }
)
"""The module that has each command, by the command's own name."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
_EXIT_CODES = """
\b
Exit codes, where a command's own help says nothing else:
  0    done
  1    not done, or something is wrong; the reason is told
  2    the command line itself is wrong
  130  stopped by Ctrl-C

NO_COLOR, where it is set, asks for no colours. LC_ALL, LC_MESSAGES or LANG say whether Chinese or English is spoken,
unless --lang does.
"""


class _Commands(click.Group):
    """Imports a command when it is asked for: all of them together take a second or two."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_COMMANDS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _COMMANDS:
            return cast("click.Command", getattr(import_module(_COMMANDS[cmd_name]), cmd_name))
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EXIT_CODES)
@click.version_option(__version__, message="%(prog)s %(version)s")
def main() -> None:
    """luodi (落地): land a site on a mainland China server.

    Bring a stack up with `pulumi up`; these commands do what `pulumi` doesn't.
    """


def run() -> None:
    """The program, `luodi`.

    What a terminal's encoding lacks is shown escaped, and ends nothing. Ctrl-C ends with 130, as shells have
    it, and a file that can't be read or written with one line that names it.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        sys.exit(main.main(prog_name="luodi", standalone_mode=False))
    except click.Abort:
        click.echo("\nStopped.", err=True)
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except OSError as error:
        if error.filename is None and error.errno in _FULL:
            click.echo(f"Error: the output can't be written: {error.strerror}", err=True)
            # What is still to be written would fail again when Python ends, and tell it in words of its own.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        if error.filename is None:
            raise
        click.echo(f"Error: {error.filename}: {error.strerror}", err=True)
        sys.exit(1)
