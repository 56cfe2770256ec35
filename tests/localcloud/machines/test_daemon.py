"""What becomes of machines when the process that runs them ends, and who may run them."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

import localcloud
from localcloud.machines import MachineError, Machines, MachineSpec, SandboxUnavailable
from tests.localcloud.machines.rehearsal import Rehearsal, host_processes, until

ORDINARY = 65534  # nobody
CLONE = Path(localcloud.__file__).parent.parent

PRELUDE = """
import asyncio, json, logging, os, sys
from pathlib import Path
from localcloud.machines import MachineError, Machines, MachineSpec

def spec(number, script=b"", address=None):
    return MachineSpec(f"ins-{number}", f"vm-{number}", address, "Debian 12.0 64bit", script)

async def run(machines, id, script, **how):
    how = {"username": "root", "working_directory": "", "timeout": 30} | how
    return await machines.run(id, script.encode(), **how)
"""


def _start(home: Path, code: str, *, clone: Path = CLONE, command: list[str] | None = None) -> subprocess.Popen[str]:
    """Start a process that makes machines at `home`; `code` is the body of its coroutine."""
    body = textwrap.indent(textwrap.dedent(code), "    ")
    program = f"{PRELUDE}\nasync def main(home):\n    machines = Machines(home, log=logging.getLogger())\n{body}\n"
    program += "asyncio.run(main(Path(sys.argv[1])))\n"
    return subprocess.Popen(
        [*(command or [sys.executable]), "-B", "-c", program, str(home)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(clone)},
    )


async def test_machines_die_with_a_killed_daemon_and_are_restored(tmp_path: Path, runner: asyncio.Runner) -> None:
    home = tmp_path / "home"
    length = f"5{secrets.randbelow(10**8):08d}"
    daemon = _start(
        home,
        f"""
        await machines.create(spec(1, b"#!/bin/sh\\necho run >> /root/runs\\n"))
        await machines.create(spec(2))
        await machines.create(spec(3))
        await machines.stop("ins-2")
        for id in ("ins-1", "ins-3"):
            await run(machines, id, "echo kept > /root/kept; nohup sleep {length} >/dev/null 2>&1 &")
        while not Path(home, "machines/ins-1/disk/var/lib/cloud/instance/boot-finished").exists():
            await asyncio.sleep(0.02)
        print("ready", flush=True)
        await asyncio.sleep(1000)
        """,
    )
    assert daemon.stdout is not None
    assert daemon.stdout.readline() == "ready\n", daemon.communicate()

    async def both_begun() -> bool:
        return len(host_processes("sleep", length)) == 2

    await until(both_begun, "both machines' processes")
    daemon.send_signal(signal.SIGKILL)

    specs = [MachineSpec(f"ins-{n}", f"vm-{n}", None, "Debian 12.0 64bit", b"") for n in (1, 2)]
    machines = Machines(home, log=logging.getLogger("test"))
    await machines.restore(specs, {"ins-1"})
    assert host_processes("sleep", length) == []
    assert machines.running("ins-1")
    assert not machines.running("ins-2")
    assert sorted(path.name for path in (home / "machines").iterdir()) == ["ins-1", "ins-2"]
    await machines.start("ins-2")
    outcome = await machines.run(
        "ins-1", b"cat /root/kept /root/runs; hostname", username="root", working_directory="", timeout=10
    )
    assert outcome.output == b"kept\nrun\nvm-1\n"
    await machines.close()
    daemon.communicate()


async def test_a_closed_daemons_machines_are_restored(rehearsal: Rehearsal, address: str) -> None:
    spec = rehearsal.spec(address=address)
    await rehearsal.machines.create(spec)
    await rehearsal.install_nginx(spec.id)
    await rehearsal.machines.close()
    assert (rehearsal.home / "machines" / spec.id / "disk/etc/nginx/nginx.conf").exists()
    rehearsal.machines = Machines(rehearsal.home, log=logging.getLogger("test"))
    await rehearsal.machines.restore([spec], {spec.id})
    rehearsal.machines.firewall(spec.id, lambda _source, _port: True)
    await rehearsal.until(spec.id, "curl -sf http://127.0.0.1/")
    assert await rehearsal.get(address) == 200


async def test_a_machine_is_never_run_twice(rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = rehearsal.spec()
    await rehearsal.machines.create(spec)
    monkeypatch.setattr("localcloud.machines.sandbox.GONE_SECONDS", 0.3)
    second = Machines(rehearsal.home, log=logging.getLogger("test"))
    await second.restore([spec], set())
    with pytest.raises(MachineError, match="another localcloud with the same home"):
        await second.start(spec.id)
    assert await rehearsal.output(spec.id, "echo still up") == "still up"


def _agent_of(hostname: str) -> int:
    (found,) = [int(each.name) for each in Path("/proc").iterdir() if _is_agent_of(each, hostname)]
    return found


def _is_agent_of(process: Path, hostname: str) -> bool:
    try:
        ours = b"guest.agent" in (process / "cmdline").read_bytes() and b"bwrap" not in (process / "comm").read_bytes()
        return ours and (process / "root/etc/hostname").read_text().strip() == hostname
    except OSError:  # it isn't a process, or ended meanwhile
        return False


async def test_a_machine_that_is_killed_is_known_to_be_down(rehearsal: Rehearsal) -> None:
    spec = rehearsal.spec()
    await rehearsal.machines.create(spec)
    length = f"6{secrets.randbelow(10**8):08d}"
    await rehearsal.output(spec.id, f"nohup sleep {length} >/dev/null 2>&1 &")
    os.kill(_agent_of(spec.hostname), signal.SIGKILL)

    async def down() -> bool:
        return not rehearsal.machines.running(spec.id)

    await until(down, "the machine to be down")
    await rehearsal.machines.start(spec.id)
    assert host_processes("sleep", length) == []
    assert await rehearsal.output(spec.id, "echo up again") == "up again"


def test_without_bubblewrap_it_says_what_to_install(
    rehearsal: Rehearsal, runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SandboxUnavailable, match="apt-get install bubblewrap"):
        runner.run(rehearsal.create())
    assert list((rehearsal.home / "machines").iterdir()) == []


def _for_others(folder: Path) -> tuple[Path, list[str]]:
    """Copy what any user needs to run machines; return where to, and an interpreter for all."""
    clone = folder / "clone"
    shutil.copytree(CLONE / "localcloud/machines", clone / "localcloud/machines")
    shutil.copy(localcloud.__file__, clone / "localcloud")
    own = Path(sys.base_prefix)
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if any(path.stat().st_mode & 0o005 != 0o005 for path in (own, *own.parents)):
        # This interpreter lives where only its owner may look: a copy of it doesn't.
        unwanted = shutil.ignore_patterns("site-packages", "test", "__pycache__", "*.a")
        (folder / "python/bin").mkdir(parents=True)
        shutil.copy(own / "bin" / name, folder / "python/bin")
        shutil.copytree(own / "lib" / name, folder / "python/lib" / name, symlinks=True, ignore=unwanted)
        for library in (own / "lib").glob("libpython*"):
            shutil.copy(library, folder / "python/lib", follow_symlinks=False)
        own = folder / "python"
    for each in (folder, *folder.rglob("*")):
        if not each.is_symlink():
            each.chmod(each.stat().st_mode | (0o755 if each.is_dir() else 0o444))
    return clone, [str(own / "bin" / name)]


def _as_ordinary(command: list[str]) -> list[str]:
    if os.geteuid() != 0:
        return command
    return ["setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups", *command]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A temporary folder that every user of this host may enter, unlike pytest's."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_an_ordinary_users_machines(open_folder: Path, address: str) -> None:
    clone, python = _for_others(open_folder)
    home = open_folder / "home"
    home.mkdir()
    if os.geteuid() == 0:
        os.chown(home, ORDINARY, ORDINARY)
    user = _start(
        home,
        f"""
        import http.client
        ports = machines.ports()
        def get(source):
            line = http.client.HTTPConnection("{address}", ports[80], source_address=(source, 0), timeout=10)
            line.request("GET", "/")
            return line.getresponse().status
        await machines.create(spec(1, b"#!/bin/sh\\napt-get install -y nginx\\n", "{address}"))
        machines.firewall("ins-1", lambda source, port: source != "127.2.2.2")
        while not Path(home, "machines/ins-1/disk/var/lib/cloud/instance/boot-finished").exists():
            await asyncio.sleep(0.02)
        seen = {{"uid": os.getuid(), "port": ports[80]}}
        seen["status"] = await asyncio.to_thread(get, "127.3.3.3")
        try:
            seen["refused"] = await asyncio.to_thread(get, "127.2.2.2")
        except ConnectionError:
            seen["refused"] = True
        closed = "echo > /etc/kept; chmod 0 /etc/kept; mkdir -m 0 /srv/closed; chown www-data /srv/closed"
        seen["closed"] = (await run(machines, "ins-1", closed)).exit_code
        await machines.reboot("ins-1")
        for _ in range(100):
            if (await run(machines, "ins-1", "systemctl is-active nginx")).exit_code == 0:
                break
            await asyncio.sleep(0.05)
        seen["again"] = await asyncio.to_thread(get, "127.3.3.3")
        for name, script, who in (
            ("logged", "until [ $(wc -l < /var/log/nginx/access.log) = 2 ]; do sleep 0.02; done", "root"),
            ("log", "cut -d' ' -f1 /var/log/nginx/access.log", "root"),
            ("workers", "ps -C nginx -o args= | sort -u", "root"),
            ("user", "id -un; touch /srv/mine && stat -c %U /srv/mine", "www-data"),
            ("usr", "touch /usr/x", "root"),
            ("reload", "nginx -t && systemctl reload nginx && systemctl restart nginx && echo well", "root"),
            ("hostname", "hostname", "root"),
        ):
            seen[name] = (await run(machines, "ins-1", script, username=who, working_directory="/")).output.decode()
        seen["late"] = (await run(machines, "ins-1", "sleep 100", timeout=0.3)).timed_out
        await machines.destroy("ins-1")
        seen["left"] = os.listdir(Path(home, "machines"))
        print(json.dumps(seen))
        """,
        clone=clone,
        command=_as_ordinary(python),
    )
    output, errors = user.communicate(timeout=120)
    assert user.returncode == 0, errors
    seen = json.loads(output)
    assert seen["uid"] != 0
    first = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    assert seen["port"] == (80 if first <= 80 else 8080)
    assert seen["closed"] == 0
    assert seen["status"] == seen["again"] == 200
    assert seen["refused"] is True
    assert seen["log"] == "127.3.3.3\n127.3.3.3\n"
    assert "nginx: worker process" in seen["workers"]
    assert "Read-only file system" in seen["usr"]
    assert seen["reload"].endswith("well\n"), seen["reload"]
    assert seen["hostname"] == "vm-1\n"
    assert seen["late"] is True
    assert seen["left"] == []


def test_where_namespaces_are_forbidden_it_says_what_to_set(open_folder: Path) -> None:
    clone, python = _for_others(open_folder)
    home = open_folder / "home"
    home.mkdir()
    home.chmod(0o777)
    forbidding = ["bwrap", "--dev-bind", "/", "/", "--unshare-user", "--uid", "1000", "--disable-userns"]
    user = _start(
        home,
        """
        try:
            await machines.create(spec(1))
        except MachineError as error:
            print(type(error).__name__, error)
        """,
        clone=clone,
        command=_as_ordinary([*forbidding, *python]),
    )
    output, errors = user.communicate(timeout=60)
    assert user.returncode == 0, errors
    assert output.startswith("SandboxUnavailable no machine can be started on this host: bwrap:")
    assert "max_user_namespaces" in output
    assert "AppArmor" in output
    assert list((home / "machines").iterdir()) == []
