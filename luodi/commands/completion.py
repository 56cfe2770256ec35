"""`luodi completion`: what a shell needs to complete commands, options and names of stacks."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

_SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
_VARIABLE = "_LUODI_COMPLETE"
"""By which a shell asks `luodi` itself what fits."""


@click.command()
@click.argument("shell", type=click.Choice(tuple(_SHELLS)))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """命令行补全。Print the script that lets a shell complete luodi's commands, options and stacks.

    It is for the command `luodi`, which installing the package puts on PATH.

    \b
    Examples:
      echo 'eval "$(luodi completion bash)"' >> ~/.bashrc
      echo 'eval "$(luodi completion zsh)"' >> ~/.zshrc
      luodi completion fish > ~/.config/fish/completions/luodi.fish
    """
    root = context.find_root().command
    click.echo(_SHELLS[shell](root, {}, "luodi", _VARIABLE).source())
