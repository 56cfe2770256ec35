"""What the commands share that ask a stack's server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from luodi.commands.terminal import cwd_option, lang_option, stack_option
from luodi.language import language
from luodi.settings import Settings, today_in_china
from luodi.stackfiles import NoProject, choose, project_folder, stack_files
from luodi.words import Told

if TYPE_CHECKING:
    from luodi.delivery.scripts import Scripts
    from luodi.delivery.served import Server
    from luodi.delivery.tat import Shell

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R")

EXIT_CODES = """
\b
Exit codes:
  0  done
  1  the server can't be asked, or refuses; its reason is told
  2  the command line itself is wrong
"""


def of_a_stack(command: F) -> F:
    """The options by which a command is told the stack, and in which language to speak."""
    for option in (
        cwd_option,
        lang_option,
        stack_option(help="Which stack; need not be said where there is one."),
    ):
        command = option(command)
    return command


@dataclass(frozen=True)
class StackServer:
    """A stack that is up: its name, its project's folder, and its server."""

    name: str
    settings: Settings
    project: Path
    shell: Shell
    scripts: Scripts

    @property
    def server(self) -> Server:
        """Its releases."""
        from luodi.delivery.served import Server

        return Server(self.shell, self.scripts)


def stack_server(cwd: Path, name: str | None) -> StackServer:
    """The server of a stack that is up. Raises ClickException, NoProject and NoCredentials."""
    from luodi.api import Account
    from luodi.delivery.scripts import Scripts
    from luodi.delivery.tat import Shell
    from luodi.outputs import NoOutputs, stack_outputs

    project = project_folder(cwd)
    file = choose(stack_files(project, today_in_china()), name)
    settings = file.judged()
    try:
        instance = stack_outputs(project, file.stack).get("instance")
    except NoOutputs as error:
        raise click.ClickException(f"{file.stack}: {error}") from None
    account = Account.find({"tencentcloud:region": settings.region.id})
    return StackServer(file.stack, settings, project, Shell(account, str(instance)), Scripts(project / "templates"))


def ask(call: Callable[[], R]) -> R:
    """Call, and tell what a user can mend as one line instead of a traceback; in the command's language, where what is
    wrong is said in both."""
    from luodi.delivery.content import ContentError

    try:
        return call()
    except Told as error:
        context = click.get_current_context(silent=True)
        spoken = context.params.get("lang") if context else None
        raise click.ClickException(error.words.in_(spoken or language())) from None
    except (NoProject, ContentError) as error:
        raise click.ClickException(str(error)) from None
