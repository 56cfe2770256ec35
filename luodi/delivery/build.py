"""The command that makes a site's files, run before they are looked at."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

_KNOWN = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|TERM|TMPDIR|TZ|LANG|LANGUAGE|LC_[A-Z]+|CI|XDG_[A-Z_]+|VIRTUAL_ENV|NODE_ENV"
    r"|(NVM|PNPM|YARN|BUN|DENO|GEM|CARGO|RUSTUP|JAVA|GRADLE|MAVEN|HUGO)_[A-Z_]*(HOME|DIR|PATH|BIN|INSTALL|CACHEDIR)"
    r"|GO(PATH|PROXY|FLAGS|CACHE|MODCACHE|TOOLCHAIN)|(NPM_CONFIG|npm_config)_(REGISTRY|registry|CACHE|cache)"
    r"|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS"
)
"""What a build is told of the environment. By what it is known for, not by what is known to be secret: a build runs
the code of a thousand packages, and nobody knows the name of every key that a CI system holds."""

_SHOWN = 4000
"""Characters of a failed build's words, the last."""


class BuildError(Exception):
    """A build that failed, took too long, or made nothing; with its own last words."""


def environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What a build finds in its environment: where tools are and what language is spoken; no secrets, no proxies."""
    return {name: value for name, value in environ.items() if _KNOWN.fullmatch(name)}


def run(command: str, output: str, *, seconds: float, project: Path = Path(), key: str = "luodi:site.build") -> None:
    """Run a build in the project's folder, to its end; `key` is the setting that says it.

    Raises BuildError; what it started is stopped then too.
    """
    where = f"{key}: `{command}`"
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            ["sh", "-c", command],
            cwd=project,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise BuildError(
                f"{where} was stopped after {seconds / 60:.0f} min ({key}.timeout). It said:\n{_end(said)}"
            ) from None
        finally:
            _stop(process)
        if code:
            raise BuildError(f"{where} ended with exit code {code}. It said:\n{_end(said)}")
    folder = project / output
    if not folder.is_dir():
        raise BuildError(f"{where} ended well, but made no folder {output} ({key}.output)")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """The whole of it: a shell's children outlive it otherwise."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _end(said: IO[bytes]) -> str:
    size = said.seek(0, os.SEEK_END)
    said.seek(max(0, size - 4 * _SHOWN))
    return said.read().decode("utf-8", "replace")[-_SHOWN:].strip() or "(nothing)"
