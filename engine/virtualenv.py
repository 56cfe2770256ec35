"""The project's virtual environment, made from the lock by uv, which is itself locked."""

import ast
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from engine import cache, running

UV_LOCK = cache.SOURCES / "uv.txt"

PIP_SETTINGS = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "cert": ("SSL_CERT_FILE", " "),
}
"""pip's settings, uv's variables for the same, and what parts several values there.

Whoever told pip of a mirror means uv as well.
"""


def uv() -> Path:
    """Return the locked uv, installed into the cache by pip the first time."""
    folder = cache.root() / "tools" / f"uv-{cache.key(UV_LOCK, '')}"
    ready = folder / ".ready"  # a virtual environment can't be moved into place when it is whole
    with cache.locked(folder.parent):
        if not ready.exists():
            venv.create(folder, clear=True, with_pip=True)
            pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
            command = [*pip, "--require-hashes", "-r", str(UV_LOCK)]
            running.run(command, "install uv", log=_log(), seconds=10)
            ready.touch()
    return folder / "bin" / "uv"


def make(folder: Path, lock: Path) -> None:
    """Make ``folder`` a virtual environment that holds exactly what ``lock`` lists.

    Raises EngineError where a package can't be had or isn't what the lock says.
    """
    program = uv()
    environment = {
        "UV_PYTHON_DOWNLOADS": "never",
        # As pip does: any index may have a package. The lock's hashes say whether it is the right one.
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        **_settings(program.parent / "python"),
    }
    if not _usable(folder):
        shutil.rmtree(folder, ignore_errors=True)
        command = [str(program), "venv", "--python", sys.executable, str(folder)]
        running.run(command, f"make {folder}", log=_log(), seconds=1, environment=environment)
    # Where Python may write none, each process would else compile all that it imports, again and again.
    compiled = ["--compile-bytecode"] if sys.dont_write_bytecode else []
    wanted = len(re.findall(r"^\w", lock.read_text(encoding="utf-8"), re.MULTILINE))
    running.run(
        [
            *(str(program), "pip", "sync", "--require-hashes", *compiled),
            *("--python", str(folder / "bin" / "python"), str(lock)),
        ],
        f"install the {wanted} locked packages into {folder}",
        log=_log(),
        seconds=20,
        environment=environment,
    )


def _usable(folder: Path) -> bool:
    """Tell whether ``folder`` is an environment of the Python that runs this."""
    question = "import sys; print(sys.version_info[:2], sys.prefix != sys.base_prefix)"
    try:
        answer = subprocess.run(
            [folder / "bin" / "python", "-c", question], capture_output=True, text=True, check=False
        )
    except OSError:
        return False
    return answer.stdout.strip() == f"{sys.version_info[:2]} True"


def _settings(python: Path) -> dict[str, str]:
    """Return uv's variables for what pip was told and uv wasn't."""
    shown = subprocess.run([python, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    found = {}
    for line in shown.stdout.splitlines():
        name, _, value = line.partition("=")
        variable, separator = PIP_SETTINGS.get(name.rpartition(".")[2], ("", ""))
        if variable and variable not in os.environ:
            found[variable] = separator.join(str(ast.literal_eval(value)).split())
    return found


def _log() -> Path:
    return cache.root() / "python.log"
