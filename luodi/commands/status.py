"""`luodi status`: where all stacks of a project stand, at a glance."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import click

from luodi.commands.terminal import console, cwd_option, json_option, lang_option, print_json, stack_option, write_file
from luodi.words import Language

_EXIT_CODES = """
\b
Exit codes:
  0  nothing is wrong; that a stack is not up is nothing wrong, unless it was named
  1  a stack file can't be right, a stack's state can't be had, something is overdue, an open site can't be opened, a
     certificate is not as it should be, or the stack that was named is not up; or there is no such project or stack
  2  the command line itself is wrong, or the page can't be written
"""


@click.command(epilog=_EXIT_CODES)
@stack_option(help="Only this stack.")
@click.option("--port", type=click.IntRange(1, 65535), default=443, show_default=True, help="Where sites are served.")
@click.option(
    "--timeout", type=click.FloatRange(0.1, 120), default=10, show_default=True, help="Seconds for each look."
)
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write one self-contained page there.")
@json_option
@lang_option
@cwd_option
@click.pass_context
def status(
    context: click.Context,
    stack: str | None,
    port: int,
    timeout: float,
    html: Path | None,
    as_json: bool,
    lang: str,
    cwd: Path,
) -> None:
    """各环境的现状。Show where every stack stands: its sites, filings, deadlines, certificates and server.

    A stack's file and its state are read, and its server is asked for its sites by HTTPS; nothing is changed and no
    program of the project's is run. What is closed to the public is not visited. With your account's key at hand, its
    price is told too.

    \b
    Examples:
      luodi status
      luodi status --html status.html      one page, for a phone too
      luodi status --stack production --json
    """
    from luodi.renewal import Watch
    from luodi.settings import today_in_china
    from luodi.stackfiles import NoProject, project_file, project_folder, selected, stack_files
    from luodi.status.looking import look

    language, today, now = cast("Language", lang), today_in_china(), datetime.now(UTC)
    try:
        project = project_folder(cwd)
        name = str(project_file(project).get("name", project.name))
        files = stack_files(project, today)
        chosen = selected(files, stack)
    except NoProject as error:
        raise click.ClickException(str(error)) from None
    found = look(project, chosen, today, Watch(port, timeout))
    if html is not None:
        from luodi.status.page import page

        write_file(html, page(name, found, today, now, language))
    if as_json:
        from luodi.status.values import as_json as values

        print_json(values(found, today, now))
    else:
        from luodi.status.table import show

        show(console(), found, today, now, language)
    if any(one.wrong(today, now) or (stack and one.state) for one in found):
        context.exit(1)
