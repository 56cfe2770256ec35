"""User data: the script that an instance was bought with, run once in its life."""

# ruff: noqa: ASYNC230, ASYNC240 - small local files, in a process that serves one machine

from __future__ import annotations

import asyncio
import contextlib
import pwd
import shutil
import subprocess
import sys
import time
from pathlib import Path

from localcloud.machines.guest import journal, processes

INSTANCE = Path("/var/lib/cloud/instance")
OUTPUT = Path("/var/log/cloud-init-output.log")
FINISHED = INSTANCE / "boot-finished"


async def run_user_data() -> None:
    """Run the instance's user data as root, unless that was begun before.

    The mark is set first, so that a script which reboots the machine isn't run again; cloud-init
    does the same.
    """
    data, mark = INSTANCE / "user-data.txt", INSTANCE / "sem" / "config_scripts_user"
    if mark.exists():
        return
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    if data.exists():
        FINISHED.write_text(f"{await _run(data)}\n")


async def _run(data: Path) -> int:
    if data.read_bytes()[:2] != b"#!":
        journal.console("user data: not run: it doesn't begin with '#!' (only scripts are run)")
        return 1
    script = INSTANCE / "scripts" / "part-001"
    script.parent.mkdir(exist_ok=True)
    shutil.copyfile(data, script)
    script.chmod(0o700)
    journal.console("user data: started")
    begun = time.monotonic()
    try:
        code = await _run_logged(script)
    except OSError as error:
        journal.console(f"user data: {error}")
        code = 126
    journal.console(f"user data: exit code {code} after {time.monotonic() - begun:.1f} s")
    return code


async def _run_logged(script: Path) -> int:
    """Run a script, its output both on the console and where cloud-init keeps it."""
    process = await asyncio.create_subprocess_exec(
        str(script),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=processes.environment(pwd.getpwuid(0)),
        start_new_session=True,
    )
    ended = asyncio.create_task(process.wait())
    output = process.stdout
    with OUTPUT.open("ab", buffering=0) as file:
        while output is not None and (data := await output.read(65536)):
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            with contextlib.suppress(OSError):  # the disk may be full
                file.write(data)
    return await ended
