"""The virtual environment: exactly what the lock says, or nothing."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from engine import cache, virtualenv
from engine.errors import EngineError
from tests.engine.wheels import make_wheel


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that stands for the package index."""
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UV_NO_INDEX", "1")
    # As pip is told of it; uv must hear of it too.
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    return tmp_path / "wheels"


def lock(folder: Path, *wheels: Path) -> Path:
    """Write a lock of ``wheels``."""
    lines = []
    for wheel in wheels:
        name, version, *_ = wheel.name.split("-")
        lines.append(f"{name}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    path = folder / "requirements-dev.txt"
    path.write_text("".join(lines), encoding="utf-8")
    return path


def installed(folder: Path) -> set[str]:
    """Return the names of what an environment holds."""
    code = "from importlib.metadata import distributions as d; print(*(x.name for x in d()))"
    shown = subprocess.run([folder / "bin" / "python", "-c", code], capture_output=True, text=True, check=True)
    return set(shown.stdout.split())


def test_holds_exactly_what_the_lock_lists(tmp_path: Path, wheels: Path) -> None:
    one, two = make_wheel(wheels, "one", "1.0"), make_wheel(wheels, "two", "2.0")
    folder = tmp_path / "environment"
    virtualenv.make(folder, lock(tmp_path, one, two))
    assert installed(folder) == {"one", "two"}
    virtualenv.make(folder, lock(tmp_path, two))
    assert installed(folder) == {"two"}


def test_a_package_that_is_not_the_locked_one_is_refused(tmp_path: Path, wheels: Path) -> None:
    wheel = make_wheel(wheels, "one", "1.0")
    listed = lock(tmp_path, wheel)
    make_wheel(wheels, "one", "1.0", {"one/__init__.py": "import evil\n"})
    with pytest.raises(EngineError, match="Hash mismatch"):
        virtualenv.make(tmp_path / "environment", listed)
    assert installed(tmp_path / "environment") == set()


@pytest.mark.parametrize("told", [True, False])
def test_where_python_may_not_compile_packages_are_compiled(
    tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", told)
    virtualenv.make(tmp_path / "environment", lock(tmp_path, make_wheel(wheels, "one", "1.0", {"one/x.py": "a = 1\n"})))
    assert bool([*tmp_path.glob("environment/lib/*/site-packages/one/__pycache__/x.*.pyc")]) is told


def test_a_broken_environment_is_made_anew(tmp_path: Path, wheels: Path) -> None:
    folder = tmp_path / "environment"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to("/nowhere/python3.9")
    virtualenv.make(folder, lock(tmp_path, make_wheel(wheels, "one", "1.0")))
    assert installed(folder) == {"one"}


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "engine/uv.txt"])
def test_the_locks_name_no_address_and_hash_everything(name: str) -> None:
    text = (cache.SOURCES.parent / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^-", text, re.MULTILINE), "an option such as an index in the lock"
    for entry in re.split(r"\n(?=\w)", text.strip()):
        assert re.match(r"[\w.-]+==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry


def test_the_project_declares_what_is_locked() -> None:
    command = [sys.executable, "-m", "pip", "check"]
    assert subprocess.run(command, capture_output=True, text=True, check=False).returncode == 0
