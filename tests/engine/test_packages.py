"""System packages: seen, installed, or the command to type."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine import packages, provide
from engine.errors import EngineError

APT_GET = "apt-get -q -o DPkg::Lock::Timeout=600"
ABSENT = packages.Package("no-such-package", "is only asked for here", lambda: False)
PRESENT = packages.Package("sh", "is everywhere", lambda: True)


@pytest.fixture
def machine(own_cache: Path, monkeypatch: pytest.MonkeyPatch, program: Callable[..., Path], tmp_path: Path) -> Path:
    """A Debian machine whose apt-get only writes down how it was called."""
    calls = tmp_path / "calls"
    calls.touch()
    policy = tmp_path / "policy-rc.d"
    monkeypatch.setattr(packages, "POLICY", policy)
    note = f'echo "$(basename "$0") $* [$DEBIAN_FRONTEND, services: $({policy} && echo on || echo off)]" >> {calls}'
    program("apt-get", note)
    path = program("update-rc.d", note)
    monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return calls


def test_what_is_there_is_left_alone(machine: Path) -> None:
    packages.require((PRESENT,))
    assert machine.read_text() == ""


def test_root_installs_and_no_service_starts(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packages.require((PRESENT, ABSENT))
    assert machine.read_text().splitlines() == [
        f"{APT_GET} update [noninteractive, services: off]",
        f"{APT_GET} install -y --no-install-recommends no-such-package [noninteractive, services: off]",
    ]
    assert not packages.POLICY.exists()
    assert "no-such-package is missing; it is only asked for here" in capsys.readouterr().err


def test_two_who_need_the_same_install_it_once(machine: Path, tmp_path: Path, program: Callable[..., Path]) -> None:
    there = tmp_path / "there"
    program("apt-get", f"echo $* >> {machine}; sleep 0.3; touch {there}")
    wanted = packages.Package("tool", "is asked for twice", there.is_file)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: packages.require((wanted,)), range(2)))
    assert machine.read_text().count(" install -y ") == 1


def test_an_administrators_own_policy_stays(machine: Path) -> None:
    packages.POLICY.write_text("#!/bin/sh\nexit 0\n")
    packages.POLICY.chmod(0o755)
    packages.install(["tool"])
    assert "services: on" in machine.read_text()
    assert packages.POLICY.read_text() == "#!/bin/sh\nexit 0\n"


def test_nginx_itself_stays_off_after_a_boot(machine: Path) -> None:
    packages.install(["nginx"])
    assert machine.read_text().splitlines()[-1].startswith("update-rc.d nginx disable")


def test_a_failed_installation_is_quoted(machine: Path, program: Callable[..., Path]) -> None:
    program("apt-get", "echo E: Unable to locate package tool; exit 100")
    with pytest.raises(EngineError, match=r"failed \(exit code 100\)(.|\n)*Unable to locate package tool"):
        packages.install(["tool"])
    assert not packages.POLICY.exists()


def test_an_ordinary_user_is_given_the_command(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(EngineError) as raised:
        packages.require((ABSENT,))
    command = "sudo apt-get update && sudo apt-get install -y --no-install-recommends no-such-package"
    assert command in str(raised.value)
    assert machine.read_text() == ""


def test_another_system_is_given_the_names(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(packages, "NEEDED", (ABSENT,))
    assert provide.main(["--packages"]) == 1
    said = capsys.readouterr().err
    assert "no apt-get" in said
    assert "no-such-package" in said
    assert "Traceback" not in said


def test_nginx_is_seen_where_an_ordinary_user_has_no_path(
    tmp_path: Path, program: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    nginx = program("nginx", "exit 0", folder="sbin")
    monkeypatch.setenv("PATH", "/nowhere")
    seen = next(package for package in packages.NEEDED if package.name == "nginx").present
    monkeypatch.setattr(packages, "SYSTEM_FOLDERS", ())
    assert not seen()
    monkeypatch.setattr(packages, "SYSTEM_FOLDERS", (str(nginx.parent),))
    assert seen()
