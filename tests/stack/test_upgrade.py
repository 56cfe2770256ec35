"""A stack that an earlier version brought up, brought up by this one: states as they were written then."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cloud import Cloud
from tests.project import Project, Stack, fetch

_STATES = Path(__file__).parent / "states"
_DOMAIN = "luodi-example.cn"
_CLOUDS_OWN = ("tencentcloud:", "pulumi:providers:tencentcloud")


def _resources(state: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = state["deployment"]["resources"]
    return found


def _instance(state: dict[str, Any]) -> str:
    [found] = [one["id"] for one in _resources(state) if one["type"] == "tencentcloud:Instance/instance:Instance"]
    return str(found)


def _here(recorded: dict[str, Any], now: dict[str, Any]) -> str:
    """The recorded state, its cloud's resources those of this rehearsal: a server can't be recorded, what is said of
    it can."""
    known = {one["urn"]: one for one in _resources(now) if one["type"].startswith(_CLOUDS_OWN)}
    state = copy.deepcopy(recorded)
    state["deployment"]["resources"] = [known.get(one["urn"], one) for one in _resources(recorded)]
    return json.dumps(state).replace(_instance(recorded), _instance(now))


def _ids(stack: Stack) -> dict[str, str]:
    """What of the cloud the stack has: none of it may be made anew."""
    return {
        one["urn"]: one["id"]
        for one in _resources(json.loads(stack.state()))
        if one["type"].startswith("tencentcloud:")
    }


@pytest.mark.parametrize("recorded", sorted(_STATES.glob("*.json")), ids=lambda path: path.stem)
def test_a_stack_of_an_earlier_version_comes_up(recorded: Path, cloud: Cloud, tmp_path: Path) -> None:
    project = Project(tmp_path / "site", cloud.environment())
    project.environment["PULUMI_CONFIG_PASSPHRASE"] = "rehearsal"
    stack = project.stack("local")
    stack.up()
    before, now = _ids(stack), json.loads(stack.state())
    old = tmp_path / "state.json"
    old.write_text(_here(json.loads(recorded.read_text("utf-8")), now), "utf-8")
    imported = project.pulumi("stack", "import", "--stack", "local", "--file", str(old))
    assert imported.returncode == 0, imported.stderr

    stack.up()
    assert _ids(stack) == before
    left = {one["type"] for one in _resources(json.loads(stack.state()))}
    assert left == {one["type"] for one in _resources(now)}
    again = stack.run("preview")
    assert again.code == 0, str(again)
    assert again.changes == {}, str(again)
    page = fetch(stack.outputs()["address"], cloud.https_port, _DOMAIN, cloud.roots)
    assert "蜀ICP备2025146653号-1" in page.body
    gone = stack.run("destroy")
    assert gone.code == 0, str(gone)
