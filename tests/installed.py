"""luodi as its wheel installs it, in a virtual environment that is no clone of it."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


def wheel(folder: Path) -> Path:
    """Build the wheel of this tree into `folder`."""
    _pip(sys.executable, "wheel", "--no-build-isolation", f"--wheel-dir={folder}", str(REPOSITORY))
    [built] = folder.glob("*.whl")
    return built


def install(built: Path, folder: Path) -> Path:
    """A virtual environment `folder` with that wheel; what it needs is what this interpreter has. Gives its Python."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    [packages] = folder.glob("lib/python*/site-packages")
    (packages / "locked.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    _pip(str(python), "install", str(built))
    return python


def _pip(python: str, command: str, *arguments: str) -> None:
    quiet = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-index"]
    run = subprocess.run(
        [python, "-m", "pip", command, *quiet, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
