"""`luodi price`: what the stacks of a project cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from luodi.commands.terminal import console, cwd_option, json_option, lang_option, print_json, stack_option
from luodi.words import Language

if TYPE_CHECKING:
    from luodi.price import Price
    from luodi.stackfiles import StackFile

_EXIT_CODES = """
\b
Exit codes:
  0  every stack that was asked for is priced
  1  one is not: its file can't be right, what it declares is not sold, or the API can't be asked; the others are shown
  2  the command line itself is wrong
"""
_AT_ONE_TIME = 4


@dataclass(frozen=True)
class _Trouble:
    """Why a stack is not priced; `code` where the key or the network is to blame, which all stacks share."""

    text: str
    code: str = ""

    @property
    def cause(self) -> str:
        """The same for two stacks that have the same trouble."""
        return self.code or self.text


@click.command(epilog=_EXIT_CODES)
@stack_option(help="Only this stack; without it, every stack of the project.")
@json_option
@lang_option
@cwd_option
@click.pass_context
def price(context: click.Context, stack: str | None, as_json: bool, lang: str, cwd: Path) -> None:
    """费用：各环境的服务器每月多少钱。Show what the server that each stack declares costs, by the month, in CNY.

    Tencent Cloud's price APIs are asked with your account's key, so that its discounts are in the answer; nothing is
    ordered. A stack need not be up. What is billed by use has no price beforehand, and is named.

    \b
    Examples:
      luodi price
      luodi price --stack production
      luodi price --json            for a program
    """
    from luodi.price.view import show, values

    files = _files(cwd, stack)
    prices, troubles = _ask(files)
    if as_json:
        print_json(values(prices, {stack: trouble.text for stack, trouble in troubles.items()}))
    elif prices:
        show(console(), prices, len(files), cast("Language", lang))
    _tell(troubles)
    if troubles:
        context.exit(1)


def _files(cwd: Path, stack: str | None) -> Sequence[StackFile]:
    from luodi.settings import today_in_china
    from luodi.stackfiles import NoProject, project_folder, selected, stack_files

    try:
        files = stack_files(project_folder(cwd), today_in_china())
        return selected(files, stack)
    except NoProject as error:
        raise click.ClickException(str(error)) from None


def _ask(files: Sequence[StackFile]) -> tuple[Mapping[str, Price], Mapping[str, _Trouble]]:
    """What each stack costs, or why that can't be told."""
    from luodi.api import Account, ApiError, NoCredentials, Unreachable
    from luodi.price import NotPriced, monthly

    def one(file: StackFile) -> Price | _Trouble:
        if file.settings is None:
            return _Trouble(file.trouble)
        try:
            return monthly(file.settings, Account.find({"tencentcloud:region": file.settings.region.id}))
        except NotPriced as error:
            return _Trouble(f"{file.path}: {error}")
        except NoCredentials as error:
            return _Trouble(str(error))
        except ApiError as error:
            shared = isinstance(error, Unreachable) or error.code.startswith("AuthFailure")
            return _Trouble(str(error), error.code if shared else "")

    with ThreadPoolExecutor(_AT_ONE_TIME) as pool:
        answers = dict(zip((file.stack for file in files), pool.map(one, files), strict=True))
    prices = {stack: answer for stack, answer in answers.items() if not isinstance(answer, _Trouble)}
    return prices, {stack: answer for stack, answer in answers.items() if isinstance(answer, _Trouble)}


def _tell(troubles: Mapping[str, _Trouble]) -> None:
    """Say each trouble once, with the stacks that have it."""
    for cause in dict.fromkeys(trouble.cause for trouble in troubles.values()):
        having = [stack for stack, trouble in troubles.items() if trouble.cause == cause]
        click.echo(f"Error: {', '.join(having)}: {troubles[having[0]].text}", err=True)
