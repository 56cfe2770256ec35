"""Files that are written whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from luodi import placing
from luodi.placing import NotPlaced, place, replace


def everything(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_files_come_with_their_folders(tmp_path: Path) -> None:
    place({tmp_path / "a" / "b" / "one": "一\n", tmp_path / "two": "2\n"})
    assert everything(tmp_path) == ["a", "a/b", "a/b/one", "two"]
    assert (tmp_path / "a" / "b" / "one").read_text("utf-8") == "一\n"
    assert (tmp_path / "two").stat().st_mode & 0o777 == 0o644


def test_a_file_that_is_there_keeps_all_of_them_away(tmp_path: Path) -> None:
    (tmp_path / "two").write_text("kept")
    with pytest.raises(NotPlaced, match=r"two is there already; nothing was written"):
        place({tmp_path / "a" / "one": "1", tmp_path / "two": "2"})
    assert everything(tmp_path) == ["two"]
    assert (tmp_path / "two").read_text() == "kept"


def test_a_file_in_the_place_of_a_folder_keeps_all_of_them_away(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("kept")
    with pytest.raises(NotPlaced, match=r"a/one can't be written: Not a directory; nothing was"):
        place({tmp_path / "b" / "one": "1", tmp_path / "a" / "one": "1"})
    assert everything(tmp_path) == ["a"]


def test_an_interruption_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    renamed = placing._rename

    def interrupted(file: Path, path: Path) -> None:
        if path.name == "two":
            raise KeyboardInterrupt
        renamed(file, path)

    monkeypatch.setattr(placing, "_rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        place({tmp_path / "a" / "one": "1", tmp_path / "two": "2"})
    assert everything(tmp_path) == []


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "one"
    replace(file, "1")
    replace(file, "2")
    assert (everything(tmp_path), file.read_text()) == (["one"], "2")
