"""The pack as a user runs it, `--policy-pack policy`, by the real engine on the rehearsal cloud."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.cloud import Cloud
from tests.project import REPOSITORY, Project, Run, edited

_PROGRAM = Path(__file__).parent / "program"
_NUMBER = "粤ICP备2026068982号-1"

pytestmark = pytest.mark.slow


@pytest.fixture
def project(cloud: Cloud, tmp_path: Path) -> Project:
    """A clone of this repository, with the pack."""
    made = Project(tmp_path / "site", cloud.environment())
    shutil.copytree(REPOSITORY / "policy", made.folder / "policy", ignore=shutil.ignore_patterns("__pycache__"))
    return made


@pytest.fixture
def shop(project: Project) -> Project:
    """A project of somebody's own in its place."""
    shutil.rmtree(project.folder / "stacks")
    for file in _PROGRAM.iterdir():
        if file.is_file():
            shutil.copy2(file, project.folder / file.name)
    return project


def judged(project: Project, stack: str, command: str = "preview", config: object = None) -> Run:
    """What a command says with the pack, which must have run."""
    arguments = ["--policy-pack", "policy"]
    if config is not None:
        path = project.folder / "policy-config.json"
        path.write_text(json.dumps(config), "utf-8")
        arguments += ["--policy-pack-config", str(path)]
    done = project.stack(stack).run(command, *arguments)
    assert re.search(r"luodi\S* +\S*0\.1\.0", done.output), str(done)
    return done


@pytest.mark.parametrize("stack", ["production", "staging", "local"])
def test_the_shipped_stacks_pass(project: Project, stack: str) -> None:
    if stack == "local":  # its secrets are of the rehearsal's passphrase
        project.environment["PULUMI_CONFIG_PASSPHRASE"] = "rehearsal"
    done = judged(project, stack)
    assert done.code == 0, str(done)
    assert "[mandatory]" not in done.output
    assert "[advisory]" not in done.output, str(done)


def test_an_update_passes_and_a_change_for_the_worse_is_refused_before_it_is_made(project: Project) -> None:
    project.environment["PULUMI_CONFIG_PASSPHRASE"] = "rehearsal"
    file = project.folder / "stacks" / "Pulumi.local.yaml"
    landed = judged(project, "local", "up")
    assert landed.code == 0, str(landed)
    try:
        # The second look has outputs where the first had unknowns.
        assert judged(project, "local").code == 0
        opened = "period: 3\n    ingress: [{port: '22', source: 0.0.0.0/0}]"
        with edited(file, "period: 3", opened):
            done = judged(project, "local", "up")
        assert done.code != 0
        assert "remote-login-closed" in done.output
        assert "site-server-rules opens 22 (SSH) to the world" in done.output
        assert done.changes == {}, str(done)
        # And production's site is not closed by a number that got lost.
        text = file.read_text("utf-8")
        filing = text[text.index("    icp:") : text.index("\n", text.index("    icp:")) + 1]
        with edited(file, filing, ""):
            done = judged(project, "local", "up", {"production-site-stays-open": {"stacks": ["local"]}})
        assert done.code != 0
        assert "production-site-stays-open" in done.output, str(done)
        assert "this update CLOSES it" in done.output, str(done)
        assert "there is no filing number" in done.output
        assert "delete" not in done.changes, str(done)
    finally:
        assert project.stack("local").run("destroy").code == 0


def test_a_program_that_is_not_luodis_is_refused_with_each_fault_named(shop: Project) -> None:
    done = judged(shop, "production", config={"no-public-record-unfiled": {"filed": {"example.cn": _NUMBER}}})
    assert done.code != 0
    for policy, fault in (
        ("remote-login-closed", "open-to-all opens 22 (SSH) to the world"),
        ("server-on-mainland", "far-away, a CVM instance (云服务器): ap-hongkong, Hong Kong (中国香港), is not on the"),
        ("filed-server-eligible", "far-away, a CVM instance (云服务器) that carries example.cn: ap-hongkong"),
        ("filed-server-eligible", "that carries example.cn: instanceChargeType: POSTPAID_BY_HOUR"),
        ("no-public-record-unfiled", "unfiled would lead example.com.cn to"),
        ("production-server-protected", "far-away, a CVM instance (云服务器) of stack production, is not protected"),
        ("production-server-image-kept", "far-away, a CVM instance (云服务器) of stack production, follows imageId"),
    ):
        assert policy in done.output, str(done)
        assert fault in done.output, str(done)
    assert "filed would lead example.cn to" not in done.output


def test_the_config_sets_levels_and_what_is_filed(shop: Project) -> None:
    config = {
        "all": "advisory",
        "no-public-record-unfiled": {"filed": {"example.cn": _NUMBER, "example.com.cn": _NUMBER}},
        "production-server-protected": "disabled",
    }
    done = judged(shop, "production", config=config)
    assert done.code == 0, str(done)
    assert "open-to-all opens 22 (SSH) to the world" in done.output
    carries = "far-away, a CVM instance (云服务器) that carries example.cn: "
    assert f"{carries}ap-hongkong, Hong Kong (中国香港), is not on the mainland" in done.output
    assert f"{carries}instanceChargeType: POSTPAID_BY_HOUR" in done.output
    assert "no-public-record-unfiled" not in done.output
    assert "is not protected" not in done.output
