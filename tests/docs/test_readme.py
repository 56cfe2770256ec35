"""The README in its two languages: one the other's translation, and what both show of luodi what luodi says."""

from __future__ import annotations

import copy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from luodi.filing.facts import FilingSettings
from luodi.filing.gate import publication
from luodi.problems import SettingsError
from luodi.settings import Settings
from luodi.words import Language
from tests.docs import commands, pages
from tests.docs.pages import Block, Page
from tests.project import REPOSITORY

_ENGLISH, _CHINESE = REPOSITORY / "README.md", REPOSITORY / "README.zh-CN.md"
_EXAMPLE, _REFUSED, _CLOSED = "stacks/Pulumi.production.yaml\nconfig", "can't be right", "2026-11-03"


def _shown(path: Path, part: str) -> str:
    (block,) = (block for block in pages.read(path).blocks if part in block.text)
    return block.text


def _meaning(block: Block) -> Any:
    """What a block says, whatever language its comments are in."""
    if block.info == "yaml":
        return yaml.safe_load(block.text)
    return list(commands.commands(block)) if block.info in commands.SHELL else block.text


def differences(english: Page, chinese: Page) -> list[str]:
    """What one page has and the other has not: headings, links, code between backticks, blocks."""
    pairs: dict[str, tuple[list[Any], list[Any]]] = {
        "headings": ([one.level for one in english.headings], [one.level for one in chinese.headings]),
        "links": (english.links[1:], chinese.links[1:]),
        "kinds of blocks": ([one.info for one in english.blocks], [one.info for one in chinese.blocks]),
        "blocks": (
            [_meaning(one) for one in english.blocks if one.info],
            [_meaning(one) for one in chinese.blocks if one.info],
        ),
        "names": (sorted(set(english.code)), sorted(set(chinese.code))),
    }
    return [what for what, (one, other) in pairs.items() if one != other]


def test_they_say_the_same() -> None:
    assert differences(pages.read(_ENGLISH), pages.read(_CHINESE)) == []


def test_each_leads_to_the_other() -> None:
    assert pages.read(_ENGLISH).links[0] == _CHINESE.name
    assert pages.read(_CHINESE).links[0] == _ENGLISH.name


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("## 目录结构", "### 目录结构", "headings"),
        ("(docs/doctor.md)", "(docs/filing.md)", "links"),
        ("pulumi refresh --stack local\n", "", "blocks"),
        ("    period: 12 ", "    period: 3 ", "blocks"),
        ("`luodi:sites`", "`luodi:site`", "names"),
        ("```sh\nmake local", "```\nmake local", "kinds of blocks"),
    ],
)
def test_what_only_one_says_is_told(old: str, new: str, told: str) -> None:
    text = _CHINESE.read_text("utf-8")
    assert old in text
    assert told in differences(pages.read(_ENGLISH), Page(_CHINESE, text.replace(old, new, 1)))


@pytest.mark.parametrize("path", [_ENGLISH, _CHINESE], ids=pages.name_of)
def test_the_refusal_that_is_shown_is_the_one_that_is_told(path: Path) -> None:
    values = copy.deepcopy(yaml.safe_load(_shown(path, _EXAMPLE))["config"])
    values["luodi:server"]["period"] = 1
    values["luodi:filing"]["icp"]["number"] = "川ICP备2025146653号"
    with pytest.raises(SettingsError) as caught:
        Settings.parse(values, source="stacks/Pulumi.production.yaml", today=date(2026, 11, 21))
    assert str(caught.value) == _shown(path, _REFUSED).strip()


@pytest.mark.parametrize(("path", "language"), [(_ENGLISH, "en"), (_CHINESE, "zh")])
def test_the_preview_that_is_shown_is_what_the_gate_says(path: Path, language: Language) -> None:
    facts = FilingSettings.model_validate({"type": "first", "submitted": date(2026, 11, 3)})
    said = publication(facts, date(2026, 11, 21), "example.cn").text(language)
    assert _unbroken(_shown(path, _CLOSED)) == _unbroken(said)


def _unbroken(text: str) -> str:
    """Without its line breaks, and without spaces: Chinese has none where a line goes on."""
    return "".join(text.split())
