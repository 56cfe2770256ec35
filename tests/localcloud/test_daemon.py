"""The process: started, stopped, killed, and what it keeps."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from localcloud import daemon
from localcloud.cli import main
from localcloud.daemon import Endpoints, Options
from localcloud.engine import engine_environment, find_pebble
from localcloud.errors import LocalcloudError
from tests.cloud import Cloud, running_cloud
from tests.localcloud import orders
from tests.localcloud.refusals import refused


def _command(cloud: Cloud, *arguments: str) -> tuple[int, str]:
    """A command of `python -m localcloud` on a cloud: exit code and output."""
    name, *rest = arguments
    group = [name, rest.pop(0)] if name == "dns" else [name]
    result = CliRunner().invoke(main, [*group, "--home", str(cloud.home), *rest])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result.exit_code, result.output


def test_starting_twice_finds_it_running(cloud: Cloud) -> None:
    assert daemon.up(cloud.home).pid == cloud.endpoints.pid
    code, output = _command(cloud, "up")
    assert code == 0
    assert "runs already" in output
    assert cloud.endpoints.api in output


def test_several_at_once_start_one(tmp_path: Path) -> None:
    with running_cloud(tmp_path / "cloud") as cloud:
        cloud.stop()
        found: list[Endpoints] = []
        threads = [threading.Thread(target=lambda: found.append(daemon.up(cloud.home))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 4
        assert len({one.pid for one in found}) == 1


def test_a_restart_keeps_everything_and_every_address(tmp_path: Path) -> None:
    with running_cloud(tmp_path / "cloud") as cloud:
        cloud.call("dnspod", "CreateDomain", {"Domain": "kept.cn"})
        with orders.cvm(cloud) as (instance, group), orders.lighthouse(cloud) as second:
            cloud.run(instance, "echo kept > /root/file; echo gone > /run/file")
            stopped = {"InstanceIds": [second]}
            cloud.call("lighthouse", "StopInstances", stopped)
            before, account = cloud.counts(), cloud.account
            address, endpoints = orders.address(cloud, instance), cloud.endpoints
            cloud.stop()
            assert not daemon.status(cloud.home).running
            assert not daemon.status(cloud.home).crashed
            cloud.start()
            assert cloud.counts() == before
            assert cloud.account == account
            assert orders.address(cloud, instance) == address
            now = cloud.endpoints
            assert now.pid != endpoints.pid
            assert (now.api_port, now.dns_port, now.acme_directory) == (
                endpoints.api_port,
                endpoints.dns_port,
                endpoints.acme_directory,
            )
            assert cloud.run(instance, "cat /root/file; ls /run/file 2>/dev/null || true") == "kept\n"
            assert (orders.described(cloud, second) or {})["InstanceState"] == "STOPPED"
            assert (orders.described(cloud, instance) or {})["SecurityGroupIds"] == [group]


def test_a_killed_cloud_says_so_and_goes_on(tmp_path: Path) -> None:
    with running_cloud(tmp_path / "cloud") as cloud, orders.lighthouse(cloud) as instance:
        cloud.run(instance, "echo kept > /root/file; sync")
        # Killed with an order half filled: the next start fills it.
        order = {
            "BundleId": orders.BUNDLE,
            "BlueprintId": "lhbp-f1lkcd41",
            "InstanceChargePrepaid": {"Period": 1},
        }
        (late,) = cloud.call("lighthouse", "CreateInstances", order)["InstanceIdSet"]
        os.kill(cloud.endpoints.pid, signal.SIGKILL)
        cloud.until(lambda: not daemon.status(cloud.home).running)
        code, output = _command(cloud, "status")
        assert code == 3
        assert "ended unexpectedly" in output
        cloud.start()
        cloud.settle()
        assert cloud.run(instance, "cat /root/file") == "kept\n"
        assert (orders.described(cloud, late) or {})["InstanceState"] == "RUNNING"
        for action in ("IsolateInstances", "TerminateInstances"):
            cloud.call("lighthouse", action, {"InstanceIds": [late]})
            cloud.settle()


def test_a_command_that_ran_when_it_was_killed_is_given_up(tmp_path: Path) -> None:
    with running_cloud(tmp_path / "cloud") as cloud, orders.lighthouse(cloud) as instance:
        command = {"Content": "c2xlZXAgMzAw", "InstanceIds": [instance], "Timeout": 600}
        invocation = cloud.call("tat", "RunCommand", command)["InvocationId"]
        filters = [{"Name": "invocation-id", "Values": [invocation]}]

        def status() -> str:
            tasks = cloud.call("tat", "DescribeInvocationTasks", {"Filters": filters})["InvocationTaskSet"]
            return str(tasks[0]["TaskStatus"])

        cloud.until(lambda: status() == "RUNNING")
        os.kill(cloud.endpoints.pid, signal.SIGKILL)
        cloud.until(lambda: not daemon.status(cloud.home).running)
        cloud.start()
        assert status() == "TASK_TIMEOUT"


def test_status_as_json(cloud: Cloud) -> None:
    code, output = _command(cloud, "status", "--json")
    shown = json.loads(output)
    assert code == 0
    assert shown["running"] is True
    assert shown["endpoints"]["api_port"] == cloud.endpoints.api_port
    assert set(shown["state"]) == {"counts", "history", "instances", "filing"}


def test_other_options_need_a_restart(cloud: Cloud) -> None:
    code, output = _command(cloud, "up", "--port", str(cloud.endpoints.api_port + 1))
    assert code == 1
    assert "--port" in output
    assert "down" in output


@pytest.mark.parametrize("network", ["10.0.0.0/8", "127.0.0.0/24", "127.8.0.1/16", "127.8.0.0/30", "loopback"])
def test_networks_that_cant_be(tmp_path: Path, network: str) -> None:
    with pytest.raises(LocalcloudError, match="--network"):
        daemon.up(tmp_path / "cloud", Options(network=network))


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LocalcloudError, match=str(port)) as caught:
            daemon.up(tmp_path / "cloud", Options(port=port))
    assert "Traceback" not in str(caught.value)


def test_the_environment_as_a_shell_takes_it(cloud: Cloud) -> None:
    code, lines = _command(cloud, "env")
    assert code == 0
    script = lines + 'printf "%s\\n" "$HTTP_PROXY" "$LUODI_DNS" "$TENCENTCLOUD_SECRET_ID"; env'
    output = subprocess.run(["sh", "-eu"], input=script, capture_output=True, text=True, check=True).stdout
    proxy, dns, secret_id = output.splitlines()[:3]
    assert (proxy, dns) == (cloud.endpoints.api, cloud.endpoints.dns)
    assert secret_id == cloud.account.secret_id
    assert "\nhttp_proxy=" not in output
    code, fish = _command(cloud, "env", "--shell", "fish")
    assert f"set -gx HTTP_PROXY '{cloud.endpoints.api}'" in fish.splitlines()


def test_logs(cloud: Cloud) -> None:
    cloud.call("cvm", "DescribeZones")
    for source, word in (("api", "DescribeZones"), ("pebble", "Pebble"), ("daemon", "ready"), ("dns", "")):
        code, output = _command(cloud, "logs", source)
        assert code == 0
        assert word.lower() in output.lower()
    with orders.lighthouse(cloud) as instance:
        code, output = _command(cloud, "logs", instance)
        assert code == 0
        assert "booted" in output
    code, output = _command(cloud, "logs", "ins-00000000")
    assert code == 1
    assert "there is no log of ins-00000000" in output


def test_a_foreign_domain_by_command(cloud: Cloud) -> None:
    assert _command(cloud, "dns", "add-foreign", "elsewhere.cn")[0] == 0
    code = "FailedOperation.DomainOwnedByOtherUser"
    assert refused(cloud, "dnspod", "CreateDomain", {"Domain": "elsewhere.cn"}) == code
    assert _command(cloud, "dns", "remove-foreign", "elsewhere.cn")[0] == 0
    cloud.call("dnspod", "CreateDomain", {"Domain": "elsewhere.cn"})
    failed, output = _command(cloud, "dns", "add-foreign", "elsewhere.cn")
    assert failed == 1
    assert "is in this account" in output
    cloud.call("dnspod", "DeleteDomain", {"Domain": "elsewhere.cn"})
    failed, output = _command(cloud, "dns", "add-foreign", "not_a_domain")
    assert failed == 1
    assert "Traceback" not in output


def test_nothing_is_left_after_a_reset(tmp_path: Path) -> None:
    with running_cloud(tmp_path / "cloud") as cloud:
        order = {"BundleId": orders.BUNDLE, "BlueprintId": "lhbp-f1lkcd41", "InstanceChargePrepaid": {"Period": 1}}
        (instance,) = cloud.call("lighthouse", "CreateInstances", order)["InstanceIdSet"]
        cloud.settle()
        cloud.run(instance, "mkdir /root/locked && touch /root/locked/file && chmod 000 /root/locked")
        result = CliRunner().invoke(main, ["reset", "--home", str(cloud.home)], input="n\n")
        assert result.exit_code == 1
        assert cloud.home.exists()
        code, output = _command(cloud, "reset", "--yes")
        assert code == 0, output
        assert not cloud.home.exists()
        assert _command(cloud, "down") == (0, "localcloud was not running\n")
        assert _command(cloud, "status")[0] == 3


def test_the_home_is_for_its_owner(cloud: Cloud) -> None:
    assert stat.S_IMODE(cloud.home.stat().st_mode) & 0o077 == 0


def test_in_the_foreground_until_interrupted(tmp_path: Path) -> None:
    with running_cloud(tmp_path / "cloud") as cloud:
        cloud.stop()
        process = subprocess.Popen(
            [sys.executable, "-m", "localcloud", "up", "--foreground", "--home", str(cloud.home)],
            stderr=subprocess.PIPE,
            text=True,
            env=cloud.environment(),
        )
        try:
            cloud.until(lambda: daemon.status(cloud.home).running)
            second = CliRunner().invoke(main, ["up", "--foreground", "--home", str(cloud.home)])
            assert second.exit_code == 1
            assert "runs already" in second.output
        finally:
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=60)
        assert process.returncode == 0
        assert "Traceback" not in said


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pebble = find_pebble()
    engine_environment.cache_clear()
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("LUODI_CACHE", str(tmp_path / "cache"))
    with pytest.raises(LocalcloudError, match="make engine"):
        daemon.up(tmp_path / "nothing")
    (tmp_path / "bin" / "pebble").symlink_to(pebble)
    with running_cloud(tmp_path / "cloud") as cloud:
        order = {"BundleId": orders.BUNDLE, "BlueprintId": "lhbp-f1lkcd41", "InstanceChargePrepaid": {"Period": 1}}
        (instance,) = cloud.call("lighthouse", "CreateInstances", order)["InstanceIdSet"]
        cloud.settle()
        shown = orders.described(cloud, instance) or {}
        assert (shown["InstanceState"], shown["LatestOperationState"]) == ("LAUNCH_FAILED", "FAILED")
        code, output = _command(cloud, "logs", "daemon")
        assert code == 0
        assert "bubblewrap" in output
        cloud.call("lighthouse", "TerminateInstances", {"InstanceIds": [instance]})
        assert cloud.counts()["lighthouse_instance"] == 0
    engine_environment.cache_clear()


def test_following_a_log(cloud: Cloud) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "localcloud", "logs", "--home", str(cloud.home), "api", "-f"],
        stdout=subprocess.PIPE,
        text=True,
        env=cloud.environment(),
    )
    assert process.stdout is not None
    try:
        cloud.call("cvm", "DescribeInstances", {"Filters": [{"Name": "zone", "Values": ["followed"]}]})
        while "followed" not in process.stdout.readline():
            assert process.poll() is None
    finally:
        process.terminate()
        process.communicate(timeout=30)
