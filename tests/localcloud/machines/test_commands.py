"""Commands that the cloud runs in a machine."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from localcloud.machines import MissingDirectory, Outcome, UnknownUser
from localcloud.machines.spec import OUTPUT_LIMIT
from tests.localcloud.machines.rehearsal import Rehearsal, host_processes, until


async def test_output_and_exit_code(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    outcome = await rehearsal.run(machine, "echo one; echo two >&2; printf 三; exit 5")
    assert outcome == Outcome(5, "one\ntwo\n三".encode(), timed_out=False)
    assert (await rehearsal.run(machine, "kill -9 $$")).exit_code == 137


async def test_the_first_line_decides_who_reads_a_script(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    assert await rehearsal.output(machine, "[[ a == a ]] && echo bash") == "bash"
    assert await rehearsal.output(machine, "#!/usr/bin/awk -f\nBEGIN { print 6 * 7 }") == "42"


async def test_the_environment_is_a_login_of_that_user(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    assert await rehearsal.output(machine, "echo $HOME $USER $LANG $PWD") == "/root root C.UTF-8 /root"
    assert await rehearsal.output(machine, "echo $HOME; pwd", username="ubuntu") == "/home/ubuntu\n/home/ubuntu"
    assert (await rehearsal.output(machine, "echo $PATH")).startswith("/usr/local/sbin:/usr/local/bin:")
    outcome = await rehearsal.run(machine, "pwd", directory="/var/log")
    assert outcome.output == b"/var/log\n"


async def test_who_and_where_must_exist(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    with pytest.raises(UnknownUser, match="nobody-here"):
        await rehearsal.run(machine, "true", username="nobody-here")
    with pytest.raises(MissingDirectory, match="/no/such"):
        await rehearsal.run(machine, "true", directory="/no/such")


async def test_a_script_as_large_as_the_cloud_takes(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    text = secrets.token_hex(100_000)
    assert await rehearsal.output(machine, f"wc -c <<'E'\n{text}\nE") == str(len(text) + 1)


async def test_output_without_end_is_cut_and_does_no_harm(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    outcome = await rehearsal.run(machine, "yes", seconds=1)
    assert outcome.timed_out
    assert outcome.output == (b"y\n" * OUTPUT_LIMIT)[:OUTPUT_LIMIT]


async def test_out_of_time_kills_all_that_it_started(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    length = f"1{secrets.randbelow(10**8):08d}"
    script = f"""
    sleep {length} &
    setsid nohup sleep {length} >/dev/null 2>&1 &
    (setsid env -i /bin/sleep {length} &)
    (trap '' TERM HUP; sleep {length}) &
    echo started
    wait
    """
    outcome = await rehearsal.run(machine, script, seconds=1)
    assert outcome == Outcome(None, b"started\n", timed_out=True)
    assert host_processes(length) == []


async def test_a_service_outlives_the_command_that_started_it(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    unit = "[Service]\\nExecStart=/bin/sleep infinity\\n"
    outcome = await rehearsal.run(
        machine,
        f"printf '{unit}' > /etc/systemd/system/a.service; systemctl start a; sleep 1000",
        seconds=1.5,
    )
    assert outcome.timed_out
    assert await rehearsal.output(machine, "systemctl is-active a") == "active"


async def test_what_is_left_in_the_background_does_not_hold_a_command_up(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    outcome = await rehearsal.run(machine, "(sleep 100; echo late) & echo now", seconds=50)
    assert outcome == Outcome(0, b"now\n", timed_out=False)


async def test_many_commands_at_once(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    outputs = await asyncio.gather(*(rehearsal.output(machine, f"sleep 0.2; echo {n}") for n in range(20)))
    assert outputs == [str(n) for n in range(20)]


async def test_a_cancelled_command_is_killed(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    length = f"4{secrets.randbelow(10**8):08d}"
    task = asyncio.create_task(rehearsal.run(machine, f"sleep {length}", seconds=1000))

    async def begun() -> bool:
        return bool(host_processes("sleep", length))

    async def over() -> bool:
        return not host_processes("sleep", length)

    await until(begun, "the command's beginning")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(over, "the command's end")


async def test_a_stop_ends_what_runs(rehearsal: Rehearsal) -> None:
    machine = await rehearsal.create()
    task = asyncio.create_task(rehearsal.run(machine, "echo begun; touch /run/begun; sleep 1000; echo not"))
    await rehearsal.until(machine, "test -e /run/begun")
    await rehearsal.machines.stop(machine)
    outcome = await task
    assert outcome.exit_code in {None, 143}
    assert outcome.output == b"begun\n"
    assert not outcome.timed_out
