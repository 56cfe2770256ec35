"""Where the engine's programs are, as `engine/provide.py` says: it is asked, never imported."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from localcloud.errors import LocalcloudError

_PROVIDE = Path(__file__).resolve().parent.parent / "engine" / "provide.py"


@cache
def engine_environment() -> dict[str, str]:
    """Return the variables that lead to the engine; empty where it isn't complete yet."""
    if not _PROVIDE.exists():
        return {}
    check = subprocess.run([sys.executable, str(_PROVIDE), "--check"], capture_output=True, check=False)
    if check.returncode != 0:
        return {}
    lines = subprocess.run([sys.executable, str(_PROVIDE), "--env"], capture_output=True, check=True, text=True)
    variables = {}
    for words in map(shlex.split, lines.stdout.splitlines()):
        if len(words) == 2 and words[0] == "export":
            name, _, value = words[1].partition("=")
            variables[name] = value
    return variables


def find_pebble() -> str:
    """Return the path of the Pebble binary; raise LocalcloudError where there is none."""
    path = os.environ.get("PATH", os.defpath)
    found = shutil.which("pebble", path=path) or shutil.which("pebble", path=engine_environment().get("PATH", path))
    if found is None:
        raise LocalcloudError("pebble, the ACME server, is not there yet: type `make engine`, which provides it.")
    return found
