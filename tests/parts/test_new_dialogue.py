"""`luodi new`, as it asks at a terminal."""

from __future__ import annotations

import os
import sys
from itertools import cycle
from pathlib import Path

import pytest

from luodi.settings.site import ProxySite
from luodi.starting.answers import QUESTIONS
from luodi.words import Language
from tests.screen import CTRL_C, CTRL_D, CTRL_U, DOWN, ENTER, Screen
from tests.unit.test_cli_new import NEEDED, REPOSITORY, STACK, WHOLE, files, new, project, settings, words

__all__ = ["project"]

TYPED = {name.removeprefix("--"): value for name, value in NEEDED.items()} | {"province": "Guangdong"}
"""What is typed at a question; at any other the default is taken."""
ASKED: dict[Language, str] = {"zh": "写入", "en": "Write this into"}
STOPPED: dict[Language, str] = {"zh": "已中断，没有写入任何文件", "en": "interrupted; nothing was written"}

INTERRUPTED = list(zip([*(question.name for question in QUESTIONS), "confirm"], cycle(ASKED), strict=False))


def typed(folder: Path, *arguments: str, columns: int = 100, **environment: str) -> Screen:
    """`luodi new`, at a terminal."""
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    environment = {**surroundings, "PYTHONPATH": str(REPOSITORY), **environment}
    command = ["-m", "luodi", "new", *arguments]
    return Screen(folder, sys.executable, *command, environment=environment, columns=columns)


def answered_but(*names: str) -> list[str]:
    """Every question answered on the command line, but for these."""
    defaults = {"subject-kind": "enterprise", "stack": "production", "kind": "static", "server": "lighthouse"}
    defaults |= {"region": "ap-guangzhou", "size": "bundle_starter_mc_promo_med2_01", "period": "12"}
    given = {f"--{name}": value for name, value in defaults.items()} | NEEDED
    return words({option: value for option, value in given.items() if option.removeprefix("--") not in names})


@pytest.mark.parametrize(("language", "columns"), [("zh", 30), ("en", 100)])
def test_every_question_is_asked_and_its_default_taken(tmp_path: Path, language: Language, columns: int) -> None:
    locale = {"zh": "zh_CN.UTF-8", "en": "C.UTF-8"}[language]
    screen = typed(tmp_path, columns=columns, LANG=locale, PYTHONUTF8="1")
    for question in QUESTIONS:
        screen.wait_for(question.ask.in_(language))
        screen.type(TYPED.get(question.name, ""), ENTER)
    screen.wait_for(ASKED[language])
    assert files(tmp_path) == []
    screen.type(ENTER)
    assert screen.end() == 0
    assert "pulumi up --stack production".replace(" ", "") in screen.text
    assert files(tmp_path) == sorted([*WHOLE, STACK])
    expected = new(tmp_path / "other", "--yes", "--lang", language)
    assert expected.exit_code == 0
    assert (tmp_path / STACK).read_text("utf-8") == (tmp_path / "other" / STACK).read_text("utf-8")


@pytest.mark.parametrize(("name", "language"), INTERRUPTED)
def test_ctrl_c_at_any_question_writes_nothing(tmp_path: Path, name: str, language: Language) -> None:
    screen = typed(tmp_path, "shop", *answered_but(name), "--lang", language, PYTHONUTF8="1")
    asked = {question.name: question.ask.in_(language) for question in QUESTIONS}
    screen.wait_for(asked.get(name, ASKED[language]))
    screen.type(CTRL_C)
    assert screen.end() == 130
    assert "".join(STOPPED[language].split()) in screen.text
    assert "Traceback" not in screen.text
    assert list(tmp_path.iterdir()) == []


def test_the_end_of_what_is_typed_writes_nothing(tmp_path: Path) -> None:
    screen = typed(tmp_path, "shop", *answered_but("domain"), "--lang", "en")
    screen.wait_for("The site's domain")
    screen.type(CTRL_D)
    assert screen.end() == 130
    assert list(tmp_path.iterdir()) == []


def test_no_writes_nothing(tmp_path: Path) -> None:
    screen = typed(tmp_path, "shop", *answered_but(), "--lang", "en")
    screen.wait_for(ASKED["en"])
    screen.type("n")
    assert screen.end() == 1
    assert "Error:nothingwaswritten" in screen.text
    assert list(tmp_path.iterdir()) == []


def test_what_is_typed_is_judged_while_it_is_typed(project: Path) -> None:
    screen = typed(project, *answered_but("stack", "domain", "title"), "--lang", "en")
    screen.wait_for("The site's domain")
    screen.type("com.cn")
    screen.wait_for("com.cn is a public suffix")
    screen.type(ENTER, CTRL_U, "shop.io")
    screen.wait_for(".io is not among the suffixes that could be filed")
    screen.type(CTRL_U, "shop.cn", ENTER)
    screen.wait_for("Name of the stack shop")
    screen.type(CTRL_U, "my shop")
    screen.wait_for("'my shop' is no stack's name")
    screen.type(CTRL_U, "production", ENTER)
    screen.wait_for(f"{STACK} is there already and isn't written over")
    screen.type(CTRL_U, "shop", ENTER)
    screen.wait_for("The site's name")
    screen.type("中国商店")
    screen.wait_for("has 中国, which only state bodies may use")
    screen.type(ENTER)
    screen.wait_for(ASKED["en"])
    screen.type("y")
    assert screen.end() == 0
    assert settings(project, "shop").main.site.title == "中国商店"


@pytest.mark.parametrize("columns", [40, 160])
def test_what_is_wrong_is_told_whole_and_in_chinese_too(tmp_path: Path, columns: int) -> None:
    screen = typed(tmp_path, *answered_but("domain"), "--lang", "zh", columns=columns, PYTHONUTF8="1")
    screen.wait_for("网站的域名，例如 example.cn")
    screen.type("shop_1.cn")
    said = "shop_1.cn has an underscore, which a host name can't have (RFC 1123)"
    screen.wait_for(f"要写买下的域名，或它的子域名，例如 example.cn（{said}）")
    screen.type(CTRL_C)
    assert screen.end() == 130


def test_another_choice_brings_its_own_default(tmp_path: Path) -> None:
    screen = typed(tmp_path, *answered_but("kind", "server", "size"), "--lang", "en")
    screen.wait_for("What kind of site it is")
    screen.type(DOWN, DOWN, ENTER)
    screen.wait_for("What kind of server it gets")
    screen.type(DOWN, ENTER)
    screen.wait_for("S5.MEDIUM2")
    screen.type(ENTER)
    screen.wait_for(ASKED["en"])
    screen.type(ENTER)
    assert screen.end() == 0
    made = settings(tmp_path)
    assert isinstance(made.main.site, ProxySite)
    assert made.server.kind == "cvm"


def test_at_a_terminal_without_utf_8_chinese_can_be_typed(tmp_path: Path) -> None:
    screen = typed(tmp_path, *answered_but("title"), LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    screen.wait_for("The site's name, as the filing will have it")
    screen.type("示例商店", ENTER)
    screen.wait_for(ASKED["en"])
    screen.type(ENTER)
    assert screen.end() == 0
    assert "Traceback" not in screen.text
    assert settings(tmp_path).main.site.title == "示例商店"
