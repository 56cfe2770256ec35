"""Every message that the page quotes is one that a user can meet."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.engine import engine_environment
from tests.docs import messages, pages
from tests.project import REPOSITORY

_PAGE = REPOSITORY / "docs" / "troubleshooting.md"
_OF_PULUMI = "What Pulumi says"
_QUOTED = re.compile(r"^### `(.+)`$", re.MULTILINE)


def _quoted() -> Iterator[tuple[str, str]]:
    """Each section of the page with a message that it quotes."""
    for section in re.split(r"^## ", _PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        title, _, text = section.partition("\n")
        yield from ((title, message) for message in _QUOTED.findall(text))


_OURS = [message for section, message in _quoted() if section != _OF_PULUMI]
_PULUMIS = [message for section, message in _quoted() if section == _OF_PULUMI]


@pytest.mark.parametrize("message", _OURS)
def test_what_is_quoted_is_said(message: str) -> None:
    assert messages.said(messages.flat(message))


@pytest.mark.parametrize("message", _PULUMIS)
def test_what_is_quoted_of_the_engine_is_in_it(message: str) -> None:
    assert any(messages.said_by_a_binary(message, program) for program in _engine())


def test_every_heading_quotes_a_message() -> None:
    deepest = [heading for heading in pages.read(_PAGE).headings if heading.level == 3]
    assert len(deepest) == len(_OURS) + len(_PULUMIS)


@pytest.mark.parametrize("message", ["has a record which this stack did not make", "nginx refuses … releases", "…!?"])
def test_what_nobody_says_is_not_found(message: str) -> None:
    assert not messages.said(message)
    assert not any(messages.said_by_a_binary(f"the stack is locked by {message}", program) for program in _engine())


def _engine() -> Iterator[Path]:
    found = engine_environment()
    pulumi = shutil.which("pulumi", path=found["PATH"])
    assert pulumi is not None
    yield Path(pulumi)
    yield from (Path(found["PULUMI_HOME"]) / "plugins").glob("resource-tencentcloud-*/pulumi-resource-tencentcloud")
