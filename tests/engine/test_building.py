"""Building Go programs: whole or not at all, resumed, and with errors that help."""

import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import cache
from engine.errors import EngineError
from engine.progress import Progress, State
from engine.workshop import Binary, Compiling, Workshop

SECONDS = 60
HELLO = 'package main\n\nvar version = "none"\n\nfunc main() { println("hello " + version + " UNIQUE") }\n'
TINY = Binary("tiny", ".", packages=1, seconds=1, stamp="main.version=1.2.3")


def test_builds_from_a_copy_with_its_version(
    go: Path, go_module: Callable[[dict[str, str]], Path], tmp_path: Path
) -> None:
    sources = go_module({"main.go": HELLO})
    before = sorted(path.name for path in sources.rglob("*"))
    workshop = Workshop(sources, tmp_path / "made", go)
    tiny = workshop.compile(TINY)
    said = subprocess.run([tiny], capture_output=True, text=True, check=True).stderr
    assert said.startswith("hello 1.2.3 ")
    assert sorted(path.name for path in sources.rglob("*")) == before
    workshop.tidy()
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["bin", "build.log"]


def test_what_is_there_is_not_built_again(
    go: Path, go_module: Callable[[dict[str, str]], Path], tmp_path: Path
) -> None:
    workshop = Workshop(go_module({"main.go": HELLO}), tmp_path / "made", go)
    tiny = workshop.compile(TINY)
    tiny.write_bytes(b"kept")
    log = workshop.log.read_text()
    assert workshop.compile(TINY).read_bytes() == b"kept"
    assert workshop.log.read_text() == log


def test_a_failed_build_shows_its_last_lines_and_the_log(
    go: Path, go_module: Callable[[dict[str, str]], Path], tmp_path: Path
) -> None:
    workshop = Workshop(go_module({"main.go": "package main\n\nfunc main() { missing() }\n"}), tmp_path / "made", go)
    with pytest.raises(EngineError) as raised:
        workshop.compile(TINY)
    message = str(raised.value)
    assert "build tiny failed (exit code 1)" in message
    assert "undefined: missing" in message
    assert str(workshop.log) in message
    assert "undefined: missing" in workshop.log.read_text()
    assert "run the same command again" in message
    assert list(workshop.bin.iterdir()) == []


def test_a_module_that_cannot_be_had_points_at_the_proxy(
    go: Path, go_module: Callable[[dict[str, str]], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOPROXY", "http://127.0.0.1:9")  # the discard port: nothing listens
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "modules"))
    sources = go_module(
        {
            "go.mod": "module example.test/tiny\n\ngo 1.26\n\nrequire example.test/absent v1.0.0\n",
            "main.go": 'package main\n\nimport _ "example.test/absent"\n\nfunc main() {}\n',
        }
    )
    sources.joinpath("go.sum").write_text(
        "example.test/absent v1.0.0 h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
        "example.test/absent v1.0.0/go.mod h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    )
    with pytest.raises(EngineError, match="could not reach its module proxy"):
        Workshop(sources, tmp_path / "made", go).compile(TINY)


def test_an_interrupted_build_leaves_nothing_half_done_and_resumes(
    go: Path, go_module: Callable[[dict[str, str]], Path], tmp_path: Path
) -> None:
    functions = "\n".join(
        f"func f{n}(x []int) int {{ s := {n}; for i, v := range x {{ s += v*i ^ {n}; x[i] = s }}; return s }}"
        for n in range(4_000)
    )
    sources = go_module(
        {
            "quick/quick.go": 'package quick\n\nconst Word = "UNIQUE"\n',
            "slow/slow.go": f'package slow\n\nimport "example.test/tiny/quick"\n\nvar Word = quick.Word\n{functions}\n',
            "main.go": 'package main\n\nimport "example.test/tiny/slow"\n\nfunc main() { print(slow.Word) }\n',
        }
    )
    made = tmp_path / "made"
    program = (
        "import sys; from pathlib import Path; from engine import provide\n"
        "from engine.workshop import Binary, Workshop\n"
        "sources, made, go = map(Path, sys.argv[1:])\n"
        "build = lambda: Workshop(sources, made, go).compile(Binary('tiny', '.', 3, 1))\n"
        "sys.exit(provide.interruptible(build))\n"
    )
    command = [sys.executable, "-c", program, str(sources), str(made), str(go)]
    log = made / "build.log"

    with subprocess.Popen(command, cwd=cache.SOURCES.parent, stderr=subprocess.PIPE, text=True) as first:
        _until(lambda: log.exists() and "tiny/slow" in log.read_text())  # begun, so the quick one is done
        first.send_signal(signal.SIGTERM)
        _, said = first.communicate(timeout=SECONDS)
    assert first.returncode == 130
    assert "goes on from here" in said
    assert "Traceback" not in said
    _until(lambda: not _mentioned_by_processes(str(made)))
    assert not (made / "bin" / "tiny").exists()

    interrupted = log.read_text()
    second = subprocess.run(command, cwd=cache.SOURCES.parent, capture_output=True, text=True, check=False)
    assert second.returncode == 0, second.stderr
    resumed = log.read_text().removeprefix(interrupted)
    assert "tiny/slow" in resumed
    assert "tiny/quick" not in resumed, "what was compiled before is compiled again"
    assert subprocess.run([made / "bin" / "tiny"], check=True, capture_output=True).stderr
    assert [path.name for path in (made / "bin").iterdir()] == ["tiny"]


def test_progress_counts_downloads_then_packages() -> None:
    state = Compiling(packages=4)
    assert state(None) == ("reading modules", None)
    assert state("go: downloading example.test/a v1.0.0") == ("1 modules downloaded", None)
    quarter = ("25% (1 of 4 packages compiled)", 0.25)
    assert state("internal/cpu") == quarter
    assert state("# example.test/a") == state("\ta.go:1: warning") == state(None) == quarter
    state("runtime")
    state("fmt")
    assert state("example.test/tiny").text == "all packages compiled, linking"


class Terminal(io.StringIO):
    """A terminal that keeps what it was sent."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()], ids=["terminal", "file"])
def test_a_terminal_gets_one_changing_line_and_a_file_one_a_minute(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with Progress("build tiny", 90, stream) as progress:
        for second in range(1, 131):
            now = float(second)
            progress.show(State(f"{second} packages", second / 200 if second > 60 else None))
    text = stream.getvalue().replace("\x1b[K", "")
    assert "60 packages; 1 min so far, about 30 s left" in text, "as recorded, while nothing better is known"
    assert "120 packages; 2 min so far, about 1 min 20 s left" in text, "as slow as it goes here"
    assert text.endswith("build tiny: done after 2 min 10 s\n")
    if stream.isatty():
        assert text.count("\n") == 1
        assert text.count("\r") == 132
    else:
        assert re.findall(r"(\d+) packages", text) == ["60", "120"]


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def _mentioned_by_processes(text: str) -> list[str]:
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            try:
                line = (process / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if text in line:
                found.append(line)
    return found
