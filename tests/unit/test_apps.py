"""What a release says of an application, as systemd and the shell read it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from localcloud.machines.guest import services, units
from luodi.apps import App, app_name, user
from luodi.apps.templates import environment_file, systemd_word
from luodi.settings.app import AppSettings

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)


def files(name: str = "shop.example.cn", **more: Any) -> dict[str, str]:
    settings = AppSettings.model_validate({"content": "app", "command": ["node", "server.js"], **more})
    app = App(name, name, f"sites/{name}/app", "0" * 64, settings, secrets="1" if more.get("secrets") else None)
    return {path.removeprefix(f"apps/{name}/"): text for path, text in app.files().items()}


@given(st.dictionaries(st.from_regex(r"[A-Z_]{1,8}", fullmatch=True), TEXT, max_size=4))
@example({"A": "two\nlines", "B": '"\\$`', "C": " # ;", "D": "'\\n"})
def test_an_environment_is_read_back_as_it_was_written(variables: dict[str, str]) -> None:
    """By the rehearsal's own reader of what systemd.exec(5) says of environment files."""
    read = dict(line.split("=", 1) for line in services._environment_file(environment_file(variables)))
    assert read == variables


@given(
    st.lists(TEXT.filter(lambda text: not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", text)), min_size=1, max_size=4)
)
@example(["a b", "%i", "$HOME", "${HOME}", '"', "\\", "'", ";", "落地"])
def test_a_command_is_started_word_by_word(words: list[str]) -> None:
    line = " ".join(map(systemd_word, ["/bin/program", *words]))
    read = units._command(units._specify(line, {"%": "%", "i": "3000"}))
    assert units.expand(read, {"HOME": "/root"}) == ["/bin/program", *words]


def test_what_it_is_decides_its_version_and_nothing_else() -> None:
    assert files() == files()
    changes: list[dict[str, Any]] = [
        {"environment": {"A": "1"}},
        {"command": ["node", "other.js"]},
        {"memory": 256},
        {"secrets": {"A": "a"}},
        {"install": []},
        {"shared": ["uploads"]},
    ]
    assert len({files(**change)["version"] for change in changes} | {files()["version"]}) == len(changes) + 1


def test_every_script_can_be_read(tmp_path: Path) -> None:
    written = files(ports=[3000, 3001], shared=["a", "b/c"], install=["npm", "run", "it's all"])
    for name in ("control", "install"):
        checked = subprocess.run(
            [str(Path(sys.executable).with_name("shellcheck")), "-"],
            input=written[name], text=True, capture_output=True, check=False,
        )  # fmt: skip
        assert checked.stdout == ""
    assert "npm run 'it'\"'\"'s all'" in written["install"]


def test_pm2_is_started_in_the_foreground_from_the_applications_own_packages() -> None:
    unit = files(runner="pm2", processes=3, command=["server.js", "--verbose"])["service"]
    [line] = re.findall("^ExecStart=(.*)$", unit, re.MULTILINE)
    folder = line.partition("/node_modules")[0]
    assert line == f"{folder}/node_modules/.bin/pm2-runtime start {folder}/server.js -i 3 -- --verbose"


@given(st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?", fullmatch=True))
@example("a" * 253)
def test_a_user_is_one_that_useradd_takes(name: str) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]{0,31}", user(name))


def test_an_application_of_a_path_has_a_name_of_its_own() -> None:
    names = {app_name("a.cn"), app_name("a.cn", "/api/"), app_name("a.cn", "/api"), app_name("a.cn", "/a/pi/")}
    assert len(names) == 4
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9.-]*", name) for name in names)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"command": []}, "command"),
        ({"environment": {"PORT": "1"}}, "PORT is set by luodi"),
        ({"environment": {"A-B": "1"}}, "no name of an environment variable"),
        ({"environment": {"A": "1"}, "secrets": {"A": "a"}}, "in both"),
        ({"secrets": {"A": "a secret itself!"}}, "never the secret itself"),
        ({"shared": ["../etc"]}, "no folder"),
        ({"shared": ["/etc"]}, "no folder"),
        ({"packages": ["nodejs; rm"]}, "no name of a Debian"),
        ({"health": "x y"}, "no path"),
        ({"ports": [3000, 3000]}, "two different"),
        ({"ports": [80, 3000]}, "1024"),
        ({"processes": 2}, "runner pm2"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        AppSettings.model_validate({"content": "app", "command": ["node"], **change})
