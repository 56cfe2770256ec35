"""What machines read and write as text: unit files, images' names."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.machines.guest import units
from localcloud.machines.image import os_release


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ubuntu Server 22.04 LTS 64bit", {"ID": "ubuntu", "NAME": "Ubuntu", "VERSION_ID": "22.04"}),
        ("Debian 12.0 64bit", {"ID": "debian", "PRETTY_NAME": "Debian 12.0"}),
        ("TencentOS Server 3.1 (TK4)", {"ID": "tencentos", "VERSION_ID": "3.1"}),
        ("CentOS 7.9 64位", {"ID": "centos", "VERSION_ID": "7.9"}),
        ("", {"ID": "linux", "NAME": "Linux"}),
    ],
)
def test_an_images_name_as_os_release(name: str, expected: dict[str, str]) -> None:
    assert expected.items() <= _read(os_release(name)).items()


@given(st.text())
def test_any_image_name_gives_an_os_release_that_a_shell_reads(name: str) -> None:
    written = _read(os_release(name))
    assert {"ID", "NAME", "PRETTY_NAME"} <= written.keys()
    assert written["ID"].isascii()


def _read(text: str) -> dict[str, str]:
    pairs = [line.partition("=") for line in text.splitlines()]
    return {name: "".join(shlex.split(value)) if value != '""' else "" for name, _, value in pairs}


WORD = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n%\\\"'$"), min_size=1)


def _load(tmp_path_factory: pytest.TempPathFactory, text: str, monkeypatch: pytest.MonkeyPatch) -> units.Unit:
    folder = tmp_path_factory.mktemp("units")
    (folder / "a.service").write_text(text, encoding="utf-8", newline="\n")
    with monkeypatch.context() as patch:
        patch.setattr(units, "FOLDERS", (folder,))
        return units.load("a.service")


@given(words=st.lists(WORD.filter(lambda word: word[0] not in "-@:+!"), min_size=1))
def test_a_command_line_comes_out_as_its_words(words: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.MonkeyPatch.context() as patch:
        quoted = " ".join(f'"{word}"' for word in words)
        unit = _load(tmp_path_factory, f"[Service]\nExecStart=-{quoted}\n", patch)
    (command,) = unit.commands("ExecStart")
    assert command.words == words
    assert command.ignore_failure


@given(text=st.text())
def test_no_unit_file_breaks_the_reader(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.MonkeyPatch.context() as patch:
        unit = _load(tmp_path_factory, text, patch)
    for section, keys in unit.sections.items():
        for key in keys:
            assert unit.get(section, key, "none") is not None


def test_the_rules_of_unit_files(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    text = r"""
# a comment
[Unit]
Description = Of %p on %%
[Service]
ExecStartPre=/bin/gone
ExecStartPre=
ExecStartPre=/bin/one
ExecStartPre=!/bin/two ${WHO} $ALL $$x \
; a comment inside
   last
TimeoutStopSec=1min 30s
RemainAfterExit=yes
"""
    unit = _load(tmp_path_factory, text.replace("\\\\", "\\"), monkeypatch)
    assert unit.description == "Of a on %"
    one, two = unit.commands("ExecStartPre")
    assert one.words == ["/bin/one"]
    assert two.as_root
    assert units.expand(two, {"WHO": "me too", "ALL": "a b"}) == ["/bin/two", "me too", "a", "b", "$x", "last"]
    assert unit.seconds("TimeoutStopSec", 5) == 90
    assert unit.seconds("TimeoutStartSec", 5) == 5
    assert unit.flag("RemainAfterExit")
    assert units.full_name("nginx") == "nginx.service"
    assert units.full_name("a.timer") == "a.timer"
    with pytest.raises(units.UnitNotFound):
        units.find(str(Path("no-such.service")))
