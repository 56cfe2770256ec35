"""Commands that the cloud runs in the machine, as Tencent's agent (TAT, 自动化助手) does."""

# ruff: noqa: ASYNC240 - small local files, in a process that serves one machine

from __future__ import annotations

import asyncio
import ctypes
import os
import pwd
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Any

from localcloud.machines.guest import processes

FOLDER = Path("/run/tat_agent")
MARK = "TAT_INVOCATION"
"""In the environment of every process of a command, so that all can be found at the time-out."""


_libc = ctypes.CDLL(None)


class Refused(Exception):
    """A request that can't be carried out; `code` is for the daemon, the text for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


async def run(request: dict[str, Any], script_fd: int, output_fd: int) -> dict[str, Any]:
    """Run one command; return its exit code, or that its time ran out.

    Services that it started with systemctl belong to the machine, and stay.
    """
    try:
        account = pwd.getpwnam(request["username"])
    except KeyError:
        raise Refused("user", f"no user {request['username']!r} in /etc/passwd") from None
    directory = request["directory"] or account.pw_dir
    if not Path(directory).is_dir():
        raise Refused("directory", f"no directory {directory!r}")
    mark = secrets.token_hex(8)
    script = FOLDER / f"{mark}.sh"
    with os.fdopen(os.dup(script_fd), "rb") as source, script.open("wb") as target:
        shutil.copyfileobj(source, target)
    script.chmod(0o700)
    os.chown(script, account.pw_uid, account.pw_gid)
    leaders: set[int] = set()
    try:
        process = await asyncio.create_subprocess_exec(
            *_interpreter(script),
            stdin=subprocess.DEVNULL,
            stdout=output_fd,
            stderr=output_fd,
            cwd=directory,
            env={**processes.environment(account), MARK: mark},
            start_new_session=True,
            preexec_fn=_keep_orphans,
            **processes.identity(account),
        )
        leaders = {process.pid}
        code = await asyncio.wait_for(process.wait(), request["timeout"])
        return {"exit_code": code if code >= 0 else 128 - code}
    except TimeoutError:
        await processes.kill_all(f"{MARK}={mark}", leaders)
        return {"timed_out": True}
    except asyncio.CancelledError:  # perhaps before the process was known here, but not to the kernel
        await processes.kill_all(f"{MARK}={mark}", leaders)
        raise
    finally:
        script.unlink(missing_ok=True)


def _keep_orphans() -> None:
    """Make orphans of this process's descendants its own children, so that none escapes a kill."""
    _libc.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER, prctl(2); kept across exec


def _interpreter(script: Path) -> list[str]:
    """Return how to start a script: its own first line decides, else a shell."""
    with script.open("rb") as file:
        if file.read(2) == b"#!":
            return [str(script)]
    return [shutil.which("bash", path=processes.PATH) or "/bin/sh", str(script)]
