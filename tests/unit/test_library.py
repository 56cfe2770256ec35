"""luodi as another program sees it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import luodi
from luodi import library
from luodi.delivery.scripts import Scripts

REPOSITORY = Path(__file__).parents[2]


def test_every_public_name_is_told_once() -> None:
    told = [name for names in library.GROUPS.values() for name in names]
    assert sorted(told) == sorted(luodi.__all__)


@pytest.mark.parametrize("name", luodi.__all__)
def test_every_public_name_is_there_and_says_what_it_is(name: str) -> None:
    assert getattr(luodi, name).__doc__
    assert name in dir(luodi)


def test_what_is_not_there_is_told_plainly() -> None:
    with pytest.raises(AttributeError, match="module 'luodi' has no attribute 'sight'"):
        luodi.sight  # type: ignore[attr-defined]  # noqa: B018


def test_the_page_tells_what_there_is() -> None:
    example = (REPOSITORY / "examples/library-site/__main__.py").read_text("utf-8")
    assert (REPOSITORY / "docs/library.md").read_text("utf-8") == library.page(example), (
        "python -m luodi.library > docs/library.md"
    )


def test_importing_it_imports_no_pulumi_until_it_is_needed() -> None:
    program = (
        "import sys, luodi; luodi.parse_icp; luodi.Renderer; "
        "assert 'pulumi' not in sys.modules; luodi.Site; assert 'pulumi' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=True, timeout=120)


def test_scripts_without_a_folder_of_templates_are_luodis_own(tmp_path: Path) -> None:
    shipped = Scripts(REPOSITORY / "templates").prepare()
    assert Scripts().prepare() == shipped
    assert Scripts(tmp_path / "missing").prepare() == shipped


def test_a_script_can_be_changed_piece_by_piece(tmp_path: Path) -> None:
    own = tmp_path / "server" / "prepare.sh.j2"
    own.parent.mkdir()
    own.write_text('{% extends "luodi/server/prepare.sh.j2" %}{% block swap %}# as much as the image has{% endblock %}')
    text, shipped = Scripts(tmp_path).prepare(), Scripts().prepare()
    assert "# as much as the image has" in text
    assert "fallocate" in shipped
    assert "fallocate" not in text
    assert Scripts(tmp_path).current() == Scripts().current()
