"""Every template that a page shows takes the place of one that luodi ships, and renders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from luodi import CertificateFiles, Footer, Proxy, Renderer, Static, Upstream, VirtualHost, parse_icp
from luodi.apps import App
from luodi.delivery.scripts import Scripts
from luodi.rendering import shipped_templates
from luodi.settings.app import AppSettings
from tests.docs import pages
from tests.project import REPOSITORY

_HEAD = re.compile(r"(?:\{#|<#) templates/(\S+) (?:#\}|#>)\n")
_BLOCK = re.compile(r"\{%-? block (\w+)")


def _shown() -> Iterator[tuple[str, str]]:
    """Each template that a page shows: its path in ``templates/``, and its text."""
    for page in pages.paths():
        for block in pages.read(page).blocks:
            if block.info == "jinja":
                head = _HEAD.match(block.text)
                assert head is not None, f"{pages.name_of(page)}, line {block.line}: which file is it?"
                yield head[1], block.text


def _rendered(folder: Path | None) -> dict[str, str]:
    """All that a project with these templates renders."""
    footer, files = (
        Footer(icp=parse_icp("粤ICP备2026068982号-1"), owner="示例科技有限公司"),
        CertificateFiles("/c", "/k"),
    )
    hosts = [
        VirtualHost(("example.cn",), "示例科技", footer, (files,), Static()),
        VirtualHost(("shop.example.cn",), "示例商城", footer, (files,), Proxy(Upstream(("127.0.0.1:3000",)))),
    ]
    settings = AppSettings.model_validate({"content": "app", "command": ["node", "server.js"]})
    return {
        **Renderer(folder).nginx_files(*hosts),
        **App("shop.example.cn", "shop.example.cn", "sites/shop.example.cn/app", "0" * 64, settings).files(folder),
        "prepare.sh": Scripts(folder).prepare(),
    }


@pytest.mark.parametrize(("path", "text"), list(_shown()), ids=lambda part: part.partition("\n")[0])
def test_a_template_that_is_shown_changes_what_is_rendered(path: str, text: str, tmp_path: Path) -> None:
    shipped = (shipped_templates() / path).read_text("utf-8")
    assert set(_BLOCK.findall(text)) <= set(_BLOCK.findall(shipped))
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(text, "utf-8")
    before, after = _rendered(None), _rendered(tmp_path)
    assert before.keys() == after.keys()
    changed = [name for name in before if before[name] != after[name]]
    assert changed
    if path.startswith("server/"):
        for name in changed:
            assert _lines(before[name]) <= _lines(after[name]), f"{name} lost what it had"


def _lines(text: str) -> set[str]:
    """But for the version that they name."""
    return {re.sub(r"\b[0-9a-f]{12,}\b", "", line) for line in text.splitlines()}


def test_templates_of_each_folder_are_shown() -> None:
    folders = {path.partition("/")[0] for path, _ in _shown()}
    told = (REPOSITORY / "docs/templates.md").read_text("utf-8")
    assert folders == {"nginx", "pages", "footer", "server"}
    assert all(f"`templates/{folder}/`" in told for folder in folders)
