"""Processes of the machine: under whose name, with what environment, and all of one origin."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import signal
import time
from pathlib import Path
from typing import Any

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment(account: pwd.struct_passwd) -> dict[str, str]:
    """Return what a process of this account finds in its environment."""
    return {
        "HOME": account.pw_dir,
        "LANG": "C.UTF-8",
        "LOGNAME": account.pw_name,
        "PATH": PATH,
        "SHELL": account.pw_shell,
        "USER": account.pw_name,
    }


def identity(account: pwd.struct_passwd, group: int | None = None) -> dict[str, Any]:
    """Return the arguments by which asyncio starts a process as this account.

    In a machine whose every account has id 0 there is nothing to change, nor a right to.
    """
    if account.pw_uid == os.getuid():
        return {}
    gid = account.pw_gid if group is None else group
    return {
        "user": account.pw_uid,
        "group": gid,
        "extra_groups": os.getgrouplist(account.pw_name, gid),
    }


def belonging(mark: str, leaders: set[int]) -> set[int]:
    """Return the living processes of one origin.

    They carry `mark` (`NAME=value`) in their environment, are in a session that one of `leaders`
    began, or descend from one of those: changing parent or session is no escape.
    """
    wanted = mark.encode()
    leaders = leaders - {0}  # the session of the agent and the sandbox
    parents: dict[int, int] = {}
    found: set[int] = set()
    for pid in pids():
        if pid in {1, os.getpid()}:
            continue
        try:
            state, parent, _, began_by = _stat(pid)
        except OSError:
            continue
        if state in "ZX":
            continue
        parents[pid] = int(parent)
        if leaders & {pid, int(began_by)} or wanted in _environment_of(pid):
            found.add(pid)
    while below := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= below
    return found


def _environment_of(pid: int) -> list[bytes]:
    """Return a process's environment, as far as it may be read: another user's may not."""
    try:
        return Path("/proc", str(pid), "environ").read_bytes().split(b"\0")
    except OSError:
        return []


async def kill_all(mark: str, leaders: set[int]) -> None:
    """Kill a process and all of the same origin; return when none is left."""
    for _ in range(200):
        found = belonging(mark, leaders)
        if not found:
            return
        send(signal.SIGKILL, found)
        await asyncio.sleep(0.01)


def send(number: int, targets: set[int]) -> None:
    """Send a signal to processes, of which some may be gone already."""
    for pid in targets:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def alive(pid: int) -> bool:
    """Whether a process exists and is more than a zombie."""
    try:
        return _stat(pid)[0] not in "ZX"
    except OSError:
        return False


def session(pid: int) -> int:
    """Return a process's session, 0 for one outside the machine or a process that is gone."""
    try:
        return int(_stat(pid)[3])
    except OSError:
        return 0


def pids() -> list[int]:
    """Return every process id of the machine."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208


async def end_all(seconds: float) -> None:
    """Ask every process but this one and the sandbox's own to end; kill what stays."""
    deadline = time.monotonic() + seconds
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGTERM)
    while _others() and time.monotonic() < deadline:  # noqa: ASYNC110 - others' processes
        await asyncio.sleep(0.01)
    send(signal.SIGKILL, _others())


def _others() -> set[int]:
    return {pid for pid in pids() if pid not in {1, os.getpid()} and alive(pid)}


def _stat(pid: int) -> list[str]:
    """Return state, parent, process group and session."""
    text = Path("/proc", str(pid), "stat").read_text(errors="replace")
    return text.rpartition(")")[2].split()[:4]
