"""Where the engine is kept, and what makes a build another build."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from engine import cache, parts
from engine.progress import duration


def test_the_cache_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("LUODI_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert cache.root() == tmp_path / ".cache" / "luodi"
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache.root() == Path("/somewhere/luodi")
    monkeypatch.setenv("LUODI_CACHE", "/elsewhere")
    assert cache.root() == Path("/elsewhere")


@pytest.mark.parametrize("part", [parts.CLI, parts.PROVIDER, parts.PEBBLE_SERVER], ids=lambda part: part.name)
@pytest.mark.parametrize("file", ["go.mod", "go.sum"])
def test_another_pinned_module_is_another_build(part: parts.Part, file: str, tmp_path: Path) -> None:
    copy = tmp_path / part.name
    shutil.copytree(part.sources, copy)
    before = cache.key(copy, "")
    assert before == cache.key(part.sources, "")
    with (copy / file).open("a", encoding="utf-8") as pinned:
        pinned.write("// changed\n")
    assert cache.key(copy, "") != before


def test_another_flag_is_another_build() -> None:
    changed = replace(parts.PEBBLE_SERVER, binaries=(replace(parts.PEBBLE, stamp="main.version=0.0.0"),))
    assert changed.folder != parts.PEBBLE_SERVER.folder


def test_a_file_that_moved_is_another_build(tmp_path: Path) -> None:
    for folder, name in (("one", "a.go"), ("two", "b.go")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text("package main\n", encoding="utf-8")
    assert cache.key(tmp_path / "one", "") != cache.key(tmp_path / "two", "")


def test_the_second_waits_for_the_first_and_says_so(tmp_path: Path) -> None:
    holder = "import sys; from engine import cache; from pathlib import Path\n"
    holder += "with cache.locked(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", holder, str(tmp_path)]
    pipe = subprocess.PIPE

    def start() -> "subprocess.Popen[str]":
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=cache.SOURCES.parent)

    with start() as first:
        assert first.stdout is not None
        assert first.stdin is not None
        assert first.stdout.readline() == "held\n"
        with start() as second:
            assert second.stderr is not None
            assert second.stdout is not None
            assert f"process {first.pid} is at this already" in second.stderr.readline()
            first.stdin.close()
            assert second.stdout.readline() == "held\n"
            assert second.stdin is not None
            second.stdin.close()


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0 s"), (59.4, "59 s"), (60, "1 min"), (200, "3 min 20 s"), (1410, "23 min 30 s")]
)
def test_times_are_said_as_people_do(seconds: float, said: str) -> None:
    assert duration(seconds) == said
