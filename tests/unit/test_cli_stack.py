"""`luodi stack new`, as it is typed."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pexpect
import pytest
import yaml
from click.testing import CliRunner, Result

from luodi.cli import main
from luodi.settings import Settings
from luodi.web import password_hash
from tests.screen import heed_interrupts, interrupt
from tests.unit.test_settings import GOOD

REPOSITORY = Path(__file__).parents[2]


class Project:
    """A project with one stack."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.stacks = folder, folder / "stacks"
        self.stacks.mkdir()
        (folder / "Pulumi.yaml").write_text("name: test\nruntime: python\nstackConfigDir: stacks\n")
        self.write("production", dict(GOOD))

    def write(self, stack: str, config: dict[str, Any]) -> None:
        (self.stacks / f"Pulumi.{stack}.yaml").write_text(
            yaml.safe_dump({"config": config}, allow_unicode=True), "utf-8"
        )

    def new(self, *arguments: str, given: str | None = None) -> Result:
        command = ["stack", "new", *arguments, "--cwd", str(self.folder)]
        return CliRunner().invoke(main, command, input=given, catch_exceptions=False)

    def config(self, stack: str) -> dict[str, Any]:
        return dict(yaml.safe_load((self.stacks / f"Pulumi.{stack}.yaml").read_text("utf-8"))["config"])

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.stacks.iterdir())


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_staging_stack_in_one_command(project: Project) -> None:
    done = project.new("staging", "--from", "production", "--lang", "en")
    assert done.exit_code == 0, done.output
    assert "staging, made from production: 7 differences" in done.stdout
    assert "certificate.authority" in done.stdout
    assert done.stdout.splitlines()[-5:] == [
        "Next:",
        "  pulumi stack init staging",
        "  # 1 of its own to be set, a line each:",
        "  pulumi config set --secret --path --stack staging 'luodi:site.areas[0].users.team' \"$(openssl passwd -6)\"",
        "  pulumi up --stack staging",
    ]
    assert Settings.parse(project.config("staging")).main.names == ("staging.example.cn", "www.staging.example.cn")
    assert project.files == ["Pulumi.production.yaml", "Pulumi.staging.yaml"]
    assert "$6$" not in done.output


def test_in_chinese(project: Project) -> None:
    done = project.new("staging", "--from", "production", "--lang", "zh")
    assert "staging，按 production 生成：7 处不同" in done.stdout
    written = (project.stacks / "Pulumi.staging.yaml").read_text("utf-8")
    assert "# 预发布用子域名；备案的是主域名，子域名随它备案" in written


def test_a_look_writes_nothing(project: Project) -> None:
    done = project.new("staging", "--from", "production", "--dry-run", "--user", "ann", "--lang", "en")
    assert done.exit_code == 0, done.output
    assert "nothing was written (--dry-run)" in done.stdout
    assert project.files == ["Pulumi.production.yaml"]


def test_for_a_program(project: Project) -> None:
    done = project.new("staging", "--from", "production", "--json")
    told = json.loads(done.stdout)
    assert told["path"] == str(project.stacks / "Pulumi.staging.yaml")
    differs = {each["key"]: (each["there"], each["here"]) for each in told["differences"]}
    assert differs["luodi:site.domain"] == ("example.cn", "staging.example.cn")
    assert [each["key"] for each in told["secrets"]] == ["luodi:site.areas[0].users.team"]
    assert "$6$" not in done.stdout


def test_a_password_becomes_a_hash(project: Project) -> None:
    done = project.new("staging", "--from", "production", "--user", "ann", given="correct horse battery\n")
    assert done.exit_code == 0, done.output
    [area] = project.config("staging")["luodi:site"]["areas"]
    assert password_hash(area["users"]["ann"]).startswith("$6$")
    assert "correct horse" not in done.output
    assert "pulumi config set" not in done.stdout


@pytest.mark.parametrize("password", ["", "short", "with\ttab in it"])
def test_a_password_that_is_none_is_refused(project: Project, password: str) -> None:
    done = project.new("staging", "--from", "production", "--user", "ann", given=f"{password}\n")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: --user ann: the password has ")
    assert project.files == ["Pulumi.production.yaml"]


