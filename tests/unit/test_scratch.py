"""Where a deployer packs, and what becomes of it when it is killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from luodi.delivery.scratch import scratch

_KILLED = """
import os, signal
from luodi.delivery.scratch import scratch
with scratch() as folder:
    (folder / "bundle").write_bytes(b"x" * 1000)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


def test_what_a_killed_deployer_packed_is_taken_away_by_the_next(place: Path) -> None:
    for _ in range(2):
        assert subprocess.run([sys.executable, "-c", _KILLED], check=False).returncode < 0
        assert len(list(place.glob("*/bundle"))) == 1, "not one more each time"
    with scratch() as folder:
        assert list(place.iterdir()) == [folder]
    assert list(place.iterdir()) == []


def test_what_another_is_at_stays(place: Path) -> None:
    with scratch() as one:
        (one / "bundle").touch()
        with scratch() as two:
            assert {one, two} == set(place.iterdir())
        assert (one / "bundle").exists()


def test_what_is_no_folder_of_ours_stays(place: Path) -> None:
    (place / "luodi-packed-mine").mkdir()
    (place / "luodi-packed-text").touch()
    with scratch():
        assert len(list(place.iterdir())) == 3
