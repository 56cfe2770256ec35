"""What `luodi new` shows: what it would write, what a filing may object to, and what comes next."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import click

import luodi
from luodi.commands.new_place import Files, Place
from luodi.starting.answers import Answers
from luodi.starting.stack import advice
from luodi.words import Language, Words

_NOT_WRITTEN = Words("没有写入任何文件（--dry-run）", "nothing was written (--dry-run)")
_ALSO = Words("还有：{paths}", "Also: {paths}")
_KEPT = Words("{folder}/ 里已有文件，保持不变", "{folder}/ has files already, and stays as it is")
_WRITTEN = Words("已写入 {folder}：{paths}", "Written into {folder}: {paths}")
_NEXT = Words("接下来", "Next")
_KEYS = Words(
    "访问密钥：https://console.cloud.tencent.com/cam/capi", "a key: https://console.cloud.tencent.com/cam/capi"
)
_PRICE = Words("服务器每月多少钱", "what its server costs a month")
_LOGIN = Words("状态存在哪里：见 docs/staging.md", "where the state shall live: docs/staging.md")
_FORM = Words("备案表单要填什么", "what the filing's form asks")
_STAGING = Words("预发布环境", "a staging stack")


@dataclass(frozen=True)
class Start:
    """What is to be written, where and for which answers."""

    where: Place
    answers: Answers
    files: Files

    @property
    def paths(self) -> list[str]:
        """The files, as they are told; the stack's first."""
        return [self.where.shown(path) for path in self.files.texts]

    @property
    def remarks(self) -> list[Words]:
        """What to know before it is written."""
        kept = [_KEPT.fill(folder=self.files.kept)] if self.files.kept else []
        return [*(words for _, words in advice(self.answers)), *kept]

    @property
    def commands(self) -> list[tuple[str, Words | None]]:
        """What to type next, with what it is for where that doesn't say itself."""
        folder, stack = self.where.folder, self.answers["stack"]
        luodi = ".venv/bin/python -m luodi" if (folder / "luodi").is_dir() else ".venv/bin/luodi"
        found: list[tuple[str, Words | None]] = []
        if folder != Path.cwd():
            found.append((f"cd {shlex.quote(str(folder))}", None))
        if not (folder / ".venv").is_dir():
            found += [("python3 -m venv .venv", None), (f".venv/bin/pip install {shlex.quote(_source())}", None)]
        return [
            *found,
            ("export TENCENTCLOUD_SECRET_ID=... TENCENTCLOUD_SECRET_KEY=...", _KEYS),
            (f"{luodi} price --stack {stack}", _PRICE),
            ("pulumi login", _LOGIN),
            (f"pulumi stack init {stack}", None),
            (f"pulumi up --stack {stack}", None),
            (f"{luodi} filing dossier --stack {stack}", _FORM),
            (f"{luodi} stack new staging --from {stack}", _STAGING),
        ]


def show(start: Start, language: Language) -> None:
    """The stack's file, the names of the others, and the remarks."""
    (path, text), *_ = start.files.texts.items()
    click.echo(f"\n{start.where.shown(path)}\n")
    click.echo(text)
    if others := start.paths[1:]:
        click.echo(_ALSO.fill(paths=", ".join(others)).in_(language))
    for remark in start.remarks:
        click.echo(f"- {remark.in_(language)}")


def tell(start: Start, language: Language, *, written: bool) -> None:
    """That it is done, and what comes next."""
    click.echo()
    if not written:
        click.echo(_NOT_WRITTEN.in_(language))
        return
    click.echo(_WRITTEN.fill(folder=start.where.folder, paths=", ".join(start.paths)).in_(language))
    click.echo(f"\n{_NEXT.in_(language)}:")
    for command, why in start.commands:
        click.echo(f"  {command}" + (f"  # {why.in_(language)}" if why else ""))


def values(start: Start, *, written: bool) -> dict[str, Any]:
    """The same for a program."""
    return {
        "folder": str(start.where.folder),
        "stack": start.answers["stack"],
        "answers": dict(start.answers),
        "written": written,
        "files": {start.where.shown(path): text for path, text in start.files.texts.items()},
        "remarks": [remark.json() for remark in start.remarks],
        "next": [command for command, _ in start.commands],
    }


def _source() -> str:
    """Where pip finds the luodi that runs: its clone, what it was installed from, or its release."""
    clone = Path(luodi.__file__).resolve().parents[1]
    if (clone / "pyproject.toml").is_file():
        return str(clone)
    installed = metadata.distribution("luodi")
    if (direct := installed.read_text("direct_url.json")) is not None:
        return str(json.loads(direct)["url"])
    return f"luodi=={installed.version}"
