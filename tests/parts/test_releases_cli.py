"""`luodi releases`, `luodi rollback`, `luodi diff`, on a sandboxed server; the engine's two answers are made up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from luodi.api import Account
from luodi.cli import main
from luodi.delivery.served import Past
from luodi.rendering import RELEASE
from tests.parts import fake_tat, machine
from tests.parts.machine import Machine, site
from tests.parts.test_scripts import SCRIPTS, landed

REPOSITORY = Path(__file__).parents[2]
STACK = {
    "tencentcloud:region": "ap-guangzhou",
    "luodi:site": {"domain": "example.cn", "title": "示例"},
    "luodi:server": {"kind": "cvm"},
    "luodi:filing": {"icp": {"number": "粤ICP备2026068982号-1", "approved": "2026-01-02"}},
}
_PULUMI = """#!/bin/bash
case "$*" in
  "stack export"*) cat "$(dirname "$0")/export.json" ;;
  "preview --json"*) cat "$(dirname "$0")/preview.json" ;;
  *) echo "error: unknown: $*" >&2; exit 1 ;;
esac
"""


class Team:
    """A project with one stack that is up, on a machine that knows its credentials."""

    def __init__(self, folder: Path, server: Machine) -> None:
        self.folder, self.server = folder, server
        (folder / "stacks").mkdir(parents=True)
        (folder / "bin").mkdir()
        (folder / "templates").symlink_to(REPOSITORY / "templates")
        (folder / "Pulumi.yaml").write_text("name: test\nruntime: python\nstackConfigDir: stacks\n")
        self.stack("production")
        (folder / "bin" / "pulumi").write_text(_PULUMI)
        (folder / "bin" / "pulumi").chmod(0o755)
        self.answers("export", {"deployment": {"resources": [_stack({"address": "203.0.113.9", "instance": "ins-1"})]}})

    def stack(self, name: str) -> None:
        path = self.folder / "stacks" / f"Pulumi.{name}.yaml"
        path.write_text(yaml.safe_dump({"config": STACK}, allow_unicode=True), "utf-8")

    def answers(self, command: str, answer: Any) -> None:
        """What the engine prints."""
        (self.folder / "bin" / f"{command}.json").write_text(json.dumps(answer))

    def previews(self, files: dict[str, bytes], **inputs: Any) -> None:
        texts = {path: data.decode() for path, data in files.items()}
        state = {"type": "pulumi-python:dynamic/luodi:Release", "inputs": {"files": texts, "folders": {}, **inputs}}
        self.answers("preview", {"steps": [{"newState": {"type": "pulumi:pulumi:Stack"}}, {"newState": state}]})

    def luodi(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, [*arguments, "--cwd", str(self.folder)], catch_exceptions=False)


def _stack(outputs: dict[str, Any]) -> dict[str, Any]:
    return {"type": "pulumi:pulumi:Stack", "outputs": outputs}


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Team]:
    (tmp_path / "machine").mkdir()
    with machine.running(tmp_path / "machine") as server:
        answers = fake_tat.answers(server)
        monkeypatch.setattr(Account, "call", lambda _self, _service, action, parameters: answers[action](parameters))
        monkeypatch.setenv("TENCENTCLOUD_SECRET_ID", "AKIDexample")
        monkeypatch.setenv("TENCENTCLOUD_SECRET_KEY", "x7Qd-not-for-anybody")
        monkeypatch.setenv("PATH", str(tmp_path / "project" / "bin"), prepend=":")
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "200")
        yield Team(tmp_path / "project", server)


def two(team: Team) -> tuple[str, str]:
    first = landed(team.server, "one")
    team.server.says("sleep 1.1")  # their times are told in seconds
    return first, landed(team.server, "two")


# --- the list ----------------------------------------------------------------------------------------


def test_the_list_of_releases(team: Team) -> None:
    assert team.luodi("releases").output == "No release yet: `pulumi up` delivers the first.\n"
    first, second = two(team)
    shown = team.luodi("releases")
    assert shown.exit_code == 0
    _, newest, older = shown.output.splitlines()
    assert newest.startswith(f"*  {second}")
    assert "Zhang San <zhang@example.cn>" in newest
    assert "c0ffee" in newest
    assert older.startswith(f"   {first}")
    told = json.loads(team.luodi("releases", "--json").output)
    assert [(each["id"], each["current"]) for each in told] == [(second, True), (first, False)]


# --- the way back ------------------------------------------------------------------------------------


def test_the_way_back(team: Team) -> None:
    first, second = two(team)
    asked = CliRunner().invoke(main, ["rollback", "--cwd", str(team.folder)], input="n\n")
    assert asked.exit_code == 1
    assert team.server.current == second
    done = team.luodi("rollback", "--yes")
    assert done.exit_code == 0
    assert f"production: {second} (" in done.output
    assert f"-> {first} (" in done.output
    assert f"Release {first} is being served.\n" in done.output
    assert "the next `pulumi up --stack production` delivers that again" in done.output
    team.server.eventually_serves("one")
    assert Past.parse(team.server.says(SCRIPTS.releases()))[1].record["who"] == "Zhang San <zhang@example.cn>"
    audit = json.loads(team.server.says("tail --lines=1 /var/log/luodi/audit.log"))
    assert (audit["action"], audit["release"]) == ("rollback", first)
    assert team.server.says("tail --lines=1 /var/log/luodi/audit.log").count('"at":') == 1
    assert audit["who"] != "Zhang San <zhang@example.cn>", "who goes back is not who delivered"

    again = team.luodi("rollback", "--yes")
    assert (again.exit_code, again.output) == (1, "Error: There is no earlier release on the server to go back to.\n")
    assert team.luodi("rollback", second[:8], "--yes").exit_code == 0
    team.server.eventually_serves("two")


def test_a_release_that_is_meant_must_be_one(team: Team) -> None:
    first, second = two(team)
    done = team.luodi("rollback", "zzz", "--yes")
    assert done.exit_code == 1
    assert done.output == f"Error: 0 releases on the server begin with zzz; there are: {second}, {first}\n"
    assert team.luodi("rollback", "", "--yes").output.startswith("Error: 2 releases on the server begin with ;")


def test_a_way_back_that_the_server_refuses(team: Team) -> None:
    first, second = two(team)
    team.server.says(f"echo mine > /opt/luodi/releases/{first}/html/index.html")
    done = team.luodi("rollback", "--yes")
    assert done.exit_code == 1
    assert f"Switching back to release {first} failed with exit code 1 on ins-1:" in done.output
    assert "was changed on the server since it was delivered; nothing was switched." in done.output
    assert team.server.current == second


# --- the difference ----------------------------------------------------------------------------------


def test_what_an_up_would_change(team: Team) -> None:
    release = landed(team.server, "one")
    same = site(team.server.certificate, "one")
    team.previews(same)
    done = team.luodi("diff", "--exit-code")
    assert (done.exit_code, done.output) == (0, f"0 of {len(same)} files differ from release {release}\n")

    team.server.says("echo '# mine' >> /opt/luodi/current/nginx/nginx.conf")
    team.previews({**site(team.server.certificate, "two"), "html/new.txt": b"new\n"})
    done = team.luodi("diff", "--exit-code")
    assert done.exit_code == 1
    shown = done.output.splitlines()
    assert shown[:10] == [
        "--- server/html/index.html",
        "+++ release/html/index.html",
        "@@ -1 +1 @@",
        "-one",
        "+two",
        "--- nothing",
        "+++ release/html/new.txt",
        "@@ -0,0 +1 @@",
        "+new",
        "--- server/nginx/nginx.conf (changed on the server by hand)",
    ]
    assert shown[-2] == "-# mine"
    assert shown[-1].startswith(
        f"3 of 4 files differ from release {release}; 1 were changed on the server by hand, and"
    )
    assert RELEASE not in done.output
    assert team.luodi("diff").exit_code == 0


def test_content_is_compared_too(team: Team) -> None:
    landed(team.server, "one")
    (team.folder / "public").mkdir()
    (team.folder / "public" / "a.txt").write_text("a\n")
    from luodi.delivery import content

    digest = content.look(str(team.folder / "public")).digest
    team.previews(
        site(team.server.certificate, "one"), folders={"sites/x/html": {"source": "public", "digest": digest}}
    )
    assert "+++ release/sites/x/html/a.txt" in team.luodi("diff").output
    (team.folder / "public" / "a.txt").write_text("b\n")
    done = team.luodi("diff")
    assert done.exit_code == 1
    assert "changed while it was being published" in done.output


def test_what_only_an_up_will_tell(team: Team) -> None:
    landed(team.server, "one")
    team.previews({"nginx/nginx.conf": b"04da6b54-80e4-46f7-96ec-b56ff0331ba9"})
    done = team.luodi("diff")
    assert done.exit_code == 1
    assert "is only known once `pulumi up` runs" in done.output


def test_a_preview_that_fails_is_told_in_its_words(team: Team) -> None:
    landed(team.server, "one")
    team.answers("preview", {"steps": [], "diagnostics": [{"message": "luodi:site.domain: is empty\n"}]})
    done = team.luodi("diff")
    assert (done.exit_code, done.output) == (
        1,
        "Error: pulumi preview tells of no release\nluodi:site.domain: is empty\n",
    )
    (team.folder / "bin" / "preview.json").write_text("error: no stack")
    assert team.luodi("diff").output.startswith("Error: pulumi preview failed:\nerror: no stack")


# --- what can't be asked -----------------------------------------------------------------------------


def test_which_stack(team: Team) -> None:
    team.stack("staging")
    done = team.luodi("releases")
    assert (done.exit_code, done.output) == (1, "Error: which stack? Name one by --stack: production, staging\n")
    assert team.luodi("releases", "--stack", "staging").exit_code == 0


def test_a_stack_that_is_not_up(team: Team) -> None:
    team.answers("export", {"deployment": {"resources": []}})
    assert team.luodi("releases").output == "Error: production: the stack is not up\n"


def test_no_project(team: Team, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["releases", "--cwd", str(tmp_path)])
    assert done.exit_code == 1
    assert "no Pulumi.yaml here or above" in done.output


def test_no_credentials(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TENCENTCLOUD_SECRET_KEY")
    assert team.luodi("releases").output.startswith("Error: No Tencent Cloud credentials.")
