"""A machine's life: made, booted, rebooted, stopped, removed."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from pathlib import Path

import pytest

from localcloud.machines import MachineError, NotRunning, UnknownMachine
from tests.localcloud.machines.rehearsal import Rehearsal, host_processes, until


async def test_it_boots_as_the_image_that_was_asked_for(rehearsal: Rehearsal) -> None:
    spec = rehearsal.spec()
    await rehearsal.machines.create(spec)
    assert await rehearsal.output(spec.id, "hostname") == spec.hostname
    assert await rehearsal.output(spec.id, "cat /etc/hostname") == spec.hostname
    assert await rehearsal.output(spec.id, f"getent hosts {spec.hostname} | cut -c-9") == "127.0.1.1"
    assert await rehearsal.output(spec.id, '. /etc/os-release; echo "$ID $VERSION_ID"') == "debian 12.0"
    assert "booted" in rehearsal.console(spec.id)


async def test_it_sees_nothing_of_the_host_but_usr(rehearsal: Rehearsal, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of the host")
    machine = await rehearsal.create()
    assert (await rehearsal.run(machine, f"cat {secret}")).exit_code != 0
    for path in ("/usr/of-the-machine", "/usr/bin/of-the-machine", "/usr/sbin/of-the-machine", "/bin/x"):
        outcome = await rehearsal.run(machine, f"touch {path}")
        assert b"Read-only file system" in outcome.output, path
    seen = (await rehearsal.output(machine, "ls /proc")).split()
    assert len([name for name in seen if name.isdigit()]) < 10
    assert await rehearsal.output(machine, "ls /sys/class/net 2>/dev/null; ip -o link | wc -l") == "1"
    await rehearsal.output(machine, "sysctl -qw net.core.somaxconn=2048")
    kept = await rehearsal.output(machine, "cat /proc/sys/vm/swappiness")
    assert (await rehearsal.run(machine, f"echo {kept} > /proc/sys/vm/swappiness")).exit_code != 0


async def test_two_machines_share_neither_disk_nor_network_nor_processes(rehearsal: Rehearsal) -> None:
    one, two = await rehearsal.create(), await rehearsal.create()
    listen = "/usr/bin/python3 -m http.server --bind 127.0.0.1 80 >/dev/null 2>&1 &"
    for machine in (one, two):
        await rehearsal.output(machine, f"cd $(mktemp -d); echo {machine} > name; {listen}")
        await rehearsal.until(machine, "curl -sf http://127.0.0.1/name")
    for machine in (one, two):
        assert await rehearsal.output(machine, "curl -s http://127.0.0.1/name") == machine
        assert await rehearsal.output(machine, "pgrep -fc [h]ttp.server") == "1"
    await rehearsal.output(one, "echo x > /root/mine; echo x > /tmp/mine; echo x > /etc/mine")
    assert (await rehearsal.run(two, "cat /root/mine /tmp/mine /etc/mine")).exit_code == 1


async def test_user_data_runs_once_in_a_life(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create(script="#!/bin/bash\nid -un\necho run >> /root/runs\nexit 7\n")
    await rehearsal.until(machine, "test -e /var/lib/cloud/instance/boot-finished")
    await rehearsal.machines.reboot(machine)
    await rehearsal.machines.stop(machine)
    await rehearsal.machines.start(machine)
    await rehearsal.until(machine, "test -e /var/lib/cloud/instance/sem/config_scripts_user")
    assert await rehearsal.output(machine, "cat /root/runs") == "run"
    assert await rehearsal.output(machine, "cat /var/log/cloud-init-output.log") == "root"
    assert "user data: exit code 7" in rehearsal.console(machine)


async def test_user_data_that_is_no_script_is_said_not_to_run(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create(script="just text")
    await rehearsal.until(machine, "test -e /var/lib/cloud/instance/boot-finished")
    assert "doesn't begin with '#!'" in rehearsal.console(machine)


async def test_stop_start_and_reboot_keep_the_disk_and_nothing_else(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    places = "/etc /var/lib /home /root /opt /srv /tmp /usr/local/bin"
    await rehearsal.output(machine, f"for d in {places} /run; do echo kept > $d/kept; done; mkdir /data")
    boot = await rehearsal.output(machine, "stat -c %i /proc/1/ns/pid")
    for again in (rehearsal.machines.reboot, rehearsal.machines.stop):
        await again(machine)
        if again == rehearsal.machines.stop:
            assert not rehearsal.machines.running(machine)
            await rehearsal.machines.start(machine)
        assert rehearsal.machines.running(machine)
        await rehearsal.output(machine, f"for d in {places}; do grep kept $d/kept; done; test -d /data")
        assert (await rehearsal.run(machine, "cat /run/kept")).exit_code != 0
    assert await rehearsal.output(machine, "stat -c %i /proc/1/ns/pid") != boot


async def test_stopping_lets_processes_end_in_their_own_way(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    script = "trap 'echo ended > /root/how; exit' TERM; touch /root/ready; while :; do sleep 0.05; done"
    await rehearsal.output(machine, f'nohup bash -c "{script}" >/dev/null 2>&1 &')
    await rehearsal.until(machine, "test -e /root/ready")
    await rehearsal.machines.stop(machine)
    await rehearsal.machines.start(machine)
    assert await rehearsal.output(machine, "cat /root/how") == "ended"


async def test_a_process_that_will_not_end_delays_a_stop_only_so_long(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    length = f"3{secrets.randbelow(10**8):08d}"
    await rehearsal.output(machine, f"nohup bash -c 'trap \"\" TERM; sleep {length}; :' >/dev/null 2>&1 &")
    begun = time.monotonic()
    await rehearsal.machines.stop(machine)
    assert time.monotonic() - begun < 15
    assert host_processes("sleep", length) == []


@pytest.mark.parametrize("word", ["reboot", "systemctl reboot", "shutdown -r now"])
async def test_a_reboot_from_inside(rehearsal: Rehearsal, word: str) -> None:
    machine = await rehearsal.create()
    boot = await rehearsal.output(machine, "stat -c %i /proc/1/ns/pid")
    await rehearsal.run(machine, f"command -v {word.split(maxsplit=1)[0]} && {word}")

    async def rebooted() -> bool:
        try:
            return await rehearsal.output(machine, "stat -c %i /proc/1/ns/pid") != boot
        except (NotRunning, AssertionError):  # it goes down meanwhile
            return False

    await until(rebooted, word)


async def test_a_power_off_from_inside(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    await rehearsal.run(machine, "systemctl poweroff")

    async def off() -> bool:
        return not rehearsal.machines.running(machine)

    await until(off, "power off")
    await rehearsal.machines.start(machine)
    assert await rehearsal.output(machine, "echo up") == "up"


async def test_destroying_leaves_no_file_and_no_process(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    length = f"2{secrets.randbelow(10**8):08d}"
    await rehearsal.output(
        machine,
        f"nohup sleep {length} >/dev/null 2>&1 &\n"
        "mkdir -p /srv/a/b; touch /srv/a/b/c; chmod 0 /srv/a/b /srv/a; chown -R www-data /srv/a",
    )
    assert host_processes("sleep", length)
    await rehearsal.machines.destroy(machine)
    assert host_processes("sleep", length) == []
    assert list((rehearsal.home / "machines").iterdir()) == []
    with pytest.raises(UnknownMachine):
        await rehearsal.machines.start(machine)


async def test_a_start_that_waits_for_a_destroy_finds_nothing(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    destroy = asyncio.create_task(rehearsal.machines.destroy(machine))
    await asyncio.sleep(0)
    reboot = asyncio.create_task(rehearsal.machines.reboot(machine))
    await destroy
    with pytest.raises(UnknownMachine):
        await reboot
    assert list((rehearsal.home / "machines").iterdir()) == []


async def test_many_at_once(rehearsal: Rehearsal) -> None:
    machines = await asyncio.gather(*(rehearsal.create() for _ in range(6)))
    names = await asyncio.gather(*(rehearsal.output(each, "hostname") for each in machines))
    assert len(set(names)) == 6
    await asyncio.gather(*(rehearsal.machines.destroy(each) for each in machines))


async def test_what_cannot_be(rehearsal: Rehearsal) -> None:
    spec = rehearsal.spec()
    await rehearsal.machines.create(spec)
    with pytest.raises(MachineError, match="exists already"):
        await rehearsal.machines.create(spec)
    with pytest.raises(MachineError, match="can't be a machine's id"):
        await rehearsal.machines.create(type(spec)("../x", "x", None, "Debian", b""))
    await rehearsal.machines.start(spec.id)  # runs already: nothing to do
    await rehearsal.machines.stop(spec.id)
    await rehearsal.machines.stop(spec.id)
    with pytest.raises(NotRunning):
        await rehearsal.run(spec.id, "true")


async def test_a_full_disk(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create(disk_bytes=48 * 1024 * 1024)
    outcome = await rehearsal.run(machine, "echo small > /etc/kept; head -c 100M /dev/zero > /var/big")
    assert outcome.exit_code == 1
    assert b"No space left on device" in outcome.output
    assert await rehearsal.output(machine, "echo commands still run") == "commands still run"
    await rehearsal.output(machine, "rm /var/big; echo room > /srv/kept; chown www-data /srv/kept")
    await rehearsal.machines.reboot(machine)
    assert await rehearsal.output(machine, "cat /etc/kept /srv/kept; stat -c %U /srv/kept") in {
        "small\nroom\nwww-data",
        "small\nroom\nroot",  # an ordinary user's machines have one user id
    }


def test_the_console_is_for_the_owner_alone(rehearsal: Rehearsal, runner: asyncio.Runner) -> None:
    machine = runner.run(rehearsal.create())
    console = rehearsal.home / "machines" / machine / "console.log"
    assert console.stat().st_mode & 0o077 == 0
    assert console.stat().st_uid == os.getuid()
