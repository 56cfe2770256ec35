"""`luodi graph`: a declared stack as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from luodi.commands.terminal import cwd_option, lang_option, stack_option, write_file
from luodi.words import Language

_EXIT_CODES = """
\b
Exit codes:
  0  drawn
  1  the stack file can't be right, or there is no such project or stack
  2  the command line itself is wrong, or the picture can't be written
"""


@click.command(epilog=_EXIT_CODES)
@stack_option(help="The stack to draw; needed where the project has several.")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write the SVG there; else it is printed."
)
@lang_option
@cwd_option
def graph(stack: str | None, output: Path | None, lang: str, cwd: Path) -> None:
    """画出一个环境。Draw a declared stack as an SVG: visitors, names, the gate, the server and what it serves.

    Only its file is read: no engine is started, and nothing is asked of anybody.

    \b
    Examples:
      luodi graph --stack production --output production.svg
      luodi graph --stack production > production.svg
    """
    from luodi.graph.drawing import svg
    from luodi.settings import today_in_china
    from luodi.stackfiles import NoProject, choose, project_folder, stack_files

    today = today_in_china()
    try:
        file = choose(stack_files(project_folder(cwd), today), stack)
        settings = file.judged()
    except NoProject as error:
        raise click.ClickException(str(error)) from None
    drawn = svg(file.stack, settings, today, cast("Language", lang))
    if output is None:
        click.echo(drawn, nl=False)
    else:
        write_file(output, drawn)
