"""`luodi compare`: what two stacks differ in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from luodi.commands.terminal import console, cwd_option, json_option, lang_option, print_json, stack_names
from luodi.words import Language, Words

if TYPE_CHECKING:
    from luodi.environments.comparing import Difference, Side, Up

_EXIT_CODES = """
\b
Exit codes:
  0  they differ in nothing but what makes one the staging stack of the other
  1  they differ in something else, or a stack file can't be right
  2  the command line itself is wrong
"""
_DECLARED = Words("设置", "As declared")
_ACTUAL = Words("实际", "As they are")
_SAME = Words("没有不同", "nothing differs")
_EXPECTED = Words("预期", "expected")
_SURPRISING = Words("意外", "unexpected")
_COLUMNS = (Words("什么", "what"), Words("原因", "why"))
_NOT_UP = Words("{stack}：{why}；只比较设置", "{stack}: {why}; what is declared is compared all the same")
_UNRELATED = Words(
    "{a} 与 {b} 的域名看不出谁是谁的预发布环境，所以任何不同都算意外",
    "by their domains neither of {a} and {b} is the other's staging stack, so no difference is expected",
)
_COUNTS = Words("{surprising} 处意外的不同，{expected} 处预期的不同", "{surprising} unexpected, {expected} expected")


@click.command(epilog=_EXIT_CODES)
@click.argument("first", metavar="A", shell_complete=stack_names)
@click.argument("second", metavar="B", shell_complete=stack_names)
@click.option("--port", type=click.IntRange(1, 65535), default=443, help="Where their servers answer by HTTPS.")
@json_option
@lang_option
@cwd_option
@click.pass_context
def compare(context: click.Context, first: str, second: str, port: int, as_json: bool, lang: str, cwd: Path) -> None:
    """比较两个环境：设置与实际。Show what two stacks differ in: as declared, and as they are.

    What `luodi stack new` makes different is expected: names under a subdomain, the server's kind and size, who may see
    it. Whatever else differs is not. A stack as it is: its state, which is read without running the project's program,
    and what its server answers.

    \b
    Examples:
      luodi compare staging production
      luodi compare staging production --json      for a program
    """
    from luodi.environments.comparing import Pair

    language = cast("Language", lang)
    if first == second:
        raise click.UsageError(f"{first} is one stack; name another to compare it with")
    project, sides = _sides(cwd, (first, second))
    pair = Pair(sides)
    ups, not_up = _look(project, sides, port)
    declared = pair.declared()
    actual = pair.actual(ups) if ups else []
    if as_json:
        print_json(_values(sides, declared, actual if ups else None, not_up))
    else:
        remarks = [_NOT_UP.fill(stack=stack, why=why) for stack, why in not_up.items()]
        if pair.target is None:
            remarks.append(_UNRELATED.fill(a=first, b=second))
        _show(sides, declared, actual if ups else None, remarks, language)
    if not all(one.expected for one in (*declared, *actual)):
        context.exit(1)


def _sides(cwd: Path, names: tuple[str, str]) -> tuple[Path, tuple[Side, Side]]:
    from luodi.environments.comparing import Side
    from luodi.settings import today_in_china
    from luodi.stackfiles import NoProject, choose, configuration, project_folder, stack_files

    try:
        project = project_folder(cwd)
        files = stack_files(project, today_in_china())
        chosen = [choose(files, name) for name in names]
        judged = [(file, file.judged()) for file in chosen]
        first, second = (Side(file.stack, configuration(file.path), settings) for file, settings in judged)
    except NoProject as error:
        raise click.ClickException(str(error)) from None
    return project, (first, second)


def _look(project: Path, sides: tuple[Side, Side], port: int) -> tuple[tuple[Up, Up] | None, Mapping[str, str]]:
    """Both as they are; where one is not up, why."""
    from luodi.environments.looking import look
    from luodi.outputs import NoOutputs

    def one(side: Side) -> Up | str:
        try:
            return look(project, side, port=port)
        except NoOutputs as error:
            return str(error)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(one, sides)
    not_up = {side.stack: seen for side, seen in zip(sides, (first, second), strict=True) if isinstance(seen, str)}
    return (None if isinstance(first, str) or isinstance(second, str) else (first, second)), not_up


def _show(
    sides: tuple[Side, Side],
    declared: Sequence[Difference],
    actual: Sequence[Difference] | None,
    remarks: Sequence[Words],
    language: Language,
) -> None:
    from rich.text import Text

    from luodi.environments.view import Row, show

    screen = console()
    columns = [_COLUMNS[0].in_(language), sides[0].stack, sides[1].stack, _COLUMNS[1].in_(language)]
    for title, found in ((_DECLARED, declared), (_ACTUAL, actual)):
        if found is None:
            continue
        screen.print(Text(title.in_(language), "bold"))
        rows = []
        for one in sorted(found, key=lambda one: one.expected):
            kind = (_EXPECTED if one.expected else _SURPRISING).in_(language)
            why = f"{kind}: {one.why.in_(language)}" if one.why else kind
            rows.append(Row(one.key, one.values, why, "" if one.expected else "red"))
        if rows:
            show(screen, columns, rows)
        else:
            screen.print(Text(_SAME.in_(language)))
        screen.print()
    for remark in remarks:
        screen.print(Text(remark.in_(language), "yellow"), soft_wrap=True)
    every = [*declared, *(actual or ())]
    expected = sum(one.expected for one in every)
    screen.print(Text(_COUNTS.fill(surprising=len(every) - expected, expected=expected).in_(language)))


def _values(
    sides: tuple[Side, Side],
    declared: Sequence[Difference],
    actual: Sequence[Difference] | None,
    not_up: Mapping[str, str],
) -> dict[str, Any]:
    def rows(found: Sequence[Difference]) -> list[dict[str, Any]]:
        return [
            {
                "key": one.key,
                "values": dict(zip((side.stack for side in sides), one.values, strict=True)),
                "expected": one.expected,
                "why": one.why.json() if one.why else None,
            }
            for one in found
        ]

    return {
        "stacks": [side.stack for side in sides],
        "declared": rows(declared),
        "actual": None if actual is None else rows(actual),
        "notUp": dict(not_up),
    }
