"""What holds for every command of `luodi`: its help, its exit codes, its completion, and how it is stopped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from click.testing import CliRunner

from luodi import __version__
from luodi.cli import main
from tests.screen import heed_interrupts, interrupt

REPOSITORY = Path(__file__).parents[2]
LUODI = "from luodi.cli import run; run()"
NAMES = sorted(main.list_commands(None))  # type: ignore[arg-type]


def luodi(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LUODI, *arguments],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def completed(*words: str) -> list[str]:
    """What a shell would offer for the last of `words`."""
    asked = luodi(COMP_WORDS=" ".join(("luodi", *words)), COMP_CWORD=str(len(words)), _LUODI_COMPLETE="bash_complete")
    assert asked.returncode == 0, asked.stderr
    return [line.partition(",")[2] for line in asked.stdout.splitlines() if line]


@pytest.mark.parametrize("name", NAMES)
def test_each_command_has_help_in_both_languages_with_examples(name: str) -> None:
    told = CliRunner().invoke(main, [name, "--help"]).output
    first = told.split("\n\n")[1].strip()
    assert any("\u4e00" <= letter <= "\u9fff" for letter in first), first
    assert "Examples:" in told or "Commands:" in told, "a group's examples are with its commands"


def test_the_version() -> None:
    assert luodi("--version").stdout == f"luodi {__version__}\n"


def test_exit_codes() -> None:
    assert luodi("--help").returncode == 0
    wrong = luodi("filing", "--stack", "nowhere")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.startswith("Error: there is no stack nowhere; there are: local, production, staging")
    mistyped = luodi("filng")
    assert mistyped.returncode == 2
    assert "No such command 'filng'" in mistyped.stderr


@pytest.mark.parametrize("name", ["certificate", "diff", "doctor", "filing", "graph", "price", "renew", "status"])
def test_a_project_without_stacks_is_told(name: str, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\nstackConfigDir: stacks\n")
    told = CliRunner().invoke(main, [name, "--cwd", str(tmp_path)])
    assert told.exit_code in (1, 2)
    assert isinstance(told.exception, SystemExit)
    assert f"{tmp_path / 'stacks'}: the project has no stack files" in told.stderr


@pytest.mark.parametrize("name", ["filing", "status"])
def test_a_project_file_that_is_none_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("a: [")
    told = CliRunner().invoke(main, [name, "--cwd", str(tmp_path)])
    assert told.exit_code == 1
    assert told.stderr.startswith(f"Error: {tmp_path / 'Pulumi.yaml'}: is no YAML: line 1")


def test_a_stack_folder_that_can_t_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\nstackConfigDir: stacks\n")
    (tmp_path / "stacks").write_text("a file")
    told = CliRunner().invoke(main, ["filing", "--cwd", str(tmp_path)])
    assert (told.exit_code, told.stderr) == (1, f"Error: {tmp_path / 'stacks'}: can't be read: Not a directory\n")


def test_an_output_that_is_full_is_told() -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-c", LUODI, "--help"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, "Error: the output can't be written: No space left on device\n")


@pytest.mark.parametrize("words", [("filing",), ("renew", "--stack")])
def test_a_stack_is_completed(words: tuple[str, ...]) -> None:
    if words == ("filing",):
        words = ("filing", "--stack")
    assert completed(*words, "") == ["local", "production", "staging"]
    assert completed(*words, "pro") == ["production"]


def test_commands_and_options_are_completed() -> None:
    assert completed("re") == ["releases", "render", "renew", "revoke"]
    assert completed("compare", "s") == ["staging"]
    assert completed("rollback", "--y") == ["--yes"]


def test_where_there_is_no_project_no_stack_is_completed(tmp_path: Path) -> None:
    assert completed("renew", "--cwd", str(tmp_path), "--stack", "") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(shell: str) -> None:
    told = luodi("completion", shell)
    assert told.returncode == 0, told.stderr
    assert f"_LUODI_COMPLETE={shell}_complete" in told.stdout


def test_bash_takes_the_script_and_completes(tmp_path: Path) -> None:
    """By bash's own completion, as Tab does."""
    program = tmp_path / "luodi"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{LUODI}' \"$@\"\n")
    program.chmod(0o755)
    script = (
        'eval "$(luodi completion bash)"; COMP_WORDS=(luodi roll); COMP_CWORD=1; '
        '_luodi_completion luodi; echo "${COMPREPLY[@]}"'
    )
    said = subprocess.run(
        ["bash", "-c", script],
        cwd=REPOSITORY,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert said.stdout == "rollback\n", said.stderr


def test_ctrl_c_ends_with_130_and_no_traceback(tmp_path: Path) -> None:
    pulumi = tmp_path / "pulumi"
    pulumi.write_text("#!/bin/sh\necho asked >/dev/tty; exec sleep 60\n")
    pulumi.chmod(0o755)
    command = ["-c", LUODI, "releases", "--stack", "production", "--cwd", str(REPOSITORY)]
    terminal = pexpect.spawn(
        sys.executable,
        command,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(REPOSITORY)},
        encoding="utf-8",
        timeout=60,
        preexec_fn=heed_interrupts,
    )
    terminal.expect("asked")
    interrupt(terminal)
    terminal.close()
    assert terminal.exitstatus == 130
    assert "Stopped." in str(terminal.before)
    assert "Traceback" not in str(terminal.before)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = luodi("render", "--stack", "local", "--out", str(tmp_path / "file" / "rendered"))
    assert done.returncode == 1
    assert str(tmp_path / "file") in done.stderr
    assert "Traceback" not in done.stderr


def test_help_imports_neither_pulumi_nor_rich() -> None:
    code = (
        "import sys; from luodi.cli import main\n"
        "try: main()\nfinally: sys.exit(3 if {'pulumi', 'rich'} & {*sys.modules} else 0)"
    )
    for name in ("compare", "completion", "filing", "graph", "logs", "price", "releases", "status"):
        ran = subprocess.run(
            [sys.executable, "-c", code, name, "--help"], cwd=REPOSITORY, capture_output=True, check=False
        )
        assert ran.returncode == 0, name
