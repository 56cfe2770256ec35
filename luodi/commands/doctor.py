"""`luodi doctor`: whether a live site is legal, secure and ready for a mini-program."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from luodi.commands.terminal import console, cwd_option, json_option, lang_option, print_json, stack_option, write_file
from luodi.doctor.findings import Finding, texts, with_ok
from luodi.doctor.judging import judge, looked_at
from luodi.doctor.observed import Expected, Seen, Target
from luodi.settings import HostedSite, Settings, Surroundings, host_name, today_in_china
from luodi.stackfiles import NoProject, project_folder, selected, stack_files
from luodi.words import Language, Words

_LEVELS = {"ok": Words("正常", "ok"), "warning": Words("注意", "warning"), "failing": Words("不合格", "failing")}
_COLOURS = {"ok": "green", "warning": "yellow", "failing": "red"}
_WHY, _FIX = Words("原因", "why"), Words("办法", "fix")

EPILOG = """
\b
Exit codes:
  0  nothing is failing; there may be warnings
  1  something is failing
  2  the command line is wrong, or an address is none
"""


@click.command(epilog=EPILOG)
@click.argument("addresses", nargs=-1, metavar="[ADDRESS]...")
@stack_option(help="Look at this stack; without it and any ADDRESS, at every stack of the project.")
@click.option("--http-port", type=click.IntRange(1, 65535), default=80, show_default=True, help="Where HTTP answers.")
@click.option(
    "--timeout", type=click.FloatRange(0.1, 120), default=10, show_default=True, help="Seconds for each look."
)
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write one self-contained page there.")
@click.option("--no-browser", is_flag=True, help="Don't look with Chromium, though there is one.")
@json_option
@lang_option
@cwd_option
@click.pass_context
def doctor(
    context: click.Context,
    addresses: Sequence[str],
    stack: str | None,
    http_port: int,
    timeout: float,
    html: Path | None,
    no_browser: bool,
    as_json: bool,
    lang: Language,
    cwd: Path,
) -> None:
    """给线上的网站做体检。Look at live sites as a visitor, a regulator, WeChat and an attacker would.

    ADDRESS is a host name or an https address, also of a site that luodi did not make. Nothing is changed.

    \b
    Examples:
      luodi doctor example.cn
      luodi doctor --stack production --html report.html
      luodi doctor https://example.cn:8443 --http-port 8080 --json
    """
    from luodi.doctor.observing import look

    if addresses and stack:
        raise click.UsageError("name addresses or a --stack, not both")
    try:
        targets = [_target(address, http_port) for address in addresses]
        surroundings = Surroundings.from_environment()
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    findings: list[Finding] = []
    seen: list[Seen] = []

    def examine(target: Target, expected: Expected) -> None:
        console(err=True).print(f"{target.name} ...", style="dim", markup=False)
        one = look(target, surroundings, timeout, browser=not no_browser)
        seen.append(one)
        findings.extend(with_ok(judge(one, expected, datetime.now(UTC)), target.name, looked_at(one)))

    for target in targets:
        examine(target, Expected())
    if not targets:
        project, stacks = _stacks(cwd, stack)
        for name, settings in stacks.items():
            findings += _of_stack(project, name, settings, http_port, examine)
    if as_json:
        print_json([finding.json() for finding in findings])
    else:
        _show(findings, lang)
    # Last, since what was found is told though its page can't be written.
    if html is not None:
        _write(html, findings, seen, lang)
    context.exit(1 if any(finding.level == "failing" for finding in findings) else 0)


def _target(address: str, http_port: int) -> Target:
    try:
        parts = urlsplit(address if "//" in address else f"//{address}")
        port, scheme = parts.port, parts.scheme
    except ValueError as error:
        raise ValueError(f"{address}: {error}") from None
    if scheme not in ("", "http", "https"):
        raise ValueError(f"{address}: {scheme} is neither http nor https; write example.cn or https://example.cn")
    try:
        name = host_name(parts.hostname or "")
    except ValueError as error:
        raise ValueError(f"{address}: {error}") from None
    if scheme == "http" and port:
        return Target(name, http_port=port)
    return Target(name, port or 443, http_port)


def _stacks(cwd: Path, stack: str | None) -> tuple[Path, dict[str, Settings]]:
    try:
        project = project_folder(cwd)
        files = stack_files(project, today_in_china())
        return project, {file.stack: file.judged() for file in selected(files, stack)}
    except NoProject as error:
        raise click.UsageError(str(error)) from None


def _of_stack(
    project: Path, stack: str, settings: Settings, http_port: int, examine: Callable[[Target, Expected], None]
) -> list[Finding]:
    from luodi.doctor import account
    from luodi.doctor.findings import found
    from luodi.outputs import NoOutputs, stack_outputs

    outputs: Mapping[str, Any] = {}
    missing: list[Finding] = []
    try:
        outputs = stack_outputs(project, stack)
    except NoOutputs as error:
        missing.append(found("not-up", stack, why=error))
    findings = [*account.look(stack, settings, today_in_china(), up=bool(outputs)), *missing]
    for site in settings.sites:
        examine(Target(site.site.domain, http_port=http_port), _expected(site, outputs))
    return with_ok(findings, stack, ("account",))


def _expected(site: HostedSite, outputs: Mapping[str, Any]) -> Expected:
    facts = site.filing
    security = facts.public_security.number if facts.public_security else None
    public = bool((outputs.get("filing") or {}).get("public"))
    return Expected(outputs.get("address"), facts.page_number, security, indexed=public and not site.site.noindex)


def _show(findings: Sequence[Finding], lang: Language) -> None:
    from rich.markup import escape
    from rich.padding import Padding

    shown = console()
    for where in dict.fromkeys(finding.where for finding in findings):
        shown.print(f"\n[bold]{escape(where)}[/bold]")
        for finding in (one for one in findings if one.where == where):
            level = _LEVELS[finding.level].in_(lang)
            colour = _COLOURS[finding.level]
            shown.print(Padding(f"[{colour}]{level}[/{colour}]  {escape(finding.what.in_(lang))}", (0, 0, 0, 2)))
            if finding.why and finding.fix:
                for label, words in ((_WHY, finding.why), (_FIX, finding.fix)):
                    line = f"[dim]{label.in_(lang)}[/dim] {escape(words.in_(lang))}"
                    shown.print(Padding(line, (0, 0, 0, 6)))
    shown.print(f"\n{_summary(findings, lang)}")


def _summary(findings: Sequence[Finding], lang: Language) -> str:
    counts = Counter(finding.level for finding in findings)
    return ", ".join(f"{words.in_(lang)} {counts[level]}" for level, words in _LEVELS.items())  # type: ignore[index]


def _write(path: Path, findings: Sequence[Finding], seen: Sequence[Seen], lang: Language) -> None:
    from luodi.rendering import Templates

    pictures = {one.target.name: base64.b64encode(one.screenshot).decode() for one in seen if one.screenshot}
    groups = {where: [one for one in findings if one.where == where] for where in (one.where for one in findings)}
    page = Templates().page(
        "doctor/report.html",
        groups=groups,
        pictures=pictures,
        levels=_LEVELS,
        checks={name: Words.of(row) for name, row in texts()["checks"].items()},
        labels={"why": _WHY, "fix": _FIX},
        lang=lang,
        summary=_summary(findings, lang),
        day=today_in_china(),
    )
    write_file(path, page)