def test_without_openssl_it_says_what_to_install(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    done = project.new("staging", "--from", "production", "--user", "ann", given="correct horse battery\n")
    assert (done.exit_code, done.stderr) == (
        1,
        "Error: --user ann: there is no openssl on PATH, which makes the hash; install it (apt-get install openssl)\n",
    )


def test_a_file_that_is_there_is_kept(project: Project) -> None:
    project.write("staging", {"kept": True})
    done = project.new("staging", "--from", "production")
    assert (done.exit_code, done.stderr) == (
        1,
        "Error: stacks/Pulumi.staging.yaml is there already; --force writes over it\n",
    )
    assert project.config("staging") == {"kept": True}
    assert project.new("staging", "--from", "production", "--force").exit_code == 0
    assert "luodi:site" in project.config("staging")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("my staging", "--from", "production"), "'my staging' is no stack's name: Pulumi takes letters"),
        (("a/b", "--from", "production"), "'a/b' is no stack's name"),
        (("production", "--from", "production"), "production can't be made from itself"),
        (("my_dev", "--from", "production"), "'my_dev' can't be part of a host name"),
        (("dev", "--from", "production", "--subdomain", "a.b"), "'a.b' can't be part of a host name"),
        (("dev", "--from", "production", "--allow", "203.0.113"), "write an IPv4 CIDR block"),
        (("dev", "--from", "production", "--user", "a b"), "is no user's name"),
        (("dev", "--from", "production", "--authority", "nobody"), "nobody is no authority; known are letsencrypt"),
        (("dev", "--from", "production", "--public", "--user", "ann"), "--public lets everybody in"),
        (("dev",), "Missing option '--from'"),
    ],
)
def test_a_wrong_command_line_ends_with_2(project: Project, arguments: tuple[str, ...], said: str) -> None:
    done = project.new(*arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert project.files == ["Pulumi.production.yaml"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("dev", "--from", "prod"), "there is no stack prod; there are: production"),
        (("dev", "--from", "production", "--size", "big"), "luodi:server.instance-type: big is no instance type"),
        (("dev", "--from", "production", "--authority", "zerossl"), "luodi:certificate.eab-key-id"),
        (("dev", "--from", "production", "--server", "lighthouse"), "name a bundle by --size"),
    ],
)
def test_what_can_t_be_made_writes_nothing(project: Project, arguments: tuple[str, ...], said: str) -> None:
    done = project.new(*arguments, "--lang", "en")
    assert done.exit_code == 1
    assert said in done.stderr
    assert "Traceback" not in done.output
    assert project.files == ["Pulumi.production.yaml"]


def test_a_source_that_is_wrong_says_so(project: Project) -> None:
    project.write("production", {**GOOD, "luodi:server": {"kind": "cvm", "period": 1}})
    done = project.new("staging", "--from", "production")
    assert done.exit_code == 1
    assert "luodi:server.period: 1 month; a filing needs" in done.stderr


def test_a_file_that_can_t_be_written_leaves_nothing_half_written(project: Project) -> None:
    (project.stacks / "Pulumi.dev.yaml").mkdir()
    done = project.new("dev", "--from", "production", "--force")
    assert done.exit_code == 1
    assert "can't be written: Is a directory; nothing was" in done.stderr
    assert project.files == ["Pulumi.dev.yaml", "Pulumi.production.yaml"]


# --- at a terminal -------------------------------------------------------------------------------


def terminal(project: Project, *arguments: str, columns: int = 120) -> pexpect.spawn[str]:
    command = [
        "-m",
        "luodi",
        "stack",
        "new",
        *arguments,
        "--from",
        "production",
        "--lang",
        "en",
        "-C",
        str(project.folder),
    ]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONUTF8": "1", "NO_COLOR": "1"}
    return pexpect.spawn(
        sys.executable,
        command,
        env=environment,
        encoding="utf-8",
        timeout=60,
        dimensions=(40, columns),
        preexec_fn=heed_interrupts,
    )


def ended(typed: pexpect.spawn[str]) -> tuple[str, int | None]:
    """What was still shown, and the exit code."""
    typed.expect(pexpect.EOF)
    typed.close()
    return str(typed.before), typed.exitstatus


def test_a_password_and_a_yes_are_asked_for(project: Project) -> None:
    typed = terminal(project, "staging", "--user", "ann")
    for prompt in ("Password of ann: ", "Repeat for confirmation: "):
        typed.expect_exact(prompt)
        typed.sendline("correct horse battery")
    typed.expect_exact("Write stacks/Pulumi.staging.yaml? [Y/n]: ")
    typed.sendline("")
    rest, code = ended(typed)
    assert (code, "is written" in rest) == (0, True)
    assert "Pulumi.staging.yaml" in project.files


@pytest.mark.parametrize("prompt", ["Password of ann: ", "Repeat for confirmation: ", "Write stacks/Pulumi"])
def test_ctrl_c_at_any_question_writes_nothing(project: Project, prompt: str) -> None:
    typed = terminal(project, "staging", "--user", "ann")
    for asked in ("Password of ann: ", "Repeat for confirmation: ", "Write stacks/Pulumi"):
        typed.expect_exact(asked)
        if asked == prompt:
            interrupt(typed)
            break
        typed.sendline("correct horse battery")
    typed.close()
    rest = str(typed.before)
    assert typed.exitstatus == 130
    assert "Stopped." in rest
    assert "Traceback" not in rest
    assert project.files == ["Pulumi.production.yaml"]


def test_a_narrow_terminal_shows_paragraphs(project: Project) -> None:
    shown, code = ended(terminal(project, "staging", "--dry-run", columns=50))
    assert code == 0
    lines = [line.rstrip() for line in shown.splitlines()]
    why = lines[lines.index("site.domain: example.cn | staging.example.cn") + 1]
    assert "under the filed apex, so under its filing" in why
