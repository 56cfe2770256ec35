"""Every link and every file that a page names leads to something."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs import pages
from tests.docs.pages import Page
from tests.project import REPOSITORY

_DOCS = REPOSITORY / "docs"
_INDEX = _DOCS / "README.md"
_IN_THE_REPOSITORY = re.compile(
    r"(?:bench|docs|engine|examples|localcloud|luodi|policy|schedules|stacks|templates|tests)/[\w./-]*"
)
_TEMPLATE = re.compile(r"luodi/(?=[\w./-]+\.j2)")
"""What luodi's own template is called in one that takes its place."""
_A_TEAMS_OWN = re.compile(r"templates/(?:nginx/snippets|own)/|stacks/Pulumi\.|.*\.\.\.")
"""Files that a reader makes in a project of their own, and shortened names."""


@pytest.mark.parametrize("path", pages.paths(), ids=pages.name_of)
def test_every_relative_link_leads_to_something(path: Path) -> None:
    assert list(pages.read(path).broken_links()) == []


@pytest.mark.parametrize("path", pages.paths(), ids=pages.name_of)
def test_every_file_of_the_repository_that_is_named_is_there(path: Path) -> None:
    named = [
        code for code in pages.read(path).code if _IN_THE_REPOSITORY.fullmatch(code) and not _A_TEAMS_OWN.match(code)
    ]
    assert [name for name in named if not (REPOSITORY / _TEMPLATE.sub("templates/", name)).exists()] == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[delivery](delivry.md)", "delivry.md: there is no such file"),
        ("[footer](filing.md#the-foter)", "filing.md#the-foter: there is no such heading"),
        ("[above](#nowhere)\n\n# Somewhere", "#nowhere: there is no such heading"),
        ("[out](../../../etc/passwd)", "../../../etc/passwd: there is no such file"),
        ("![picture](picture.png)", "picture.png: there is no such file"),
    ],
)
def test_a_link_to_nothing_is_told(text: str, told: str) -> None:
    assert list(Page(_DOCS / "page.md", text).broken_links()) == [told]


def test_a_link_to_something_is_not() -> None:
    headings = "# Where 它 is, *now*\n\n## Twice\n\n## Twice\n\n"
    text = f"{headings}[a](#where-它-is-now) [b](#twice-1) [c](filing.md#the-footer) [d](..)"
    assert list(Page(_DOCS / "page.md", text).broken_links()) == []


def test_the_index_has_every_page_once() -> None:
    linked = [name for name in pages.read(_INDEX).links if "/" not in name and "#" not in name]
    assert sorted(linked) == sorted(path.name for path in _DOCS.iterdir() if path.is_file() and path != _INDEX)
